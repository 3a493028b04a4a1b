"""The creator whom a form names by the handle."""

from uuid import UUID

from api.http.error_codes import Code
from api.http.errors import field_error
from api.web.kit.page import PageContext
from domain.creator.handle import normalize_handle
from domain.errors import InvalidHandleError
from projections.creators.creator import Creator


async def creator_with(
    page: PageContext,
    typed: str,
    *,
    field: str,
    unknown: str,
    project_id: UUID | None = None,
) -> UUID:
    """Return the creator with a handle, of a project if one is given.

    Raises:
        ApiError: ``invalid_body`` at the ``field``: the text is no handle, or there is
            no such creator, as ``unknown`` says.
    """
    try:
        handle = normalize_handle(typed)
    except InvalidHandleError as error:
        raise field_error(Code.INVALID_BODY, field, error.reason) from None
    found = await page.get(
        "/creators",
        list[Creator],
        tiktok_handles=handle,
        project_id=None if project_id is None else str(project_id),
        limit=1,
    )
    if found.data:
        return found.data[0].id
    raise field_error(Code.INVALID_BODY, field, unknown)

"""Reading: waiting for a position, and turning rows into pages."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar
from uuid import UUID

from litestar.params import QueryParameter

from api.http import cursors
from api.http.errors import ApiError, Code, field_error
from api.http.request import Request
from api.http.responses import Page
from projections.engine.reader import ProjectionBehindError, Reader

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
_MAX_POSITION_DIGITS = 18

Limit = Annotated[
    int,
    QueryParameter(ge=1, le=MAX_LIMIT, description="How many rows a page may have."),
]
Cursor = Annotated[
    str | None,
    QueryParameter(description="meta.nextCursor of the page before this one."),
]

T = TypeVar("T")
After = TypeVar("After")


async def caught_up(request: Request, reader: Reader, projection: str) -> None:
    """Wait for the position that Goatherd-Min-Position names, if it names one.

    Raises:
        ApiError: ``invalid_params``, if it is no position; ``projection_behind``, if
            the projection did not come there within two seconds.
    """
    header = request.raw_header(b"goatherd-min-position")
    if header is None:
        return
    if not header.isdigit() or len(header) > _MAX_POSITION_DIGITS:
        raise field_error(
            Code.INVALID_PARAMS, "/Goatherd-Min-Position", "must be a position"
        )
    await reached(reader, projection, int(header))


async def reached(reader: Reader, projection: str, position: int) -> None:
    """Wait until a projection has taken in a position.

    Raises:
        ApiError: ``projection_behind``, if it did not within two seconds.
    """
    try:
        await reader.wait_for(projection, position)
    except ProjectionBehindError as error:
        raise ApiError(
            Code.PROJECTION_BEHIND, str(error), headers={"Retry-After": "1"}
        ) from error


class Pages:
    """Cuts lists into pages whose cursors are signed with the secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def after(
        self,
        cursor: str | None,
        *,
        organization_id: UUID,
        filters: Mapping[str, Any],
        after: type[After],
    ) -> After | None:
        """Return what the cursor points after; None without a cursor.

        Raises:
            ApiError: ``invalid_cursor``.
        """
        if cursor is None:
            return None
        return cursors.decode(
            self._secret,
            cursor,
            organization_id=organization_id,
            filters=filters,
            after=after,
        )

    def page(
        self,
        rows: Sequence[T],
        *,
        limit: int,
        organization_id: UUID,
        filters: Mapping[str, Any],
        key: Callable[[T], object],
    ) -> Page[T]:
        """Return the first ``limit`` of ``rows``, which are one more if there are more.

        ``key`` is what the cursor of the next page points after: sort value and id.
        """
        shown = list(rows[:limit])
        following = None
        if len(rows) > limit:
            following = cursors.encode(
                self._secret,
                organization_id=organization_id,
                filters=filters,
                after=key(shown[-1]),
            )
        return Page(shown, limit=limit, next_cursor=following)

"""The selected rows of a list: their ids, and the address of the list to go back to."""

from collections.abc import Sequence
from typing import Literal, TypeVar
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from api.http.errors import Code, field_error
from api.routes.analytics.parameters import MOST_ENTITIES
from api.web.kit.list_query import ListQuery
from api.web.kit.page import PageContext, PageResponse
from api.web.kit.page_query import PageQuery

Q = TypeVar("Q", bound=ListQuery)

# The days and the order of the list, which a file of chosen rows keeps.
_OF_THE_LIST = ("period", "from", "to", "sort", "order")


class MenuQuery(PageQuery, frozen=True, kw_only=True):
    """The query of a row's menu.

    ``back`` is the address of the list, to which an action returns.
    """

    back: str = ""


def id_in(text: str, field: str) -> UUID:
    """Return the id in a field of a form.

    Raises:
        ApiError: ``invalid_body``, naming the field.
    """
    try:
        return UUID(text)
    except ValueError:
        raise field_error(Code.INVALID_BODY, f"/{field}", "must be an id") from None


def list_address(back: str, path: str) -> str:
    """Return the address in a form, if it is one of the list at ``path``, or the list.

    Another address would let a link lead people to another site.
    """
    is_list = back == path or back.startswith(f"{path}?")
    return back if is_list and back.isprintable() else path


def query_of_list(back: str, kind: type[Q]) -> Q:
    """Return the days and the order in the address of a list."""
    names = dict(
        zip(kind.__struct_encode_fields__, kind.__struct_fields__, strict=True)
    )
    listed = dict(parse_qsl(urlsplit(back).query))
    chosen = {names[name]: listed[name] for name in _OF_THE_LIST if name in listed}
    return kind(**chosen)


def compare_selected(
    page: PageContext,
    entity: Literal["creator", "campaign"],
    ids: Sequence[UUID],
    *,
    back: str,
) -> PageResponse:
    """Go to the comparison; back to the list, with the reason, if it cannot be made."""
    if not 0 < len(ids) <= MOST_ENTITIES:
        page.flash(f"Select up to {MOST_ENTITIES} {entity}s to compare.")
        return page.go_to(back)
    return page.go_to(f"/compare?entity={entity}&ids={','.join(map(str, ids))}")

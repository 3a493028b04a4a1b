"""The views of a list on its page: links to them, and the query that is saved."""

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from msgspec import Struct

from api.web.kit.page import PageContext
from api.web.kit.page_query import PageQuery
from domain.events import ViewedList
from projections.views import View

_MOST_SHOWN = 100
Q = TypeVar("Q", bound=PageQuery)


class ViewLink(Struct, frozen=True, kw_only=True):
    """A view of the list; ``is_current`` says that the page shows it."""

    id: UUID
    name: str
    is_built_in: bool
    is_current: bool


class ListViews(Struct, frozen=True, kw_only=True):
    """The views of a list, and the query that a new view of it would have."""

    list: ViewedList
    links: tuple[ViewLink, ...]
    query: str


async def views_of(
    page: PageContext, viewed: ViewedList, query: Mapping[str, str]
) -> ListViews:
    """Return the views of a list whose page shows this query of the API."""
    got = await page.get("/views", list[View], list=viewed, limit=_MOST_SHOWN)
    links = tuple(
        ViewLink(
            id=view.id,
            name=view.name,
            is_built_in=view.is_built_in,
            is_current=dict(parse_qsl(view.query)) == query,
        )
        for view in got.data
    )
    return ListViews(list=viewed, links=links, query=urlencode(query))


def page_address(query: Mapping[str, str], kind: type[Q]) -> str:
    """Return the query of a page's address, with the parameters that it has."""
    known = kind.__struct_encode_fields__
    names = {"project_id": "project"}
    pages = {names.get(name, name): value for name, value in query.items()}
    chosen = {name: value for name, value in pages.items() if name in known}
    return f"?{urlencode(chosen, safe=',:')}" if chosen else ""

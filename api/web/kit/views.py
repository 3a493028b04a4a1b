"""The views of a list on its page: links to them, and the query that is saved."""

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from msgspec import Struct

from api.web.kit.page import PageContext
from api.web.kit.page_query import PageQuery
from domain.events import ViewedList
from domain.view.query import project_of
from projections.views import View

_MOST_SHOWN = 100
Q = TypeVar("Q", bound=PageQuery)


class ViewLink(Struct, frozen=True, kw_only=True):
    """A view of the list; ``is_current`` says that the page shows it.

    ``seen_by`` are those who see it, in words, and ``may_share`` says that the user may
    change that.
    """

    id: UUID
    name: str
    is_built_in: bool
    is_current: bool
    is_private: bool
    seen_by: str
    may_share: bool


class ListViews(Struct, frozen=True, kw_only=True):
    """The views of a list, and the query that a new view of it would have.

    ``everybody`` are those who would see a new view for everybody, in words, None if
    the user sees too little to make one.
    """

    list: ViewedList
    links: tuple[ViewLink, ...]
    query: str
    everybody: str | None


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
            is_private=view.audience == "me",
            seen_by="you alone"
            if view.audience == "me"
            else _everybody(page, view.project_id),
            may_share=_may_share(page, view),
        )
        for view in got.data
    )
    params = urlencode(query)
    project_id = project_of(params)
    is_possible = page.sees_all or project_id is not None
    everybody = _everybody(page, project_id) if is_possible else None
    return ListViews(list=viewed, links=links, query=params, everybody=everybody)


def _everybody(page: PageContext, project_id: UUID | None) -> str:
    """Return the people who see a view for everybody."""
    if project_id is None:
        return "everybody who sees all projects"
    name = page.organization.projects.get(project_id, "its project")
    if str(project_id) == page.project_id:
        name = page.project_name
    return f"everybody who sees {name}"


def _may_share(page: PageContext, view: View) -> bool:
    """Tell whether the user may change for whom a view is."""
    person = page.person
    if person is None or view.is_built_in or not page.may("write"):
        return False
    if view.audience == "me":
        return page.sees_all or view.project_id is not None
    return page.may("admin") or view.owner_id == person.id


def page_address(query: Mapping[str, str], kind: type[Q]) -> str:
    """Return the query of a page's address, with the parameters that it has."""
    known = kind.__struct_encode_fields__
    names = {"project_id": "project"}
    pages = {names.get(name, name): value for name, value in query.items()}
    chosen = {name: value for name, value in pages.items() if name in known}
    return f"?{urlencode(chosen, safe=',:')}" if chosen else ""

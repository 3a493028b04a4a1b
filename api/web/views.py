"""/views: opens a view of a list on its page, saves, shares and deletes one."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qsl
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct

from api.http.bodies.form_body import typed
from api.web.campaigns.rows import CampaignsQuery
from api.web.creators.columns import choose_columns, chosen_columns
from api.web.creators.query import CreatorsPageQuery, page_query_of
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.kit.views import page_address
from api.web.videos.page import VideosPageQuery, video_query_of
from domain.events import ViewedList
from projections.views import View, ViewAudience

_NAMES = {"audience": "for"}


class ViewForm(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=_NAMES
):
    """A view to save: the name as typed, and the list and query of the page."""

    name: Annotated[str, typed("Name")]
    list: ViewedList
    query: str = ""
    audience: ViewAudience = "everyone"


class AudienceForm(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=_NAMES
):
    """For whom a view is from now on."""

    audience: ViewAudience


_FOR: Mapping[ViewAudience, str] = {"me": "for you alone", "everyone": "for everybody"}


class ViewPages(Controller):
    """Views of the lists of creators, videos and campaigns."""

    path = "/views"

    @page_route("/{view_id:uuid}")
    async def open(
        self, page: NamedDependency[PageContext], view_id: FromPath[UUID]
    ) -> PageResponse:
        """Go to the list that the view shows, with the view's columns."""
        view = (await page.get(f"/views/{view_id}", View)).data
        if view.list == "creators" and view.columns:
            choose_columns(page, view.columns)
        return page.go_to(_address_of(view))

    @form_route(form=ViewForm)
    async def save(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Save what the page shows under a name."""
        form = page.form(ViewForm)
        columns = (
            [column.name for column in chosen_columns(page)]
            if form.list == "creators"
            else []
        )
        body = {
            "name": form.name.strip(),
            "list": form.list,
            "query": form.query,
            "columns": columns,
            "for": form.audience,
        }
        view = (await page.send("POST", "/views", View, body)).data
        page.flash(f"The view {view.name} was saved {_FOR[view.audience]}.")
        return page.go_to(_address_of(view))

    @form_route("/{view_id:uuid}/for", form=AudienceForm)
    async def change_audience(
        self, page: NamedDependency[PageContext], view_id: FromPath[UUID]
    ) -> PageResponse:
        """Let a view be for the person alone, or for everybody."""
        body = {"for": page.form(AudienceForm).audience}
        view = (await page.send("PATCH", f"/views/{view_id}", View, body)).data
        page.flash(f"The view {view.name} is {_FOR[view.audience]}.")
        return page.go_to(_address_of(view))

    @form_route("/{view_id:uuid}/delete")
    async def delete(
        self, page: NamedDependency[PageContext], view_id: FromPath[UUID]
    ) -> PageResponse:
        """Delete a view; its list stays as it is."""
        view = (await page.send("DELETE", f"/views/{view_id}", View)).data
        page.flash(f"The view {view.name} was deleted.")
        return page.go_to(f"/{view.list}")


def _address_of(view: View) -> str:
    query = dict(parse_qsl(view.query))
    match view.list:
        case "creators":
            address = page_address(page_query_of(query), CreatorsPageQuery)
        case "videos":
            address = page_address(video_query_of(query), VideosPageQuery)
        case "campaigns":
            address = page_address(query, CampaignsQuery)
    return f"/{view.list}{address}"

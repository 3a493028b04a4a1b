"""/projects/{id}/excluded: the excluded videos, and the form to put them back."""

from typing import Annotated, Final
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Template
from msgspec import Struct

from api.routes.videos.schemas import BulkVideos
from api.web.inbox.page import InboxVideo, review_message
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from projections.projects import Project
from projections.videos.queries import Video

_ROWS: Final = 50


class PutBackForm(Struct, frozen=True, forbid_unknown_fields=True):
    """The videos that shall wait for a review again."""

    video: list[str] = []


class ExcludedPages(Controller):
    """The excluded videos of each project."""

    @page_route("/projects/{project_id:uuid}/excluded")
    async def excluded(
        self,
        page: NamedDependency[PageContext],
        project_id: FromPath[UUID],
        cursor: Annotated[str, QueryParameter(max_length=500)] = "",
    ) -> Template:
        """Show the excluded videos, the last found first."""
        project = await page.get(f"/projects/{project_id}", Project)
        got = await page.get(
            f"/projects/{project_id}/videos/excluded",
            list[Video],
            cursor=cursor.strip(),
            limit=_ROWS,
        )
        return page.show(
            "inbox/excluded.html",
            {
                "project": project.data,
                "rows": [InboxVideo(video=video) for video in got.data],
                "more": got.meta.get("nextCursor"),
                "is_first": not cursor.strip(),
            },
        )

    @form_route("/projects/{project_id:uuid}/excluded", form=PutBackForm)
    async def put_back(
        self, page: NamedDependency[PageContext], project_id: FromPath[UUID]
    ) -> PageResponse:
        """Put videos back into the inbox."""
        form = page.form(PutBackForm)
        path = f"/projects/{project_id}/excluded"
        if not form.video:
            page.flash("Nothing was selected, so nothing was put back.")
            return page.go_to(path)
        decisions = [{"video_id": id_, "decision": "put_back"} for id_ in form.video]
        got = await page.send(
            "POST",
            f"/projects/{project_id}/inbox/review",
            BulkVideos,
            {"decisions": decisions},
        )
        page.flash(review_message("put_back", got.data.results))
        return page.go_to(path)

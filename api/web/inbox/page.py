"""/inbox and /projects/{id}/inbox: reviewing the videos that wait in a project."""

from collections.abc import Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect, Template
from msgspec import Struct

from api.routes.video_schemas import BulkVideo, BulkVideos
from api.web.inbox.undo import last_review, remember_review
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.kit.project_choices import last_project, remember_project
from projections.projects import Project
from projections.videos.queries import Video

_SEE_OTHER: Final = 303
_MOST_PROJECTS: Final = 100
_DONE: Final = {
    "include": ("counts", "count"),
    "exclude": ("was removed", "were removed"),
    "put_back": ("was put back", "were put back"),
}
# What the API says of videos that a review skipped.
_REASONS: Final = {
    "already tracked": "counted already",
    "already excluded": "removed already",
}
_TIKTOK: Final = "https://www.tiktok.com/"


class ReviewForm(Struct, frozen=True, forbid_unknown_fields=True):
    """A decision about some videos."""

    decision: str
    video: list[str] = []


class ReviewAnswer(Struct, frozen=True, kw_only=True):
    """The result of a review, for the script of the page."""

    message: str
    done: list[UUID]


class InboxVideo(Struct, frozen=True, kw_only=True):
    """A video that waits for a review, with what its URL says of its creator."""

    video: Video

    @property
    def handle(self) -> str:
        first = urlsplit(self.video.url).path.split("/")[1]
        return first.removeprefix("@")

    @property
    def address(self) -> str | None:
        """Return the video's URL if it leads to TikTok."""
        return self.video.url if self.video.url.startswith(_TIKTOK) else None

    @property
    def name(self) -> str:
        return self.video.title or f"Video {self.video.tiktok_video_id}"


class InboxPages(Controller):
    """The inbox of each project."""

    @page_route("/inbox")
    async def choose_inbox(
        self,
        page: NamedDependency[PageContext],
        project: Annotated[str, QueryParameter(max_length=64)] = "",
    ) -> PageResponse:
        """Go to the chosen inbox, else the last one that was open, else the first."""
        projects = await _projects(page)
        if not projects:
            return page.show("inbox/no_project.html")
        known = [str(each.id) for each in projects]
        named = project.strip()
        chosen = named if named in known else last_project(page, projects)
        return Redirect(f"/projects/{chosen}/inbox", status_code=_SEE_OTHER)

    @page_route("/projects/{project_id:uuid}/inbox")
    async def inbox(
        self,
        page: NamedDependency[PageContext],
        project_id: FromPath[UUID],
        cursor: Annotated[str, QueryParameter(max_length=500)] = "",
    ) -> Template:
        """Show the waiting videos, those found last first."""
        project = await page.get(f"/projects/{project_id}", Project)
        projects = await _projects(page)
        path = f"/projects/{project_id}/inbox"
        got = await page.get(path, list[Video], cursor=cursor.strip())
        remember_project(page, str(project_id))
        may_undo = page.may("write")
        return page.show(
            "inbox/list.html",
            {
                "project": project.data,
                "projects": projects,
                "rows": [InboxVideo(video=video) for video in got.data],
                "more": got.meta.get("nextCursor"),
                "is_first": not cursor.strip(),
                "last_review": last_review(page, project_id=project_id)
                if may_undo
                else None,
            },
        )

    @form_route("/projects/{project_id:uuid}/inbox", form=ReviewForm)
    async def review(
        self, page: NamedDependency[PageContext], project_id: FromPath[UUID]
    ) -> Response[Any]:
        """Decide about videos, or undo the last decision."""
        form = page.form(ReviewForm)
        path = f"/projects/{project_id}/inbox"
        if not form.video or not form.decision:
            page.flash("Nothing was selected, so nothing was decided.")
            return page.go_to(path)
        decisions = [
            {"video_id": video_id, "decision": form.decision} for video_id in form.video
        ]
        got = await page.send(
            "POST", f"{path}/review", BulkVideos, {"decisions": decisions}
        )
        results = got.data.results
        message = review_message(form.decision, results)
        done = [result.video_id for result in results if result.status == "ok"]
        remember_review(
            page,
            project_id=project_id,
            video_ids=[] if form.decision == "put_back" else done,
            message=message,
        )
        if page.is_htmx:
            answer = ReviewAnswer(message=message, done=done)
            return Response(answer, media_type="application/json", status_code=200)
        if form.decision == "put_back" or not done:
            page.flash(message)
        return page.go_to(path)


async def _projects(page: PageContext) -> list[Project]:
    got = await page.get("/projects", list[Project], limit=_MOST_PROJECTS)
    return got.data


def review_message(decision: str, results: Sequence[BulkVideo]) -> str:
    """Return the message about what a review did."""
    done = [each for each in results if each.status == "ok"]
    words = _DONE[decision][len(done) > 1]
    parts = [f"{_videos(len(done))} {words}."] if done else []
    reasons = [each.reason or "" for each in results if each.status == "skipped"]
    parts += [
        f"{_videos(reasons.count(reason))} left alone: {_REASONS.get(reason, reason)}."
        for reason in dict.fromkeys(reasons)
    ]
    gone = sum(1 for each in results if each.status == "failed")
    if gone:
        parts.append(f"{_videos(gone)} could not be found any more.")
    return " ".join(parts)


def _videos(amount: int) -> str:
    return "1 video" if amount == 1 else f"{amount} videos"

"""The inbox as a page: what waits in a project, decided about one by one or at once."""

from collections.abc import Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect, Template
from msgspec import Struct

from api.http.request import Request
from api.http.sessions import set_cookie
from api.routes.video_schemas import BulkVideo, BulkVideos
from api.web.inbox.undo import LastReview, last_review, remember_review
from api.web.kit.as_of_fields import given
from api.web.kit.page import PageContext
from projections.projects import Project
from projections.videos.queries import Video

PROJECT_COOKIE: Final = "goatherd_project"

_SEE_OTHER: Final = 303
_YEAR_SECONDS: Final = 365 * 86_400
_MOST_PROJECTS: Final = 100
_SAID: Final = {"include": "Included", "exclude": "Excluded", "put_back": "Put back"}
_TIKTOK: Final = "https://www.tiktok.com/"


class ReviewForm(Struct, frozen=True, forbid_unknown_fields=True):
    """What to do with the videos that are named or ticked."""

    decision: str
    video: list[str] = []


class ReviewAnswer(Struct, frozen=True, kw_only=True):
    """What became of a review, for the script of the page."""

    message: str
    done: list[UUID]


class InboxPages(Controller):
    """Discovered videos that wait for somebody's decision."""

    @get("/inbox", opt={"scope": "read", "page": True})
    async def choose_inbox(
        self,
        request: Request,
        page: NamedDependency[PageContext],
        project: Annotated[str | None, QueryParameter(max_length=64)] = None,
    ) -> Response[Any] | Template:
        """Go on to the inbox that was chosen, or looked at last, or the first one."""
        projects = await _projects(page)
        preferred = given(project) or request.sent_cookies.get(PROJECT_COOKIE)
        known = [str(each.id) for each in projects]
        if not known:
            return page.show("inbox/no_project.html")
        chosen = preferred if preferred in known else known[0]
        return Redirect(f"/projects/{chosen}/inbox", status_code=_SEE_OTHER)

    @get(
        "/projects/{project_id:uuid}/inbox",
        opt={"scope": "read", "page": True},
    )
    async def inbox(
        self,
        request: Request,
        page: NamedDependency[PageContext],
        project_id: FromPath[UUID],
        cursor: Annotated[str | None, QueryParameter(max_length=500)] = None,
    ) -> Template:
        """Show what waits, in the API's order: those found last come first."""
        project = await page.get(f"/projects/{project_id}", Project)
        projects = await _projects(page)
        got = await page.get(
            f"/projects/{project_id}/inbox", list[Video], cursor=given(cursor)
        )
        value = str(project_id)
        request.context.response_headers.append(
            set_cookie(
                PROJECT_COOKIE, value, seconds=_YEAR_SECONDS, is_tls=request.is_tls
            )
        )
        return page.show(
            "inbox/list.html",
            {
                "project": project.data,
                "projects": projects,
                "rows": [InboxVideo(video=video) for video in got.data],
                "more": got.meta.get("nextCursor"),
                "is_first": given(cursor) is None,
                "last_review": _undoable(request, page, project_id),
            },
        )

    @post(
        "/projects/{project_id:uuid}/inbox",
        opt={"scope": "write", "page": True, "form": ReviewForm},
        status_code=200,
    )
    async def review(
        self,
        request: Request,
        page: NamedDependency[PageContext],
        project_id: FromPath[UUID],
    ) -> Response[Any]:
        """Decide about videos, or take the last decision back."""
        form = request.form_as(ReviewForm)
        path = f"/projects/{project_id}/inbox"
        if not form.video or not form.decision:
            page.flash("Nothing was selected, so nothing was decided.")
            return page.go_to(path)
        got = await page.send(
            "POST",
            f"{path}/review",
            BulkVideos,
            {
                "decisions": [
                    {"video_id": video_id, "decision": form.decision}
                    for video_id in form.video
                ]
            },
        )
        results = got.data.results
        message = _review_message(form.decision, results)
        done = [result.video_id for result in results if result.status == "ok"]
        remember_review(
            request,
            page.site.sessions,
            project_id=project_id,
            video_ids=[] if form.decision == "put_back" else done,
            message=message,
        )
        if page.is_htmx:
            answer = ReviewAnswer(message=message, done=done)
            return Response(answer, media_type="application/json")
        if form.decision == "put_back" or not done:
            page.flash(message)
        return page.go_to(path)


class InboxVideo(Struct, frozen=True, kw_only=True):
    """A video that waits, with what its address says of whose it is."""

    video: Video

    @property
    def handle(self) -> str:
        """Return the handle in the video's address."""
        first = urlsplit(self.video.url).path.split("/")[1]
        return first.removeprefix("@")

    @property
    def address(self) -> str | None:
        """Return where the video is on TikTok, and nowhere else."""
        return self.video.url if self.video.url.startswith(_TIKTOK) else None

    @property
    def name(self) -> str:
        """Return what the video is called, or at least which it is."""
        return self.video.title or f"Video {self.video.tiktok_video_id}"


async def _projects(page: PageContext) -> list[Project]:
    got = await page.get("/projects", list[Project], limit=_MOST_PROJECTS)
    return got.data


def _undoable(
    request: Request, page: PageContext, project_id: UUID
) -> LastReview | None:
    if not page.may("write"):
        return None
    return last_review(request, page.site.sessions, project_id=project_id)


def _review_message(decision: str, results: Sequence[BulkVideo]) -> str:
    """Return in words what became of a review."""
    done = [each for each in results if each.status == "ok"]
    parts = [f"{_SAID[decision]} {_videos(len(done))}."] if done else []
    reasons = [each.reason for each in results if each.status == "skipped"]
    parts += [
        f"{_videos(reasons.count(reason)).capitalize()} left alone: {reason}."
        for reason in dict.fromkeys(reasons)
    ]
    gone = sum(1 for each in results if each.status == "failed")
    if gone:
        parts.append(f"{_videos(gone).capitalize()} could not be found any more.")
    return " ".join(parts)


def _videos(amount: int) -> str:
    return "1 video" if amount == 1 else f"{amount} videos"

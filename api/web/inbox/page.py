"""/inbox and /projects/{id}/inbox: reviews of the videos that wait in a project."""

from collections.abc import Sequence
from typing import Annotated, Any, Final
from urllib.parse import quote, urlsplit
from uuid import UUID

import msgspec
from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect, Template
from msgspec import Struct

from api.routes.videos.schemas import BulkVideo, BulkVideos
from api.web.kit.forms.project_choices import last_project, remember_project
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.kit.page_query import PageQuery
from domain.phrases import counted
from projections.creators.creator import Creator
from projections.projects import Project
from projections.videos.queries import Video

# Each order by its name in the address: its label, and the API's parameters.
ORDERS: dict[str, tuple[str, dict[str, str]]] = {
    "": ("Latest found first", {}),
    "most_views": ("Most views first", {"sort": "view_count"}),
    "fewest_views": ("Fewest views first", {"sort": "view_count", "order": "asc"}),
    "newest_post": ("Latest posted first", {"sort": "posted_at"}),
}


class InboxQuery(PageQuery, frozen=True, kw_only=True):
    """The filter and order of an inbox; an empty ``creator`` means all."""

    creator: str = ""
    sort: str = ""
    cursor: str = ""

    @property
    def handle(self) -> str:
        return self.creator.strip().removeprefix("@").casefold()

    @property
    def order(self) -> dict[str, str]:
        """Return the order as parameters of the API; by default the first order."""
        return ORDERS.get(self.sort, ORDERS[""])[1]


_SEE_OTHER: Final = 303
_MOST_PROJECTS: Final = 100
_MOST_CREATORS: Final = 100
_NOBODY: Final = UUID(int=0)
_DONE: Final = {
    "include": ("was included", "were included"),
    "exclude": ("was removed", "were removed"),
    "put_back": ("was put back", "were put back"),
}
# The API's reasons for videos that a review skipped, in the words of the page.
_REASONS: Final = {
    "already tracked": "included already",
    "already excluded": "removed already",
}
_TIKTOK: Final = "https://www.tiktok.com/"
# The cookie with the last review.
_COOKIE: Final = "goatherd_decided"
_COOKIE_SECONDS: Final = 600
_PURPOSE: Final = "decided"
_LONGEST_COOKIE: Final = 3_500
_ID_BYTES: Final = 16


class ReviewForm(Struct, frozen=True, forbid_unknown_fields=True):
    """A decision about some videos; ``back`` is the query of the page."""

    decision: str
    video: list[str] = []
    back: str = ""


class ReviewAnswer(Struct, frozen=True, kw_only=True):
    """The result of a review, for the script of the page."""

    message: str
    done: list[UUID]


class InboxVideo(Struct, frozen=True, kw_only=True):
    """A video that waits for a review, and its creator as far as its URL names them."""

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

    @page_route("/projects/{project_id:uuid}/inbox", query=InboxQuery)
    async def inbox(
        self,
        page: NamedDependency[PageContext],
        project_id: FromPath[UUID],
        choices: NamedDependency[InboxQuery],
    ) -> Template:
        """Show the waiting videos, the last found first unless chosen otherwise."""
        project = await page.get(f"/projects/{project_id}", Project)
        projects = await _projects(page)
        creators = await _creators(page, project_id, choices.handle)
        named = [c for c in creators if c.tiktok_handle == choices.handle]
        # Figures are requested because only lists with figures are counted.
        got = await page.get(
            "/videos",
            list[Video],
            project_id=str(project_id),
            # Without a creator of that handle, no video can be listed.
            creator_id=str(named[0].id if named else _NOBODY) if choices.handle else "",
            tracking_status="pending_review",
            period="7d",
            cursor=choices.cursor.strip(),
            **choices.order,
        )
        remember_project(page, str(project_id))
        may_undo = page.may("write")
        return page.show(
            "inbox/list.html",
            {
                "project": project.data,
                "projects": projects,
                "rows": [InboxVideo(video=video) for video in got.data],
                "total": got.meta["totalCount"],
                "query": choices,
                "orders": ORDERS,
                "handles": [creator.tiktok_handle for creator in creators],
                "is_known": bool(named) or not choices.handle,
                "more": got.meta.get("nextCursor"),
                "is_first": not choices.cursor.strip(),
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
        # The form may have any text, but only a query may result from it.
        back = f"{path}?{quote(form.back, safe='=&%')}" if form.back else path
        if not form.video or not form.decision:
            page.flash("Nothing was selected, so nothing was decided.")
            return page.go_to(back)
        decisions = [
            {"video_id": video_id, "decision": form.decision} for video_id in form.video
        ]
        got = await page.send(
            "POST", f"{path}/review", BulkVideos, {"decisions": decisions}
        )
        results = got.data.results
        message = review_message(form.decision, results)
        page.site.forget(page.principal.organization_id)
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
        return page.go_to(back)


async def _creators(page: PageContext, project_id: UUID, handle: str) -> list[Creator]:
    """Return creators of a project to choose from, the named one first."""
    path, of_project = "/creators", {"project_id": str(project_id), "status": "all"}
    got = await page.get(
        path, list[Creator], **of_project, sort="tiktok_handle", limit=_MOST_CREATORS
    )
    if not handle:
        return got.data
    found = await page.get(path, list[Creator], **of_project, search=handle)
    return [*found.data, *(c for c in got.data if c not in found.data)]


async def _projects(page: PageContext) -> list[Project]:
    got = await page.get("/projects", list[Project], limit=_MOST_PROJECTS)
    return got.data


def review_message(decision: str, results: Sequence[BulkVideo]) -> str:
    """Return the message about the result of a review."""
    done = [each for each in results if each.status == "ok"]
    words = _DONE[decision][len(done) > 1]
    parts = [f"{counted(len(done), 'video')} {words}."] if done else []
    reasons = [each.reason or "" for each in results if each.status == "skipped"]
    parts += [
        f"{counted(reasons.count(reason), 'video')} left alone: "
        f"{_REASONS.get(reason, reason)}."
        for reason in dict.fromkeys(reasons)
    ]
    gone = sum(1 for each in results if each.status == "failed")
    if gone:
        parts.append(f"{counted(gone, 'video')} could not be found any more.")
    return " ".join(parts)


class LastReview(Struct, frozen=True, array_like=True):
    """A review of one project's videos, and its message."""

    project_id: UUID
    ids: bytes
    message: str

    @property
    def video_ids(self) -> list[UUID]:
        starts = range(0, len(self.ids), _ID_BYTES)
        return [UUID(bytes=self.ids[at : at + _ID_BYTES]) for at in starts]


def remember_review(
    page: PageContext, *, project_id: UUID, video_ids: Sequence[UUID], message: str
) -> None:
    """Keep a review in the browser for some minutes.

    Without videos, forget the last review.
    """
    ids = b"".join(video_id.bytes for video_id in video_ids)
    payload = msgspec.msgpack.encode(LastReview(project_id, ids, message))
    value = page.site.sessions.signed(_PURPOSE, payload) if ids else ""
    page.set_cookie(_COOKIE, value, seconds=_COOKIE_SECONDS if ids else 0)


def last_review(page: PageContext, *, project_id: UUID) -> LastReview | None:
    """Return the last review of a project's videos, if this browser sent it."""
    cookie = page.request.sent_cookies.get(_COOKIE)
    payload = page.site.sessions.verified(_PURPOSE, cookie, longest=_LONGEST_COOKIE)
    if payload is None:
        return None
    try:
        review = msgspec.msgpack.decode(payload, type=LastReview)
    except msgspec.DecodeError:
        # An older release stored the review in another form.
        return None
    return review if review.project_id == project_id else None

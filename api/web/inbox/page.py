"""/inbox and /projects/{id}/inbox: reviews of the videos that wait in a project."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlsplit
from uuid import UUID

import msgspec
from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect, Template
from msgspec import Struct

from api.routes.videos.schemas import BulkVideo, BulkVideos
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
    """The inbox of each project, and that of all projects."""

    @page_route("/inbox", query=InboxQuery)
    async def inbox_of_all(
        self, page: NamedDependency[PageContext], choices: NamedDependency[InboxQuery]
    ) -> PageResponse:
        """Go to the inbox of the chosen project, or show that of all projects."""
        if page.project_id:
            path = f"/projects/{quote(page.project_id, safe='')}/inbox"
            return Redirect(path, status_code=_SEE_OTHER)
        if not await _projects(page):
            return page.show("inbox/no_project.html")
        return await _show(page, None, choices)

    @form_route("/inbox", form=ReviewForm)
    async def review_all(self, page: NamedDependency[PageContext]) -> Response[Any]:
        """Decide about videos of any projects, or undo the last decision."""
        return await _review(page, None)

    @page_route("/projects/{project_id:uuid}/inbox", query=InboxQuery)
    async def inbox(
        self,
        page: NamedDependency[PageContext],
        project_id: FromPath[UUID],
        choices: NamedDependency[InboxQuery],
    ) -> Template:
        """Show the waiting videos, the last found first unless chosen otherwise."""
        project = await page.get(f"/projects/{project_id}", Project)
        page.remember_project(str(project_id))
        return await _show(page, project.data, choices)

    @form_route("/projects/{project_id:uuid}/inbox", form=ReviewForm)
    async def review(
        self, page: NamedDependency[PageContext], project_id: FromPath[UUID]
    ) -> Response[Any]:
        """Decide about videos, or undo the last decision."""
        return await _review(page, project_id)


async def _show(
    page: PageContext, project: Project | None, choices: InboxQuery
) -> Template:
    """Show the videos that wait in a project, or in all projects."""
    scope = {} if project is None else {"project_id": str(project.id)}
    creators = await _creators(page, scope, choices.handle)
    named = [c for c in creators if c.tiktok_handle == choices.handle]
    # In all projects an account may be several creators, and a list is of one creator.
    of_creator = str(named[0].id if named else _NOBODY) if choices.handle else ""
    # Figures are requested because only lists with figures are counted.
    got = await page.get(
        "/videos",
        list[Video],
        **scope,
        # Without a creator of that handle, no video can be listed.
        creator_id=of_creator,
        tracking_status="pending_review",
        period="7d",
        cursor=choices.cursor.strip(),
        **choices.order,
    )
    reviewed = None
    if page.may("write"):
        reviewed = last_review(page, project_id=project.id if project else _NOBODY)
    return page.show(
        "inbox/list.html",
        {
            "project": project,
            "rows": [InboxVideo(video=video) for video in got.data],
            "total": got.meta["totalCount"],
            "query": choices,
            "orders": ORDERS,
            "handles": list(dict.fromkeys(one.tiktok_handle for one in creators)),
            "is_known": bool(named) or not choices.handle,
            "more": got.meta.get("nextCursor"),
            "is_first": not choices.cursor.strip(),
            "last_review": reviewed,
        },
    )


async def _review(page: PageContext, project_id: UUID | None) -> Response[Any]:
    form = page.form(ReviewForm)
    path = "/inbox" if project_id is None else f"/projects/{project_id}/inbox"
    # The form may have any text, but only a query may result from it.
    back = f"{path}?{quote(form.back, safe='=&%')}" if form.back else path
    if not form.video or not form.decision:
        page.flash("Nothing was selected, so nothing was decided.")
        return page.go_to(back)
    by_project = (
        await _by_project(page, form.video)
        if project_id is None
        else {project_id: form.video}
    )
    results: list[BulkVideo] = []
    for of_project, video_ids in by_project.items():
        decisions = [
            {"video_id": video_id, "decision": form.decision} for video_id in video_ids
        ]
        got = await page.send(
            "POST",
            f"/projects/{of_project}/inbox/review",
            BulkVideos,
            {"decisions": decisions},
            key_suffix="" if project_id else f"-{of_project}",
        )
        results += got.data.results
    message = review_message(form.decision, results)
    page.site.forget(page.principal.organization_id)
    done = [result.video_id for result in results if result.status == "ok"]
    remember_review(
        page,
        project_id=project_id or _NOBODY,
        video_ids=[] if form.decision == "put_back" else done,
        message=message,
    )
    if page.is_htmx:
        answer = ReviewAnswer(message=message, done=done)
        return Response(answer, media_type="application/json", status_code=200)
    if form.decision == "put_back" or not done:
        page.flash(message)
    return page.go_to(back)


async def _by_project(
    page: PageContext, video_ids: Sequence[str]
) -> dict[UUID, list[str]]:
    """Return the ids of videos by their projects.

    Raises:
        ApiRefusedError: ``not_found``, if the organization does not have a video.
    """
    found = await asyncio.gather(
        *(page.get(f"/videos/{quote(id_, safe='')}", Video) for id_ in video_ids)
    )
    by_project: dict[UUID, list[str]] = {}
    for video_id, got in zip(video_ids, found, strict=True):
        by_project.setdefault(got.data.project_id, []).append(video_id)
    return by_project


async def _creators(
    page: PageContext, scope: Mapping[str, str], handle: str
) -> list[Creator]:
    """Return creators to choose from, the named one first."""
    path, of_project = "/creators", {**scope, "status": "all"}
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

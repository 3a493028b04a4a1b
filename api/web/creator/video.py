"""/creators/{id}/videos/{id}: one video, what is noted on it, and whether it counts."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Response, Template
from msgspec import Struct

from api.http.errors import ApiError
from api.http.form_body import NoFields, typed
from api.http.request import Request
from api.routes.video_schemas import QueuedVideoScrape
from api.web.creator.layout import get_creator, show_creator
from api.web.creator.videos import STATUSES, count_videos, row_of, table_path
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.concurrent_edit import (
    AppliedEdit,
    Edit,
    apply_edit,
    fingerprint,
    parse_version,
)
from api.web.kit.page import PageContext
from domain.errors import NotFoundError
from projections.creators.queries import Creator
from projections.videos.queries import Video


class SwitchForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a video shall count: on or off; ``back`` is the query of the table."""

    to: str
    back: str | None = None


class VideoNotesForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody wants to have noted on a video."""

    description: Annotated[str, typed("Description")]
    readme: Annotated[str, typed("Notes")]
    version: str
    original_description: str
    original_readme: str


class VideoNotesDraft(Struct, frozen=True, kw_only=True):
    """What stands in the form of notes, and what is to be said of it."""

    description: str
    readme: str
    version: int
    original: dict[str, str]
    error: ApiError | None = None
    conflict: list[str] = []


class CreatorVideo(Controller):
    """One video of a creator."""

    path = "/creators/{creator_id:uuid}/videos/{video_id:uuid}"

    @get("/", opt={"scope": "read", "page": True})
    async def video(
        self,
        creator_id: FromPath[UUID],
        video_id: FromPath[UUID],
        page: NamedDependency[PageContext],
    ) -> Template:
        """Show a video."""
        creator = await get_creator(page, creator_id)
        return _page(page, creator, await _get_video(page, creator, video_id))

    @post("/notes", opt={"scope": "write", "page": True, "form": VideoNotesForm})
    async def save_notes(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        video_id: FromPath[UUID],
        page: NamedDependency[PageContext],
    ) -> Template | Response[Any]:
        """Store what is noted; or show it again with what is in the way."""
        form = request.form_as(VideoNotesForm)
        creator = await get_creator(page, creator_id)
        video = await _get_video(page, creator, video_id)
        edit = Edit(
            values={
                "description": form.description or None,
                "readme": form.readme or None,
            },
            original={
                "description": form.original_description,
                "readme": form.original_readme,
            },
            version=parse_version(form.version),
        )
        path = f"/videos/{video_id}"
        try:
            done = (
                await apply_edit(page, path, Video, edit, _noted)
                if edit.changed
                else None
            )
        except ApiRefusedError as error:
            draft = _draft(video, edit, error=error)
            return _page(page, creator, video, draft, status=error.status)
        if done is not None and done.fields:
            draft = _conflict_draft(done, edit)
            return _page(page, creator, done.now, draft, status=412)
        page.flash("Nothing was changed." if done is None else "Saved.")
        return page.go_to(_path(creator_id, video_id))

    @post("/tracking", opt={"scope": "write", "page": True, "form": SwitchForm})
    async def switch(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        video_id: FromPath[UUID],
        page: NamedDependency[PageContext],
    ) -> Response[Any]:
        """Let a video count, or no more."""
        form = request.form_as(SwitchForm)
        counts = form.to == "on"
        creator = await get_creator(page, creator_id)
        await count_videos(page, creator, [str(video_id)], counts=counts)
        page.flash(
            "The video counts." if counts else "The video is not counted any more."
        )
        if form.back is None:
            return page.go_to(_path(creator_id, video_id))
        return page.go_to(f"{table_path(creator_id, form.back)}#v-{video_id}")

    @post("/scrape", opt={"scope": "write", "page": True, "form": NoFields})
    async def scrape(
        self,
        creator_id: FromPath[UUID],
        video_id: FromPath[UUID],
        page: NamedDependency[PageContext],
    ) -> Response[Any]:
        """Have Goatherd look at the video now."""
        await page.send("POST", f"/videos/{video_id}/scrape", QueuedVideoScrape)
        page.flash("Queued. The video is looked at now; reload the page in a moment.")
        return page.go_to(_path(creator_id, video_id))

    @post("/exclude", opt={"scope": "write", "page": True, "form": NoFields})
    async def exclude(
        self,
        creator_id: FromPath[UUID],
        video_id: FromPath[UUID],
        page: NamedDependency[PageContext],
    ) -> Response[Any]:
        """Put a video aside."""
        got = await page.send("DELETE", f"/videos/{video_id}", Video)
        page.flash(f"Excluded. Add {got.data.url} by its URL to have it back.")
        return page.go_to(table_path(creator_id))


async def _get_video(page: PageContext, creator: Creator, video_id: UUID) -> Video:
    got = await page.get(f"/videos/{video_id}", Video)
    if got.data.creator_id != creator.id:
        raise NotFoundError("video")
    return got.data


def _page(
    page: PageContext,
    creator: Creator,
    video: Video,
    draft: VideoNotesDraft | None = None,
    *,
    status: int = 200,
) -> Template:
    context = {
        "row": row_of(video),
        "status_words": STATUSES,
        "draft": draft or _draft(video),
    }
    return show_creator(page, "creator/video.html", creator, context, status=status)


def _noted(video: Video) -> dict[str, str | None]:
    return {"description": video.description, "readme": video.readme}


def _draft(
    video: Video, edit: Edit | None = None, *, error: ApiError | None = None
) -> VideoNotesDraft:
    """Return the form as somebody filled it in, or as it is to begin with."""
    now = _noted(video)
    values = now if edit is None else edit.values
    return VideoNotesDraft(
        description=values["description"] or "",
        readme=values["readme"] or "",
        version=video.version if edit is None else edit.version,
        original={name: fingerprint(value) for name, value in now.items()}
        if edit is None
        else dict(edit.original),
        error=error,
    )


def _conflict_draft(done: AppliedEdit[Video], edit: Edit) -> VideoNotesDraft:
    now = _noted(done.now)
    values = {name: edit.changed.get(name, value) for name, value in now.items()}
    return VideoNotesDraft(
        description=values["description"] or "",
        readme=values["readme"] or "",
        version=done.version,
        original={name: fingerprint(value) for name, value in now.items()},
        conflict=done.fields,
    )


def _path(creator_id: UUID, video_id: UUID) -> str:
    return f"{table_path(creator_id)}/{video_id}"

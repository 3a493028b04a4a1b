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
from api.web.creator.frame import show_creator, the_creator
from api.web.creator.videos import STATUSES, count_videos, row_of, table_path
from api.web.kit.api_client import RefusedError
from api.web.kit.concurrent_edit import Edit, Settled, mark, settle, version_of
from api.web.kit.page import Visit
from domain.errors import NotFoundError
from projections.creators.queries import Creator
from projections.videos.queries import Video


class SwitchForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a video shall count: on or off; ``back`` is the query of the table."""

    to: str
    back: str | None = None


class NotesForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody wants to have noted on a video."""

    description: Annotated[str, typed("Description")]
    readme: Annotated[str, typed("Notes")]
    version: str
    seen_description: str
    seen_readme: str


class Draft(Struct, frozen=True, kw_only=True):
    """What stands in the form of notes, and what is to be said of it."""

    description: str
    readme: str
    version: int
    seen: dict[str, str]
    error: ApiError | None = None
    clash: list[str] = []


class CreatorVideo(Controller):
    """One video of a creator."""

    path = "/creators/{creator_id:uuid}/videos/{video_id:uuid}"

    @get("/", opt={"scope": "read", "page": True})
    async def video(
        self,
        creator_id: FromPath[UUID],
        video_id: FromPath[UUID],
        visit: NamedDependency[Visit],
    ) -> Template:
        """Show a video."""
        creator = await the_creator(visit, creator_id)
        return _page(visit, creator, await _the_video(visit, creator, video_id))

    @post("/notes", opt={"scope": "write", "page": True, "form": NotesForm})
    async def save_notes(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        video_id: FromPath[UUID],
        visit: NamedDependency[Visit],
    ) -> Template | Response[Any]:
        """Store what is noted; or show it again with what is in the way."""
        form = request.form_as(NotesForm)
        creator = await the_creator(visit, creator_id)
        video = await _the_video(visit, creator, video_id)
        edit = Edit(
            values={
                "description": form.description or None,
                "readme": form.readme or None,
            },
            seen={"description": form.seen_description, "readme": form.seen_readme},
            version=version_of(form.version),
        )
        path = f"/videos/{video_id}"
        try:
            done = (
                await settle(visit, path, Video, edit, _noted) if edit.changed else None
            )
        except RefusedError as error:
            draft = _draft(video, edit, error=error)
            return _page(visit, creator, video, draft, status=error.status)
        if done is not None and done.fields:
            draft = _clashing(done, edit)
            return _page(visit, creator, done.now, draft, status=412)
        visit.tell("Nothing was changed." if done is None else "Saved.")
        return visit.go_to(_path(creator_id, video_id))

    @post("/tracking", opt={"scope": "write", "page": True, "form": SwitchForm})
    async def switch(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        video_id: FromPath[UUID],
        visit: NamedDependency[Visit],
    ) -> Response[Any]:
        """Let a video count, or no more."""
        form = request.form_as(SwitchForm)
        counts = form.to == "on"
        creator = await the_creator(visit, creator_id)
        await count_videos(visit, creator, [str(video_id)], counts=counts)
        visit.tell(
            "The video counts." if counts else "The video is not counted any more."
        )
        if form.back is None:
            return visit.go_to(_path(creator_id, video_id))
        return visit.go_to(f"{table_path(creator_id, form.back)}#v-{video_id}")

    @post("/scrape", opt={"scope": "write", "page": True, "form": NoFields})
    async def scrape(
        self,
        creator_id: FromPath[UUID],
        video_id: FromPath[UUID],
        visit: NamedDependency[Visit],
    ) -> Response[Any]:
        """Have Goatherd look at the video now."""
        await visit.send("POST", f"/videos/{video_id}/scrape", QueuedVideoScrape)
        visit.tell("Queued. The video is looked at now; reload the page in a moment.")
        return visit.go_to(_path(creator_id, video_id))

    @post("/exclude", opt={"scope": "write", "page": True, "form": NoFields})
    async def exclude(
        self,
        creator_id: FromPath[UUID],
        video_id: FromPath[UUID],
        visit: NamedDependency[Visit],
    ) -> Response[Any]:
        """Put a video aside."""
        got = await visit.send("DELETE", f"/videos/{video_id}", Video)
        visit.tell(f"Excluded. Add {got.data.url} by its URL to have it back.")
        return visit.go_to(table_path(creator_id))


async def _the_video(visit: Visit, creator: Creator, video_id: UUID) -> Video:
    got = await visit.get(f"/videos/{video_id}", Video)
    if got.data.creator_id != creator.id:
        raise NotFoundError("video")
    return got.data


def _page(
    visit: Visit,
    creator: Creator,
    video: Video,
    draft: Draft | None = None,
    *,
    status: int = 200,
) -> Template:
    context = {
        "row": row_of(video),
        "status_words": STATUSES,
        "draft": draft or _draft(video),
    }
    return show_creator(visit, "creator/video.html", creator, context, status=status)


def _noted(video: Video) -> dict[str, str | None]:
    return {"description": video.description, "readme": video.readme}


def _draft(
    video: Video, edit: Edit | None = None, *, error: ApiError | None = None
) -> Draft:
    """Return the form as somebody filled it in, or as it is to begin with."""
    now = _noted(video)
    values = now if edit is None else edit.values
    return Draft(
        description=values["description"] or "",
        readme=values["readme"] or "",
        version=video.version if edit is None else edit.version,
        seen={name: mark(value) for name, value in now.items()}
        if edit is None
        else dict(edit.seen),
        error=error,
    )


def _clashing(done: Settled[Video], edit: Edit) -> Draft:
    now = _noted(done.now)
    values = {name: edit.changed.get(name, value) for name, value in now.items()}
    return Draft(
        description=values["description"] or "",
        readme=values["readme"] or "",
        version=done.version,
        seen={name: mark(value) for name, value in now.items()},
        clash=done.fields,
    )


def _path(creator_id: UUID, video_id: UUID) -> str:
    return f"{table_path(creator_id)}/{video_id}"

"""/creators/{id}/settings: how a creator is tracked, what it is called, and its end."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Response, Template
from msgspec import Struct

from api.http.error_codes import Code
from api.http.errors import ApiError, field_error
from api.http.form_body import NoFields, typed
from api.http.request import Request
from api.routes.creator_schemas import BulkAnswer
from api.web.creator.frame import show_creator, the_creator
from api.web.kit.api_client import RefusedError
from api.web.kit.concurrent_edit import (
    Clash,
    Edit,
    mark,
    notice_of,
    save,
    stored,
    version_of,
)
from api.web.kit.page import Visit
from projections.creators.queries import Creator

TRACKING = ("display_name", "tracking_mode", "tracking_start_date", "tracking_end_date")
HANDLE = ("tiktok_handle",)
_LABELS = {
    "display_name": "Display name",
    "tiktok_handle": "Handle",
    "tracking_end_date": "Last day",
    "tracking_mode": "Videos that are found",
    "tracking_start_date": "First day",
}


class TrackingForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Name and tracking as somebody wants them; ``take`` names a field to give up."""

    display_name: Annotated[str, typed("Display name")]
    tracking_mode: str
    tracking_start_date: Annotated[str, typed("First day")]
    tracking_end_date: Annotated[str, typed("Last day")]
    version: str
    seen: str
    take: str = ""


class HandleForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The handle as somebody wants it."""

    tiktok_handle: Annotated[str, typed("Handle")]
    version: str
    seen: str
    take: str = ""


class ReturnForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a creator that was removed is to be tracked again."""

    tracking_mode: str
    tracking_start_date: Annotated[str, typed("First day")]
    tracking_end_date: Annotated[str, typed("Last day")]


class Draft(Struct, frozen=True, kw_only=True):
    """A form that is shown again: what stands in it, and what is to be said."""

    values: dict[str, str]
    seen: str
    version: int
    error: ApiError | None = None
    clash: Clash | None = None


class CreatorSettings(Controller):
    """What may be set of a creator."""

    path = "/creators/{creator_id:uuid}/settings"

    @get("/", opt={"scope": "read", "page": True})
    async def settings(
        self, creator_id: FromPath[UUID], visit: NamedDependency[Visit]
    ) -> Template:
        """Show how a creator is tracked."""
        return _page(visit, await the_creator(visit, creator_id))

    @post("/", opt={"scope": "write", "page": True, "form": TrackingForm})
    async def save_tracking(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        visit: NamedDependency[Visit],
    ) -> Template | Response[Any]:
        """Store name and tracking; or show them again with what is in the way."""
        form = request.form_as(TrackingForm)
        return await _save(visit, creator_id, form, TRACKING, "tracking")

    @post("/handle", opt={"scope": "write", "page": True, "form": HandleForm})
    async def rename(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        visit: NamedDependency[Visit],
    ) -> Template | Response[Any]:
        """Give a creator another handle."""
        form = request.form_as(HandleForm)
        return await _save(visit, creator_id, form, HANDLE, "handle")

    @post("/remove", opt={"scope": "write", "page": True, "form": NoFields})
    async def remove(
        self, creator_id: FromPath[UUID], visit: NamedDependency[Visit]
    ) -> Response[Any]:
        """Stop tracking a creator."""
        done = await visit.send("DELETE", f"/creators/{creator_id}", Creator)
        handle = done.data.tiktok_handle
        visit.tell(f"@{handle} is removed. Its history stays, and it can come back.")
        return visit.go_to(_path(creator_id))

    @post("/return", opt={"scope": "write", "page": True, "form": ReturnForm})
    async def bring_back(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        visit: NamedDependency[Visit],
    ) -> Template | Response[Any]:
        """Track a creator again that was removed."""
        creator = await the_creator(visit, creator_id)
        values = _values(request.form_as(ReturnForm), TRACKING[1:])
        wanted = {"tiktok_handle": creator.tiktok_handle, **_wanted(values)}
        path = f"/projects/{creator.project_id}/creators"
        try:
            await visit.send("POST", path, Creator, wanted)
        except RefusedError as error:
            draft = Draft(values=values, seen="", version=0, error=error)
            return _page(visit, creator, {"return": draft}, status=error.status)
        visit.tell(f"@{creator.tiktok_handle} is back, with all its history.")
        return visit.go_to(_path(creator_id))

    @post("/reenable", opt={"scope": "write", "page": True, "form": NoFields})
    async def reenable(
        self, creator_id: FromPath[UUID], visit: NamedDependency[Visit]
    ) -> Response[Any]:
        """Give a creator that was disabled another try."""
        creator = await the_creator(visit, creator_id)
        done = await visit.send(
            "POST",
            f"/projects/{creator.project_id}/creators/bulk-reenable",
            BulkAnswer,
            {"creator_ids": [creator_id]},
        )
        (result,) = done.data.results
        if result.status == "ok":
            visit.tell("Tracked again; two scrapes are queued.")
        else:
            visit.tell(f"Nothing was done: {result.reason}.")
        return visit.go_to(_path(creator_id))


async def _save(
    visit: Visit,
    creator_id: UUID,
    form: TrackingForm | HandleForm,
    names: tuple[str, ...],
    which: str,
) -> Template | Response[Any]:
    values = _values(form, names)
    draft = Draft(values=values, seen=form.seen, version=version_of(form.version))
    edit = Edit(
        values=_wanted(values), seen=_marks(form.seen, names), version=draft.version
    )
    if form.take in names:
        creator = await the_creator(visit, creator_id)
        taken = {**values, form.take: _texts(creator)[form.take]}
        draft = msgspec.structs.replace(draft, values=taken)
        return _page(visit, creator, {which: draft})
    try:
        done = await save(visit, creator_id, edit) if edit.changed else None
    except RefusedError as error:
        draft = msgspec.structs.replace(draft, error=error)
        creator = await the_creator(visit, creator_id)
        return _page(visit, creator, {which: draft}, status=error.status)
    if isinstance(done, Clash):
        return _clashed(visit, draft, edit, done, which)
    visit.tell(notice_of(done))
    return visit.go_to(_path(creator_id))


def _clashed(
    visit: Visit, draft: Draft, edit: Edit, clash: Clash, which: str
) -> Template:
    now = _texts(clash.creator)
    # Fields that the writer left alone show what is stored now. Saved from here, the
    # others are saved over it, knowingly.
    values = {
        name: text if name in edit.changed else now[name]
        for name, text in draft.values.items()
    }
    draft = Draft(
        values=values,
        seen=_seen(clash.creator, tuple(values)),
        version=clash.creator.version,
        clash=clash,
    )
    return _page(visit, clash.creator, {which: draft}, status=412)


def _page(
    visit: Visit,
    creator: Creator,
    drafts: dict[str, Draft] | None = None,
    *,
    status: int = 200,
) -> Template:
    texts = _texts(creator)

    def fresh(*names: str) -> Draft:
        return Draft(
            values={name: texts[name] for name in names},
            seen=_seen(creator, names),
            version=creator.version,
        )

    context = {
        "labels": _LABELS,
        "now": texts,
        "tracking": fresh(*TRACKING),
        "handle": fresh(*HANDLE),
        "return": fresh(*TRACKING[1:]),
        **(drafts or {}),
        # A form that was refused stays, whatever became of the creator.
        "drafts": frozenset(drafts or ()),
    }
    context["back"] = context.pop("return")
    return show_creator(visit, "creator/settings.html", creator, context, status=status)


def _texts(creator: Creator) -> dict[str, str]:
    """Return the fields as they stand in their forms."""
    now = stored(creator)
    return {name: now[name] or "" for name in (*TRACKING, *HANDLE)}


def _values(form: Struct, names: tuple[str, ...]) -> dict[str, str]:
    return {name: getattr(form, name) for name in names}


def _wanted(values: dict[str, str]) -> dict[str, Any]:
    """Return what the fields shall be: an empty one is none."""
    return {name: text or None for name, text in values.items()}


def _seen(creator: Creator, names: tuple[str, ...]) -> str:
    now = stored(creator)
    return ".".join(mark(now[name]) for name in names)


def _marks(seen: str, names: tuple[str, ...]) -> dict[str, str]:
    marks = seen.split(".")
    if len(marks) != len(names):
        raise field_error(Code.INVALID_BODY, "/seen", "must have a mark of each field")
    return dict(zip(names, marks, strict=True))


def _path(creator_id: UUID) -> str:
    return f"/creators/{creator_id}/settings"

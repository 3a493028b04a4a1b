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
from api.web.creator.layout import get_creator, show_creator
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.concurrent_edit import (
    Edit,
    EditConflict,
    editable_fields,
    fingerprint,
    parse_version,
    save,
    saved_message,
)
from api.web.kit.page import PageContext
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
    original: str
    take: str = ""


class HandleForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The handle as somebody wants it."""

    tiktok_handle: Annotated[str, typed("Handle")]
    version: str
    original: str
    take: str = ""


class ReturnForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a creator that was removed is to be tracked again."""

    tracking_mode: str
    tracking_start_date: Annotated[str, typed("First day")]
    tracking_end_date: Annotated[str, typed("Last day")]


class SettingsDraft(Struct, frozen=True, kw_only=True):
    """A form that is shown again: what stands in it, and what is to be said."""

    values: dict[str, str]
    original: str
    version: int
    error: ApiError | None = None
    conflict: EditConflict | None = None


class CreatorSettings(Controller):
    """What may be set of a creator."""

    path = "/creators/{creator_id:uuid}/settings"

    @get("/", opt={"scope": "read", "page": True})
    async def settings(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> Template:
        """Show how a creator is tracked."""
        return _page(page, await get_creator(page, creator_id))

    @post("/", opt={"scope": "write", "page": True, "form": TrackingForm})
    async def save_tracking(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        page: NamedDependency[PageContext],
    ) -> Template | Response[Any]:
        """Store name and tracking; or show them again with what is in the way."""
        form = request.form_as(TrackingForm)
        return await _save(page, creator_id, form, TRACKING, "tracking")

    @post("/handle", opt={"scope": "write", "page": True, "form": HandleForm})
    async def rename(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        page: NamedDependency[PageContext],
    ) -> Template | Response[Any]:
        """Give a creator another handle."""
        form = request.form_as(HandleForm)
        return await _save(page, creator_id, form, HANDLE, "handle")

    @post("/remove", opt={"scope": "write", "page": True, "form": NoFields})
    async def remove(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> Response[Any]:
        """Stop tracking a creator."""
        done = await page.send("DELETE", f"/creators/{creator_id}", Creator)
        handle = done.data.tiktok_handle
        page.flash(f"@{handle} is removed. Its history stays, and it can come back.")
        return page.go_to(_path(creator_id))

    @post("/return", opt={"scope": "write", "page": True, "form": ReturnForm})
    async def bring_back(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        page: NamedDependency[PageContext],
    ) -> Template | Response[Any]:
        """Track a creator again that was removed."""
        creator = await get_creator(page, creator_id)
        values = _values(request.form_as(ReturnForm), TRACKING[1:])
        body = {"tiktok_handle": creator.tiktok_handle, **_field_values(values)}
        path = f"/projects/{creator.project_id}/creators"
        try:
            await page.send("POST", path, Creator, body)
        except ApiRefusedError as error:
            draft = SettingsDraft(values=values, original="", version=0, error=error)
            return _page(page, creator, {"return": draft}, status=error.status)
        page.flash(f"@{creator.tiktok_handle} is back, with all its history.")
        return page.go_to(_path(creator_id))

    @post("/reenable", opt={"scope": "write", "page": True, "form": NoFields})
    async def reenable(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> Response[Any]:
        """Give a creator that was disabled another try."""
        creator = await get_creator(page, creator_id)
        done = await page.send(
            "POST",
            f"/projects/{creator.project_id}/creators/bulk-reenable",
            BulkAnswer,
            {"creator_ids": [creator_id]},
        )
        (result,) = done.data.results
        if result.status == "ok":
            page.flash("Tracked again; two scrapes are queued.")
        else:
            page.flash(f"Nothing was done: {result.reason}.")
        return page.go_to(_path(creator_id))


async def _save(
    page: PageContext,
    creator_id: UUID,
    form: TrackingForm | HandleForm,
    names: tuple[str, ...],
    which: str,
) -> Template | Response[Any]:
    values = _values(form, names)
    draft = SettingsDraft(
        values=values, original=form.original, version=parse_version(form.version)
    )
    edit = Edit(
        values=_field_values(values),
        original=_split_fingerprints(form.original, names),
        version=draft.version,
    )
    if form.take in names:
        creator = await get_creator(page, creator_id)
        taken = {**values, form.take: _texts(creator)[form.take]}
        draft = msgspec.structs.replace(draft, values=taken)
        return _page(page, creator, {which: draft})
    try:
        done = await save(page, creator_id, edit) if edit.changed else None
    except ApiRefusedError as error:
        draft = msgspec.structs.replace(draft, error=error)
        creator = await get_creator(page, creator_id)
        return _page(page, creator, {which: draft}, status=error.status)
    if isinstance(done, EditConflict):
        return _conflict_page(page, draft, edit, done, which)
    page.flash(saved_message(done))
    return page.go_to(_path(creator_id))


def _conflict_page(
    page: PageContext,
    draft: SettingsDraft,
    edit: Edit,
    conflict: EditConflict,
    which: str,
) -> Template:
    now = _texts(conflict.creator)
    # Fields that the writer left alone show what is stored now. Saved from here, the
    # others are saved over it, knowingly.
    values = {
        name: text if name in edit.changed else now[name]
        for name, text in draft.values.items()
    }
    draft = SettingsDraft(
        values=values,
        original=_fingerprints(conflict.creator, tuple(values)),
        version=conflict.creator.version,
        conflict=conflict,
    )
    return _page(page, conflict.creator, {which: draft}, status=412)


def _page(
    page: PageContext,
    creator: Creator,
    drafts: dict[str, SettingsDraft] | None = None,
    *,
    status: int = 200,
) -> Template:
    texts = _texts(creator)

    def fresh(*names: str) -> SettingsDraft:
        return SettingsDraft(
            values={name: texts[name] for name in names},
            original=_fingerprints(creator, names),
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
    return show_creator(page, "creator/settings.html", creator, context, status=status)


def _texts(creator: Creator) -> dict[str, str]:
    """Return the fields as they stand in their forms."""
    now = editable_fields(creator)
    return {name: now[name] or "" for name in (*TRACKING, *HANDLE)}


def _values(form: Struct, names: tuple[str, ...]) -> dict[str, str]:
    return {name: getattr(form, name) for name in names}


def _field_values(values: dict[str, str]) -> dict[str, Any]:
    """Return what the fields shall be: an empty one is none."""
    return {name: text or None for name, text in values.items()}


def _fingerprints(creator: Creator, names: tuple[str, ...]) -> str:
    now = editable_fields(creator)
    return ".".join(fingerprint(now[name]) for name in names)


def _split_fingerprints(original: str, names: tuple[str, ...]) -> dict[str, str]:
    marks = original.split(".")
    if len(marks) != len(names):
        raise field_error(
            Code.INVALID_BODY, "/original", "must have a mark of each field"
        )
    return dict(zip(names, marks, strict=True))


def _path(creator_id: UUID) -> str:
    return f"/creators/{creator_id}/settings"

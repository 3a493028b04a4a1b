"""/creators/{id}/settings: the tracking and the names of a creator."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template
from msgspec import Struct
from msgspec.structs import asdict, replace

from api.http.bodies.form_body import typed
from api.routes.creators.schemas import BulkAnswer
from api.web.creator.connection import connection_card
from api.web.creator.layout import get_creator, show_creator
from api.web.creator.settings.erasure import possible_erasure
from api.web.creator.settings.possible_move import possible_move
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.forms.concurrent_edit import (
    CONFLICT_STATUS,
    EditConflict,
    EditDraft,
    editable_fields,
    parse_version,
    save_creator,
    saved_message,
)
from api.web.kit.forms.tags_field import tags_of_text, tags_problem, text_of_tags
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from application.erase.erased import ErasedCreators
from projections.creators.creator import Creator
from projections.projects import Project


class TrackingForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Name, tags, tracking; ``take`` names a field to replace by its stored value."""

    display_name: Annotated[str, typed("Display name")]
    tags: Annotated[str, typed("Tags")]
    tracking_mode: str
    tracking_start_date: Annotated[str, typed("First day")]
    tracking_end_date: Annotated[str, typed("Last day")]
    version: str
    original: str
    take: str = ""


class HandleForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The handle; ``take`` as in ``TrackingForm``."""

    tiktok_handle: Annotated[str, typed("Handle")]
    version: str
    original: str
    take: str = ""


class ReturnForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tracking of a removed creator who is tracked again."""

    tracking_mode: str
    tracking_start_date: Annotated[str, typed("First day")]
    tracking_end_date: Annotated[str, typed("Last day")]


class MoveForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The project to move to, and the treatment of earlier numbers."""

    project_id: str
    history: str = "whole"


class EraseForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The handle as a confirmation, the future of the figures, and a ban if ticked."""

    confirm: Annotated[str, typed("Handle")]
    figures: str
    ban: str = ""


WINDOW = ("tracking_mode", "tracking_start_date", "tracking_end_date")
TRACKING = ("display_name", "tags", *WINDOW)
HANDLE = ("tiktok_handle",)
_LABELS = {
    "display_name": "Display name",
    "tags": "Tags",
    "tiktok_handle": "Handle",
    "tracking_end_date": "Last day",
    "tracking_mode": "Videos that are found",
    "tracking_start_date": "First day",
}


class CreatorSettings(Controller):
    """The settings of a creator."""

    path = "/creators/{creator_id:uuid}/settings"

    @page_route()
    async def settings(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> Template:
        """Show the tracking of a creator."""
        creator = await get_creator(page, creator_id)
        return await _show_all(page, creator)

    @form_route("/move", form=MoveForm)
    async def move(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        """Move a creator to another project."""
        body = asdict(page.form(MoveForm))
        path = f"/creators/{creator_id}/move"
        try:
            done = await page.send("POST", path, Creator, body)
        except ApiRefusedError as error:
            creator = await get_creator(page, creator_id)
            return await _show_all(page, creator, refused_move=error)
        handle = done.data.tiktok_handle
        numbers = "all numbers"
        if body["history"] == "stay":
            numbers = "the numbers gained from now on"
        project = await page.get(f"/projects/{done.data.project_id}", Project)
        page.flash(
            f"@{handle} is in {project.data.name} now, with all videos and {numbers}."
        )
        return page.go_to(_path(creator_id))

    @form_route("/erase", form=EraseForm)
    async def erase(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        """Erase a person."""
        form = page.form(EraseForm)
        body = {**asdict(form), "ban": bool(form.ban)}
        path = f"/creators/{creator_id}/erase"
        try:
            done = await page.send("POST", path, ErasedCreators, body)
        except ApiRefusedError as error:
            creator = await get_creator(page, creator_id)
            return await _show_all(page, creator, refused_erasure=error)
        names = ", ".join(each.tiktok_handle for each in done.data.creators)
        page.flash(f"Done: the person is erased, and appears as {names} now.")
        return page.go_to("/creators")

    @form_route(form=TrackingForm)
    async def save_tracking(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        """Store name, tags and tracking."""
        form = page.form(TrackingForm)
        return await _save(page, creator_id, form, TRACKING, "tracking")

    @form_route("/handle", form=HandleForm)
    async def rename(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        """Change the handle of a creator."""
        return await _save(page, creator_id, page.form(HandleForm), HANDLE, "handle")

    @form_route("/remove")
    async def remove(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        """Stop tracking a creator."""
        done = await page.send("DELETE", f"/creators/{creator_id}", Creator)
        handle = done.data.tiktok_handle
        page.flash(
            f"@{handle} is removed. The history stays, and the creator can be brought "
            "back."
        )
        return page.go_to(_path(creator_id))

    @form_route("/return", form=ReturnForm)
    async def bring_back(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        """Track a removed creator again."""
        creator = await get_creator(page, creator_id)
        values = _values(page.form(ReturnForm), WINDOW)
        body = {"tiktok_handle": creator.tiktok_handle, **_field_values(values)}
        path = f"/projects/{creator.project_id}/creators"
        try:
            await page.send("POST", path, Creator, body)
        except ApiRefusedError as error:
            draft = EditDraft(values=values, original="", version=0, error=error)
            return _show(page, creator, {"return": draft})
        page.flash(
            f"@{creator.tiktok_handle} is tracked again, with all their history."
        )
        return page.go_to(_path(creator_id))

    @form_route("/reenable")
    async def reenable(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        """Enable a disabled creator again."""
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
) -> PageResponse:
    """Store the changes, or show the form again with the error."""
    values = _values(form, names)
    draft = EditDraft(
        values=values, original=form.original, version=parse_version(form.version)
    )
    edit = draft.edit(_field_values(values))
    if form.take in names:
        creator = await get_creator(page, creator_id)
        taken = {**values, form.take: _texts(creator)[form.take]}
        return _show(page, creator, {which: replace(draft, values=taken)})
    try:
        done = await save_creator(page, creator_id, edit) if edit.changed else None
    except ApiRefusedError as error:
        creator = await get_creator(page, creator_id)
        return _show(page, creator, {which: replace(draft, error=error)})
    if isinstance(done, EditConflict):
        now = done.current
        fields = editable_fields(now)
        return _show(
            page, now, {which: draft.in_conflict(edit, done, _texts(now), fields)}
        )
    message = saved_message(done)
    if done is not None and "tiktok_handle" in edit.changed:
        message = f"{message} The creator is @{done.current.tiktok_handle} now."
    page.flash(message)
    return page.go_to(_path(creator_id))


async def _show_all(
    page: PageContext,
    creator: Creator,
    *,
    refused_move: ApiRefusedError | None = None,
    refused_erasure: ApiRefusedError | None = None,
) -> Template:
    """Return the page with the forms to move and to erase, one of which was refused."""
    further = {
        "first": creator.duplicate_of and await get_creator(page, creator.duplicate_of),
        "card": await connection_card(page, creator),
        "move": await possible_move(page, creator),
        "refused_move": refused_move,
        "erasure": await possible_erasure(page, creator),
        "refused_erasure": refused_erasure,
    }
    error = refused_move or refused_erasure
    return _show(page, creator, further=further, refused=error)


def _show(
    page: PageContext,
    creator: Creator,
    drafts: dict[str, EditDraft] | None = None,
    *,
    further: Mapping[str, object] | None = None,
    refused: ApiRefusedError | None = None,
) -> Template:
    """Return the page; ``drafts`` are refused forms, by name."""
    texts = _texts(creator)
    fields = editable_fields(creator)

    def fresh(*names: str) -> EditDraft:
        own = {name: texts[name] for name in names}
        return EditDraft.of(own, fields, creator.version)

    forms = {
        "tracking": fresh(*TRACKING),
        "handle": fresh(*HANDLE),
        "return": fresh(*WINDOW),
        **(drafts or {}),
    }
    context = {
        "labels": _LABELS,
        "now": texts,
        "tracking": forms["tracking"],
        "handle": forms["handle"],
        "back": forms["return"],
        "tags_problem": tags_problem(
            error.problems if (error := forms["tracking"].error) else {}
        ),
        # A refused form stays, whatever happened to the creator.
        "drafts": frozenset(drafts or ()),
        **dict.fromkeys(("card", "move", "refused_move", "erasure", "refused_erasure")),
        **(further or {}),
    }
    errors = (draft.error for draft in (drafts or {}).values())
    has_conflict = any(draft.conflict for draft in (drafts or {}).values())
    return show_creator(
        page,
        "creator/settings.html",
        creator,
        context,
        error=refused or next(errors, None),
        status=CONFLICT_STATUS if has_conflict else 200,
    )


def _texts(creator: Creator) -> dict[str, str]:
    now = editable_fields(creator)
    texts = {name: now[name] or "" for name in (*TRACKING, *HANDLE)}
    return {**texts, "tags": text_of_tags(creator.tags)}


def _values(form: Struct, names: tuple[str, ...]) -> dict[str, str]:
    return {name: getattr(form, name) for name in names}


def _field_values(texts: dict[str, str]) -> dict[str, Any]:
    """Return the values for the fields: an empty text means none."""
    return {
        name: tags_of_text(text) if name == "tags" else text or None
        for name, text in texts.items()
    }


def _path(creator_id: UUID) -> str:
    return f"/creators/{creator_id}/settings"

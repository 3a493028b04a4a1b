"""/creators/{id}/notes: people's notes about a creator, edited in place."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Template
from markupsafe import Markup
from msgspec import Struct
from msgspec.structs import replace

from api.http.bodies.form_body import typed
from api.http.bodies.strict_json import check
from api.http.error_codes import Code
from api.http.errors import ApiError, field_error
from api.web.creator.layout import get_creator, show_creator
from api.web.kit.forms.concurrent_edit import (
    CONFLICT_STATUS,
    EditConflict,
    EditDraft,
    editable_fields,
    parse_version,
    save_creator,
    saved_message,
)
from api.web.kit.forms.line_diff import line_diff
from api.web.kit.handlers import form_route, page_route
from api.web.kit.markdown import render_markdown
from api.web.kit.page import PageContext, PageResponse
from projections.creators.creator import Creator

NotesField = Literal["readme", "description", "metadata"]

LABELS: dict[NotesField, str] = {
    "readme": "Notes",
    "description": "Description",
    "metadata": "Metadata",
}
_NO_OBJECT = 'must be a JSON object, as {"agency": "Hill & Vale"}'


class CreatorNotesForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One field of the notes; ``preview`` shows it without storing it."""

    field: NotesField
    text: Annotated[str, typed("Text")]
    version: str
    original: str
    preview: str = ""


class CreatorNotes(Controller):
    """A creator's notes, description and metadata."""

    path = "/creators/{creator_id:uuid}/notes"

    @page_route()
    async def notes(
        self,
        creator_id: FromPath[UUID],
        page: NamedDependency[PageContext],
        edit: Annotated[
            str, QueryParameter(max_length=20, description="The field to edit.")
        ] = "",
    ) -> Template:
        """Show the notes, and the form of one field."""
        creator = await get_creator(page, creator_id)
        may_edit = page.may("write") and creator.status != "removed"
        if edit not in LABELS or not may_edit:
            return await _show(page, creator)
        return await _show(page, creator, _draft(creator, edit))

    @form_route(form=CreatorNotesForm)
    async def save_notes(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        """Store a field, or show it again with the error."""
        form = page.form(CreatorNotesForm)
        draft = EditDraft(
            values={form.field: form.text},
            original=form.original,
            version=parse_version(form.version),
        )
        if form.preview:
            images = page.site.images.address
            preview = await render_markdown(form.text, image_url=images)
            creator = await get_creator(page, creator_id)
            return await _show(page, creator, draft, preview=preview)
        try:
            edit = draft.edit({form.field: _value(form.field, form.text)})
            done = await save_creator(page, creator_id, edit) if edit.changed else None
        except ApiError as error:
            creator = await get_creator(page, creator_id)
            return await _show(page, creator, replace(draft, error=error))
        if isinstance(done, EditConflict):
            now = done.current
            draft = draft.in_conflict(edit, done, _texts(now), editable_fields(now))
            return await _show(page, now, draft)
        page.flash(saved_message(done))
        return page.go_to(f"/creators/{creator_id}/notes")


def _draft(creator: Creator, field: str) -> EditDraft:
    texts = {field: _texts(creator)[field]}
    return EditDraft.of(texts, editable_fields(creator), creator.version)


async def _show(
    page: PageContext,
    creator: Creator,
    draft: EditDraft | None = None,
    *,
    preview: Markup | None = None,
) -> Template:
    """Return the page with the form of at most one field."""
    images = page.site.images.address
    context: dict[str, Any] = {
        "draft": draft,
        "editing": None,
        "labels": LABELS,
        "metadata": msgspec.json.decode(creator.metadata),
        "preview": preview,
        "readme": await render_markdown(creator.readme or "", image_url=images),
    }
    has_conflict = False
    if draft is not None:
        ((field, text),) = draft.values.items()
        stored = _texts(creator)[field]
        has_conflict = draft.conflict is not None
        context |= {
            "diff": line_diff(stored, text) if has_conflict else None,
            "editing": field,
            "problem": ""
            if draft.error is None
            else draft.error.problems.get(field, ""),
            "stored_text": stored,
            "text": text,
        }
    return show_creator(
        page,
        "creator/notes.html",
        creator,
        context,
        error=None if draft is None else draft.error,
        status=CONFLICT_STATUS if has_conflict else 200,
    )


def _texts(creator: Creator) -> dict[str, str]:
    written = msgspec.json.format(bytes(creator.metadata), indent=2).decode()
    return {
        "readme": creator.readme or "",
        "description": creator.description or "",
        "metadata": "" if written == "{}" else written,
    }


def _value(field: NotesField, text: str) -> Any:  # noqa: ANN401 - metadata is any JSON
    """Return the new value of a field.

    Raises:
        ApiError: ``invalid_body``, if metadata is not a JSON object.
    """
    if field != "metadata":
        return text or None
    if not text.strip():
        return {}
    try:
        check(text.encode())
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.ValidationError:
        raise field_error(Code.INVALID_BODY, "/metadata", _NO_OBJECT) from None
    except ApiError as error:
        if not error.problems:
            raise
        path, message = next(iter(error.problems.items()))
        message = f"{path}: {message}" if path else message
        raise field_error(Code.INVALID_BODY, "/metadata", message) from None

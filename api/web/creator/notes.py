"""/creators/{id}/notes: what people wrote about a creator, edited in place."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Response, Template
from msgspec import Struct

from api.http.error_codes import Code
from api.http.errors import ApiError, field_error
from api.http.form_body import typed
from api.http.request import Request
from api.http.strict_json import check
from api.web.creator.layout import get_creator, show_creator
from api.web.kit.concurrent_edit import (
    Edit,
    EditConflict,
    editable_fields,
    fingerprint,
    parse_version,
    save,
    saved_message,
)
from api.web.kit.line_diff import line_diff
from api.web.kit.markdown import render_markdown
from api.web.kit.page import PageContext
from projections.creators.queries import Creator

NotesField = Literal["readme", "description", "metadata"]

LABELS: dict[NotesField, str] = {
    "readme": "Notes",
    "description": "Description",
    "metadata": "Metadata",
}
_NO_OBJECT = 'must be a JSON object, as {"agency": "Hill & Vale"}'


class CreatorNotesForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One part of the notes, as somebody wants it."""

    field: NotesField
    text: Annotated[str, typed("Text")]
    version: str
    original: str
    preview: str = ""


class NotesDraft(Struct, frozen=True, kw_only=True):
    """A part that is being edited: what stands in its form, and what is to be said."""

    field: NotesField
    text: str
    version: int
    original: str
    preview: str | None = None
    problem: str = ""
    error: ApiError | None = None
    conflict: EditConflict | None = None
    lines: Any = None


class CreatorNotes(Controller):
    """A creator's notes, description and metadata."""

    path = "/creators/{creator_id:uuid}/notes"

    @get("/", opt={"scope": "read", "page": True})
    async def notes(
        self,
        creator_id: FromPath[UUID],
        page: NamedDependency[PageContext],
        edit: Annotated[
            str, QueryParameter(max_length=20, description="The part to edit.")
        ] = "",
    ) -> Template:
        """Show what is noted, and the form of one part."""
        creator = await get_creator(page, creator_id)
        field = _FIELDS.get(edit)
        may_edit = page.may("write") and creator.status != "removed"
        if field is None or not may_edit:
            return await _page(page, creator)
        text = _texts(creator)[field]
        draft = NotesDraft(
            field=field,
            text=text,
            version=creator.version,
            original=fingerprint(editable_fields(creator)[field]),
        )
        return await _page(page, creator, draft)

    @post("/", opt={"scope": "write", "page": True, "form": CreatorNotesForm})
    async def save_notes(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        page: NamedDependency[PageContext],
    ) -> Template | Response[Any]:
        """Store a part; or show it again with what is in the way."""
        form = request.form_as(CreatorNotesForm)
        draft = NotesDraft(
            field=form.field,
            text=form.text,
            version=parse_version(form.version),
            original=form.original,
        )
        if form.preview:
            html = await render_markdown(
                form.text, remote_images=page.site.remote_images
            )
            draft = msgspec.structs.replace(draft, preview=html)
            return await _page(page, await get_creator(page, creator_id), draft)
        try:
            edit = Edit(
                values={form.field: _value(form.field, form.text)},
                original={form.field: form.original},
                version=draft.version,
            )
            done = await save(page, creator_id, edit) if edit.changed else None
        except ApiError as error:
            return await _refused(page, creator_id, draft, error)
        if isinstance(done, EditConflict):
            return await _conflict_page(page, draft, done)
        page.flash(saved_message(done))
        return page.go_to(f"/creators/{creator_id}/notes")


_FIELDS: dict[str, NotesField] = {field: field for field in LABELS}


async def _page(
    page: PageContext,
    creator: Creator,
    draft: NotesDraft | None = None,
    *,
    status: int = 200,
) -> Template:
    remote_images = page.site.remote_images
    context = {
        "draft": draft,
        "labels": LABELS,
        "metadata": msgspec.json.decode(creator.metadata),
        "readme": await render_markdown(
            creator.readme or "", remote_images=remote_images
        ),
        "stored_text": "" if draft is None else _texts(creator)[draft.field],
    }
    return show_creator(page, "creator/notes.html", creator, context, status=status)


async def _refused(
    page: PageContext, creator_id: UUID, draft: NotesDraft, error: ApiError
) -> Template:
    problem = error.problems.get(draft.field, "")
    draft = msgspec.structs.replace(draft, problem=problem, error=error)
    creator = await get_creator(page, creator_id)
    return await _page(page, creator, draft, status=error.status)


async def _conflict_page(
    page: PageContext, draft: NotesDraft, conflict: EditConflict
) -> Template:
    # Saved from here it is saved over what is stored now, knowingly.
    now = editable_fields(conflict.creator)
    draft = msgspec.structs.replace(
        draft,
        version=conflict.creator.version,
        original=fingerprint(now[draft.field]),
        conflict=conflict,
        lines=line_diff(_texts(conflict.creator)[draft.field], draft.text),
    )
    return await _page(page, conflict.creator, draft, status=412)


def _texts(creator: Creator) -> dict[NotesField, str]:
    """Return the parts as they stand in their forms."""
    written = msgspec.json.format(bytes(creator.metadata), indent=2).decode()
    return {
        "readme": creator.readme or "",
        "description": creator.description or "",
        "metadata": "" if written == "{}" else written,
    }


def _value(field: NotesField, text: str) -> Any:  # noqa: ANN401 - metadata is any JSON
    """Return what a part shall be.

    Raises:
        ApiError: ``invalid_body``, if metadata is no JSON object.
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

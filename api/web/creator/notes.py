"""/creators/{id}/notes: people's notes about a creator, edited in place."""

from typing import Annotated, Any, Literal, get_args
from uuid import UUID

import msgspec
from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Template
from markupsafe import Markup

from api.http.bodies.form_body import typed
from api.web.creator.fields import CREATOR
from api.web.creator.layout import get_creator, show_creator
from api.web.kit.forms.concurrent_edit import (
    CONFLICT_STATUS,
    EditDraft,
    EditForm,
    save_edit,
)
from api.web.kit.forms.line_diff import line_diff
from api.web.kit.handlers import form_route, page_route
from api.web.kit.markdown import render_markdown
from api.web.kit.page import PageContext, PageResponse
from projections.creators.creator import Creator

NotesField = Literal["readme", "description", "metadata"]


class CreatorNotesForm(EditForm, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One field of the notes; ``preview`` shows it without storing it."""

    field: NotesField
    text: Annotated[str, typed("Text")]
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
        if edit not in get_args(NotesField) or not may_edit:
            return await _show(page, creator)
        return await _show(page, creator, EditDraft.of(CREATOR, creator, [edit]))

    @form_route(form=CreatorNotesForm)
    async def save_notes(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        """Store a field, or show it again with the error."""
        form = page.form(CreatorNotesForm)
        draft = EditDraft.sent(form, {form.field: form.text})
        if form.preview:
            images = page.site.images.address
            preview = await render_markdown(form.text, image_url=images)
            creator = await get_creator(page, creator_id)
            return await _show(page, creator, draft, preview=preview)
        done = await save_edit(page, CREATOR, creator_id, draft)
        if isinstance(done, EditDraft):
            conflict = done.conflict
            now = conflict.current if conflict else await get_creator(page, creator_id)
            return await _show(page, now, done)
        page.flash(done.message)
        return page.go_to(f"/creators/{creator_id}/notes")


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
        "fields": CREATOR.by_name,
        "metadata": msgspec.json.decode(creator.metadata),
        "preview": preview,
        "readme": await render_markdown(creator.readme or "", image_url=images),
    }
    has_conflict = False
    if draft is not None:
        ((field, text),) = draft.values.items()
        stored = CREATOR.texts(creator)[field]
        has_conflict = draft.conflict is not None
        context |= {
            "diff": line_diff(stored, text) if has_conflict else None,
            "editing": field,
            "problem": draft.problems.get(field, ""),
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

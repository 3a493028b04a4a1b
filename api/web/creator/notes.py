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
from api.web.creator.frame import show_creator, the_creator
from api.web.kit.concurrent_edit import (
    Clash,
    Edit,
    mark,
    notice_of,
    save,
    stored,
    version_of,
)
from api.web.kit.line_diff import line_diff
from api.web.kit.markdown import rendered
from api.web.kit.page import Visit
from projections.creators.queries import Creator

Part = Literal["readme", "description", "metadata"]

LABELS: dict[Part, str] = {
    "readme": "Notes",
    "description": "Description",
    "metadata": "Metadata",
}
_NO_OBJECT = 'must be a JSON object, as {"agency": "Hill & Vale"}'


class NotesForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One part of the notes, as somebody wants it."""

    part: Part
    text: Annotated[str, typed("Text")]
    version: str
    seen: str
    preview: str = ""


class Draft(Struct, frozen=True, kw_only=True):
    """A part that is being edited: what stands in its form, and what is to be said."""

    part: Part
    text: str
    version: int
    seen: str
    preview: str | None = None
    problem: str = ""
    error: ApiError | None = None
    clash: Clash | None = None
    lines: Any = None


class CreatorNotes(Controller):
    """A creator's notes, description and metadata."""

    path = "/creators/{creator_id:uuid}/notes"

    @get("/", opt={"scope": "read", "page": True})
    async def notes(
        self,
        creator_id: FromPath[UUID],
        visit: NamedDependency[Visit],
        edit: Annotated[
            str, QueryParameter(max_length=20, description="The part to edit.")
        ] = "",
    ) -> Template:
        """Show what is noted, and the form of one part."""
        creator = await the_creator(visit, creator_id)
        part = _PARTS.get(edit)
        may_edit = visit.may("write") and creator.status != "removed"
        if part is None or not may_edit:
            return await _page(visit, creator)
        text = _texts(creator)[part]
        draft = Draft(
            part=part,
            text=text,
            version=creator.version,
            seen=mark(stored(creator)[part]),
        )
        return await _page(visit, creator, draft)

    @post("/", opt={"scope": "write", "page": True, "form": NotesForm})
    async def save_notes(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        visit: NamedDependency[Visit],
    ) -> Template | Response[Any]:
        """Store a part; or show it again with what is in the way."""
        form = request.form_as(NotesForm)
        draft = Draft(
            part=form.part,
            text=form.text,
            version=version_of(form.version),
            seen=form.seen,
        )
        if form.preview:
            html = await rendered(form.text, remote_images=visit.site.remote_images)
            draft = msgspec.structs.replace(draft, preview=html)
            return await _page(visit, await the_creator(visit, creator_id), draft)
        try:
            edit = Edit(
                values={form.part: _value(form.part, form.text)},
                seen={form.part: form.seen},
                version=draft.version,
            )
            done = await save(visit, creator_id, edit) if edit.changed else None
        except ApiError as error:
            return await _refused(visit, creator_id, draft, error)
        if isinstance(done, Clash):
            return await _clashed(visit, draft, done)
        visit.tell(notice_of(done))
        return visit.go_to(f"/creators/{creator_id}/notes")


_PARTS: dict[str, Part] = {part: part for part in LABELS}


async def _page(
    visit: Visit, creator: Creator, draft: Draft | None = None, *, status: int = 200
) -> Template:
    remote_images = visit.site.remote_images
    context = {
        "draft": draft,
        "labels": LABELS,
        "metadata": msgspec.json.decode(creator.metadata),
        "readme": await rendered(creator.readme or "", remote_images=remote_images),
        "stored_text": "" if draft is None else _texts(creator)[draft.part],
    }
    return show_creator(visit, "creator/notes.html", creator, context, status=status)


async def _refused(
    visit: Visit, creator_id: UUID, draft: Draft, error: ApiError
) -> Template:
    problem = error.problems.get(draft.part, "")
    draft = msgspec.structs.replace(draft, problem=problem, error=error)
    creator = await the_creator(visit, creator_id)
    return await _page(visit, creator, draft, status=error.status)


async def _clashed(visit: Visit, draft: Draft, clash: Clash) -> Template:
    # Saved from here it is saved over what is stored now, knowingly.
    now = stored(clash.creator)
    draft = msgspec.structs.replace(
        draft,
        version=clash.creator.version,
        seen=mark(now[draft.part]),
        clash=clash,
        lines=line_diff(_texts(clash.creator)[draft.part], draft.text),
    )
    return await _page(visit, clash.creator, draft, status=412)


def _texts(creator: Creator) -> dict[Part, str]:
    """Return the parts as they stand in their forms."""
    written = msgspec.json.format(bytes(creator.metadata), indent=2).decode()
    return {
        "readme": creator.readme or "",
        "description": creator.description or "",
        "metadata": "" if written == "{}" else written,
    }


def _value(part: Part, text: str) -> Any:  # noqa: ANN401 - metadata is any JSON
    """Return what a part shall be.

    Raises:
        ApiError: ``invalid_body``, if metadata is no JSON object.
    """
    if part != "metadata":
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
        told = f"{path}: {message}" if path else message
        raise field_error(Code.INVALID_BODY, "/metadata", told) from None

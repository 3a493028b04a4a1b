"""/annotations: the forms that write a note, change it and delete it."""

from typing import Annotated
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template
from msgspec import Struct

from api.http.bodies.form_body import typed
from api.http.error_codes import Code
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.handlers import form_route
from api.web.kit.page import PageContext, PageResponse
from api.web.kit.sign_in_form import page_after_sign_in
from projections.annotations.queries import Annotation

API_PATH = "/analytics/annotations"

_SHOWN_ERRORS = {Code.INVALID_BODY, Code.VERSION_CONFLICT}


class NoteForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A note as typed.

    ``about`` is the scope and the id of the subject of a new note; ``version`` is the
    version from which the form of a stored note was made. ``back`` is the page that the
    note is on.
    """

    text: Annotated[str, typed("Note")]
    starts_on: str
    ends_on: str = ""
    about: str = ""
    version: str = ""
    back: str = ""


class BackForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The page to go back to."""

    back: str = ""


class AnnotationForms(Controller):
    """Writes, changes and deletes notes, and returns to their page."""

    path = "/annotations"

    @form_route(form=NoteForm)
    async def add(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Write a note, or show the form again with the error."""
        form = page.form(NoteForm)
        scope, _, scope_id = form.about.partition(":")
        body = {**_body(form), "scope": scope, "scope_id": scope_id}
        try:
            await page.send("POST", API_PATH, Annotation, body)
        except ApiRefusedError as error:
            return _again(page, form, error)
        page.flash("The note was written.")
        return _back(page, form.back)

    @form_route("/{annotation_id:uuid}", form=NoteForm)
    async def change(
        self, page: NamedDependency[PageContext], annotation_id: FromPath[UUID]
    ) -> PageResponse:
        """Change a note, unless another person changed it meanwhile."""
        form = page.form(NoteForm)
        version = int(form.version) if form.version.isdecimal() else None
        path = f"{API_PATH}/{annotation_id}"
        try:
            await page.send("PATCH", path, Annotation, _body(form), version=version)
        except ApiRefusedError as error:
            return _again(page, form, error)
        page.flash("The note was saved.")
        return _back(page, form.back)

    @form_route("/{annotation_id:uuid}/delete", form=BackForm)
    async def delete(
        self, page: NamedDependency[PageContext], annotation_id: FromPath[UUID]
    ) -> PageResponse:
        """Delete a note, which leaves the charts."""
        await page.send("DELETE", f"{API_PATH}/{annotation_id}", Annotation)
        page.flash("The note was deleted.")
        return _back(page, page.form(BackForm).back)


def _body(form: NoteForm) -> dict[str, str]:
    return {
        "text": form.text.strip(),
        "starts_on": form.starts_on,
        "ends_on": form.ends_on or form.starts_on,
    }


def _again(page: PageContext, form: NoteForm, error: ApiRefusedError) -> Template:
    """Return the form with the error and the typed text.

    Raises:
        ApiRefusedError: the form cannot show the error.
    """
    if error.code not in _SHOWN_ERRORS:
        raise error
    context = {
        "action": page.request.scope["path"],
        "back": page_after_sign_in(form.back),
        "form": form,
        "has_conflict": error.code is Code.VERSION_CONFLICT,
    }
    return page.show("annotations/form.html", context, error=error)


def _back(page: PageContext, back: str) -> PageResponse:
    return page.go_to(f"{page_after_sign_in(back)}#happened")

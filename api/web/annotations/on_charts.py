"""The annotations on the days of a page's charts, and the subjects of new notes."""

from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from api.routes.analytics.responses import Analytics
from api.web.kit.page import PageContext, here
from domain.written import days_in_words
from projections.annotations.queries import Annotation

# This many are shown below a chart; the others are folded.
_SHOWN_AT_FIRST = 6


class NoteSubject(Struct, frozen=True, kw_only=True):
    """A possible subject of a note: ``value`` is its scope and id."""

    value: str
    label: str


class ShownAnnotation(Struct, frozen=True, kw_only=True):
    """An annotation with its days in words, and its subject.

    ``about`` is empty if the subject is that of the whole page.
    """

    annotation: Annotation
    days: str
    about: str


class Happened(Struct, frozen=True, kw_only=True):
    """The annotations of some days, the last to start first, and the form of a note.

    ``day`` is the default day of a new note, and ``back`` the address of the page.
    """

    shown: list[ShownAnnotation]
    folded: list[ShownAnnotation]
    subjects: list[NoteSubject]
    day: date
    back: str


def note_subject(scope: str, scope_id: object, label: str) -> NoteSubject:
    return NoteSubject(value=f"{scope}:{scope_id}", label=label)


def happened_of(
    page: PageContext,
    answer: Analytics,
    *subjects: NoteSubject,
    project_id: object = None,
    is_alone: bool = True,
) -> Happened:
    """Return the annotations on the days of an answer, and the subjects of new notes.

    The first of the subjects is that of the page, unless there are several. Notes may
    also be about their project, if it is passed, and about the organization, which is
    not there for people who are limited to some projects.
    """
    around = [] if project_id is None else [("project", project_id, "The project")]
    if page.sees_all:
        around += [("org", page.principal.organization_id, "The organization")]
    known = {one.value for one in subjects}
    offered = [*subjects]
    offered += [
        one for each in around if (one := note_subject(*each)).value not in known
    ]
    lines = [
        ShownAnnotation(
            annotation=one,
            days=days_in_words(one.starts_on, one.ends_on),
            about=_about(one, offered, is_alone=is_alone),
        )
        for one in reversed(answer.annotations)
    ]
    return Happened(
        shown=lines[:_SHOWN_AT_FIRST],
        folded=lines[_SHOWN_AT_FIRST:],
        subjects=offered,
        day=answer.to,
        back=here(page.request),
    )


def _about(
    annotation: Annotation, offered: Sequence[NoteSubject], *, is_alone: bool
) -> str:
    value = f"{annotation.scope}:{annotation.scope_id}"
    if is_alone and value == offered[0].value:
        return ""
    labels = {one.value: one.label for one in offered}
    return labels.get(value, f"The {annotation.scope}")

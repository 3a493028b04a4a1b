"""What happened on the days of a page's charts, and what may be noted there."""

from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from api.routes.analytics.responses import Analytics
from api.web.charts.chart import days_in_words
from api.web.kit.page import PageContext, here
from projections.annotations.queries import Annotation

# Those that stand open below a chart; the others are folded.
_SHOWN_AT_FIRST = 6


class NoteSubject(Struct, frozen=True, kw_only=True):
    """Something that a note may be about: ``value`` is its scope and id."""

    value: str
    label: str


class ShownAnnotation(Struct, frozen=True, kw_only=True):
    """An annotation with its days in words, and what it is about.

    ``about`` is empty if it is about what the whole page is about.
    """

    annotation: Annotation
    days: str
    about: str


class Happened(Struct, frozen=True, kw_only=True):
    """The annotations of some days, the last to start first, and the form of a note.

    ``day`` is the day that a new note is about unless another one is chosen, and
    ``back`` the address of the page.
    """

    shown: list[ShownAnnotation]
    folded: list[ShownAnnotation]
    subjects: list[NoteSubject]
    day: date
    back: str


def note_subject(scope: str, scope_id: object, label: str) -> NoteSubject:
    """Return something that a note may be about."""
    return NoteSubject(value=f"{scope}:{scope_id}", label=label)


def happened_of(
    page: PageContext,
    answer: Analytics,
    *subjects: NoteSubject,
    project_id: object = None,
    is_alone: bool = True,
) -> Happened:
    """Return what happened on the days of an answer, and what may be noted on them.

    The first of the subjects is what the page is about, unless it is not alone. Notes
    may also be about their project, if it is given, and always about the organization.
    """
    around = [] if project_id is None else [("project", project_id, "The project")]
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

"""Notes: the state of one, the events that commands cause, and their effects."""

from collections.abc import Sequence
from datetime import date
from typing import assert_never
from uuid import UUID

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from domain.annotation import commands as c
from domain.annotation import events as e
from domain.days import check_days
from domain.decisions import check_text, state_after
from domain.errors import CorruptHistoryError, NotFoundError
from domain.messages import Event, changed_fields, copied, set_fields

# The fields of a note that people can change.
DETAILS = ("starts_on", "ends_on", "text")


class AnnotationState(msgspec.Struct, frozen=True, kw_only=True):
    organization_id: UUID
    starts_on: date
    ends_on: date
    text: str
    is_deleted: bool = False


def decide(
    annotation: AnnotationState | None, command: c.AnnotationCommand
) -> list[e.AnnotationEvent]:
    """Return the events that ``command`` causes; none if nothing would change.

    Raises:
        NotFoundError: there is no note with this id, or it was deleted.
        EndsBeforeStartError: the note would end before it starts.
        BlankNameError: the text is only blanks.
    """
    if isinstance(command, c.AddAnnotation):
        return [] if annotation is not None else [_added(command)]
    if annotation is None:
        raise NotFoundError("annotation")
    if isinstance(command, c.DeleteAnnotation):
        deleted = e.AnnotationDeleted(organization_id=annotation.organization_id)
        return [] if annotation.is_deleted else [deleted]
    if annotation.is_deleted:
        raise NotFoundError("annotation")
    changed = changed_fields(command, annotation, DETAILS)
    if not changed:
        return []
    if command.text is not UNSET:
        check_text(command.text, field="text")
    check_days(
        changed.get("starts_on", annotation.starts_on),
        changed.get("ends_on", annotation.ends_on),
    )
    return [e.AnnotationChanged(organization_id=annotation.organization_id, **changed)]


def evolve(
    annotation: AnnotationState | None, event: e.AnnotationEvent
) -> AnnotationState:
    """Return the note after ``event``; it never refuses."""
    if isinstance(event, e.AnnotationAdded):
        return copied(event, AnnotationState)
    if annotation is None:
        msg = "An annotation's history must begin with annotation_added."
        raise CorruptHistoryError(msg)
    match event:
        case e.AnnotationChanged():
            return replace(annotation, **set_fields(event, DETAILS))
        case e.AnnotationDeleted():
            return replace(annotation, is_deleted=True)
        case _:
            assert_never(event)


def annotation_of(history: Sequence[Event]) -> AnnotationState | None:
    """Return the note of this history, None if the history is not a note's."""
    return state_after(history, e.AnnotationEvent, evolve)


def _added(command: c.AddAnnotation) -> e.AnnotationAdded:
    check_text(command.text, field="text")
    check_days(command.starts_on, command.ends_on)
    return copied(command, e.AnnotationAdded)

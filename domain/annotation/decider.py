"""Notes: the state of one, the events that commands cause, and their effects."""

from msgspec import UNSET

from domain.annotation import commands as c
from domain.annotation import events as e
from domain.days import check_days
from domain.decisions import check_text
from domain.errors import NotFoundError
from domain.messages import changed_fields, copied
from domain.thing import Thing

# The fields of a note that people can change.
DETAILS = ("starts_on", "ends_on", "text")


class AnnotationState(e.AnnotationFields, frozen=True, kw_only=True):
    version: int = 1
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


_ANNOTATION = Thing(
    "annotation",
    AnnotationState,
    e.AnnotationEvent,
    made=e.AnnotationAdded,
    changed=e.AnnotationChanged,
    ended=e.AnnotationDeleted,
    details=DETAILS,
    ends="is_deleted",
)
evolve, annotation_of = _ANNOTATION.evolve, _ANNOTATION.of


def _added(command: c.AddAnnotation) -> e.AnnotationAdded:
    check_text(command.text, field="text")
    check_days(command.starts_on, command.ends_on)
    return copied(command, e.AnnotationAdded)

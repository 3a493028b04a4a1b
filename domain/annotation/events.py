"""The events of an annotation: one stream for each note that somebody wrote."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from domain.messages import Event, Personal

AnnotationScope = Literal["org", "project", "campaign", "creator", "video"]


class AnnotationFields(msgspec.Struct, frozen=True, kw_only=True):
    organization_id: UUID
    scope: AnnotationScope
    scope_id: UUID
    project_id: UUID | None = None
    starts_on: date
    ends_on: date
    text: Personal[str]


class AnnotationAdded(AnnotationFields, Event, frozen=True, kw_only=True):
    """Somebody noted what happened on these days, both inclusive.

    ``scope_id`` is the id of the thing that the note is about. ``project_id`` is the
    project of that thing, null for a note about the whole organization.
    """

    stored_name: ClassVar[str] = "annotation_added"


class AnnotationChanged(Event, frozen=True, kw_only=True):
    """The note's text or days changed; unset fields stay as they were."""

    stored_name: ClassVar[str] = "annotation_changed"
    organization_id: UUID
    starts_on: date | msgspec.UnsetType = msgspec.UNSET
    ends_on: date | msgspec.UnsetType = msgspec.UNSET
    text: Personal[str | msgspec.UnsetType] = msgspec.UNSET


class AnnotationDeleted(Event, frozen=True, kw_only=True):
    """The note is gone from every list and chart."""

    stored_name: ClassVar[str] = "annotation_deleted"
    organization_id: UUID


AnnotationEvent = AnnotationAdded | AnnotationChanged | AnnotationDeleted

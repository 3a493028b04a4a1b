"""The commands to an annotation."""

from datetime import date
from uuid import UUID

import msgspec

from domain.annotation.events import AnnotationScope
from domain.messages import Command


class AddAnnotation(Command, frozen=True, kw_only=True):
    """Add a note; the handler has checked that the scope exists."""

    organization_id: UUID
    scope: AnnotationScope
    scope_id: UUID
    project_id: UUID | None
    starts_on: date
    ends_on: date
    text: str


class ChangeAnnotation(Command, frozen=True, kw_only=True):
    starts_on: date | msgspec.UnsetType = msgspec.UNSET
    ends_on: date | msgspec.UnsetType = msgspec.UNSET
    text: str | msgspec.UnsetType = msgspec.UNSET


class DeleteAnnotation(Command, frozen=True, kw_only=True):
    pass


AnnotationCommand = AddAnnotation | ChangeAnnotation | DeleteAnnotation

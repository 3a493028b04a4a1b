"""The commands to an annotation."""

from datetime import date
from uuid import UUID

import msgspec

from domain.annotation.events import AnnotationScope
from domain.messages import Command


class AddAnnotation(Command, frozen=True, kw_only=True):
    """Note what happened; that there is such a scope was decided before."""

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
    """Take the note off every chart."""


AnnotationCommand = AddAnnotation | ChangeAnnotation | DeleteAnnotation

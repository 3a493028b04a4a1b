"""The commands to an annotation."""

from datetime import date

import msgspec

from domain.annotation.events import AnnotationFields
from domain.messages import Command


class AddAnnotation(AnnotationFields, Command, frozen=True, kw_only=True):
    """Add a note; the handler has checked that the scope exists."""


class ChangeAnnotation(Command, frozen=True, kw_only=True):
    starts_on: date | msgspec.UnsetType = msgspec.UNSET
    ends_on: date | msgspec.UnsetType = msgspec.UNSET
    text: str | msgspec.UnsetType = msgspec.UNSET


class DeleteAnnotation(Command, frozen=True, kw_only=True):
    pass


AnnotationCommand = AddAnnotation | ChangeAnnotation | DeleteAnnotation

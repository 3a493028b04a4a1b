"""What is asked for when creators are added, and what becomes of each."""

from datetime import date
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from domain import events as e
from domain.errors import DomainError
from infra.store import Recorded


class NewCreator(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for one creator; an unset start means today where they are."""

    tiktok_handle: str
    tracking_mode: e.TrackingMode = "auto"
    tracking_start_date: date | UnsetType | None = UNSET
    tracking_end_date: date | None = None
    description: str | UnsetType | None = UNSET
    readme: str | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET


class Addition(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one wanted creator.

    ``history`` is the creator's whole stream where it was created or reactivated,
    ``refusal`` says why it was not.
    """

    index: int
    tiktok_handle: str
    status: Literal["created", "reactivated", "failed"]
    refusal: DomainError | None = None
    creator_id: UUID | None = None
    history: tuple[Recorded, ...] = ()


class Additions(msgspec.Struct, frozen=True, kw_only=True):
    """What became of all of them, in the order asked; position None: nothing new."""

    results: tuple[Addition, ...]
    position: int | None

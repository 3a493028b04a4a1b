"""Texts that a tenant gave its own things, and the event that forgets earlier ones.

They are names and notes of the organization, its projects, API keys and campaigns.
People write handles into them.
"""

from collections.abc import Iterable
from typing import Any, ClassVar, Literal
from uuid import UUID

from domain.messages import Event, Personal

TextsKind = Literal["organization", "project", "api_key", "campaign"]

# The values that are read in place of texts that were forgotten.
_FORGOTTEN: dict[str, Any] = {
    "name": "erased",
    "description": None,
    "readme": None,
    "metadata": {},
}


class EarlierTextsForgotten(Event, frozen=True, kw_only=True):
    """The texts that ``of`` had before can't be read any more, at any time of the past.

    The key of ``subject``, which sealed them, is destroyed. ``texts`` are the present
    ones, sealed anew; those of a deleted campaign or a revoked key are not kept.
    """

    stored_name: ClassVar[str] = "earlier_texts_forgotten"
    organization_id: UUID
    kind: TextsKind
    of: UUID
    subject: UUID
    texts: Personal[dict[str, Any]] = {}  # noqa: RUF012 - msgspec copies it


def texts_after(event: EarlierTextsForgotten, names: Iterable[str]) -> dict[str, Any]:
    """Return the fields with these names as they are after the event."""
    return {name: event.texts.get(name, _FORGOTTEN[name]) for name in names}

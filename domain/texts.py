"""Texts that a tenant gave its own things, and the event that forgets earlier ones.

They are names and notes of the organization, its projects, API keys and campaigns, and
the names and queries of its saved views, the names and sites of its shared links, the
names of its alert rules and channels, and the names and recipients of its reports.
People write handles into them.
"""

from collections.abc import Iterable
from typing import Any, ClassVar, Literal
from uuid import UUID

from domain.messages import Event, Personal

TextsKind = Literal[
    "organization",
    "project",
    "api_key",
    "campaign",
    "view",
    "share",
    "alert_rule",
    "report",
    "channel",
]

# The values that stand in place of forgotten texts.
_FORGOTTEN: dict[str, Any] = {
    "name": "erased",
    "shown": "",
    "description": None,
    "client": None,
    "comment": None,
    "readme": None,
    "metadata": {},
    "query": "",
    "columns": (),
    "origins": (),
    "recipients": (),
    "unsubscribed": (),
}


class EarlierTextsForgotten(Event, frozen=True, kw_only=True):
    """The earlier texts of the thing ``of`` can't be read any more, at any past time.

    The key of ``subject``, which sealed the earlier texts, is destroyed. ``texts`` are
    the present ones, sealed anew; a deleted campaign, view, alert rule, report or
    channel, and a revoked key or shared link, keep none.
    """

    stored_name: ClassVar[str] = "earlier_texts_forgotten"
    organization_id: UUID
    kind: TextsKind
    of: UUID
    subject: UUID
    texts: Personal[dict[str, Any]] = {}  # noqa: RUF012 - msgspec copies it


def texts_after(event: EarlierTextsForgotten, names: Iterable[str]) -> dict[str, Any]:
    """Return the values of the named fields after the event."""
    return {name: event.texts.get(name, _FORGOTTEN[name]) for name in names}

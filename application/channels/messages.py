"""Messages: the news for a channel, before a template makes it fit for a service."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from domain.messages import Severity


class Message(Struct, frozen=True, kw_only=True):
    """A message about something that happened.

    ``type`` is what happened, such as ``alert.opened``, and ``is_good`` says that it is
    good news. ``details`` are labels with their values. Titles, texts and values may
    have words of strangers, so each template makes them harmless for its service.
    ``link`` is an address of this installation. A mail has ``html`` instead of a plain
    layout if there is any, and the person at ``unsubscribe_url`` ends such mails.
    ``data`` is for programs.
    """

    id: UUID
    type: str
    title: str
    text: str = ""
    html: str | None = None
    details: Sequence[tuple[str, str]] = ()
    link: str | None = None
    unsubscribe_url: str = ""
    severity: Severity = "info"
    is_good: bool = False
    at: datetime
    organization: str
    data: Mapping[str, Any] = {}

    def lines(self) -> list[str]:
        """Return the text and the details, each on a line of its own."""
        return [
            *([self.text] if self.text else []),
            *(f"{label}: {value}" for label, value in self.details),
        ]


def on_one_line(text: str, *, most: int) -> str:
    """Return a text without control characters, of at most so many characters."""
    kept = "".join(sign if sign.isprintable() else " " for sign in text)
    words = " ".join(kept.split())
    return words if len(words) <= most else f"{words[: most - 1].rstrip()}…"

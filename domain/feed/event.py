"""A public event: its fields, and an id that stays the same forever."""

from base64 import urlsafe_b64encode
from hashlib import blake2b
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec

from domain.feed.data import Time

PublicSubjectType = Literal[
    "creator",
    "video",
    "scrape",
    "source",
    "import",
    "campaign",
    "alert",
    "report",
    "person",
]

# The ids of one organization differ with a probability that this number of bytes makes
# certain for all purposes.
_ID_BYTES: Final = 15


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """The thing that an event is about."""

    type: PublicSubjectType
    id: UUID


class PublicEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, as programs outside of Goatherd read it.

    ``timestamp`` is the time at which it happened, ``recorded_at`` the time at which
    Goatherd stored it. ``version`` is that of the schema of ``data``, which depends on
    ``type``. ``position`` is the place in the log: events of one position were stored
    at once. ``project_id`` is null for what concerns no project.
    """

    id: Annotated[str, msgspec.Meta(pattern="^evt_[A-Za-z0-9_-]{8,}$")]
    type: str
    timestamp: Time
    recorded_at: Time
    version: int
    position: int
    organization_id: UUID
    project_id: UUID | None
    subject: Subject
    actor: str
    data: dict[str, Any]


def event_id(
    organization_id: UUID,
    type_: str,
    *,
    position: int,
    subject_id: UUID,
    milestone: int | None = None,
) -> str:
    """Return the id of an event, by which receivers drop doubles.

    It follows from the event's place in the log alone. It has no dots, which separate
    the parts of a signed text.
    """
    text = f"{organization_id}/{position}/{type_}/{subject_id}/{milestone or ''}"
    digest = blake2b(text.encode(), digest_size=_ID_BYTES).digest()
    return f"evt_{urlsafe_b64encode(digest).decode()}"

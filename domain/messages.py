"""The bases of events and commands, and the words that both are written in."""

from typing import ClassVar, Final, Literal

import msgspec

TrackingMode = Literal["auto", "selective"]
Scope = Literal["read", "write", "admin"]
JobType = Literal["creator_profiles", "discover_videos", "video_stats"]
TrackingStatus = Literal[
    "auto_tracked",
    "pending_review",
    "included",
    "excluded",
    "direct_add",
    "out_of_window",
]
VideoKind = Literal["video", "photo"]
Trigger = Literal[
    "added",
    "reactivated",
    "renamed",
    "reenabled",
    "manual",
    "scheduled",
    "imported",
]
Precision = Literal["exact", "rounded"]
Outcome = Literal[
    "ok",
    "not_found",
    "private",
    "unavailable",
    "blocked",
    "rate_limited",
    "transient",
    "schema_changed",
    "identity_changed",
]

# What imported runs name as their provider: nobody looked, a recording was read.
IMPORT_PROVIDER: Final = "import"


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Something that happened; the base of every event.

    ``stored_name`` is permanent. It is written out, not derived from the class:
    renaming a class must not rename history.
    """

    stored_name: ClassVar[str]
    schema_version: ClassVar[int] = 1


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """Something requested; it may be refused.

    It carries whatever deciding needs (ids, the present time, the plan's limits), since
    deciding itself reads no clock and draws no ids.
    """

"""The bases of events and commands, and the types that both use."""

from collections.abc import Iterable
from functools import cache
from typing import Annotated, Any, ClassVar, Final, Literal, TypeVar, get_args

import msgspec
from msgspec import UNSET

TrackingMode = Literal["auto", "selective"]
MovedHistory = Literal["whole", "stay"]
ErasedFigures = Literal["anonymous", "drop"]
ConnectionProvider = Literal["display"]
ConnectionEnd = Literal["expired", "revoked_there", "revoked_here", "scope_missing"]
Scope = Literal["read", "write", "admin"]
MemberRole = Literal["owner", "admin", "member", "viewer"]
JobType = Literal["creator_profiles", "discover_videos", "video_stats"]
TrackingStatus = Literal[
    "auto_tracked",
    "pending_review",
    "included",
    "excluded",
    "direct_add",
    "out_of_window",
    "merged",
]
VideoKind = Literal["video", "photo"]
Trigger = Literal[
    "added",
    "reactivated",
    "renamed",
    "reenabled",
    "connected",
    "manual",
    "scheduled",
    "imported",
]
Precision = Literal["exact", "rounded"]
TargetScope = Literal["gained", "posts_in_days", "lifetime"]
TargetMetric = Literal["views", "posts", "engagement"]
Completeness = Literal["complete", "partial"]
ImportOutcome = Literal["stored", "refused", "interrupted"]
Platform = Literal["tiktok"]
Severity = Literal["info", "warning", "critical"]
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
    "not_in_recording",
]
# The reason why a creator was disabled without anybody's doing: the outcome of its
# scrapes, or that the project already tracks its account.
DisabledReason = Outcome | Literal["duplicate_account"]
# The reason of a creator that a person disabled.
ByHand = Literal["by_hand"]
BY_HAND: Final[ByHand] = "by_hand"
OTHER_DISABLED_REASONS: Final = (*get_args(Outcome), "duplicate_account")

_T = TypeVar("_T")
_Struct = TypeVar("_Struct", bound=msgspec.Struct)

# The type of an event's field that says something about a person. The field is stored
# sealed with the key of that person (``domain.subjects``). Once the key is destroyed,
# the field reads as null, or as ``erased`` or empty where null is not allowed.
Personal = Annotated[_T, msgspec.Meta(extra={"personal": True})]

# The provider of imported runs, which read a recording instead of TikTok.
IMPORT_PROVIDER: Final = "import"


def tiktok() -> Platform:
    """Return the platform of events that were stored before they named one.

    A default that a factory makes is stored with each event; a plain default is not.
    """
    return "tiktok"


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The base of every event: something that happened.

    ``stored_name`` is permanent. It is written out, not derived from the name of the
    class, so that renaming a class does not change history.
    """

    stored_name: ClassVar[str]
    schema_version: ClassVar[int] = 1


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """The base of every command: a request that may be refused.

    A command has every value that the decision needs (ids, the present time, the plan's
    limits), because a decider reads no clock and makes no ids.
    """


@cache
def _common_fields(
    source: type[msgspec.Struct], target: type[msgspec.Struct]
) -> tuple[str, ...]:
    held = frozenset(source.__struct_fields__)
    return tuple([name for name in target.__struct_fields__ if name in held])


def copied(source: msgspec.Struct, target: type[_Struct], **changed: object) -> _Struct:
    """Make a struct of the class ``target`` with the fields that both classes have.

    A name means the same in the command, the event, the state and the row of an
    aggregate. ``changed`` has the fields that ``source`` lacks, and those with another
    value.
    """
    names = _common_fields(type(source), target)
    return target(**{name: getattr(source, name) for name in names} | changed)


# Values are compared as JSON text, because 1, 1.0 and True are equal in Python.
_written = msgspec.json.Encoder(order="deterministic").encode


def set_fields(message: Event | Command, names: Iterable[str]) -> dict[str, Any]:
    """Return the fields of a message that are set, by name."""
    return {
        name: value for name in names if (value := getattr(message, name)) is not UNSET
    }


def changed_fields(
    command: Command, state: msgspec.Struct, names: Iterable[str]
) -> dict[str, Any]:
    """Return the set fields of a command that differ from the state, by name."""
    return {
        name: value
        for name, value in set_fields(command, names).items()
        if _written(value) != _written(getattr(state, name))
    }

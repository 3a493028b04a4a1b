"""The table of conditions: for each type its numbers, its severity and its words."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

import msgspec
from msgspec.structs import replace

from domain.alert.errors import InvalidConditionError
from domain.messages import Severity

AlertSubjectType = Literal[
    "creator", "video", "project", "source", "limit", "installation"
]
ScopeType = Literal["org", "project", "campaign", "creator"]
ConditionType = Literal[
    "creator_not_seen",
    "creator_disabled",
    "identity_changed",
    "stopped_posting",
    "no_post_for_days",
    "views_spike",
    "views_drop",
    "followers_drop_percent",
    "over_posting",
    "limit_near",
    "video_unavailable",
    "source_failing",
    "import_failed",
    "budget_near",
    "projection_stalled",
    "backup_old",
    "log_check_failed",
]
TYPES: Final[tuple[ConditionType, ...]] = get_args(ConditionType)

_SCOPES: Final[tuple[ScopeType, ...]] = get_args(ScopeType)


class AlertSubject(msgspec.Struct, frozen=True, kw_only=True):
    """The thing that an alert is about.

    `id` is the id of a creator, video or project, or the name of a source, limit or
    read model.
    """

    type: AlertSubjectType
    id: str


class Condition(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """A condition: its type, and the numbers that the type needs.

    ``days`` and ``hours`` are lengths of time; ``z`` is a distance from the median in
    robust standard deviations; ``min_views`` the least views of a day that count;
    ``percent`` a share; ``intervals`` a number of intervals between two scrapes. For
    ``over_posting``, ``posts`` in one day count if ``low_videos`` of them had fewer
    than ``low_views`` at least ``hours`` after posting.
    """

    type: ConditionType
    days: int | None = None
    hours: int | None = None
    z: float | None = None
    min_views: int | None = None
    percent: float | None = None
    intervals: float | None = None
    posts: int | None = None
    low_videos: int | None = None
    low_views: int | None = None

    def number(self, name: str) -> float:
        """Return a number that the type needs."""
        return getattr(self, name)


class ConditionKind(msgspec.Struct, frozen=True, kw_only=True):
    """The meaning of a type of condition.

    ``defaults`` are its numbers, and ``limit`` the name of the one that the evidence's
    value is compared with. From ``critical`` times that number on, an alert is
    critical. ``has_history`` tells whether the past can be judged, and
    ``for_operators`` that the condition is about the whole installation.
    """

    words: str
    severity: Severity
    subject: AlertSubjectType = "creator"
    defaults: Mapping[str, float] = MappingProxyType({})
    limit: str | None = None
    critical: float | None = None
    scopes: tuple[ScopeType, ...] = _SCOPES
    has_history: bool = True
    for_operators: bool = False


_OF_ALL: Final[tuple[ScopeType, ...]] = ("org",)

CONDITIONS: Final[Mapping[ConditionType, ConditionKind]] = MappingProxyType(
    {
        "creator_not_seen": ConditionKind(
            words="Not seen for {intervals} intervals",
            severity="warning",
            defaults={"intervals": 3},
            limit="intervals",
            critical=3,
        ),
        "creator_disabled": ConditionKind(
            words="Disabled, because scrapes found no public account",
            severity="critical",
        ),
        "identity_changed": ConditionKind(
            words="Another account has the handle", severity="critical"
        ),
        "stopped_posting": ConditionKind(words="Stopped posting", severity="warning"),
        "no_post_for_days": ConditionKind(
            words="No post for {days} days",
            severity="warning",
            defaults={"days": 7},
            limit="days",
            critical=2,
        ),
        "views_spike": ConditionKind(
            words="Views of a day far above the usual",
            severity="info",
            defaults={"z": 3.5, "min_views": 1_000},
            limit="z",
        ),
        "views_drop": ConditionKind(
            words="Views of a day far below the usual",
            severity="warning",
            defaults={"z": 3.5, "min_views": 1_000},
            limit="z",
        ),
        "followers_drop_percent": ConditionKind(
            words="Lost {percent}% of followers in {days} days",
            severity="warning",
            defaults={"percent": 5, "days": 7},
            limit="percent",
            critical=3,
        ),
        "over_posting": ConditionKind(
            words="{posts} posts in a day, and {low} of them with few views",
            severity="warning",
            defaults={"posts": 7, "low_videos": 2, "low_views": 100, "hours": 2},
            limit="posts",
        ),
        "limit_near": ConditionKind(
            words="{percent}% of a limit of the plan used",
            severity="warning",
            subject="limit",
            defaults={"percent": 80},
            limit="percent",
            critical=1.25,
            scopes=_OF_ALL,
            has_history=False,
        ),
        "video_unavailable": ConditionKind(
            words="A counted video is gone", severity="warning", subject="video"
        ),
        "source_failing": ConditionKind(
            words="{percent}% of a source's scrapes fail for {hours} hours",
            severity="critical",
            subject="source",
            defaults={"percent": 80, "hours": 6},
            limit="percent",
            scopes=_OF_ALL,
        ),
        "import_failed": ConditionKind(
            words="An import was refused or interrupted",
            severity="warning",
            subject="project",
            scopes=("org", "project"),
        ),
        "budget_near": ConditionKind(
            words="{percent}% of a source's requests of the day used",
            severity="warning",
            subject="source",
            defaults={"percent": 75},
            limit="percent",
            critical=4 / 3,
            scopes=_OF_ALL,
            has_history=False,
            for_operators=True,
        ),
        "projection_stalled": ConditionKind(
            words="A read model is behind and makes no progress",
            severity="critical",
            subject="installation",
            scopes=_OF_ALL,
            has_history=False,
            for_operators=True,
        ),
        "backup_old": ConditionKind(
            words="No backup for {days} days",
            severity="warning",
            subject="installation",
            defaults={"days": 7},
            limit="days",
            critical=4,
            scopes=_OF_ALL,
            has_history=False,
            for_operators=True,
        ),
        "log_check_failed": ConditionKind(
            words="The last check of the log found damage",
            severity="critical",
            subject="installation",
            scopes=_OF_ALL,
            has_history=False,
            for_operators=True,
        ),
    }
)

# The least and the greatest value of each number.
BOUNDS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "days": (1, 90),
        "hours": (1, 72),
        "z": (1, 20),
        "min_views": (0, 10**12),
        "percent": (1, 100),
        "intervals": (1, 100),
        "posts": (2, 100),
        "low_videos": (1, 100),
        "low_views": (1, 10**6),
    }
)


def completed(condition: Condition) -> Condition:
    """Return the condition with all numbers of its type, and refuse others.

    Raises:
        InvalidConditionError: a number is out of bounds, or the type has none such.
    """
    kind = CONDITIONS[condition.type]
    for name, (least, most) in BOUNDS.items():
        value: float | None = getattr(condition, name)
        if value is None:
            continue
        if name not in kind.defaults:
            known = ", ".join(kind.defaults) or "none"
            reason = f"must be left out: numbers of {condition.type} are {known}"
            raise InvalidConditionError(name, reason)
        if not least <= value <= most:
            reason = f"must be from {least:,} to {most:,}"
            raise InvalidConditionError(name, reason)
    missing: dict[str, Any] = {
        name: default
        for name, default in kind.defaults.items()
        if getattr(condition, name) is None
    }
    return replace(condition, **missing)


def words_of(condition: Condition) -> str:
    numbers = {
        name: f"{value:g}"
        for name in BOUNDS
        if (value := getattr(condition, name)) is not None
    }
    numbers["low"] = numbers.get("low_videos", "")
    text = CONDITIONS[condition.type].words.format_map(numbers)
    return text.replace(" 1 days", " 1 day").replace(" 1 hours", " 1 hour")


def severity_of(condition: Condition, value: float | None) -> Severity:
    """Return how bad it is, by the value that is compared with the limit."""
    kind = CONDITIONS[condition.type]
    if kind.critical is None or kind.limit is None or value is None:
        return kind.severity
    is_critical = value >= kind.critical * condition.number(kind.limit)
    return "critical" if is_critical else kind.severity

"""The metrics of analytics on pages: their labels, and the format of values."""

from typing import Literal

from msgspec import Struct

from domain.analytics.metrics import (
    PROFILE_METRICS,
    RAW_METRICS,
    Metric,
    Mode,
    RawMetric,
    entities_of,
    modes_of,
)
from domain.written import UNKNOWN, number, percent, percent_shortly, short, signed

Unit = Literal["count", "percent", "decimal"]
# A form sends an empty value for a field that was left alone.
ModeOrNone = Literal["new", "cumulative", "rate", ""]


class Measure(Struct, frozen=True, kw_only=True):
    """A choice among metrics, such as growth of views or growth of likes.

    ``name`` is used in addresses, and ``noun`` follows a number in a sentence.
    """

    name: str
    label: str
    noun: str
    metric: Metric
    base_metric: RawMetric | None = None
    unit: Unit = "count"

    @property
    def modes(self) -> tuple[Mode, ...]:
        return modes_of(self.metric)

    @property
    def is_of_videos(self) -> bool:
        needed = self.base_metric or self.metric
        return "video" in entities_of(needed)

    def written(self, value: float | None) -> str:
        """Return a value in full."""
        if value is None:
            return UNKNOWN
        return percent(value) if self.unit == "percent" else number(value)

    def shortly(self, value: float | None) -> str:
        """Return a value in few digits."""
        if self.unit == "percent":
            return percent_shortly(value)
        return short(value)

    def change(self, value: float | None) -> str:
        """Return a change with its sign."""
        if self.unit == "count" or value is None:
            return signed(value)
        return f"+{self.written(value)}" if value > 0 else self.written(value)


CountedMeasure = tuple[Measure, Mode]
"""A measure and the way in which it is counted."""

_LABELS: dict[RawMetric, tuple[str, str]] = {
    "views": ("Views", "views"),
    "likes": ("Likes", "likes"),
    "comments": ("Comments", "comments"),
    "shares": ("Shares", "shares"),
    "saves": ("Saves", "saves"),
    "posts": ("Posts", "posts"),
    "followers": ("Followers", "followers"),
    "following": ("Following", "accounts followed"),
    "total_likes": ("Likes of the profile", "likes of the profile"),
    "video_count": ("Videos on the profile", "videos on the profile"),
}
_COUNTED = [
    Measure(name=metric, label=_LABELS[metric][0], noun=_LABELS[metric][1],
            metric=metric)
    for metric in RAW_METRICS
]  # fmt: skip
_DERIVED = [
    Measure(
        name="engagement_rate_by_views",
        label="Engagement by views",
        noun="engagement by views",
        metric="engagement_rate_by_views",
        unit="percent",
    ),
    Measure(
        name="engagement_rate_by_followers",
        label="Engagement by followers",
        noun="engagement by followers",
        metric="engagement_rate_by_followers",
        unit="percent",
    ),
    Measure(
        name="posts_per_week",
        label="Posts per week",
        noun="posts per week",
        metric="posts_per_week",
        unit="decimal",
    ),
    Measure(
        name="avg_views_per_post",
        label="Views per post",
        noun="views per post",
        metric="avg_views_per_post",
        unit="decimal",
    ),
]
_GROWTH = [
    Measure(
        name=f"growth_of_{metric}",
        label=f"Growth of {_LABELS[metric][1]}",
        noun=f"growth of {_LABELS[metric][1]}",
        metric="growth_rate_pop",
        base_metric=metric,
        unit="percent",
    )
    for metric in RAW_METRICS
]

GROUPS = {
    "Videos": [m for m in _COUNTED if m.metric not in PROFILE_METRICS],
    "Profile": [m for m in _COUNTED if m.metric in PROFILE_METRICS],
    "Rates": _DERIVED,
    "Growth in percent": _GROWTH,
}
MEASURES = {
    measure.name: measure for measures in GROUPS.values() for measure in measures
}
VIEWS, FOLLOWERS = MEASURES["views"], MEASURES["followers"]
ENGAGEMENT = MEASURES["engagement_rate_by_views"]
POSTS, TOTAL_LIKES = MEASURES["posts"], MEASURES["total_likes"]


def groups_for(entity: str) -> dict[str, list[Measure]]:
    return {
        group: [m for m in measures if entity != "video" or m.is_of_videos]
        for group, measures in GROUPS.items()
    }

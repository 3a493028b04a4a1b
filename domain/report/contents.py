"""Contents of an issue: numbers that were frozen, with ids in place of names."""

from collections.abc import Mapping
from typing import Literal, get_args
from uuid import UUID

from msgspec import Struct

from domain.analytics.series import Value

# The sections of a report, in their order on the page. Goals and payouts come once
# there are any.
SectionName = Literal["kpis", "charts", "leaders", "gained_and_lost", "videos"]
SECTIONS: tuple[SectionName, ...] = get_args(SectionName)
SECTION_TITLES: Mapping[SectionName, str] = {
    "kpis": "Key figures",
    "charts": "Day by day",
    "leaders": "Leading creators",
    "gained_and_lost": "Gained and lost",
    "videos": "Videos",
}

FigureName = Literal[
    "new_views",
    "posts",
    "new_followers",
    "engagement_rate",
    "active_creators",
    "views",
    "average_views_per_post",
    "likes",
    "comments",
    "shares",
    "saves",
]
FIGURES: tuple[FigureName, ...] = get_args(FigureName)
FIGURE_TITLES: Mapping[FigureName, str] = {
    "new_views": "New views",
    "posts": "Posts",
    "new_followers": "New followers",
    "engagement_rate": "Engagement by views",
    "active_creators": "Creators who posted",
    "views": "All views",
    "average_views_per_post": "Views per post",
    "likes": "New likes",
    "comments": "New comments",
    "shares": "New shares",
    "saves": "New saves",
}
# The figures whose values are percentages, from 0 to 100.
PERCENTAGES: frozenset[FigureName] = frozenset({"engagement_rate"})

SeriesName = Literal["new_views", "posts", "new_followers", "engagement_rate"]
SERIES: tuple[SeriesName, ...] = get_args(SeriesName)


class FrozenFigure(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A key figure of the period, and of the period before.

    The marks mean the same as those of ``domain.analytics.summaries.kpis.Kpi``.
    """

    value: Value
    previous: Value = None
    rounded: bool = False
    sharpened: bool = False
    previous_rounded: bool = False
    known_share: float | None = None


class FrozenSeries(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The values of each day of the period, in order; None where nothing is known.

    ``previous`` are those of the period before, empty if nothing is compared.
    ``rounded`` are the indexes of values that depend on rounded levels.
    """

    values: tuple[Value, ...]
    previous: tuple[Value, ...] = ()
    rounded: tuple[int, ...] = ()


class FrozenCreator(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The figures of a creator; ``followers`` and ``views`` are levels at the end."""

    creator_id: UUID
    new_views: int | None = None
    new_followers: int | None = None
    followers: int | None = None
    views: int | None = None
    posts: int = 0
    engagement_rate: float | None = None
    new_followers_rounded: bool = False
    new_followers_sharpened: bool = False
    followers_rounded: bool = False


class FrozenVideo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The figures of a video; counts are levels at the end of the period."""

    video_id: UUID
    creator_id: UUID | None = None
    new_views: int | None = None
    view_count: int | None = None
    like_count: int | None = None
    comment_count: int | None = None
    share_count: int | None = None
    save_count: int | None = None


class Contents(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The numbers of an issue; a section that the report left out is empty.

    ``creators_in_all`` and ``videos_in_all`` count what the lists were cut from.
    """

    kpis: dict[FigureName, FrozenFigure] = {}
    charts: dict[SeriesName, FrozenSeries] = {}
    leaders: tuple[FrozenCreator, ...] = ()
    gained: tuple[FrozenCreator, ...] = ()
    lost: tuple[FrozenCreator, ...] = ()
    videos: tuple[FrozenVideo, ...] = ()
    creators_in_all: int = 0
    videos_in_all: int = 0

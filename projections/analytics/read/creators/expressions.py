"""Figures of creators as expressions of SQL, from which lists choose and sort."""

from datetime import datetime
from typing import Literal

from projections.analytics.fold.day_sums import PROFILE_SUMS, VIDEO_SUMS
from projections.analytics.read.creators.boundaries import (
    POSTS_JOIN,
    Boundary,
    SumsAt,
    posts_until,
)

CreatorFigure = Literal[
    "followers",
    "new_followers",
    "views",
    "new_views",
    "likes",
    "comments",
    "shares",
    "saves",
    "engagement_rate",
    "posts",
    "average_views_per_post",
]


# The parameter ``shares`` is a JSON list of the figures that some creators have.
_SHARES_JOIN = """
LEFT JOIN json_to_recordset(%(shares)s::json) AS share (
    creator_id uuid, followers numeric, new_followers numeric, views numeric,
    new_views numeric, likes numeric, comments numeric, shares numeric, saves numeric,
    posts numeric, posted numeric, followers_rounded boolean,
    new_followers_rounded boolean, new_followers_sharpened boolean
) ON share.creator_id = chosen.id
"""


class FigureExpressions:
    """The figures as expressions of one query over one range.

    With ``has_shares`` some creators have the figures of the parameter ``shares``
    instead of their own.
    """

    def __init__(
        self, start: datetime, end: datetime, *, has_shares: bool = False
    ) -> None:
        self._start, self._end = Boundary.at(start), Boundary.at(end)
        boundaries = {"start": self._start, "end": self._end}
        self._videos = SumsAt(VIDEO_SUMS, "video", **boundaries)
        self._profiles = SumsAt(PROFILE_SUMS, "profile", **boundaries)
        self._has_posts = False
        self._has_shares = has_shares

    def level(self, metric: str) -> str:
        own = self._known(metric, self._of(metric).at("end", metric))
        return self._or_share(own, metric)

    def new(self, metric: str) -> str:
        of = self._of(metric)
        grown = of.new(f"{metric}_new")
        begins = (
            f"{of.at('start', f'{metric}_known')} = 0 AND {grown} = 0 "
            f"AND {of.only_baselines(metric)}"
        )
        own = self._known(metric, f"CASE WHEN {begins} THEN NULL ELSE {grown} END")
        name = f"new_{metric}" if metric in {"followers", "views"} else metric
        return self._or_share(own, name)

    def posts(self) -> str:
        self._has_posts = True
        own = f"({posts_until(self._end)} - {posts_until(self._start)})"
        return self._or_share(own, "posts")

    def posted(self) -> str:
        self._has_posts = True
        return self._or_share(posts_until(self._end), "posted")

    def marks(self) -> list[str]:
        """Return the numbers of rounded levels at the end, changes and sharpenings."""
        marks = {
            "followers_rounded": self._profiles.at("end", "followers_rounded"),
            "new_followers_rounded": self._profiles.new("followers_changes"),
            "new_followers_sharpened": self._profiles.new("followers_sharpenings"),
        }
        return [self._or_share(own, f"{name}::int") for name, own in marks.items()]

    def named(self, figure: CreatorFigure) -> str:
        """Return the expression of a figure that lists are sorted by."""
        match figure:
            case "followers" | "views":
                return self.level(figure)
            case "new_followers" | "new_views":
                return self.new(figure.removeprefix("new_"))
            case "posts":
                return self.posts()
            case "engagement_rate":
                terms = [self.new(each) for each in ("likes", "comments", "shares")]
                saves = f"coalesce({self.new('saves')}, 0)"
                return f"({' + '.join(terms)} + {saves}) / {self._divisor('views')}"
            case "average_views_per_post":
                return f"{self.new('views')} / nullif({self.posted()}, 0)"
            case _:
                return self.new(figure)

    def joins(self, *, among: str = "") -> str:
        """Return the joins that the expressions need; ``among`` as of ``SumsAt``."""
        joins = [each.joins(among=among) for each in (self._videos, self._profiles)]
        if self._has_posts:
            joins.append(POSTS_JOIN)
        if self._has_shares:
            joins.append(_SHARES_JOIN)
        return "\n".join(joins)

    def _or_share(self, own: str, name: str) -> str:
        if not self._has_shares:
            return own
        return f"CASE WHEN share.creator_id IS NULL THEN {own} ELSE share.{name} END"

    def _divisor(self, metric: str) -> str:
        return f"nullif({self.new(metric)}, 0)"

    def _known(self, metric: str, expression: str) -> str:
        known = self._of(metric).at("end", f"{metric}_known")
        return f"CASE WHEN {known} > 0 THEN {expression} END"

    def _of(self, metric: str) -> SumsAt:
        return self._profiles if metric == "followers" else self._videos

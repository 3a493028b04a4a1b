"""Figures of creators as expressions of SQL, from which lists choose and sort.

The sums at an instant are the sums at the end of the nearer of two UTC days, and the
rollups between that end and the instant. After a creator's last day the totals hold.
Before its first day there are no sums.
"""

from datetime import datetime
from typing import Literal, NamedTuple

from domain.analytics.buckets import slot_of
from projections.analytics.fold.day_sums import (
    PROFILE_SUMS,
    SLOTS_A_DAY,
    VIDEO_SUMS,
    DaySums,
)

_NEW = "new"
_SIGNS = {1: "", -1: "-"}
_SMALL = 2**31 - 1
# Amounts, which are at most as many as there are observations.
_AMOUNTS = ("_known", "_sharpenings", "_rounded", "_changes")


class Boundary(NamedTuple):
    """An instant, as the end of a near day and the rollups to add or subtract."""

    slot: int
    day: int
    sign: int
    after: int
    until: int

    @classmethod
    def at(cls, instant: datetime) -> "Boundary":
        """Return the boundary at an instant, which ends a quarter of an hour."""
        slot = slot_of(instant)
        day, rest = divmod(slot, SLOTS_A_DAY)
        begin, end = day * SLOTS_A_DAY, (day + 1) * SLOTS_A_DAY
        if rest <= SLOTS_A_DAY // 2:
            return cls(slot, day - 1, 1, begin, slot)
        return cls(slot, day, -1, slot, end)

    @property
    def is_whole(self) -> bool:
        return self.after == self.until


class SumsAt:
    """The sums of the creators in ``chosen`` at some boundaries, as parts of a query.

    ``name`` begins the names of its tables. Only the columns that an expression needs
    are read. The parts of days are summed up together, in one group for each creator.
    """

    def __init__(self, sums: DaySums, name: str, **boundaries: Boundary) -> None:
        self._sums = sums
        self._name = name
        self._boundaries = boundaries
        self._is_needed = False
        self._parts: dict[tuple[str, str], None] = {}

    def at(self, boundary: str, column: str) -> str:
        """Return the expression of a column at one of the boundaries."""
        return f"({self._whole(boundary, column)}{self._part(boundary, column)})"

    def new(self, column: str) -> str:
        """Return the expression of the growth of a column from ``start`` to ``end``."""
        ends = [self._whole(boundary, column) for boundary in ("end", "start")]
        return f"({' - '.join(ends)}{self._part(_NEW, column)})"

    def only_baselines(self, metric: str) -> str:
        """Return the condition that all observations in the range are baselines.

        It reads the rollups, so it is for creators that were hardly observed.
        """
        start, end = self._boundaries["start"], self._boundaries["end"]
        return (
            f"(SELECT sum(snapshots) = sum({metric}_baselines) "
            f"AND sum({metric}_known) = sum({metric}_baselines) "
            f"FROM {self._sums.metric_group.rollup_table} "
            f"WHERE organization_id = %(organization)s AND id = chosen.id "
            f"AND slot > {start.slot} AND slot <= {end.slot})"
        )

    def joins(self, *, among: str = "") -> str:
        """Return the joins that the expressions need.

        ``among`` is a condition that holds for the ids of few creators. Without it the
        parts of days are read for all creators, in the order of slots.
        """
        if not self._is_needed:
            return ""
        sums, name = self._sums, self._name
        # Totals are not read for creators with days after both boundaries.
        last = max(held.day for held in self._boundaries.values())
        totals = (
            f"LEFT JOIN {sums.totals} {name} ON "
            f"{name}.organization_id = %(organization)s AND {name}.id = chosen.id "
            f"AND {name}.last_day <= {last}"
        )
        joins = [totals]
        for boundary, held in self._boundaries.items():
            table = f"{name}_{boundary}"
            joins.append(
                f"LEFT JOIN {sums.days} {table} ON "
                f"{table}.organization_id = %(organization)s "
                f"AND {table}.day = {held.day} AND {table}.id = chosen.id"
            )
        if self._parts:
            columns = ", ".join(
                f"{_sum_of(f'{role}_{column}', _kind_of(column))} AS {role}_{column}"
                for role, column in self._parts
            )
            # Without MATERIALIZED each parallel worker would sum up all of it.
            joins.append(
                "LEFT JOIN (WITH part AS MATERIALIZED ("
                f"SELECT id, {columns} FROM ({self._moves(among)}) moves GROUP BY id) "
                f"SELECT * FROM part) {name}_part ON {name}_part.id = chosen.id"
            )
        return "\n".join(joins)

    def _whole(self, boundary: str, column: str) -> str:
        self._is_needed = True
        name, held = f"{self._name}_{boundary}", self._boundaries[boundary]
        return (
            f"CASE WHEN {self._name}.last_day <= {held.day} "
            f"THEN {self._name}.{column} ELSE coalesce({name}.{column}, 0) END"
        )

    def _part(self, role: str, column: str) -> str:
        """Return the sums of the parts of days, at a boundary or between both."""
        of = self._boundaries if role == _NEW else [role]
        if all(self._boundaries[boundary].is_whole for boundary in of):
            return ""
        self._parts[role, column] = None
        return f" + coalesce({self._name}_part.{role}_{column}, 0)"

    def _moves(self, among: str) -> str:
        """Return the query of the moves in the rollups of the parts of days."""
        chosen = f"AND {among} " if among else ""
        return " UNION ALL ".join(
            f"SELECT id, {self._columns_of(boundary, held)} FROM {self._sums.rollups} "
            f"WHERE organization_id = %(organization)s {chosen}"
            f"AND slot > {held.after} AND slot <= {held.until}"
            for boundary, held in self._boundaries.items()
            if not held.is_whole
        )

    def _columns_of(self, boundary: str, held: Boundary) -> str:
        sums = self._sums
        expressions = dict(zip(sums.columns, sums.expressions, strict=True))
        signs = {boundary: held.sign, _NEW: held.sign}
        if boundary == "start":
            signs[_NEW] = -held.sign
        return ", ".join(
            f"{_SIGNS[signs[role]]}({expressions[column]}) AS {role}_{column}"
            if role in signs
            else f"NULL::{_kind_of(column)} AS {role}_{column}"
            for role, column in self._parts
        )


def _kind_of(column: str) -> str:
    return "int" if column.endswith(_AMOUNTS) else "numeric"


def _sum_of(column: str, kind: str) -> str:
    """Return the sum of numbers, hardly any of which needs more than 32 bits.

    PostgreSQL adds numbers of 32 bits in half the time.
    """
    if kind == "int":
        return f"sum({column})"
    is_small = f"{column} BETWEEN {-_SMALL} AND {_SMALL}"
    return (
        f"coalesce(sum({column}::int) FILTER (WHERE {is_small}), 0) "
        f"+ coalesce(sum({column}) FILTER (WHERE NOT {is_small}), 0)"
    )


def posts_until(boundary: Boundary) -> str:
    """Return the expression of the number of counted posts up to an instant."""
    return f"coalesce(width_bucket({boundary.slot}, posts.slots), 0)"


POSTS_JOIN = (
    "LEFT JOIN analytics_creator_posts posts ON "
    "posts.organization_id = %(organization)s AND posts.id = chosen.id"
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

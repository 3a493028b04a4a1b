"""Sums of creators at any instant, in SQL: the end of a UTC day, and a part of a day.

The sums at an instant are the sums at the end of the nearer of two UTC days, and the
rollups between that end and the instant. After a creator's last day the totals hold.
Before its first day there are no sums.
"""

from datetime import datetime
from typing import NamedTuple

from domain.analytics.buckets import slot_of
from projections.analytics.fold.day_sums import SLOTS_A_DAY, DaySums

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

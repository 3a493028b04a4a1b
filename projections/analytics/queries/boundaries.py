"""Sums of creators at any instant, in SQL: the end of a UTC day, and a part of a day.

The sums at an instant are those at the end of the nearer of two UTC days, and the
rollups between. After a creator's last day the totals hold, and before its first there
is nothing.
"""

from datetime import datetime
from typing import NamedTuple

from domain.analytics.buckets import slot_of
from projections.analytics.days.sums import SLOTS_A_DAY, DaySums

_SMALL = 2**62


class Boundary(NamedTuple):
    """An instant: a day whose end is near, and the rollups to add or subtract."""

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
    are read.
    """

    def __init__(self, sums: DaySums, name: str, **boundaries: Boundary) -> None:
        self._sums = sums
        self._name = name
        self._boundaries = boundaries
        self._columns: dict[str, None] = {}

    def at(self, boundary: str, column: str) -> str:
        """Return the expression of a column at one of the boundaries."""
        self._columns[column] = None
        name, held = f"{self._name}_{boundary}", self._boundaries[boundary]
        whole = (
            f"CASE WHEN {self._name}.last_day <= {held.day} "
            f"THEN {self._name}.{column} ELSE coalesce({name}.{column}, 0) END"
        )
        if held.is_whole:
            return f"({whole})"
        sign = "+" if held.sign > 0 else "-"
        return f"({whole} {sign} coalesce({name}_part.{column}, 0))"

    def new(self, column: str) -> str:
        """Return the expression of what a column grew by from ``start`` to ``end``."""
        return f"({self.at('end', column)} - {self.at('start', column)})"

    def joins(self) -> str:
        """Return the joins that the expressions need."""
        if not self._columns:
            return ""
        sums, name = self._sums, self._name
        expressions = dict(zip(sums.columns, sums.expressions, strict=True))
        totals = (
            f"LEFT JOIN {sums.totals} {name} ON "
            f"{name}.organization_id = %(organization)s AND {name}.id = chosen.id"
        )
        joins = [totals]
        for boundary, held in self._boundaries.items():
            table = f"{name}_{boundary}"
            joins.append(
                f"LEFT JOIN {sums.days} {table} ON "
                f"{table}.organization_id = %(organization)s "
                f"AND {table}.day = {held.day} AND {table}.id = chosen.id"
            )
            if not held.is_whole:
                columns = ", ".join(
                    f"{_sum_of(expressions[column])} AS {column}"
                    for column in self._columns
                )
                joins.append(
                    f"LEFT JOIN (SELECT id, {columns} FROM {sums.rollups} "
                    f"WHERE organization_id = %(organization)s "
                    f"AND slot > {held.after} AND slot <= {held.until} "
                    f"AND id IN (SELECT id FROM chosen) GROUP BY id) {table}_part "
                    f"ON {table}_part.id = chosen.id"
                )
        return "\n".join(joins)


def _sum_of(expression: str) -> str:
    """Return the sum of numbers, of which hardly any needs more than 64 bits.

    PostgreSQL adds those with 64 bits in half the time.
    """
    is_small = f"({expression}) BETWEEN {-_SMALL} AND {_SMALL}"
    return (
        f"coalesce(sum(({expression})::bigint) FILTER (WHERE {is_small}), 0) "
        f"+ coalesce(sum({expression}) FILTER (WHERE NOT {is_small}), 0)"
    )


def posts_until(boundary: Boundary) -> str:
    """Return the expression of how many counted videos were posted by then."""
    return f"coalesce(width_bucket({boundary.slot}, posts.slots), 0)"


POSTS_JOIN = (
    "LEFT JOIN analytics_creator_posts posts ON "
    "posts.organization_id = %(organization)s AND posts.id = chosen.id"
)

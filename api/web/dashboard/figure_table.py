"""The table of projects or of campaigns: its columns, and the order of its rows."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from api.web.dashboard.periods import USUAL_PERIOD, PeriodNameOrNone
from api.web.kit.list_query import PeriodName
from api.web.kit.page_query import PageQuery
from domain.analytics.series import Value

# The columns by the names of their key figures.
COLUMNS = {
    "views": "All views",
    "new_views": "New views",
    "new_followers": "New followers",
    "engagement_rate": "Engagement",
    "posts": "Posts",
}

_USUAL_SORT = "new_views"

T = TypeVar("T")


class FigureTableQuery(PageQuery, frozen=True, kw_only=True):
    """The days and the order of the table."""

    period: PeriodNameOrNone = ""
    sort: str = ""
    order: str = ""

    @property
    def period_name(self) -> PeriodName:
        return self.period or USUAL_PERIOD

    @property
    def sorted_by(self) -> str:
        """Return the column to sort by, by default the usual one."""
        known = self.sort in COLUMNS or self.sort == "name"
        return self.sort if known else _USUAL_SORT

    @property
    def is_rising(self) -> bool:
        return (self.order or _usual_order(self.sorted_by)) == "asc"

    def order_of(self, name: str) -> str:
        """Return the order of a column; nothing unless the table is sorted by it."""
        if name != self.sorted_by:
            return ""
        return "asc" if self.is_rising else "desc"

    def sorted(self, name: str) -> str:
        """Return the address of the list sorted by a column, or in reverse order."""
        order = usual = _usual_order(name)
        if name == self.sorted_by:
            order = "desc" if self.is_rising else "asc"
        return self.address(sort=name, order="" if order == usual else order)

    def in_order(
        self,
        rows: Sequence[T],
        *,
        name_of: Callable[[T], str],
        figure_of: Callable[[T, str], Value],
    ) -> list[T]:
        """Return the rows in the chosen order, unknown values last."""
        return in_order(
            rows,
            self.sorted_by,
            is_rising=self.is_rising,
            name_of=name_of,
            figure_of=figure_of,
        )


def in_order(
    rows: Sequence[T],
    column: str,
    *,
    is_rising: bool,
    name_of: Callable[[T], str],
    figure_of: Callable[[T, str], Value],
) -> list[T]:
    """Return the rows by name or by a figure, unknown values last."""
    if column == "name":
        return sorted(
            rows, key=lambda row: name_of(row).casefold(), reverse=not is_rising
        )
    sign = 1 if is_rising else -1

    def key(row: T) -> tuple[bool, float]:
        value = figure_of(row, column)
        return value is None, sign * (value or 0)

    return sorted(rows, key=key)


def _usual_order(name: str) -> str:
    return "asc" if name == "name" else "desc"

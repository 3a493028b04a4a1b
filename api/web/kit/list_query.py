"""The query of a list with figures: the days, the order, the page and its filters."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

from msgspec import Struct, field

from api.routes.lists.days import USUAL_PERIOD
from api.web.kit.page_query import PageQuery
from domain.written import day

PeriodName = Literal[
    "7d", "28d", "90d", "this_week", "last_week", "this_month", "last_month"
]
PERIODS: Mapping[PeriodName, str] = {
    "7d": "7 days",
    "28d": "28 days",
    "90d": "90 days",
    "this_week": "This week",
    "last_week": "Last week",
    "this_month": "This month",
    "last_month": "Last month",
}
# Older addresses have 30 days.
_LABELS: Mapping[str, str] = {**PERIODS, "30d": "30 days"}


# The choice of own dates: the fields next to it have them.
CUSTOM = "custom"


class FilterChip(Struct, frozen=True, kw_only=True):
    """A filter in words, its controls, and the address of the list without it."""

    text: str
    fields: tuple[str, ...]
    address: str


class ListQuery(PageQuery, frozen=True, kw_only=True):
    """The days, the order and the page; a named ``period`` replaces own dates."""

    period: str = ""
    from_: str = field(default="", name="from")
    to: str = ""
    sort: str = ""
    order: str = ""
    cursor: str = ""

    @property
    def usual_sort(self) -> str:
        return "created_at"

    @property
    def usual_period(self) -> str:
        return USUAL_PERIOD

    @property
    def period_name(self) -> str:
        if self.period and self.period != CUSTOM:
            return self.period
        return "" if self.from_ or self.to else USUAL_PERIOD

    @property
    def period_label(self) -> str:
        """Return the name of the period as pages show it, empty for own dates."""
        return _LABELS.get(self.period_name, "")

    @property
    def sorted_by(self) -> str:
        return self.sort or self.usual_sort

    @property
    def direction(self) -> str:
        return self.order or _usual_order(self.sorted_by)

    @property
    def days(self) -> dict[str, str]:
        """Return the days of the figures as parameters of the API."""
        if self.period_name:
            return {"period": self.period_name}
        own = {"from": self.from_, "to": self.to}
        return {name: value for name, value in own.items() if value}

    @property
    def api_query(self) -> dict[str, str]:
        query = {**self.pairs(period="", **{"from": "", "to": ""}), **self.days}
        if "project" in query:
            query["project_id"] = query.pop("project")
        return query

    @property
    def saved(self) -> dict[str, str]:
        """Return the parameters of the API that a view of the list keeps."""
        query = self.api_query
        query.pop("cursor", None)
        if query.get("period") == USUAL_PERIOD:
            del query["period"]
        return query

    def sorted(self, name: str) -> str:
        """Return the address of the list sorted by a column, or in reverse order."""
        order = usual = _usual_order(name)
        if self.sorted_by == name:
            order = "asc" if self.direction == "desc" else "desc"
        sort = "" if name == self.usual_sort else name
        return self.address(sort=sort, order="" if order == usual else order, cursor="")

    def chip(self, text: str, *names: str) -> FilterChip:
        """Return the filter of fields; its address is the list without it."""
        address = self.address(**dict.fromkeys(names, ""), cursor="")
        return FilterChip(text=text, fields=names, address=address)

    def over(self, period: str) -> str:
        """Return the address of the list over a named period."""
        return self.address(**{"cursor": "", "from": "", "to": "", "period": period})


def two_of(
    columns: Sequence[str], *, sorted_by: str, usual: Sequence[str]
) -> list[str]:
    """Return the two columns that a row has room for on a phone.

    The list is sorted by the first, if it is shown; the second is the first of the
    usual ones, and makes room for a pill.
    """
    named = dict.fromkeys((sorted_by, *usual, *columns))
    return [name for name in named if name in columns][:2]


def days_in_words(period: str, first: date, last: date) -> str:
    """Return the days as a part of a sentence: in 7 days."""
    if not period:
        return f"from {day(first)} to {day(last)}"
    label = _LABELS[period]
    return f"in {label}" if label[0].isdigit() else label.lower()


def _usual_order(name: str) -> str:
    return "asc" if name in {"tiktok_handle", "name"} else "desc"

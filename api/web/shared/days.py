"""The days of a shared page: those of the link, which an address narrows only."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from msgspec.structs import fields

from api.web.charts.measures import MEASURES
from api.web.dashboard.query import DashboardQuery
from domain.analytics.periods import NamedPeriod, named_days
from domain.share.decider import ShareState

# The parameters of a dashboard that a shared page has.
_CHOICES = ("period", "from", "to", "metric", "mode")
_SHORTER: tuple[tuple[NamedPeriod, str], ...] = (
    ("7d", "7 days"),
    ("28d", "28 days"),
    ("90d", "90 days"),
)


class SharedDays(Struct, frozen=True, kw_only=True):
    """The days that are shown, within the days of the link.

    ``first`` is after ``last`` if the days of the link have not begun. ``today`` is the
    day on which the page stands still, or the present one.
    """

    first: date
    last: date
    widest_first: date
    widest_last: date
    today: date
    zone: ZoneInfo

    @property
    def has_begun(self) -> bool:
        return self.widest_first <= self.widest_last

    @property
    def is_narrowed(self) -> bool:
        widest = (self.widest_first, self.widest_last)
        return (self.first, self.last) != widest

    def may_compare(self, *, is_rolling: bool) -> bool:
        """Return whether the page may show the days before as well.

        A link with fixed days shows no number from outside of them. The period of a
        rolling one has no such edge: earlier days were on the page before.
        """
        length = self.last - self.first + timedelta(days=1)
        return is_rolling or self.first - length >= self.widest_first

    @property
    def shorter(self) -> list[tuple[str, str, bool]]:
        """Return the named periods that fit: value, label, and whether it is chosen."""
        found: list[tuple[str, str, bool]] = []
        for name, label in _SHORTER:
            first, last, _ = named_days(name, today=self.today)
            if self.widest_first < first and last <= self.widest_last:
                chosen = (first, last) == (self.first, self.last)
                found.append((name, label, chosen))
        return found


def query_of(given: Mapping[str, list[str]]) -> DashboardQuery:
    """Return the choices in an address; other parameters are passed over.

    An address in somebody's bookmarks must not end in an error.
    """
    types = {
        each.encode_name: (each.name, each.type) for each in fields(DashboardQuery)
    }
    chosen: dict[str, Any] = {}
    for parameter in _CHOICES:
        name, type_ = types[parameter]
        text = given.get(parameter, [""])[0]
        try:
            chosen[name] = msgspec.convert(text, type_)
        except msgspec.ValidationError:
            continue
    if chosen.get("metric") not in MEASURES:
        chosen["metric"] = ""
    for name in ("from_", "to"):
        if _day(chosen.get(name, "")) is None:
            chosen[name] = ""
    return DashboardQuery(**chosen)


def days_of_share(
    share: ShareState,
    query: DashboardQuery,
    *,
    zone: ZoneInfo,
    now: datetime,
    keeps: int | None,
) -> SharedDays:
    """Return the days to show: the chosen ones, cut to those of the link.

    Days that do not meet those of the link are passed over. ``keeps`` is the number of
    past days that the organization's plan shows.
    """
    today = (share.as_of_at or now).astimezone(zone).date()
    if share.rolling is not None:
        widest_first, widest_last, _ = named_days(share.rolling, today=today)
    else:
        widest_first = share.first_day or today
        widest_last = min(share.last_day or today, today)
    if keeps is not None:
        kept_first = now.astimezone(zone).date() - timedelta(days=keeps)
        if kept_first <= widest_last:
            widest_first = max(widest_first, kept_first)
    first, last = _chosen(query, today=today)
    first = max(first or widest_first, widest_first)
    last = min(last or widest_last, widest_last)
    if first > last:
        first, last = widest_first, widest_last
    return SharedDays(
        first=first,
        last=last,
        widest_first=widest_first,
        widest_last=widest_last,
        today=today,
        zone=zone,
    )


def shows_progress(share: ShareState, began: date) -> bool:
    """Tell whether a link shows the targets of a campaign that began on a day.

    The progress counts from that day, which fixed days have to reach back to.
    """
    return share.first_day is None or share.first_day <= began


def progress_as_of(share: ShareState, *, zone: ZoneInfo, now: datetime) -> str | None:
    """Return the time or position as of which a link shows progress.

    None stands for the present. Fixed days that are over show nothing from after them.
    """
    if share.last_day is not None:
        after = share.last_day + timedelta(days=1)
        end = datetime.combine(after, time(), zone) - timedelta(microseconds=1)
        if end < (share.as_of_at or now):
            return end.astimezone(UTC).isoformat()
    return share.as_of


def _chosen(query: DashboardQuery, *, today: date) -> tuple[date | None, date | None]:
    if query.from_ or query.to:
        return _day(query.from_), _day(query.to)
    if query.period:
        first, last, _ = named_days(query.period, today=today)
        return first, last
    return None, None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None

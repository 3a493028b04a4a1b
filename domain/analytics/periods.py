"""Named periods: some days until today, and this or the last week or month."""

from datetime import date, timedelta
from typing import Literal

from domain.analytics.buckets import Granularity

NamedPeriod = Literal[
    "7d", "28d", "30d", "90d", "this_week", "last_week", "this_month", "last_month"
]

_DAYS = {"7d": 7, "28d": 28, "30d": 30, "90d": 90}
_A_DAY = timedelta(days=1)


def named_days(name: NamedPeriod, *, today: date) -> tuple[date, date, Granularity]:
    """Return the first and the last day of a period, and its unit.

    Weeks begin on Mondays. This week and this month end today.
    """
    monday = today - timedelta(days=today.weekday())
    month = today.replace(day=1)
    match name:
        case "this_week":
            return monday, today, "week"
        case "last_week":
            return monday - timedelta(days=7), monday - _A_DAY, "week"
        case "this_month":
            return month, today, "month"
        case "last_month":
            last = month - _A_DAY
            return last.replace(day=1), last, "month"
        case _:
            return today - timedelta(days=_DAYS[name] - 1), today, "day"

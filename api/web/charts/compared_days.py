"""The days that key figures are compared with, in words."""

from zoneinfo import ZoneInfo

from api.routes.aggregate.kpis import Kpis
from domain.written import days_in_words


def compared_in_words(kpis: Kpis) -> str:
    """Return the compared days, and the time at which they end; "" without any."""
    if kpis.compare_from is None or kpis.compare_to is None:
        return ""
    return days_in_words(kpis.compare_from, kpis.compare_to) + ends_in_words(kpis)


def ends_in_words(kpis: Kpis) -> str:
    """Return the time of the last compared day at which it ends; "" if it is whole."""
    if kpis.compare_until is None:
        return ""
    return f" until {kpis.compare_until.astimezone(ZoneInfo(kpis.tz)):%H:%M}"

"""Key figures in words: a value in short, its change, and the value before."""

from typing import Literal

from domain.analytics.series import Value
from domain.analytics.summaries.kpis import Kpi
from domain.written import (
    not_known_before,
    percent_change,
    percent_shortly,
    short,
    signed,
    whole,
)

Direction = Literal["up", "down", ""]

# A larger percentage says less than the change itself.
_TOO_MUCH = 1_000


def value_in_short(value: Value, *, is_percent: bool) -> str:
    if is_percent:
        return percent_shortly(value)
    # Views per post are read in whole views.
    return short(whole(value))


def change_in_words(kpi: Kpi, *, is_percent: bool) -> str:
    """Return the change in percent; for a rate in its points, which are percent too.

    The text is empty without a change, or with one that is not exact.
    """
    if not kpi.change or not kpi.is_change_exact:
        return ""
    if is_percent:
        return f"{percent_change(kpi.change).removesuffix('%')} points"
    if kpi.change_percent is None or abs(kpi.change_percent) >= _TOO_MUCH:
        return signed(kpi.change)
    return percent_change(kpi.change_percent)


def direction_of(kpi: Kpi) -> Direction:
    """Return the way in which a figure changed; nothing if the change is not exact."""
    if not kpi.change or not kpi.is_change_exact:
        return ""
    return "up" if kpi.change > 0 else "down"


def before_in_words(kpi: Kpi, period: str, *, is_percent: bool) -> str:
    """Return the value of the period before: "1.1M last week".

    A gain that is not known yet has the day of its first level in its place.
    """
    if kpi.known_from is not None:
        return not_known_before(kpi.known_from)
    if kpi.previous is None:
        return ""
    if kpi.previous_rounded:
        return "before: not exact enough to compare"
    before = f"{value_in_short(kpi.previous, is_percent=is_percent)} {period}"
    return before if kpi.is_change_exact else f"{before}, not exact enough to compare"

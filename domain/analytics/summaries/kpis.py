"""Key figures: a number of a range, and its change from the previous range."""

from collections.abc import Callable
from datetime import date
from typing import Any

from msgspec import Struct

from domain.analytics.series import Value, in_decimals

_GAINS = frozenset(
    {"new_views", "likes", "comments", "shares", "saves", "new_followers"}
)


class Kpi(Struct, frozen=True, kw_only=True):
    """A number of the range, next to that of the previous range.

    ``change`` is ``value`` minus ``previous``, and ``change_percent`` is the change in
    percent of the absolute value of ``previous``. Both are null if one of the two
    numbers is unknown; ``change_percent`` also if ``previous`` is 0, or if one of the
    two depends on rounded levels. ``rounded`` says that the value depends on a rounded
    level, and ``sharpened`` that a rounded level became exact in the range, which is
    not growth. ``previous_rounded`` says that ``previous`` depends on a rounded level,
    even one that became exact in its range. ``known_share`` is the share, 0 to 1, of
    the counted videos that were observed in the range, or of the profiles for
    followers; null if there are none. ``known_from`` is the day on which the first
    level of a gain was seen, if nothing was seen after it, so that the value is null.
    """

    value: Value
    previous: Value
    change: Value
    change_percent: float | None
    rounded: bool
    sharpened: bool
    previous_rounded: bool
    known_share: float | None
    known_from: date | None

    @property
    def is_change_exact(self) -> bool:
        """Tell whether neither number of the change depends on a rounded level."""
        # A gain from before the sharpening of a level could not be seen.
        return not (self.rounded or self.sharpened or self.previous_rounded)


def kpi(
    value: Value,
    previous: Value,
    *,
    rounded: bool = False,
    sharpened: bool = False,
    previous_rounded: bool = False,
    known_share: float | None,
    known_from: date | None = None,
) -> Kpi:
    """Return a key figure with its change from the previous range."""
    change: Value = None
    percent: float | None = None
    if value is not None and previous is not None:
        change = value - previous
        if isinstance(change, float):
            change = in_decimals(change)
        if previous and not (rounded or sharpened or previous_rounded):
            percent = in_decimals(100 * change / abs(previous))
    return Kpi(
        value=value,
        previous=previous,
        change=change,
        change_percent=percent,
        rounded=rounded,
        sharpened=sharpened,
        previous_rounded=previous_rounded,
        known_share=known_share,
        known_from=known_from,
    )


def known_from(
    name: str, value_of: Callable[[Any], Value], first: date | None
) -> date | None:
    """Return the first day of a gain of which nothing else is known, else None.

    ``value_of`` returns the figures that belong together by their names. Numbers of
    videos are observed together, so their gains are unknown as the new views are.
    """
    base = name if name == "new_followers" else "new_views"
    is_unknown = name in _GAINS and value_of(name) is None
    return first if is_unknown and value_of(base) is None else None


def share(part: int, whole: int) -> float | None:
    """Return the share of a part in a whole, from 0 to 1; None if the whole is 0."""
    return in_decimals(part / whole) if whole else None

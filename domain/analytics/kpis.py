"""Key figures: a number of a range, and its change against the range before."""

from msgspec import Struct

from domain.analytics.series import Value, in_decimals


class Kpi(Struct, frozen=True, kw_only=True):
    """A number of the range, next to that of the range before.

    ``change`` is ``value`` minus ``previous``, and ``change_percent`` is that in
    percent of ``previous``, by its size where it is negative. They are null if one of
    the two is unknown, and the latter also if ``previous`` is 0, or if one of the two
    rests on rounded levels. ``rounded``: the value is made of a rounded one.
    ``sharpened``: a rounded level became exact in the range, which is not growth.
    ``previous_rounded``: ``previous`` rests on a rounded level, whether that became
    exact in its range or not. ``known_share`` is the share, 0 to 1, of what the number
    is of that was observed in the range: of the counted videos, or of the profiles for
    followers; null if there are none.
    """

    value: Value
    previous: Value
    change: Value
    change_percent: float | None
    rounded: bool
    sharpened: bool
    previous_rounded: bool
    known_share: float | None

    @property
    def is_change_exact(self) -> bool:
        """Tell whether neither number of the change rests on a rounded level."""
        # A gain before a level was sharpened could not be seen.
        return not (self.rounded or self.sharpened or self.previous_rounded)


def kpi(
    value: Value,
    previous: Value,
    *,
    rounded: bool = False,
    sharpened: bool = False,
    previous_rounded: bool = False,
    known_share: float | None,
) -> Kpi:
    """Return a key figure with its change against the range before."""
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
    )


def share(part: int, whole: int) -> float | None:
    """Return how much of a whole a part is, from 0 to 1; None of nothing."""
    return in_decimals(part / whole) if whole else None

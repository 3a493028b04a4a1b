"""Distribution: the number of videos by their number of views, and percentiles."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from domain.analytics.series import DECIMALS

_LEADS = (1, 2, 5)


class LevelBucket(Struct, frozen=True, rename={"from_": "from"}):
    """The number of levels from ``from`` on and below ``to``.

    The bucket from 0 to 1 also has the levels that a source reported below 0.
    """

    from_: int
    to: int
    count: int


class Distribution(Struct, frozen=True, kw_only=True):
    """Levels by size: buckets of 1, 2 and 5 x 10^n without gaps, and percentiles.

    ``count`` is the number of known levels, from which all other numbers follow, and
    ``unknown_count`` that of unknown ones. Without a known level the mean and the
    percentiles are null.
    """

    buckets: list[LevelBucket]
    p10: float | None
    p25: float | None
    p50: float | None
    p75: float | None
    p90: float | None
    p99: float | None
    mean: float | None
    count: int
    unknown_count: int


def distribution(levels: Iterable[int | None]) -> Distribution:
    """Return the distribution of some levels; None is an unknown level."""
    every = list(levels)
    known = sorted(level for level in every if level is not None)
    return Distribution(
        buckets=_buckets(known),
        p10=percentile(known, 10),
        p25=percentile(known, 25),
        p50=percentile(known, 50),
        p75=percentile(known, 75),
        p90=percentile(known, 90),
        p99=percentile(known, 99),
        mean=mean(known),
        count=len(known),
        unknown_count=len(every) - len(known),
    )


def mean(known: Sequence[int]) -> float | None:
    return round(sum(known) / len(known), DECIMALS) if known else None


def percentile(ascending: Sequence[int], percent: int) -> float | None:
    """Return a percentile by linear interpolation between the closest ranks.

    Ranks go from 0 to n - 1, and the percentile p is at the rank p / 100 x (n - 1).
    Without any number the result is None.
    """
    if not ascending:
        return None
    rank, hundredths = divmod(percent * (len(ascending) - 1), 100)
    low = ascending[rank]
    high = ascending[rank + 1] if hundredths else low
    # Whole numbers until the end, because a counter may exceed a double's digits.
    return round((low * (100 - hundredths) + high * hundredths) / 100, DECIMALS)


def _buckets(ascending: Sequence[int]) -> list[LevelBucket]:
    """Return the buckets from that of the smallest number to that of the largest."""
    found: list[LevelBucket] = []
    start, end, number = 0, 1, 0
    while number < len(ascending):
        count = 0
        while number < len(ascending) and ascending[number] < end:
            number, count = number + 1, count + 1
        if count or found:
            found.append(LevelBucket(start, end, count))
        start, end = end, _after(end)
    return found


def _after(bound: int) -> int:
    """Return the bound that follows in the sequence 1, 2, 5, 10, 20, 50 and so on."""
    zeros = 10 ** (len(str(bound)) - 1)
    lead = bound // zeros
    return 10 * zeros if lead == _LEADS[-1] else zeros * _LEADS[_LEADS.index(lead) + 1]

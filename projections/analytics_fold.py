"""What observations amount to: levels without gaps, and how far they moved the sums.

Everything here is a function of all observations of a thing, in the order of
(observed_at, position). In which order they were told makes no difference.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from domain.buckets import slot_of
from domain.metrics import PROFILE_METRICS, VIDEO_METRICS, RawMetric

Counts = tuple[int | None, ...]
Moment = tuple[datetime, int]
"""When something was seen, and where in the log that stands."""


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """Things that are counted alike, and the tables that hold what was counted."""

    name: str
    metrics: Sequence[RawMetric]
    has_posts: bool = False

    @property
    def levels(self) -> str:
        return f"analytics_{self.name}_levels"

    @property
    def sums(self) -> str:
        return f"analytics_{self.name}_sums"

    @property
    def sum_columns(self) -> list[str]:
        """Return the columns of the sums in the order of an entry."""
        columns = ["snapshots", "posts"] if self.has_posts else ["snapshots"]
        for metric in self.metrics:
            columns += [metric, f"{metric}_known"]
            columns += [f"{metric}_base", f"{metric}_baselines"]
        return columns

    @property
    def nothing(self) -> Counts:
        """Return the levels before anything is known."""
        return (None,) * len(self.metrics)


VIDEOS = Family(name="video", metrics=VIDEO_METRICS, has_posts=True)
PROFILES = Family(name="profile", metrics=PROFILE_METRICS)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a thing counts, where, and whether its first level is a baseline."""

    is_counted: bool = False
    subjects: tuple[UUID, ...] = ()
    is_baseline: bool = False
    posted_at: datetime | None = None


class Level(msgspec.Struct, frozen=True, gc=False):
    """What is known of a thing after an observation.

    Bit n of ``missing`` is set where the observation left counter n out.
    """

    observed_at: datetime
    position: int
    counts: Counts
    missing: int

    @property
    def moment(self) -> Moment:
        return self.observed_at, self.position

    @property
    def seen(self) -> Counts:
        """Return what the observation itself said."""
        if not self.missing:
            return self.counts
        return tuple(
            None if self.missing >> number & 1 else count
            for number, count in enumerate(self.counts)
        )


def levels_of(opening: Counts, seen: Mapping[Moment, Counts]) -> list[Level]:
    """Return the levels after each observation, from the levels before the first."""
    found: list[Level] = []
    last = opening
    for moment in sorted(seen):
        counts = seen[moment]
        missing = 0
        if None in counts:
            bits = (n for n, count in enumerate(counts) if count is None)
            missing = sum(1 << bit for bit in bits)
            counts = tuple(
                before if count is None else count
                for count, before in zip(counts, last, strict=True)
            )
        found.append(Level(*moment, counts, missing))
        last = counts
    return found


class Sums:
    """How far the sums of subjects move, by quarter of an hour."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.entries: dict[tuple[UUID, UUID, int], list[int]] = {}
        self.took_away = False

    def add(
        self,
        organization_id: UUID,
        standing: Standing,
        opening: Counts,
        levels: Iterable[Level],
        *,
        sign: int = 1,
    ) -> None:
        """Add what the levels move, or with the sign -1 take it away.

        ``opening`` is what is known before the first of them.
        """
        if not standing.is_counted:
            return
        if sign < 0:
            self.took_away = True
        moved = self._moved(standing, opening, levels, sign)
        for subject in standing.subjects:
            for slot, entry in moved.items():
                key = organization_id, subject, slot
                held = self.entries.get(key)
                if held is None:
                    self.entries[key] = entry.copy()
                else:
                    self.entries[key] = [
                        one + other for one, other in zip(held, entry, strict=True)
                    ]

    def add_post(
        self, organization_id: UUID, standing: Standing, *, sign: int = 1
    ) -> None:
        """Count a video as posted, or with the sign -1 do not any more."""
        if not standing.is_counted or standing.posted_at is None:
            return
        if sign < 0:
            self.took_away = True
        slot = slot_of(standing.posted_at)
        for subject in standing.subjects:
            key = organization_id, subject, slot
            self.entries.setdefault(key, self._empty())[1] += sign

    def _moved(
        self, standing: Standing, opening: Counts, levels: Iterable[Level], sign: int
    ) -> Mapping[int, list[int]]:
        moved: dict[int, list[int]] = defaultdict(self._empty)
        first = 2 if self.family.has_posts else 1
        last = opening
        for level in levels:
            entry = moved[slot_of(level.observed_at)]
            entry[0] += sign
            at = first
            for before, after in zip(last, level.counts, strict=True):
                if before is None:
                    if after is not None:
                        entry[at] += sign * after
                        entry[at + 1] += sign
                        if standing.is_baseline:
                            entry[at + 2] += sign * after
                            entry[at + 3] += sign
                elif after is not None and after != before:
                    entry[at] += sign * (after - before)
                at += 4
            last = level.counts
        return moved

    def _empty(self) -> list[int]:
        return [0] * (len(self.family.metrics) * 4 + 1 + self.family.has_posts)

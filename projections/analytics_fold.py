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
Key = tuple[int, int]
"""An organization, and something of its, as numbers: Python hashes UUIDs slowly."""


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
            filled = list(counts)
            for number, count in enumerate(counts):
                if count is None:
                    missing |= 1 << number
                    filled[number] = last[number]
            counts = tuple(filled)
        found.append(Level(*moment, counts, missing))
        last = counts
    return found


def key_of(organization_id: UUID, id_: UUID) -> Key:
    """Return under which key a thing of an organization goes."""
    return organization_id.int, id_.int


class Sums:
    """How far the sums of subjects move, by quarter of an hour."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.took_away = False
        self._moved: dict[tuple[int, tuple[UUID, ...]], dict[int, list[int]]] = {}

    def entries(self) -> dict[tuple[UUID, UUID, int], list[int]]:
        """Return what moves, by organization, subject and slot."""
        found: dict[tuple[UUID, UUID, int], list[int]] = {}
        for (organization, subjects), moved in self._moved.items():
            organization_id = UUID(int=organization)
            for subject in subjects:
                for slot, entry in moved.items():
                    key = organization_id, subject, slot
                    held = found.setdefault(key, self._empty())
                    found[key] = [
                        one + other for one, other in zip(held, entry, strict=True)
                    ]
        return {key: entry for key, entry in sorted(found.items()) if any(entry)}

    def add(
        self,
        organization: int,
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
        moved = self._of(organization, standing, sign)
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

    def add_post(self, organization: int, standing: Standing, *, sign: int = 1) -> None:
        """Count a video as posted, or with the sign -1 do not any more."""
        if standing.is_counted and standing.posted_at is not None:
            moved = self._of(organization, standing, sign)
            moved[slot_of(standing.posted_at)][1] += sign

    def _of(
        self, organization: int, standing: Standing, sign: int
    ) -> dict[int, list[int]]:
        if sign < 0:
            self.took_away = True
        key = organization, standing.subjects
        moved = self._moved.get(key)
        if moved is None:
            moved = self._moved[key] = defaultdict(self._empty)
        return moved

    def _empty(self) -> list[int]:
        return [0] * (len(self.family.metrics) * 4 + 1 + self.family.has_posts)

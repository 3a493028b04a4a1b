"""Families of things that are counted alike, and how far the sums of them move."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from domain.buckets import slot_of
from domain.metrics import PROFILE_METRICS, VIDEO_METRICS, RawMetric
from projections.analytics_moves import Moved

Key = tuple[int, int]
"""An organization, and something of its, as numbers: Python hashes UUIDs slowly."""


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """Things that are counted alike; ``number`` stands for it in rows."""

    number: int
    name: str
    metrics: Sequence[RawMetric]
    has_posts: bool = False

    @property
    def counters(self) -> int:
        return len(self.metrics)

    @property
    def sums(self) -> str:
        return f"analytics_{self.name}_sums"

    @property
    def sum_columns(self) -> list[str]:
        """Return the columns of the sums, in the order of what moves them."""
        columns = ["snapshots"]
        for metric in self.metrics:
            columns += [metric, f"{metric}_known"]
            columns += [f"{metric}_base", f"{metric}_baselines"]
        return [*columns, "posts"] if self.has_posts else columns


VIDEOS = Family(number=0, name="video", metrics=VIDEO_METRICS, has_posts=True)
PROFILES = Family(number=1, name="profile", metrics=PROFILE_METRICS)
FAMILIES = (VIDEOS, PROFILES)


def key_of(organization_id: UUID, id_: UUID) -> Key:
    """Return under which key a thing of an organization goes."""
    return organization_id.int, id_.int


class Sums:
    """How far the sums of subjects move, by quarter of an hour."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.took_away = False
        self._moved: dict[tuple[UUID, tuple[UUID, ...]], dict[int, list[Any]]] = {}

    def entries(self) -> dict[tuple[UUID, UUID, int], list[int]]:
        """Return what moves, by organization, subject and slot."""
        found: dict[tuple[UUID, UUID, int], list[int]] = {}
        for (organization_id, subjects), moved in self._moved.items():
            for subject in subjects:
                for slot, entry in moved.items():
                    key = organization_id, subject, slot
                    held = found.get(key)
                    found[key] = entry if held is None else _added(held, entry)
        return {key: found[key] for key in sorted(found) if any(found[key])}

    def add(
        self,
        organization_id: UUID,
        subjects: tuple[UUID, ...],
        slots: Sequence[int],
        moved: Moved,
        *,
        sign: int = 1,
    ) -> None:
        """Add what moved in each slot, or with the sign -1 take it away."""
        held = self._of(organization_id, subjects, sign)
        rest = [0] * self.family.has_posts
        for slot, entry in zip(slots, (sign * moved).T.tolist(), strict=True):
            before = held.get(slot)
            told = entry + rest
            held[slot] = told if before is None else _added(before, told)

    def add_post(
        self,
        organization_id: UUID,
        subjects: tuple[UUID, ...],
        posted_at: datetime,
        *,
        sign: int = 1,
    ) -> None:
        """Count a video as posted, or with the sign -1 do not any more."""
        held = self._of(organization_id, subjects, sign)
        slot = slot_of(posted_at)
        entry = [*held.get(slot, [0] * len(self.family.sum_columns))]
        entry[-1] += sign
        held[slot] = entry

    def _of(
        self, organization_id: UUID, subjects: tuple[UUID, ...], sign: int
    ) -> dict[int, list[Any]]:
        if sign < 0:
            self.took_away = True
        return self._moved.setdefault((organization_id, subjects), {})


def _added(one: list[Any], other: list[Any]) -> list[Any]:
    return [a + b for a, b in zip(one, other, strict=True)]

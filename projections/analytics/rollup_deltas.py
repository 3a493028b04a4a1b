"""Families of things that are counted alike, and how far the sums of them move."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import numpy as np

from domain.analytics.buckets import slot_of
from domain.analytics.metrics import PROFILE_METRICS, VIDEO_METRICS, RawMetric
from projections.analytics.columns import Longs
from projections.analytics.levels import Moved

_LARGEST = 2**63 - 1

Key = tuple[int, int]
"""An organization, and something of its, as numbers: Python hashes UUIDs slowly."""
Subjects = tuple[UUID | None, UUID | None]
"""The creator and the project in whose sums something is."""
_Place = tuple[UUID, Subjects]
"""An organization, and subjects of it."""


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


class MovedSums(NamedTuple):
    """How far the sums of one subject move: its slots in order, a column each."""

    organization_id: UUID
    subject: UUID
    slots: Longs
    moved: Moved


class Sums:
    """How far the sums of subjects move, by quarter of an hour."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.took_away = False
        self._moved: defaultdict[_Place, list[tuple[Longs, Moved]]] = defaultdict(list)
        self._posts: defaultdict[_Place, list[tuple[int, int]]] = defaultdict(list)

    def by_subject(self) -> list[MovedSums]:
        """Return what moves, by organization, subject and slot.

        Creators first: a project's sums are moved by many at once, who wait for
        whoever has moved them until that is committed.
        """
        parts = self._moved | {
            key: [*self._moved[key], self._posted(posts)]
            for key, posts in self._posts.items()
        }
        theirs: defaultdict[tuple[int, UUID, UUID], list[tuple[Longs, Moved]]]
        theirs = defaultdict(list)
        for (organization_id, subjects), some in parts.items():
            for rank, subject in enumerate(subjects):
                if subject is not None:
                    theirs[rank, organization_id, subject] += some
        height = len(self.family.sum_columns)
        found = [
            MovedSums(*key[1:], *_together(theirs[key], height=height))
            for key in sorted(theirs)
        ]
        return [one for one in found if len(one.slots)]

    def add(
        self,
        organization_id: UUID,
        subjects: Subjects,
        slots: Longs,
        moved: Moved,
        *,
        sign: int = 1,
    ) -> None:
        """Add what moved in each slot, or with the sign -1 take it away."""
        self.took_away |= sign < 0
        self._moved[organization_id, subjects].append(
            (slots, moved if sign > 0 else -moved)
        )

    def add_posts(
        self,
        organization_id: UUID,
        subjects: Subjects,
        posted_at: Iterable[datetime],
        *,
        sign: int = 1,
    ) -> None:
        """Count videos as posted, or with the sign -1 do not any more."""
        posts = [(slot_of(moment), sign) for moment in posted_at]
        if posts:
            self.took_away |= sign < 0
            self._posts[organization_id, subjects] += posts

    def _posted(self, posts: Sequence[tuple[int, int]]) -> tuple[Longs, Moved]:
        slots, signs = np.array(posts, np.int64).T
        moved = np.zeros((len(self.family.sum_columns), len(posts)), np.int64)
        moved[-1] = signs
        return slots, moved


def _together(
    parts: Sequence[tuple[Longs, Moved]], *, height: int
) -> tuple[Longs, Moved]:
    """Return what all parts move, each slot once, without those that do not move."""
    slots = np.concatenate([part[0] for part in parts])
    moved: Moved = np.zeros(
        (height, len(slots)), _kind_for([part[1] for part in parts])
    )
    at = 0
    for _, part in parts:
        moved[: len(part), at : at + part.shape[1]] = part
        at += part.shape[1]
    order = np.argsort(slots, kind="stable")
    slots = slots[order]
    begins = np.ones(len(slots), np.bool_)
    begins[1:] = slots[1:] != slots[:-1]
    added = np.add.reduceat(moved[:, order], np.flatnonzero(begins), axis=1)
    is_any = (added != 0).any(axis=0)
    return slots[begins][is_any], added[:, is_any]


def _kind_for(parts: Sequence[Moved]) -> type[Any]:
    """Return the kind of numbers in which the sum of these cannot overflow."""
    most = sum(max(int(part.max()), -int(part.min())) for part in parts if part.size)
    return np.int64 if most <= _LARGEST else object

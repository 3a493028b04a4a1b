"""Metric groups, and the deltas of the rollups of creators, projects and campaigns."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import numpy as np

from domain.analytics.buckets import slot_of_post
from domain.analytics.metrics import PROFILE_METRICS, VIDEO_METRICS, RawMetric
from projections.analytics.fold.columns import Longs
from projections.analytics.fold.levels import Deltas

_LARGEST = 2**63 - 1
# The order in which sums are written. Sums that many transactions change at once come
# last.
_CREATOR, _PROJECT, _VIDEO, _CAMPAIGN = 0, 2, 1, 3
_RANKS = (_CREATOR, _PROJECT, _VIDEO)

Subjects = tuple[UUID | None, ...]
"""The subjects with sums that include a video: a creator, a project, perhaps itself."""
CampaignsByMember = Mapping[tuple[UUID, UUID], Sequence[UUID]]
"""The campaigns of each member, by organization and creator or video."""
_Place = tuple[UUID, Subjects]
"""An organization and some of its subjects."""


class Rollup(msgspec.Struct, frozen=True, kw_only=True):
    """A table of sums by subject and slot; its columns are in the order of deltas."""

    table: str
    columns: Sequence[str]

    @property
    def height(self) -> int:
        return len(self.columns)


class MetricGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Metrics that are observed together. Rows store the ``number`` of the group.

    ``has_precision`` says that sources may round the counters.
    """

    number: int
    name: str
    metrics: Sequence[RawMetric]
    has_posts: bool = False
    has_precision: bool = False

    @property
    def counters(self) -> int:
        return len(self.metrics)

    @property
    def rollup_table(self) -> str:
        return f"analytics_{self.name}_rollups"

    @property
    def rollup(self) -> Rollup:
        """Return the table of the sums of levels."""
        columns = ["snapshots"]
        for metric in self.metrics:
            columns += [metric, f"{metric}_known"]
            columns += [f"{metric}_base", f"{metric}_baselines"]
        if self.has_posts:
            columns.append("posts")
        return Rollup(table=self.rollup_table, columns=columns)


VIDEOS = MetricGroup(number=0, name="video", metrics=VIDEO_METRICS, has_posts=True)
PROFILES = MetricGroup(
    number=1, name="profile", metrics=PROFILE_METRICS, has_precision=True
)
# Most sources round nothing, so this is a table apart, with few rows.
PRECISION = Rollup(
    table="analytics_profile_precision",
    columns=[
        f"{metric}_{name}"
        for metric in PROFILE_METRICS
        for name in ("sharpened", "sharpenings", "rounded", "changes")
    ],
)
METRIC_GROUPS = (VIDEOS, PROFILES)


class SubjectDeltas(NamedTuple):
    """The deltas of one subject's sums: a column for each slot, slots ascending."""

    organization_id: UUID
    subject: UUID
    slots: Longs
    deltas: Deltas


class RollupDeltas:
    """The deltas of the subjects' sums, by quarter-hour.

    ``precision`` are the deltas of precision, if sources may round the counters.
    """

    def __init__(self, rollup: Rollup, *, has_precision: bool = False) -> None:
        self.rollup = rollup
        self.precision = RollupDeltas(PRECISION) if has_precision else None
        self.has_removals = False
        self._campaigns: CampaignsByMember = {}
        self._divided: Collection[tuple[UUID, UUID]] = ()
        self._deltas: defaultdict[_Place, list[tuple[Longs, Deltas]]] = defaultdict(
            list
        )
        self._posts: defaultdict[_Place, list[tuple[int, int]]] = defaultdict(list)

    @classmethod
    def of(cls, metric_group: MetricGroup) -> "RollupDeltas":
        """Return deltas of a metric group that move nothing yet."""
        return cls(metric_group.rollup, has_precision=metric_group.has_precision)

    def members(self) -> set[tuple[UUID, UUID]]:
        """Return the subjects with deltas, which may be members of campaigns."""
        places = [*self._deltas, *self._posts]
        return {
            (organization_id, subject)
            for organization_id, subjects in places
            for subject in subjects
            if subject is not None
        }

    def add_to(self, campaigns: CampaignsByMember) -> None:
        """Let the sums of these campaigns move with those of their members."""
        self._campaigns = campaigns
        if self.precision is not None:
            self.precision.add_to(campaigns)

    def leave_out(self, divided: Collection[tuple[UUID, UUID]]) -> None:
        """Leave these creators, who have numbers in several projects, out of projects.

        The sums of their projects do not move with theirs.
        """
        self._divided = divided
        if self.precision is not None:
            self.precision.leave_out(divided)

    def by_subject(self, *, only_creators: bool = False) -> list[SubjectDeltas]:
        """Return the deltas by organization, subject and slot.

        Creators come first. Many transactions change a project's sums at once, and wait
        for each other from there to the commit. Campaigns come last.
        """
        chunks = self._deltas | {
            key: [*self._deltas[key], self._posted(posts)]
            for key, posts in self._posts.items()
        }
        theirs: defaultdict[tuple[int, UUID, UUID], list[tuple[Longs, Deltas]]]
        theirs = defaultdict(list)
        for (organization_id, subjects), some in chunks.items():
            for rank, subject in zip(_RANKS, subjects, strict=False):
                if subject is None or (only_creators and rank != _CREATOR):
                    continue
                if rank == _PROJECT and (organization_id, subjects[0]) in self._divided:
                    continue
                theirs[rank, organization_id, subject] += some
                if only_creators:
                    continue
                for campaign in self._campaigns.get((organization_id, subject), ()):
                    theirs[_CAMPAIGN, organization_id, campaign] += some
        height = self.rollup.height
        found = [
            SubjectDeltas(*key[1:], *_merged(theirs[key], height=height))
            for key in sorted(theirs)
        ]
        return [one for one in found if len(one.slots)]

    def add(
        self,
        organization_id: UUID,
        subjects: Subjects,
        slots: Longs,
        deltas: Deltas,
        *,
        sign: int = 1,
    ) -> None:
        """Add the deltas of each slot, or subtract them with the sign -1."""
        self.has_removals |= sign < 0
        self._deltas[organization_id, subjects].append(
            (slots, deltas if sign > 0 else -deltas)
        )

    def add_posts(
        self,
        organization_id: UUID,
        subjects: Subjects,
        posted_at: Iterable[datetime],
        *,
        sign: int = 1,
    ) -> None:
        """Count videos as posts, or with the sign -1 stop counting them."""
        posts = [(slot_of_post(posted), sign) for posted in posted_at]
        if posts:
            self.has_removals |= sign < 0
            self._posts[organization_id, subjects] += posts

    def posts_of_creators(self) -> dict[tuple[UUID, UUID], list[tuple[int, int]]]:
        """Return by organization and creator the slots of posts, each with its sign."""
        found: dict[tuple[UUID, UUID], list[tuple[int, int]]] = {}
        for (organization_id, subjects), posts in self._posts.items():
            if subjects[0] is not None:
                found.setdefault((organization_id, subjects[0]), []).extend(posts)
        return found

    def _posted(self, posts: Sequence[tuple[int, int]]) -> tuple[Longs, Deltas]:
        slots, signs = np.array(posts, np.int64).T
        deltas = np.zeros((len(self.rollup.columns), len(posts)), np.int64)
        deltas[-1] = signs
        return slots, deltas


def _merged(
    chunks: Sequence[tuple[Longs, Deltas]], *, height: int
) -> tuple[Longs, Deltas]:
    """Return the sum of all parts by slot, without slots in which all deltas are 0."""
    slots = np.concatenate([chunk[0] for chunk in chunks])
    deltas: Deltas = np.zeros(
        (height, len(slots)), _kind_for([chunk[1] for chunk in chunks])
    )
    at = 0
    for _, chunk in chunks:
        deltas[: len(chunk), at : at + chunk.shape[1]] = chunk
        at += chunk.shape[1]
    order = np.argsort(slots, kind="stable")
    slots = slots[order]
    begins = np.ones(len(slots), np.bool_)
    begins[1:] = slots[1:] != slots[:-1]
    added = np.add.reduceat(deltas[:, order], np.flatnonzero(begins), axis=1)
    is_any = (added != 0).any(axis=0)
    return slots[begins][is_any], added[:, is_any]


def _kind_for(chunks: Sequence[Deltas]) -> type[Any]:
    """Return the number type in which the sum of these cannot overflow."""
    most = sum(
        max(int(chunk.max()), -int(chunk.min())) for chunk in chunks if chunk.size
    )
    return np.int64 if most <= _LARGEST else object

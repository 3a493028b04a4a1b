"""Selections: the numbers of an answer, and the plan to read them."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from domain.analytics.buckets import Bucket, ends_a_slot
from domain.analytics.metrics import (
    RAW_METRICS,
    Entity,
    Membership,
    Mode,
    Question,
    RawMetric,
)
from projections.analytics.fold.day_sums import DAY_SUMS, DaySums
from projections.analytics.fold.rollup_deltas import (
    METRIC_GROUPS,
    PRECISION,
    MetricGroup,
)

_SNAPSHOTS = "analytics_snapshots"


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Raw metrics of some entities between instants, as of now or of a position.

    ``boundaries`` are the start of the first bucket and the end of each, in order.
    ``at`` is the position as of which the log is read, None for all of it. ``at_time``
    is a time between the recording of that position and of the next; None if it is
    unknown. ``mode`` is the way in which the numbers are shown: gains of
    members are marked as rounded by it.
    """

    organization_id: UUID
    entity: Entity
    ids: Sequence[UUID]
    metrics: Sequence[RawMetric]
    boundaries: Sequence[datetime]
    membership: Membership = "current"
    mode: Mode = "new"
    at: int | None = None
    at_time: datetime | None = None

    @classmethod
    def of(
        cls,
        organization_id: UUID,
        questions: Iterable[Question],
        ids: Sequence[UUID],
        buckets: Sequence[Bucket],
        *,
        at: int | None = None,
        at_time: datetime | None = None,
    ) -> "Selection":
        """Return the selection for questions that differ in their metrics alone."""
        every = [*questions]
        needed = {metric for question in every for metric in question.needs}
        return cls(
            organization_id=organization_id,
            entity=every[0].entity,
            ids=ids,
            metrics=[metric for metric in RAW_METRICS if metric in needed],
            boundaries=[buckets[0].start, *(bucket.end for bucket in buckets)],
            membership=every[0].membership,
            mode=every[0].mode,
            at=at,
            at_time=at_time,
        )

    @property
    def key(self) -> tuple[Hashable, ...]:
        """Return the same for equal selections of one organization."""
        return (
            *(self.entity, tuple(self.ids), tuple(self.metrics)),
            *(tuple(self.boundaries), self.membership, self.mode),
            *(self.at, self.at_time),
        )

    @property
    def size(self) -> int:
        """Return the number of buckets."""
        return len(self.boundaries) - 1

    @property
    def is_dated(self) -> bool:
        return self.membership == "dated"

    @property
    def metric_groups(self) -> Iterator[MetricGroup]:
        """Yield the groups that have some of the metrics; posts are with videos."""
        for group in METRIC_GROUPS:
            if self.among(group) or (group.has_posts and "posts" in self.metrics):
                yield group

    def among(self, group: MetricGroup) -> list[RawMetric]:
        """Return the metrics that are counters of a group, in its order."""
        return [metric for metric in group.metrics if metric in self.metrics]


class SelectionPlan(msgspec.Struct, frozen=True):
    """The tables that a selection is read from, and the reason."""

    source: Literal["sums", "gains", "settled", "snapshots"]
    tables: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        return f"{self.source} from {', '.join(self.tables)}: {self.reason}"


def plan_of(selection: Selection) -> SelectionPlan:
    """Return the tables of a selection."""
    if selection.entity == "video":
        return _of_snapshots("a single video has no sums")
    if not all(map(ends_a_slot, selection.boundaries)):
        return _of_snapshots("a bucket does not end with a quarter of an hour")
    tables: list[str] = []
    for group in selection.metric_groups:
        if (days := days_of(selection, group)) is not None:
            tables += [days.totals, days.days]
        tables.append(group.rollup_table)
        if group.has_precision:
            tables.append(PRECISION.table)
    if selection.at is not None:
        if selection.is_dated:
            return _of_snapshots("gains of members are stored as of now")
        return SelectionPlan(
            "settled",
            (*tables, _SNAPSHOTS),
            "sums hold for owners without later changes, snapshots for others",
        )
    if selection.is_dated:
        return SelectionPlan(
            "gains", tuple(tables), "members have sums, counted while members"
        )
    return SelectionPlan(
        "sums", tuple(tables), "the entity has sums by quarter of an hour"
    )


def days_of(selection: Selection, group: MetricGroup) -> DaySums | None:
    """Return the sums by day that replace all earlier sums; None without any.

    Creators have such sums for every counter of videos and for followers, but not for
    posts.
    """
    if selection.entity != "creator" or selection.is_dated:
        return None
    if group.has_posts and "posts" in selection.metrics:
        return None
    days = DAY_SUMS[group.number]
    levels = selection.among(group)
    return days if all(metric in days.columns for metric in levels) else None


def _of_snapshots(reason: str) -> SelectionPlan:
    return SelectionPlan("snapshots", (_SNAPSHOTS,), reason)

"""Why a point has its value: the observations that make it, one by one."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
import numpy as np

from domain.analytics.buckets import Bucket
from domain.analytics.metrics import ENGAGEMENT, PROFILE_METRICS, Question, RawMetric
from domain.errors import InvalidQuestionError
from projections.analytics.keys import instant_of
from projections.analytics.levels import superseded
from projections.analytics.queries.as_of import counted_then
from projections.analytics.queries.from_snapshots import (
    Counted,
    Looked,
    Source,
    looked_at,
)
from projections.analytics.queries.series import counted
from projections.analytics.rollup_deltas import PROFILES, VIDEOS, Family
from projections.engine.reader import Reader

MOST_OBSERVATIONS = 10_000
Role = Literal["value", "numerator", "denominator"]
_TOO_MANY = (
    f"more than {MOST_OBSERVATIONS:,} observations make this point: ask about a "
    "creator or a video of it, or about a shorter bucket"
)
# How a raw metric enters a number: what came in, baselines apart or not, or the level
# at an end.
_Way = Literal["new", "grown", "level", "level_before"]


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One observation and what it adds to one part of the value.

    A post has no observation: ``observed_at`` is when it was posted, and what follows
    from a scrape is null. ``profile`` is the creator's id where a profile was seen.
    """

    part: Role
    metric: RawMetric
    tiktok_video_id: str | None = None
    profile: UUID | None = None
    scrape_id: UUID | None = None
    provider: str | None = None
    observed_at: datetime
    recorded_at: datetime | None = None
    position: int | None = None
    level_before: int | None = None
    level_after: int | None = None
    contribution: int
    baseline: bool = False


async def explain(
    reader: Reader,
    organization_id: UUID,
    asked: Question,
    of: UUID,
    bucket: Bucket,
    *,
    at: int | None = None,
) -> list[Observation]:
    """Return what makes the value of one bucket, in the order it was observed.

    ``at`` is the position at which the log is taken to end.

    Raises:
        InvalidQuestionError: it is more than 10,000 observations.
    """
    members = (
        await counted(reader, organization_id, asked, of)
        if at is None
        else await counted_then(reader, organization_id, asked, of, at=at)
    )
    looked = {
        family: await looked_at(
            reader, organization_id, family, some, bucket.end, at=at
        )
        for family, some in members.items()
        if asked.among(family.metrics)
    }
    found: list[Observation] = []
    for part, way, metrics in _parts(asked):
        for metric in metrics:
            explained = _Explained(part=part, way=way, metric=metric, bucket=bucket)
            if metric == "posts":
                found += explained.posts(members[VIDEOS])
            else:
                family = VIDEOS if metric in VIDEOS.metrics else PROFILES
                found += explained.levels(family, looked[family])
            if len(found) > MOST_OBSERVATIONS:
                raise InvalidQuestionError("entity_id", _TOO_MANY)
    order = {"value": 0, "numerator": 0, "denominator": 1}
    return sorted(found, key=lambda o: (order[o.part], o.observed_at, o.position or 0))


def _parts(asked: Question) -> Iterable[tuple[Role, _Way, Sequence[RawMetric]]]:
    match asked.metric:
        case "engagement_rate_by_views":
            return [("numerator", "new", ENGAGEMENT), ("denominator", "new", ["views"])]
        case "engagement_rate_by_followers":
            return [
                ("numerator", "new", ENGAGEMENT),
                ("denominator", "level", ["followers"]),
            ]
        case "posts_per_week":
            return [("numerator", "new", ["posts"])]
        case "avg_views_per_post":
            return [
                ("numerator", "new", ["views"]),
                ("denominator", "level", ["posts"]),
            ]
        case "growth_rate_pop":
            return [
                ("numerator", "grown", asked.needs),
                ("denominator", "level_before", asked.needs),
            ]
        case _:
            way: _Way = "level" if asked.mode == "cumulative" else "new"
            return [("value", way, asked.needs)]


class _Explained(msgspec.Struct, frozen=True, kw_only=True):
    """One metric's way into one part of the value."""

    part: Role
    way: _Way
    metric: RawMetric
    bucket: Bucket

    @property
    def _adds_up(self) -> bool:
        return self.way in {"new", "grown"}

    @property
    def _until(self) -> datetime:
        return self.bucket.start if self.way == "level_before" else self.bucket.end

    def posts(self, members: Sequence[Counted]) -> Iterator[Observation]:
        """Yield the videos that were posted."""
        for member in members:
            posted_at = member.posted_at
            if posted_at is None or posted_at > self._until:
                continue
            if not self._adds_up or posted_at > self.bucket.start:
                yield Observation(
                    part=self.part,
                    metric=self.metric,
                    tiktok_video_id=member.tiktok_video_id,
                    observed_at=posted_at,
                    contribution=1,
                )

    def levels(self, family: Family, looked: Looked) -> Iterator[Observation]:
        """Yield the observations that make the levels, or change them."""
        number = list(family.metrics).index(self.metric)
        told = looked.told
        is_told = (told.missing >> number & 1) == 0
        is_told &= looked.instants[told.looks] <= instant_of(self._until)
        told = told.where(is_told)
        order = np.argsort(told.things, kind="stable")
        is_level = ~superseded(told.things[order], looked.instants[told.looks[order]])
        order = order[is_level]
        things = told.things[order]
        is_first = np.ones(len(things), np.bool_)
        is_first[1:] = things[1:] != things[:-1]
        if self._adds_up:
            start = instant_of(self.bucket.start)
            is_part = looked.instants[told.looks[order]] > start
        else:
            # The newest level of each thing is all there is to it.
            is_part = np.ones(len(things), np.bool_)
            is_part[:-1] = is_first[1:]
        if int(is_part.sum()) > MOST_OBSERVATIONS:
            raise InvalidQuestionError("entity_id", _TOO_MANY)
        values = told.counts[number][order]
        for at in np.flatnonzero(is_part).tolist():
            opens = not self._adds_up or bool(is_first[at])
            yield self._observation(
                looked.members[int(things[at])],
                looked.sources[int(told.looks[order[at]])],
                before=None if opens else int(values[at - 1]),
                after=int(values[at]),
            )

    def _observation(
        self, member: Counted, source: Source, *, before: int | None, after: int
    ) -> Observation:
        baseline = self.way == "new" and before is None and member.is_baseline
        return Observation(
            part=self.part,
            metric=self.metric,
            tiktok_video_id=member.tiktok_video_id,
            profile=member.id if self.metric in PROFILE_METRICS else None,
            scrape_id=source.scrape_id,
            provider=source.provider,
            observed_at=source.observed_at,
            recorded_at=source.recorded_at,
            position=source.position,
            level_before=before,
            level_after=after,
            contribution=0 if baseline else after - (before or 0),
            baseline=baseline,
        )

"""Explains a point: the observations whose contributions make its value."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal
from uuid import UUID

import msgspec
import numpy as np
from msgspec.structs import replace

from domain.analytics.buckets import Bucket, slot_of
from domain.analytics.membership import holds_slot
from domain.analytics.metrics import ENGAGEMENT, PROFILE_METRICS, Question, RawMetric
from domain.errors import InvalidQuestionError
from domain.messages import Precision
from projections.analytics.fold.columns import Longs, Observations
from projections.analytics.fold.keys import instant_of
from projections.analytics.fold.levels import Levels
from projections.analytics.fold.precision import rounded_bit, steps_of
from projections.analytics.fold.rollup_deltas import PROFILES, VIDEOS, MetricGroup
from projections.analytics.read.explanations.video_observations import (
    other_posting_times,
)
from projections.analytics.read.members import Counted, counted
from projections.analytics.read.selection import Selection
from projections.analytics.read.snapshots import (
    MemberObservations,
    Source,
    gains_among,
    load_observations,
)
from projections.engine.reader import Reader

WITHIN = timedelta(hours=6)
_WITHIN_MICROSECONDS = WITHIN // timedelta(microseconds=1)


class OtherCount(msgspec.Struct, frozen=True, kw_only=True):
    """A different count of another provider, observed up to six hours before."""

    provider: str
    observed_at: datetime
    count: int
    scrape_id: UUID


class OtherCounts:
    """The recent counts of other providers for observations of one metric."""

    def __init__(self, loaded: MemberObservations, observations: Observations) -> None:
        self._loaded = loaded
        self._are_several = len({source.provider for source in loaded.sources}) > 1
        self._observations = observations
        self._counts = observations.counts[0]
        self._is_missing = (observations.missing & 1) == 1
        self._instants: Longs = loaded.instants[observations.snapshots]
        # At one time, the observation that was recorded later comes later and stays.
        self._order = np.lexsort((self._instants, observations.video_numbers))
        self._places = np.empty_like(self._order)
        self._places[self._order] = np.arange(len(self._order))

    def before(self, row: int) -> list[OtherCount]:
        """Return the newest count of each other provider, the newest first."""
        if not self._are_several:
            return []
        found: dict[str, OtherCount] = {}
        source = self._source(row)
        since = int(self._instants[row]) - _WITHIN_MICROSECONDS
        numbers = self._observations.video_numbers
        for place in range(int(self._places[row]) - 1, -1, -1):
            other = int(self._order[place])
            if numbers[other] != numbers[row] or self._instants[other] < since:
                break
            them = self._source(other)
            if self._is_missing[other] or them.provider == source.provider:
                continue
            if self._counts[other] != self._counts[row]:
                found.setdefault(
                    them.provider,
                    OtherCount(
                        provider=them.provider,
                        observed_at=them.observed_at,
                        count=int(self._counts[other]),
                        scrape_id=them.scrape_id,
                    ),
                )
        return list(found.values())

    def _source(self, row: int) -> Source:
        return self._loaded.sources[int(self._observations.snapshots[row])]


MOST_OBSERVATIONS = 10_000
BEGINNING = datetime.min.replace(tzinfo=UTC)
Role = Literal["value", "numerator", "denominator"]
Way = Literal["new", "grown", "level", "level_before"]
"""The way in which a raw metric enters a value.

It is growth, with or without baselines, or the level at an end of the bucket.
"""
_TOO_MANY = (
    f"more than {MOST_OBSERVATIONS:,} observations make this point: ask about a "
    "creator or a video of it, or about a shorter bucket"
)


class ExplainedObservation(msgspec.Struct, frozen=True, kw_only=True):
    """One observation, and its contribution to one part of the value.

    A post has no observation: ``observed_at`` is its posting time, and the fields that
    name a scrape are null. ``profile`` is the creator's id if a profile was observed.
    ``title`` is that of the video, null if it is not known. ``other_posted_at`` are the
    times of posting that were said after the first known one, and differ.
    ``precision`` is that of the observed counter of a profile. ``rounded``: the
    contribution is from a rounded level or to one. ``sharpened``: the observation made
    a rounded level exact, and contributes 0. ``others`` are different counts that other
    providers saw up to six hours before: of two the newest counts. The levels and the
    contribution of a video are null if its creator was erased: sums alone have them.
    """

    term: Role
    metric: RawMetric
    tiktok_video_id: str | None = None
    title: str | None = None
    profile: UUID | None = None
    scrape_id: UUID | None = None
    provider: str | None = None
    observed_at: datetime
    recorded_at: datetime | None = None
    position: int | None = None
    level_before: int | None = None
    level_after: int | None = None
    contribution: int | None
    baseline: bool = False
    precision: Precision | None = None
    rounded: bool = False
    sharpened: bool = False
    others: list[OtherCount] = []
    other_posted_at: list[datetime] = []


def check_amount(observations: int) -> None:
    """Refuse to explain a point by too many observations.

    Raises:
        InvalidQuestionError: there are more than 10,000.
    """
    if observations > MOST_OBSERVATIONS:
        raise InvalidQuestionError("entity_id", _TOO_MANY)


class Contributions(msgspec.Struct, frozen=True, kw_only=True):
    """The contributions of one metric to one part of the value."""

    term: Role
    way: Way
    metric: RawMetric
    bucket: Bucket

    @property
    def _adds_up(self) -> bool:
        return self.way in {"new", "grown"}

    @property
    def _until(self) -> datetime:
        return self.bucket.start if self.way == "level_before" else self.bucket.end

    def share(
        self, moved: Sequence[Counted]
    ) -> tuple["Contributions", Sequence[Counted]]:
        """Return the same of creators that left numbers with a project.

        The gains of videos stay with the project. The level of a profile is in the
        project of its creator.
        """
        slot = slot_of(self._until)
        if not self._adds_up and self._is_of_profiles:
            return self, [m for m in moved if holds_slot(m.counts_in or (), slot)]
        those = [replace(m, spans=m.counts_in) for m in moved]
        if self._adds_up:
            return self, those
        until = replace(self.bucket, start=BEGINNING, end=self._until)
        return replace(self, way="grown", bucket=until), those

    def posts(
        self, members: Sequence[Counted], others: Mapping[UUID, Mapping[int, datetime]]
    ) -> Iterator[ExplainedObservation]:
        """Yield the posts; ``others`` are contradicting times of posting."""
        for member in members:
            posted_at = member.posted_at
            if posted_at is None or posted_at >= self._until:
                continue
            if not member.gains_as_a_post:
                continue
            if not self._adds_up or posted_at >= self.bucket.start:
                yield ExplainedObservation(
                    term=self.term,
                    metric=self.metric,
                    tiktok_video_id=member.tiktok_video_id,
                    title=member.title,
                    observed_at=posted_at,
                    contribution=1,
                    other_posted_at=sorted({*others.get(member.id, {}).values()}),
                )

    def observations(
        self, loaded: MemberObservations
    ) -> Iterator[ExplainedObservation]:
        """Yield the observations of the members that make or change the levels.

        An observation that only confirms an exact level makes none.
        """
        observations = loaded.observations
        is_until = loaded.instants[observations.snapshots] <= instant_of(self._until)
        observations = self._alone(observations.where(is_until))
        nothing = Levels.nothing(np.arange(len(loaded.members)), counters=1)
        steps = steps_of(nothing, observations, loaded.instants, 0)
        snapshots = observations.snapshots[steps.rows]
        if self._adds_up:
            is_term = loaded.instants[snapshots] > instant_of(self.bucket.start)
        else:
            # Only the newest observation makes a level.
            makes = np.flatnonzero(~steps.confirms)
            places = steps.places[makes]
            is_newest = np.ones(len(places), np.bool_)
            is_newest[:-1] = places[1:] != places[:-1]
            is_term = np.zeros(len(steps.rows), np.bool_)
            is_term[makes[is_newest]] = True
        if loaded.is_dated:
            is_gain = gains_among(loaded.spans, observations, loaded.instants)
            is_term &= is_gain[steps.rows]
        check_amount(int(is_term.sum()))
        sharpens = steps.sharpens & self._adds_up
        others = OtherCounts(loaded, observations)
        rounded = steps.is_level_rounded | (steps.is_change_rounded & self._adds_up)
        for at in np.flatnonzero(is_term).tolist():
            member = loaded.members[int(steps.places[at])]
            opens = not self._adds_up or bool(steps.is_first[at])
            found = self._observation(
                member,
                loaded.sources[int(snapshots[at])],
                before=None if opens else int(steps.before[at]),
                after=int(steps.levels[at]),
            )
            if member.is_erased:
                yield replace(
                    found, level_before=None, level_after=None, contribution=None
                )
                continue
            yield replace(
                found,
                contribution=0 if sharpens[at] else found.contribution,
                precision=self._precision(is_rounded=steps.is_observed_rounded[at]),
                rounded=bool(rounded[at]),
                sharpened=bool(sharpens[at]),
                others=others.before(int(steps.rows[at])),
            )

    @property
    def _is_of_profiles(self) -> bool:
        return self.metric in PROFILE_METRICS

    def _alone(self, observations: Observations) -> Observations:
        """Return the observations of the metric as those of a single counter."""
        group = PROFILES if self._is_of_profiles else VIDEOS
        number = list(group.metrics).index(self.metric)
        missing = observations.missing >> number & 1
        if group.has_precision:
            is_rounded = (observations.missing & rounded_bit(number)) != 0
            missing |= is_rounded * rounded_bit(0)
        return Observations(
            observations.video_numbers,
            observations.snapshots,
            observations.counts[number : number + 1],
            missing.astype(np.uint8),
        )

    def _precision(self, *, is_rounded: bool) -> Precision | None:
        if not self._is_of_profiles:
            return None
        return "rounded" if is_rounded else "exact"

    def _observation(
        self, member: Counted, source: Source, *, before: int | None, after: int
    ) -> ExplainedObservation:
        baseline = self.way == "new" and before is None and member.is_baseline
        return ExplainedObservation(
            term=self.term,
            metric=self.metric,
            tiktok_video_id=member.tiktok_video_id,
            title=member.title,
            profile=member.id if self._is_of_profiles else None,
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


async def explain(
    reader: Reader, selection: Selection, question: Question, bucket: Bucket
) -> list[ExplainedObservation]:
    """Return the observations behind the value of one bucket, by time.

    The selection is of one entity, and has what the question needs.

    Raises:
        InvalidQuestionError: there are more than 10,000 observations.
    """
    organization_id, at = selection.organization_id, selection.at
    (of,) = selection.ids
    members = await counted(reader, selection, of)
    # Creators that left numbers with another project, and all others.
    moved, always = _partition(members)
    load = partial(load_observations, reader, organization_id, end=bucket.end, at=at)
    loaded = {
        metric_group: await load(metric_group, some)
        for metric_group, some in always.items()
        if selection.among(metric_group)
    }
    found: list[ExplainedObservation] = []
    if question.is_dated and question.mode == "cumulative":
        # The level is the sum of all gains.
        question = msgspec.structs.replace(question, mode="new")
        bucket = msgspec.structs.replace(bucket, start=BEGINNING)
    for term, way, metrics in _terms(question):
        for metric in metrics:
            explained = Contributions(term=term, way=way, metric=metric, bucket=bucket)
            metric_group = PROFILES if metric in PROFILE_METRICS else VIDEOS
            share, those = explained.share(moved[metric_group])
            if metric == "posts":
                every = [one.id for one in (*always[VIDEOS], *those)]
                others = await other_posting_times(
                    reader, organization_id, every, at=at
                )
                found += explained.posts(always[VIDEOS], others)
                found += share.posts(those, others)
            else:
                found += explained.observations(loaded[metric_group])
                if those:
                    found += share.observations(await load(metric_group, those))
            check_amount(len(found))
    return sorted(found, key=_place)


def _place(one: ExplainedObservation) -> tuple[object, ...]:
    """Return a sort key that orders all observations, also those of one snapshot."""
    order = {"value": 0, "numerator": 0, "denominator": 1}
    return (
        order[one.term],
        one.observed_at,
        one.position or 0,
        one.tiktok_video_id or "",
        str(one.profile or ""),
        one.metric,
        one.contribution,
    )


def _partition(
    members: Mapping[MetricGroup, Sequence[Counted]],
) -> tuple[dict[MetricGroup, list[Counted]], dict[MetricGroup, list[Counted]]]:
    moved, always = (
        {
            metric_group: [one for one in some if (one.counts_in is None) == is_always]
            for metric_group, some in members.items()
        }
        for is_always in (False, True)
    )
    return moved, always


def _terms(question: Question) -> Iterable[tuple[Role, Way, Sequence[RawMetric]]]:
    match question.metric:
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
                ("numerator", "grown", question.needs),
                ("denominator", "level_before", question.needs),
            ]
        case _:
            way: Way = "level" if question.mode == "cumulative" else "new"
            return [("value", way, question.needs)]

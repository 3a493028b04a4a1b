"""Contributions of single observations to one part of an explained value."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import msgspec
import numpy as np

from domain.analytics.buckets import Bucket, slot_of
from domain.analytics.membership import holds_slot
from domain.analytics.metrics import PROFILE_METRICS, RawMetric
from domain.errors import InvalidQuestionError
from domain.messages import Precision
from projections.analytics.fold.keys import instant_of
from projections.analytics.fold.levels import Levels, overridden
from projections.analytics.fold.precision import steps_of
from projections.analytics.fold.rollup_deltas import PROFILES, VIDEOS, MetricGroup
from projections.analytics.read.explanations.other_counts import OtherCount, OtherCounts
from projections.analytics.read.gains import gains_among
from projections.analytics.read.observations import Counted, MemberObservations, Source

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
        if not self._adds_up and self.metric in PROFILE_METRICS:
            return self, [m for m in moved if holds_slot(m.counts_in or (), slot)]
        those = [msgspec.structs.replace(m, spans=m.counts_in) for m in moved]
        if self._adds_up:
            return self, those
        until = msgspec.structs.replace(self.bucket, start=BEGINNING, end=self._until)
        return msgspec.structs.replace(self, way="grown", bucket=until), those

    def observations(
        self, loaded: MemberObservations
    ) -> Iterator[ExplainedObservation]:
        """Yield the observations of the members that contribute."""
        if self.metric in PROFILE_METRICS:
            return self.profiles(loaded)
        return self.levels(VIDEOS, loaded)

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

    def levels(
        self, metric_group: MetricGroup, loaded: MemberObservations
    ) -> Iterator[ExplainedObservation]:
        """Yield the observations that make or change the levels."""
        number = list(metric_group.metrics).index(self.metric)
        observations = loaded.observations
        is_reported = (observations.missing >> number & 1) == 0
        is_reported &= loaded.instants[observations.snapshots] <= instant_of(
            self._until
        )
        observations = observations.where(is_reported)
        order = np.argsort(observations.video_numbers, kind="stable")
        is_level = ~overridden(
            observations.video_numbers[order],
            loaded.instants[observations.snapshots[order]],
        )
        order = order[is_level]
        places = observations.video_numbers[order]
        is_first = np.ones(len(places), np.bool_)
        is_first[1:] = places[1:] != places[:-1]
        if self._adds_up:
            start = instant_of(self.bucket.start)
            is_term = loaded.instants[observations.snapshots[order]] > start
        else:
            # Only the newest observation makes a level.
            is_term = np.ones(len(places), np.bool_)
            is_term[:-1] = is_first[1:]
        if loaded.is_dated:
            is_term &= gains_among(loaded.spans, observations, loaded.instants)[order]
        check_amount(int(is_term.sum()))
        values = observations.counts[number][order]
        others = OtherCounts(loaded, observations, number)
        for at in np.flatnonzero(is_term).tolist():
            opens = not self._adds_up or bool(is_first[at])
            found = self._observation(
                loaded.members[int(places[at])],
                loaded.sources[int(observations.snapshots[order[at]])],
                before=None if opens else int(values[at - 1]),
                after=int(values[at]),
            )
            if loaded.members[int(places[at])].is_erased:
                yield msgspec.structs.replace(
                    found, level_before=None, level_after=None, contribution=None
                )
                continue
            seen = others.before(int(order[at]))
            yield msgspec.structs.replace(found, others=seen)

    def profiles(self, loaded: MemberObservations) -> Iterator[ExplainedObservation]:
        """Yield the observations of profiles that make levels, or change them.

        An observation that only confirms an exact level makes none.
        """
        number = list(PROFILES.metrics).index(self.metric)
        nothing = Levels.nothing(
            np.arange(len(loaded.members)), counters=PROFILES.counters
        )
        is_until = loaded.instants[loaded.observations.snapshots] <= instant_of(
            self._until
        )
        observations = loaded.observations.where(is_until)
        steps = steps_of(nothing, observations, loaded.instants, number)
        snapshots = observations.snapshots[steps.rows]
        if self._adds_up:
            is_term = loaded.instants[snapshots] > instant_of(self.bucket.start)
        else:
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
        others = OtherCounts(loaded, observations, number)
        rounded = steps.is_level_rounded | (steps.is_change_rounded & self._adds_up)
        for at in np.flatnonzero(is_term).tolist():
            opens = not self._adds_up or bool(steps.is_first[at])
            found = self._observation(
                loaded.members[int(steps.places[at])],
                loaded.sources[int(snapshots[at])],
                before=None if opens else int(steps.before[at]),
                after=int(steps.levels[at]),
            )
            is_observed_rounded = bool(steps.is_observed_rounded[at])
            yield msgspec.structs.replace(
                found,
                contribution=0 if sharpens[at] else found.contribution,
                precision="rounded" if is_observed_rounded else "exact",
                rounded=bool(rounded[at]),
                sharpened=bool(sharpens[at]),
                others=others.before(int(steps.rows[at])),
            )

    def _observation(
        self, member: Counted, source: Source, *, before: int | None, after: int
    ) -> ExplainedObservation:
        baseline = self.way == "new" and before is None and member.is_baseline
        return ExplainedObservation(
            term=self.term,
            metric=self.metric,
            tiktok_video_id=member.tiktok_video_id,
            title=member.title,
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

"""Project spans: the times in which a moved creator's numbers count in each project.

A move takes all numbers along, or leaves the earlier ones with the old project. The
latter takes effect at the end of the quarter of an hour in which it was recorded,
because sums are kept for quarters of an hour.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import accumulate, chain, pairwise
from uuid import UUID

import msgspec

from domain.analytics.buckets import end_of_slot, slot_of
from domain.analytics.membership import ALWAYS, Spans, held_at, union_of
from domain.analytics.metrics import PROFILE_METRICS, RawMetric
from domain.analytics.series import CounterSeries, PrecisionSeries, SeriesByMetric

_BEFORE_ALL = -(2**31)
EVER: Spans = [(_BEFORE_ALL, ALWAYS)]
"""All time."""


class ProjectMove(msgspec.Struct, frozen=True, kw_only=True):
    """A move of a creator to a project.

    If the earlier numbers stay with the old project, ``stays_until`` is the quarter of
    an hour at whose end the move takes effect; None if all numbers go along.
    """

    position: int
    project_id: UUID
    stays_until: int | None


def project_spans(
    origin: UUID | None, moves: Iterable[ProjectMove]
) -> Mapping[UUID | None, Spans]:
    """Return the spans of a creator's numbers in each project, ``origin`` the first.

    With a single project, all numbers count there. A creator that enters and leaves a
    project in the same quarter of an hour leaves no numbers there.
    """
    since: list[tuple[int, UUID | None]] = [(_BEFORE_ALL, origin)]
    for move in sorted(moves, key=lambda move: move.position):
        if move.stays_until is None:
            since = [(_BEFORE_ALL, move.project_id)]
        else:
            since = [one for one in since if one[0] < move.stays_until]
            since.append((move.stays_until, move.project_id))
    spans: defaultdict[UUID | None, list[tuple[int, int]]] = defaultdict(list)
    for (first, project_id), (last, _) in pairwise([*since, (ALWAYS, None)]):
        spans[project_id].append((first, last))
    return {project_id: union_of(some) for project_id, some in spans.items()}


def parted(boundaries: Sequence[datetime], *some: Spans) -> list[datetime]:
    """Return boundaries of buckets, and those of spans up to the last one."""
    ends = {
        end_of_slot(slot)
        for slot in chain.from_iterable(chain.from_iterable(some))
        if _BEFORE_ALL < slot < slot_of(boundaries[-1])
    }
    return sorted({*boundaries, *ends})


def parts_within(
    spans: Spans, start: datetime, end: datetime
) -> list[tuple[datetime, datetime]]:
    """Return the parts of a time that lie in spans, in order: after, and until."""
    found: list[tuple[datetime, datetime]] = []
    for first, last in spans:
        begin = start if first < slot_of(start) else end_of_slot(first)
        finish = end if last >= slot_of(end) else end_of_slot(last)
        if begin < finish:
            found.append((begin, finish))
    return found


def last_held(spans: Spans, instant: datetime) -> datetime | None:
    """Return the last instant in spans up to ``instant``; None if none is."""
    lasts = [last for first, last in spans if first < slot_of(instant)]
    if not lasts:
        return None
    return instant if lasts[-1] >= slot_of(instant) else end_of_slot(lasts[-1])


def ended_at(spans: Spans) -> datetime | None:
    """Return the end of the last span; None if it has not ended."""
    last = spans[-1][1]
    return None if last == ALWAYS else end_of_slot(last)


def within(
    by_metric: SeriesByMetric,
    parts: Sequence[datetime],
    boundaries: Sequence[datetime],
    spans: Spans,
) -> dict[RawMetric, CounterSeries]:
    """Return the part of a creator's or a video's series that counts in its spans.

    The given series have the boundaries ``parts``, which ``parted`` made of
    ``boundaries``; the returned ones have ``boundaries``. A gain of a video stays in
    the project where it was gained. The level of a profile moves with the creator, and
    its arrival or departure is not growth, as a sharpening is not.
    """
    clip = _Clip(parts, boundaries, spans)
    return {metric: clip.share(metric, each) for metric, each in by_metric.items()}


class _Clip:
    def __init__(
        self,
        parts: Sequence[datetime],
        boundaries: Sequence[datetime],
        spans: Spans,
    ) -> None:
        places = {end: place for place, end in enumerate(parts)}
        self._places = [places[end] for end in boundaries]
        # For each end of the parts, also the one before the first: is it in the spans?
        self._is_in = held_at(spans, parts)

    def share(self, metric: RawMetric, series: CounterSeries) -> CounterSeries:
        is_profile = metric in PROFILE_METRICS
        levels = self._present if is_profile else self._gained
        known = list(series.known) if metric == "posts" else self._seen(series.known)
        return CounterSeries(
            levels=self._at_ends(levels(series.levels)),
            known=self._at_ends(known),
            bases=self._by_bucket(series.bases),
            baselines=self._by_bucket(series.baselines),
            snapshots=self._by_bucket(series.snapshots),
            precision=self._precision(series) if is_profile else None,
        )

    def _precision(self, series: CounterSeries) -> PrecisionSeries:
        size = series.size
        held = series.precision or PrecisionSeries(
            rounded=[0] * (size + 1),
            sharpened=[0] * size,
            sharpenings=[0] * size,
            changes=[0] * size,
        )
        # Levels that arrive or leave with the creator, which is no growth.
        brought = [
            level * (after - before)
            for level, (before, after) in zip(
                series.levels, pairwise(self._is_in), strict=False
            )
        ]
        sharpened = self._by_bucket(held.sharpened)
        moved = self._sums(brought)
        return PrecisionSeries(
            rounded=self._at_ends(self._present(held.rounded)),
            sharpened=[
                one + other for one, other in zip(sharpened, moved, strict=True)
            ],
            sharpenings=self._by_bucket(held.sharpenings),
            changes=self._by_bucket(held.changes),
        )

    def _present(self, levels: Sequence[int]) -> list[int]:
        return [level * is_in for level, is_in in zip(levels, self._is_in, strict=True)]

    def _gained(self, levels: Sequence[int]) -> list[int]:
        steps = (after - before for before, after in pairwise(levels))
        gains = (
            step * is_in for step, is_in in zip(steps, self._is_in[1:], strict=True)
        )
        return list(accumulate(gains, initial=levels[0] * self._is_in[0]))

    def _seen(self, known: Sequence[int]) -> list[int]:
        """Return the number of known levels at the last time in the spans."""
        found = [0]
        for amount, is_in in zip(known, self._is_in, strict=True):
            found.append(amount if is_in else found[-1])
        return found[1:]

    def _at_ends(self, values: Sequence[int]) -> list[int]:
        return [values[place] for place in self._places]

    def _by_bucket(self, values: Sequence[int]) -> list[int]:
        return self._sums(
            [
                value * is_in
                for value, is_in in zip(values, self._is_in[1:], strict=True)
            ]
        )

    def _sums(self, values: Sequence[int]) -> list[int]:
        return [sum(values[start:end]) for start, end in pairwise(self._places)]

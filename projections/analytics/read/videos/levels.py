"""Levels of many videos at any two instants, read from days, as columns of numbers.

The level of a video of which only a part counts in a project is its level when its
creator was last in the project. New counts are those that came while the creator was in
it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import msgspec
import numpy as np
from msgspec.structs import replace

from domain.analytics.membership import Spans
from domain.analytics.project_spans import last_held, parts_within
from projections.analytics.fold.columns import Grid, Longs, Mask, Observations
from projections.analytics.fold.rollup_deltas import VIDEOS
from projections.analytics.read.members import SpansByCreator
from projections.analytics.read.videos.owner_levels import (
    LevelsAt,
    OwnerLevels,
    OwnerQuery,
    observations_at,
    read_owner_levels,
)
from projections.analytics.read.videos.states import COUNTERS, VideoStates
from projections.analytics.store.column_codec import unpack
from projections.analytics.store.positions import kept_numbers
from projections.engine.reader import Reader

_NOBODY = "false"


class VideoSet(msgspec.Struct, frozen=True, kw_only=True):
    """Videos of an organization: all counted videos of some owners, or some of them.

    ``has_others``: videos requested one by one need not count. ``owners`` is a
    condition for the owner states ``s``. ``pairs`` is a query of the ``owner`` and the
    ``number`` of single videos of others. ``spans`` are the times of owners with
    numbers in several projects.
    """

    owners: str = _NOBODY
    pairs: str | None = None
    parameters: Mapping[str, object] = msgspec.field(default_factory=dict[str, object])
    spans: SpansByCreator = msgspec.field(default_factory=dict[UUID, Spans])
    has_others: bool = False

    @classmethod
    def of_project(cls, project_id: UUID) -> "VideoSet":
        """Return all counted videos of a project."""
        return cls(
            owners="s.project_id = %(project)s", parameters={"project": project_id}
        )

    @classmethod
    def these(
        cls,
        query: str,
        parameters: Mapping[str, object],
        *,
        spans: SpansByCreator | None = None,
        has_others: bool = False,
    ) -> "VideoSet":
        """Return the videos of a query of ids, uncounted too if ``has_others``."""
        which = "is_there" if has_others else "is_counted"
        return cls(
            pairs=_PAIRS.format(which, f"id IN ({query})"),
            parameters=parameters,
            spans=spans or {},
            has_others=has_others,
        )


_PAIRS = """
SELECT coalesce(creator_id, id) AS owner, number FROM analytics_videos
WHERE organization_id = %(organization)s AND {} AND {}
"""
# Psycopg takes several times as long for a list of numbers.
_BY_OWNER = """
SELECT owner, string_agg(int8send(number), '') FROM ({}) AS pairs
WHERE number IS NOT NULL GROUP BY owner
"""
# An owner's earliest snapshot comes last. Two of one instant are in the order of the
# log, so the later one is the level.
_SINCE_FIRST = f"""
SELECT place, counts
FROM unnest(%(owners)s::uuid[], %(times)s::text::bigint[])
    WITH ORDINALITY AS requested (o, first_at, place)
CROSS JOIN LATERAL (
    SELECT observed_at, position, counts FROM analytics_snapshots
    WHERE organization_id = %(organization)s AND metric_group = {VIDEOS.number}
    AND owner = o
    AND observed_at >= timestamptz 'epoch' + first_at * interval '1 microsecond'
    AND observed_at <= coalesce(%(until)s::timestamptz,
        timestamptz 'epoch' + first_at * interval '1 microsecond')
) found
ORDER BY place, observed_at DESC, position
""".encode()


class VideoFigureColumns(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of videos: a row a counter, a column a video.

    A video is known by the index of its owner and its number, and columns are sorted by
    both. ``levels`` are the levels at the end, ``new`` the counts that came in the
    range; both hold where ``is_known``. Where ``is_erased``, the creator was erased,
    and nobody is shown the figures.
    """

    owners: Sequence[UUID]
    owner_of: Longs
    numbers: Longs
    levels: Grid
    new: Grid
    is_known: Mask
    is_erased: Mask

    def __len__(self) -> int:
        return len(self.numbers)


async def own_columns(
    reader: Reader,
    organization_id: UUID,
    videos: VideoSet,
    start: datetime,
    end: datetime,
) -> VideoFigureColumns:
    """Return the figures of these videos after ``start`` up to ``end``.

    The spans of owners are not applied here: ``video_shares`` does that.
    """
    if videos.pairs is None:
        return await _columns(organization_id, videos, (), start, end, reader)
    query = _BY_OWNER.format(videos.pairs).encode()
    rows = await reader.rows(organization_id, query, videos.parameters)
    singles = tuple(sorted((row[0], row[1]) for row in rows))
    if videos.owners != _NOBODY:
        return await _columns(organization_id, videos, singles, start, end, reader)
    # Other read models choose the videos, and nothing but analytics has their numbers.
    return await kept_numbers(
        reader,
        organization_id,
        ("columns of videos", singles, videos.has_others, start, end),
        partial(_columns, organization_id, videos, singles, start, end),
    )


async def _columns(
    organization_id: UUID,
    videos: VideoSet,
    singles: Sequence[tuple[UUID, bytes]],
    start: datetime,
    end: datetime,
    reader: Reader,
) -> VideoFigureColumns:
    """Return the figures of whole owners, and of single videos of others."""
    parameters: dict[str, object] = {
        "organization": organization_id,
        **videos.parameters,
    }
    owners = videos.owners
    if videos.pairs is not None:
        parameters["more_owners"] = [owner for owner, _ in singles]
        owners = f"{owners} OR s.owner = ANY(%(more_owners)s)"
    query = OwnerQuery(
        owners=owners,
        is_whole=videos.owners,
        parameters=parameters,
        start=LevelsAt("start", start),
        end=LevelsAt("end", end),
    )
    rows, states = await read_owner_levels(reader, organization_id, query)
    before, was_known = _levels_at(states, rows, query.start)
    levels, is_known = _levels_at(states, rows, query.end)
    is_whole = np.array([row.is_whole for row in rows], np.bool_)
    is_erased = np.array([row.is_erased for row in rows], np.bool_)
    is_chosen = states.is_counted & is_whole[states.owner_of]
    if singles:
        is_single = states.among_packed(singles)
        is_chosen |= (states.is_counted | videos.has_others) & is_single
    opening = np.where(was_known, before, 0)
    begins = is_known & ~was_known & is_chosen & states.is_baseline
    if begins.any():
        opening += await _first_levels(reader, organization_id, states, begins, end)
    return VideoFigureColumns(
        owners=states.owners,
        owner_of=states.owner_of[is_chosen],
        numbers=states.video_numbers[is_chosen],
        levels=levels[:, is_chosen],
        new=np.where(is_known, _difference(levels, opening), 0)[:, is_chosen],
        is_known=is_known[:, is_chosen],
        is_erased=is_erased[states.owner_of[is_chosen]],
    )


def _difference(levels: Grid, before: Grid) -> Grid:
    for one in (levels, before):
        if one.size and max(int(one.max()), -int(one.min())) >= 2**62:
            return levels.astype(object) - before.astype(object)
    return levels - before


def _levels_at(
    states: VideoStates, rows: Sequence[OwnerLevels], instant: LevelsAt
) -> tuple[Grid, Mask]:
    """Return the levels at an instant, and which of them are known."""
    now = np.array([row.is_now(instant.at) for row in rows], np.bool_)
    is_now = now[states.owner_of]
    counts = np.where(is_now, states.observed.counts, 0)
    unknown = np.where(is_now, states.observed.missing, (1 << COUNTERS) - 1)
    is_known = (unknown >> np.arange(COUNTERS)[:, np.newaxis] & 1) == 0
    observed, owner_of = observations_at(rows, instant)
    if len(observed):
        places = states.places_of(owner_of, observed.video_numbers)
        _put(counts, is_known, observed, places)
    return counts, is_known


def _put(counts: Grid, is_known: Mask, observed: Observations, places: Longs) -> None:
    """Put observations in order of time at their places, where they have a count."""
    is_whole = not observed.missing.any()
    for number in range(COUNTERS):
        if is_whole:
            counts[number][places] = observed.counts[number]
            is_known[number][places] = True
            continue
        is_there = (observed.missing >> number & 1) == 0
        counts[number][places[is_there]] = observed.counts[number][is_there]
        is_known[number][places[is_there]] = True


async def _first_levels(
    reader: Reader,
    organization_id: UUID,
    states: VideoStates,
    is_needed: Mask,
    end: datetime,
) -> Grid:
    """Return the first known levels of the counters that are needed, 0 of the others.

    The first observation of a video mostly has all of its counters. For a counter that
    it lacks the later ones are read.
    """
    first, is_needed = np.zeros(is_needed.shape, np.int64), is_needed.copy()
    for until in (None, end):
        requests = _distinct(states, np.flatnonzero(is_needed.any(axis=0)))
        found = await reader.rows(
            organization_id,
            _SINCE_FIRST,
            {
                "organization": organization_id,
                "owners": [states.owners[place] for place, _ in requests],
                # Psycopg takes several times as long for a list of numbers.
                "times": f"{{{','.join(str(at) for _, at in requests)}}}",
                "until": until,
            },
        )
        observed = unpack([row[1] for row in found], counters=COUNTERS)
        of = np.array([row[0] for row in found], np.int64) - 1
        requested = np.array(requests, np.int64)[of][observed.snapshots]
        at = states.places_of(requested[:, 0], observed.video_numbers)
        # Each video takes its level from the request of its own first time.
        is_own = requested[:, 1] == states.first_at[at]
        for number in range(COUNTERS):
            is_there = is_needed[number][at] & ((observed.missing >> number & 1) == 0)
            is_there &= is_own
            first[number][at[is_there]] = observed.counts[number][is_there]
            is_needed[number][at[is_there]] = False
        if not is_needed.any():
            break
    return first


def _distinct(states: VideoStates, places: Longs) -> list[tuple[int, int]]:
    """Return the owners of videos, each with the times of their first observations."""
    owner_of, first_at = states.owner_of[places], states.first_at[places]
    # Most videos of an owner were first observed together.
    is_new = np.ones(len(places), np.bool_)
    is_new[1:] = (owner_of[1:] != owner_of[:-1]) | (first_at[1:] != first_at[:-1])
    owners: list[int] = owner_of[is_new].tolist()
    times: list[int] = first_at[is_new].tolist()
    return sorted({*zip(owners, times, strict=True)})


_Part = tuple[datetime, datetime]
_SAFE = 2**62
_PAIRS_AMONG = """
SELECT owner, number FROM ({}) AS chosen WHERE owner = ANY(%(divided)s::uuid[])
"""


async def video_columns(
    reader: Reader,
    organization_id: UUID,
    videos: VideoSet,
    start: datetime,
    end: datetime,
) -> VideoFigureColumns:
    """Return the figures of these videos after ``start`` up to ``end``.

    Owners with spans have the share that counts in these.
    """
    own = await own_columns(reader, organization_id, videos, start, end)
    if not videos.spans:
        return own
    parts_of = {
        owner: parts
        for owner in own.owners
        if (parts := _parts(videos.spans.get(owner), start, end)) != [(start, end)]
    }
    if not parts_of:
        return own
    owners_of: defaultdict[_Part, list[UUID]] = defaultdict(list)
    for owner, parts in parts_of.items():
        for part in parts:
            owners_of[part].append(owner)
    shares = _Shares(own, [*parts_of])
    for part in sorted(owners_of):
        these = _among(videos, owners_of[part])
        shares.add(await own_columns(reader, organization_id, these, *part))
    return shares.columns()


def _among(videos: VideoSet, owners: Sequence[UUID]) -> VideoSet:
    """Return the videos of these owners that count, and the others of a set."""
    others = None
    if videos.has_others and videos.pairs is not None:
        others = _PAIRS_AMONG.format(videos.pairs)
    return VideoSet(
        owners="s.owner = ANY(%(divided)s)",
        pairs=others,
        parameters={**videos.parameters, "divided": owners},
        has_others=videos.has_others,
    )


def _parts(spans: Spans | None, start: datetime, end: datetime) -> list[_Part]:
    """Return the parts of a time that count, or the end of the last one before it."""
    if spans is None:
        return [(start, end)]
    if parts := parts_within(spans, start, end):
        return parts
    last = last_held(spans, end)
    return [] if last is None else [(last, last)]


class _Shares:
    """Columns in which the videos of some owners have the sums of parts of time."""

    def __init__(self, own: VideoFigureColumns, owners: Sequence[UUID]) -> None:
        self._own = own
        numbers = {owner: number for number, owner in enumerate(own.owners)}
        self._places = {
            owner: np.flatnonzero(own.owner_of == numbers[owner]) for owner in owners
        }
        every = np.concatenate([*self._places.values()])
        self._levels, self._is_known = own.levels.copy(), own.is_known.copy()
        # The sum of parts may need more than 64 bits.
        self._new = own.new.astype(object)
        for grid in (self._levels, self._new, self._is_known):
            grid[:, every] = 0

    def add(self, part: VideoFigureColumns) -> None:
        """Add the counts of a part of the time; parts come in order."""
        for number, owner in enumerate(part.owners):
            found = np.flatnonzero(part.owner_of == number)
            places = self._places[owner]
            _, at, of = np.intersect1d(
                self._own.numbers[places], part.numbers[found], return_indices=True
            )
            at, of = places[at], found[of]
            self._levels[:, at] = part.levels[:, of]
            self._is_known[:, at] = part.is_known[:, of]
            self._new[:, at] += part.new[:, of]

    def columns(self) -> VideoFigureColumns:
        return replace(
            self._own,
            levels=self._levels,
            new=_narrow(self._new),
            is_known=self._is_known,
        )


def _narrow(new: Grid) -> Grid:
    """Return the numbers with 64 bits if these are enough."""
    is_safe = not new.size or max(int(new.max()), -int(new.min())) < _SAFE
    return new.astype(np.int64) if is_safe else new

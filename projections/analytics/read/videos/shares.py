"""Figures of videos of which only a part may count in a project.

The level of a video is its level when its creator was last in the project. New counts
are those that came while the creator was in it.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import numpy as np
from msgspec.structs import replace

from domain.analytics.membership import Spans
from domain.analytics.project_spans import last_held, parts_within
from projections.analytics.fold.columns import Grid
from projections.analytics.read.videos.levels import (
    VideoFigureColumns,
    VideoSet,
    own_columns,
)
from projections.engine.reader import Reader

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

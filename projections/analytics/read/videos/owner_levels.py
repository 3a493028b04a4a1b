"""Reads owner states, and the observations behind levels of videos at two instants.

A level is in the newest snapshot up to the instant, if that snapshot lists every video
known by then. Otherwise it follows from the last UTC day before and the snapshots after
that day. After an owner's last snapshot its state holds.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import numpy as np

from projections.analytics.fold.columns import Longs, Observations
from projections.analytics.fold.day_ends import beginning_of, day_of
from projections.analytics.fold.keys import instant_of, time_of
from projections.analytics.fold.rollup_deltas import VIDEOS
from projections.analytics.read.videos.states import COUNTERS, VideoStates
from projections.analytics.store.column_codec import unpack
from projections.engine.reader import Reader

_ROWS = """
SELECT s.owner, s.state, s.observed_at, {is_whole}, erased.id IS NOT NULL,
       {columns}
FROM analytics_owner_states s
LEFT JOIN analytics_subjects erased
    ON erased.organization_id = %(organization)s AND erased.id = s.owner
    AND erased.erased_position IS NOT NULL
{joins}
WHERE s.organization_id = %(organization)s AND s.metric_group = {videos}
AND ({owners}) ORDER BY s.owner
"""
# An instant after an owner's last snapshot needs no search: the condition is inside,
# because PostgreSQL searches for each owner before it looks at a condition of the join.
_DAY = """
LEFT JOIN LATERAL (
    SELECT levels FROM analytics_owner_days d
    WHERE d.organization_id = %(organization)s AND d.owner = s.owner
    AND d.day <= {day} AND s.observed_at > %({name})s ORDER BY d.day DESC LIMIT 1
) at_{name} ON true
"""
_PART = """
LEFT JOIN LATERAL (
    SELECT array_agg(p.counts ORDER BY p.observed_at, p.position) AS counts
    FROM analytics_snapshots p
    WHERE p.organization_id = %(organization)s AND p.metric_group = {videos}
    AND p.owner = s.owner AND p.observed_at > %({name}_day)s
    AND p.observed_at <= %({name})s AND s.observed_at > %({name})s
) at_{name}_part ON true
"""
_NEWEST = """
LEFT JOIN LATERAL (
    SELECT ARRAY[p.counts] AS counts FROM analytics_snapshots p
    WHERE p.organization_id = %(organization)s AND p.metric_group = {videos}
    AND p.owner = s.owner AND p.observed_at <= %({name})s
    AND s.observed_at > %({name})s
    ORDER BY p.observed_at DESC, p.position DESC LIMIT 1
) at_{name}_part ON true
"""


class OwnerLevels(NamedTuple):
    """An owner's state, and packed observations up to two instants, oldest first.

    ``is_whole``: all of its videos are requested. ``is_erased``: the owner is a creator
    that was erased.
    """

    owner: UUID
    state: bytes
    observed_at: datetime
    is_whole: bool
    is_erased: bool
    start_day: bytes | None
    start_part: Sequence[bytes] | None
    end_day: bytes | None
    end_part: Sequence[bytes] | None

    def is_now(self, at: datetime) -> bool:
        """Tell whether the state holds at an instant."""
        return self.observed_at <= at


class LevelsAt(NamedTuple):
    """One of the two instants of levels."""

    name: str
    at: datetime

    def of(self, owner: OwnerLevels) -> list[bytes]:
        """Return the packed observations, oldest first."""
        day, part = (
            (owner.start_day, owner.start_part)
            if self.name == "start"
            else (owner.end_day, owner.end_part)
        )
        return [*([day] if day else []), *(part or ())]

    @property
    def midnight(self) -> datetime:
        """Return the midnight of UTC at or before it."""
        return time_of(beginning_of(day_of(instant_of(self.at) + 1)))

    @property
    def is_midnight(self) -> bool:
        return self.at == self.midnight


class OwnerQuery(NamedTuple):
    """The owners to read, and the two instants.

    ``owners`` is a condition for the owner states ``s``. ``is_whole`` is a condition
    for owners all of whose videos are requested.
    """

    owners: str
    is_whole: str
    parameters: Mapping[str, object]
    start: LevelsAt
    end: LevelsAt


async def read_owner_levels(
    reader: Reader, organization_id: UUID, query: OwnerQuery
) -> tuple[list[OwnerLevels], VideoStates]:
    """Return the owners, and their states unpacked, in the order of the owners.

    The rows of each owner are of one moment.
    """
    rows = await _rows(reader, organization_id, query, part=_NEWEST)
    states = _states_of(rows)
    lacking = _lacking(rows, states, query)
    if not lacking:
        return rows, states
    more = query._replace(
        owners="s.owner = ANY(%(lacking)s)",
        parameters={**query.parameters, "lacking": lacking},
    )
    again = {
        row.owner: row for row in await _rows(reader, organization_id, more, part=_PART)
    }
    gone = {*lacking} - {*again}
    rows = [again.get(row.owner, row) for row in rows if row.owner not in gone]
    return rows, _states_of(rows)


def _states_of(rows: Sequence[OwnerLevels]) -> VideoStates:
    owners, states = [row.owner for row in rows], [row.state for row in rows]
    return VideoStates(owners, states, with_levels=True)


async def _rows(
    reader: Reader, organization_id: UUID, query: OwnerQuery, *, part: str
) -> list[OwnerLevels]:
    parameters = {"organization": organization_id, **query.parameters}
    columns: list[str] = []
    joins: list[str] = []
    for instant in (query.start, query.end):
        name, midnight = instant.name, instant.midnight
        parameters |= {name: instant.at, f"{name}_day": midnight}
        reads_day = instant.is_midnight or part is _PART
        if reads_day:
            day = day_of(instant_of(midnight))
            joins.append(_DAY.format(name=name, day=day))
        columns.append(f"at_{name}.levels" if reads_day else "NULL")
        if not instant.is_midnight:
            joins.append(part.format(name=name, videos=VIDEOS.number))
        columns.append("NULL" if instant.is_midnight else f"at_{name}_part.counts")
    text = _ROWS.format(
        is_whole=f"({query.is_whole})",
        columns=", ".join(columns),
        joins="".join(joins),
        videos=VIDEOS.number,
        owners=query.owners,
    )
    rows = await reader.rows(organization_id, text.encode(), parameters)
    return [*map(OwnerLevels._make, rows)]


def _lacking(
    rows: Sequence[OwnerLevels], states: VideoStates, query: OwnerQuery
) -> list[UUID]:
    """Return the owners whose newest snapshot up to an instant is not enough."""
    found: set[int] = set()
    for instant in (query.start, query.end):
        if instant.is_midnight:
            continue
        observed, owner_of = observations_at(rows, instant)
        at = instant_of(instant.at)
        numbers: list[int] = states.lacking(observed, owner_of, at).tolist()
        found |= {each for each in numbers if not rows[each].is_now(instant.at)}
    return [rows[number].owner for number in sorted(found)]


def observations_at(
    rows: Sequence[OwnerLevels], instant: LevelsAt
) -> tuple[Observations, Longs]:
    """Return the observations behind the levels, and the owner of each."""
    owners: list[int] = []
    held: list[bytes] = []
    for number, row in enumerate(rows):
        if row.observed_at > instant.at:
            packed = instant.of(row)
            held += packed
            owners += [number] * len(packed)
    observed = unpack(held, counters=COUNTERS)
    return observed, np.array(owners, np.int64)[observed.snapshots]

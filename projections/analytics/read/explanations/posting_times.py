"""Contradicting times of posting: reports that differ from the first known time."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

import msgspec

from domain.events import VideoDiscovered
from projections.analytics.fold.video_changes import (
    DETAILS,
    ERASED,
    Change,
    ObservedDetails,
    decode_changes,
)
from projections.engine.reader import Reader

_CHANGES = b"""
SELECT id, changes::text FROM analytics_videos
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
"""
_SAYING = {DETAILS, VideoDiscovered.stored_name}


async def other_posting_times(
    reader: Reader,
    organization_id: UUID,
    ids: Iterable[UUID],
    *,
    at: int | None = None,
) -> dict[UUID, dict[int, datetime]]:
    """Return by video the times that differ from the first known one, by position.

    ``at`` is the position as of which the log is read, None for all of it. Videos
    without such times, and those of erased creators, are left out.
    """
    params = {"organization": organization_id, "ids": list(ids)}
    found: dict[UUID, dict[int, datetime]] = {}
    for id_, text in await reader.rows(organization_id, _CHANGES, params):
        changes = decode_changes(text)
        if any(change.name == ERASED for change in changes):
            continue
        known = (one for one in changes if at is None or one.position <= at)
        said = dict(_said(known))
        if said and (others := _others(said)):
            found[id_] = others
    return found


def _others(said: dict[int, datetime]) -> dict[int, datetime]:
    first = said[min(said)]
    return {position: time for position, time in said.items() if time != first}


def _said(changes: Iterable[Change]) -> Iterator[tuple[int, datetime]]:
    for change in changes:
        if change.name in _SAYING:
            details = msgspec.json.decode(change.body, type=ObservedDetails)
            if details.posted_at is not None:
                yield change.position, details.posted_at

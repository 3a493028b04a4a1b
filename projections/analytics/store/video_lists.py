"""Table analytics_video_lists: the distinct lists of videos in gathered snapshots.

Most snapshots of a creator list the same videos as the one before. A rebuild finds the
videos of other owners in the distinct lists, without reading the snapshots again.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from uuid import UUID

import numpy as np
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import blobs, uuids
from projections.analytics.fold.columns import Longs
from projections.analytics.fold.keys import OwnerKey
from projections.analytics.fold.rollup_deltas import VIDEOS
from projections.analytics.fold.snapshots import OwnerSnapshot
from projections.analytics.store.statements import (
    NOBODY,
    columns_of,
    delete_rows,
    execute,
    packed_keys,
    save_rows,
)

_LISTS_A_PAGE = 1_000
_ProvisionalOwner = tuple[UUID, UUID]
"""An organization, and a creator or project with snapshots."""


def save_lists(cursor: Cursor[TupleRow], snapshots: Iterable[OwnerSnapshot]) -> None:
    """Save the lists of videos in these snapshots. A list is stored once."""
    lists: dict[_ProvisionalOwner, dict[int, Longs]] = {}
    for snapshot in snapshots:
        if snapshot.metric_group == VIDEOS.number:
            theirs = lists.setdefault((snapshot.organization_id, snapshot.owner), {})
            theirs[id(snapshot.observed.video_numbers)] = (
                snapshot.observed.video_numbers
            )
    if not lists:
        return
    provisional_owners = sorted(lists)
    packed = [
        _packed(list(lists[provisional_owner].values()))
        for provisional_owner in provisional_owners
    ]
    digests = [UUID(bytes=blake2b(one, digest_size=16).digest()) for one in packed]
    organizations, owners = columns_of(provisional_owners)
    row = {
        "organization_id": organizations,
        "provisional_owner": owners,
        "digest": uuids(digests),
        "video_numbers": blobs(packed),
    }
    save_rows(cursor, "analytics_video_lists", row)


def listed_video_numbers(
    cursor: Cursor[TupleRow], keys: Sequence[OwnerKey]
) -> dict[OwnerKey, Longs]:
    """Return the videos that these provisional owners' snapshots list, ascending."""
    found: dict[OwnerKey, Longs] = {key: np.empty(0, np.int64) for key in keys}
    provisional_owners = [(key[0], key[2]) for key in keys]
    after = (NOBODY, NOBODY, NOBODY)
    while True:
        rows = execute(
            cursor,
            """
            SELECT organization_id, provisional_owner, digest, video_numbers
            FROM unnest(%b::uuid[], %b::uuid[]) AS requested (o, w)
            JOIN analytics_video_lists ON organization_id = o AND provisional_owner = w
            WHERE (organization_id, provisional_owner, digest) > (%s, %s, %s)
            ORDER BY organization_id, provisional_owner, digest LIMIT %s
            """,
            *columns_of(provisional_owners),
            *after,
            _LISTS_A_PAGE,
        ).fetchall()
        for organization_id, owner, _, video_numbers in rows:
            key = (organization_id, VIDEOS.number, owner)
            found[key] = _union([found[key], np.frombuffer(video_numbers, "<i8")])
        if len(rows) < _LISTS_A_PAGE:
            return found
        after = rows[-1][:3]


def delete_lists(cursor: Cursor[TupleRow], keys: Sequence[OwnerKey]) -> None:
    """Delete the lists of these provisional owners."""
    organizations, _, owners = packed_keys(keys)
    key = {"organization_id": organizations, "provisional_owner": owners}
    delete_rows(cursor, "analytics_video_lists", key)


def _packed(lists: Sequence[Longs]) -> bytes:
    return _union(lists).astype("<i8").tobytes()


def _union(lists: Sequence[Longs]) -> Longs:
    """Return the union of ascending lists."""
    some = [each for each in lists if len(each)]
    if len(some) == 1:
        return some[0].astype(np.int64)
    return np.unique(np.concatenate([np.empty(0, np.int64), *some]))

"""analytics_lists: which videos the looks of a keeper list, told once for every list.

Most looks of a creator list the very videos that the one before did. A rebuild finds
out from the lists what of a keeper's is another's, without reading the looks again.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from uuid import UUID

import numpy as np
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import blobs, uuids
from projections.analytics.columns import Longs
from projections.analytics.keys import NOBODY, HerdKey, execute
from projections.analytics.rollup_deltas import VIDEOS
from projections.analytics.snapshots import Look

_LISTS_A_PAGE = 1_000
_Keeper = tuple[UUID, UUID]
"""An organization, and a creator or project of which looks were taken."""


def save_lists(cursor: Cursor[TupleRow], looks: Iterable[Look]) -> None:
    """Note which videos these looks list; again makes no difference."""
    lists: dict[_Keeper, dict[int, Longs]] = {}
    for look in looks:
        if look.family == VIDEOS.number:
            theirs = lists.setdefault((look.organization_id, look.owner), {})
            theirs[id(look.seen.things)] = look.seen.things
    if not lists:
        return
    keepers = sorted(lists)
    packed = [_packed(list(lists[keeper].values())) for keeper in keepers]
    digests = [UUID(bytes=blake2b(one, digest_size=16).digest()) for one in packed]
    execute(
        cursor,
        """
        INSERT INTO analytics_lists (organization_id, owner, digest, things)
        SELECT o, w, d, t FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::bytea[])
            AS told (o, w, d, t) ON CONFLICT DO NOTHING
        """,
        *_keys(keepers),
        uuids(digests),
        blobs(packed),
    )


def things_listed(
    cursor: Cursor[TupleRow], keys: Sequence[HerdKey]
) -> dict[HerdKey, Longs]:
    """Return all that the looks of each of these keepers list, in ascending order."""
    found: dict[HerdKey, Longs] = {key: np.empty(0, np.int64) for key in keys}
    keepers = [(key[0], key[2]) for key in keys]
    after = (NOBODY, NOBODY, NOBODY)
    while True:
        rows = execute(
            cursor,
            """
            SELECT organization_id, owner, digest, things
            FROM unnest(%b::uuid[], %b::uuid[]) AS wanted (o, w)
            JOIN analytics_lists ON organization_id = o AND owner = w
            WHERE (organization_id, owner, digest) > (%s, %s, %s)
            ORDER BY organization_id, owner, digest LIMIT %s
            """,
            *_keys(keepers),
            *after,
            _LISTS_A_PAGE,
        ).fetchall()
        for organization_id, owner, _, things in rows:
            key = (organization_id, VIDEOS.number, owner)
            found[key] = _union([found[key], np.frombuffer(things, "<i8")])
        if len(rows) < _LISTS_A_PAGE:
            return found
        after = rows[-1][:3]


def delete_lists(cursor: Cursor[TupleRow], keys: Sequence[HerdKey]) -> None:
    """Forget what the looks of these keepers list."""
    execute(
        cursor,
        """
        DELETE FROM analytics_lists USING unnest(%b::uuid[], %b::uuid[]) AS done (o, w)
        WHERE organization_id = o AND owner = w
        """,
        *_keys([(key[0], key[2]) for key in keys]),
    )


def _packed(lists: Sequence[Longs]) -> bytes:
    return _union(lists).astype("<i8").tobytes()


def _union(lists: Sequence[Longs]) -> Longs:
    """Return what any of the lists has; each is in ascending order."""
    some = [each for each in lists if len(each)]
    if len(some) == 1:
        return some[0].astype(np.int64)
    return np.unique(np.concatenate([np.empty(0, np.int64), *some]))


def _keys(keepers: Sequence[_Keeper]) -> tuple[object, object]:
    return uuids([one[0] for one in keepers]), uuids([one[1] for one in keepers])

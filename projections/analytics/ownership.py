"""Attributes observations to owners: a snapshot may list videos of several.

Most videos in a snapshot of a creator are that creator's own. Some belong to another
creator, and the owner of some is not known yet. Those stay with the snapshot's
provisional owner (its creator, else its project) until their owner is known.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID

import msgspec
import numpy as np
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import bigints, uuids
from projections.analytics.columns import Longs
from projections.analytics.entities import AnalyticsVideoRow
from projections.analytics.keys import OwnerKey, execute
from projections.analytics.owner_state import ITEM, OwnerState
from projections.analytics.rollup_deltas import VIDEOS
from projections.analytics.rows import VIDEO_COLUMNS, video_of
from projections.analytics.snapshots import OwnerSnapshot
from projections.analytics.video_changes import decode_changes, position_of_mark

Unattributed = tuple[UUID, int, UUID]
"""An organization, a video's number, and the provisional owner of its observations."""


def owner_of(row: AnalyticsVideoRow | None) -> UUID | None:
    """Return a video's owner: its creator, or the video; None before it was added."""
    if row is None or not row.is_there:
        return None
    return row.creator_id or row.id


def erased_position(row: AnalyticsVideoRow | None) -> int | None:
    """Return where in the log a video's creator was erased; null if it was not."""
    if row is None or not row.is_there or row.tiktok_video_id is not None:
        return None
    return position_of_mark(decode_changes(row.changes))


def load_numbered(
    cursor: Cursor[TupleRow], numbers: Iterable[tuple[UUID, int]]
) -> list[AnalyticsVideoRow]:
    """Return the videos of organizations that have these numbers."""
    requested = sorted(numbers)
    if not requested:
        return []
    rows = execute(
        cursor,
        f"""
        SELECT {VIDEO_COLUMNS} FROM unnest(%b::uuid[], %b::bigint[]) AS requested (o, n)
        CROSS JOIN LATERAL (
            SELECT * FROM analytics_videos WHERE organization_id = o AND number = n
            ORDER BY id
        ) found
        """,
        uuids([one[0] for one in requested]),
        bigints([one[1] for one in requested]),
    )
    return [video_of(row) for row in rows]


def name_items(cursor: Cursor[TupleRow], states: Iterable[OwnerState]) -> None:
    """Give the states the ids of the videos that campaigns have by themselves."""
    by_owner = {
        (state.organization_id, state.owner): state
        for state in states
        if (state.flags & ITEM).any()
    }
    if not by_owner:
        return
    requested = [
        (organization_id, number)
        for (organization_id, _), state in by_owner.items()
        for number in state.video_numbers[(state.flags & ITEM) != 0].tolist()
    ]
    rows = execute(
        cursor,
        """
        SELECT organization_id, coalesce(creator_id, id), number, id
        FROM unnest(%b::uuid[], %b::bigint[]) AS requested (o, n)
        JOIN analytics_videos ON organization_id = o AND number = n
        WHERE is_campaign_item
        """,
        uuids([one[0] for one in requested]),
        bigints([one[1] for one in requested]),
    )
    for organization_id, owner, number, id_ in rows:
        if state := by_owner.get((organization_id, owner)):
            state.item_ids[number] = id_


def load_unattributed(
    cursor: Cursor[TupleRow],
    numbers: Iterable[tuple[UUID, int]],
    owners: Iterable[tuple[UUID, UUID]],
) -> set[Unattributed]:
    """Return unattributed videos with these numbers or provisional owners."""
    found: set[Unattributed] = set()
    requested, provisional_owners = sorted(numbers), sorted(owners)
    if requested:
        rows = execute(
            cursor,
            """
            SELECT u.organization_id, u.number, u.provisional_owner
            FROM analytics_unattributed u
            JOIN unnest(%b::uuid[], %b::bigint[]) AS requested (o, n)
                ON u.organization_id = o AND u.number = n
            """,
            uuids([one[0] for one in requested]),
            bigints([one[1] for one in requested]),
        )
        found |= {(row[0], row[1], row[2]) for row in rows}
    if provisional_owners:
        rows = execute(
            cursor,
            """
            SELECT u.organization_id, u.number, u.provisional_owner
            FROM analytics_unattributed u
            JOIN unnest(%b::uuid[], %b::uuid[]) AS requested (o, w)
                ON u.organization_id = o AND u.provisional_owner = w
            """,
            uuids([one[0] for one in provisional_owners]),
            uuids([one[1] for one in provisional_owners]),
        )
        found |= {(row[0], row[1], row[2]) for row in rows}
    return found


def save_unattributed(
    cursor: Cursor[TupleRow], came: set[Unattributed], gone: set[Unattributed]
) -> None:
    """Insert videos without a known owner; delete those whose owner is known now."""
    names = "unnest(%b::uuid[], %b::bigint[], %b::uuid[]) AS input (o, n, w)"
    if gone:
        execute(
            cursor,
            f"""
            DELETE FROM analytics_unattributed USING {names}
            WHERE organization_id = o AND number = n AND provisional_owner = w
            """,
            *_packed(gone),
        )
    if came:
        execute(
            cursor,
            f"""
            INSERT INTO analytics_unattributed
                (organization_id, number, provisional_owner)
            SELECT o, n, w FROM {names} ON CONFLICT DO NOTHING
            """,
            *_packed(came),
        )


class Owners:
    """Finds the row of a video in a snapshot, and so its owner, by its number."""

    def __init__(self, rows: Iterable[AnalyticsVideoRow]) -> None:
        self._rows: dict[tuple[UUID, int], dict[UUID, AnalyticsVideoRow]] = defaultdict(
            dict
        )
        self.add(rows)

    def add(self, rows: Iterable[AnalyticsVideoRow]) -> None:
        """Add these videos, or replace them by newer rows."""
        for row in rows:
            if row.is_there and row.number is not None:
                self._rows[row.organization_id, row.number][row.id] = row

    def rows(self, numbers: Iterable[tuple[UUID, int]]) -> Iterator[AnalyticsVideoRow]:
        """Yield all videos with these numbers."""
        for one in numbers:
            yield from self._rows.get(one, {}).values()

    def row_of(
        self,
        organization_id: UUID,
        number: int,
        provisional_owner: UUID,
        project_id: UUID | None,
    ) -> AnalyticsVideoRow | None:
        """Return the video with this number in a provisional owner's list, if known.

        Without a known project only the provisional owner's own videos are found.
        """
        for row in self._rows.get((organization_id, number), {}).values():
            if row.project_id == project_id or row.creator_id == provisional_owner:
                return row
        return None


def new_video_numbers(
    snapshots: Sequence[OwnerSnapshot], known: Mapping[OwnerKey, OwnerState]
) -> dict[OwnerKey, Longs]:
    """Return, by provisional owner, the listed videos that are not in its state."""
    observed: dict[OwnerKey, list[Longs]] = defaultdict(list)
    for snapshot in snapshots:
        observed[snapshot.key].append(snapshot.observed.video_numbers)
    found: dict[OwnerKey, Longs] = {}
    for key, chunks in observed.items():
        state = known.get(key)
        if state is not None and all(
            np.array_equal(p, state.video_numbers) for p in chunks
        ):
            found[key] = state.video_numbers[:0]
            continue
        video_numbers = np.unique(np.concatenate(chunks))
        if state is not None:
            video_numbers = np.setdiff1d(
                video_numbers, state.video_numbers, assume_unique=True
            )
        found[key] = video_numbers
    return found


def attribute(
    snapshots: Sequence[OwnerSnapshot],
    new: Mapping[OwnerKey, Longs],
    owners: Owners,
    projects: Mapping[tuple[UUID, UUID], UUID | None],
) -> tuple[dict[OwnerKey, list[OwnerSnapshot]], set[Unattributed]]:
    """Return the snapshots split by owner, and the new unattributed videos.

    Observations of a video after its creator was erased are nobody's. ``new`` are
    the videos that are not in the provisional owner's state, ``projects`` its project,
    both by provisional owner.
    """
    attributed: dict[OwnerKey, list[OwnerSnapshot]] = defaultdict(list)
    unattributed: set[Unattributed] = set()
    elsewhere: dict[OwnerKey, dict[tuple[UUID, int | None], list[int]]] = {}
    for key, video_numbers in new.items():
        organization_id, _, provisional_owner = key
        theirs = elsewhere[key] = defaultdict(list)
        project_id = projects[organization_id, provisional_owner]
        for number in video_numbers.tolist():
            row = owners.row_of(organization_id, number, provisional_owner, project_id)
            owner = owner_of(row)
            if owner is None:
                unattributed.add((organization_id, number, provisional_owner))
            elif owner != provisional_owner:
                theirs[owner, erased_position(row)].append(number)
    for snapshot in snapshots:
        stays = snapshot
        for (owner, erased_at), numbers in elsewhere[snapshot.key].items():
            away = np.isin(stays.observed.video_numbers, np.array(numbers, np.int64))
            if not away.any():
                continue
            observed = stays.observed
            stays = msgspec.structs.replace(stays, observed=observed.where(~away))
            if erased_at is not None and snapshot.position > erased_at:
                continue
            away_snapshot = msgspec.structs.replace(
                snapshot, owner=owner, observed=observed.where(away)
            )
            attributed[away_snapshot.key].append(away_snapshot)
        attributed[snapshot.key].append(stays)
    return attributed, unattributed


def owner_key_of(row: AnalyticsVideoRow) -> OwnerKey | None:
    """Return the key of the state that contains a video. None before it was added."""
    owner = owner_of(row)
    return None if owner is None else videos_key(row.organization_id, owner)


def videos_key(organization_id: UUID, owner: UUID) -> OwnerKey:
    """Return the key of an owner's state of videos."""
    return organization_id, VIDEOS.number, owner


def _packed(unattributed: set[Unattributed]) -> tuple[object, object, object]:
    ones = sorted(unattributed)
    return (
        uuids([one[0] for one in ones]),
        bigints([one[1] for one in ones]),
        uuids([one[2] for one in ones]),
    )

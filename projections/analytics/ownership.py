"""Whose observations are whose: what a snapshot saw goes to those who own it.

Most of what is seen of a creator is the creator's. The rest belongs to somebody else,
or to nobody yet; what nobody owned goes to its owner once that is known.
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
from projections.analytics.entities import VideoRow
from projections.analytics.keys import HerdKey, execute
from projections.analytics.owner_state import Herd
from projections.analytics.rollup_deltas import VIDEOS
from projections.analytics.rows import VIDEO_COLUMNS, video_of
from projections.analytics.snapshots import Look

Unowned = tuple[UUID, int, UUID]
"""An organization, a video's number, and who keeps what was seen of it."""


def owner_of(row: VideoRow | None) -> UUID | None:
    """Return whose a video is: its creator's, or its own; None before it is there."""
    if row is None or not row.is_there:
        return None
    return row.creator_id or row.id


def load_numbered(
    cursor: Cursor[TupleRow], numbers: Iterable[tuple[UUID, int]]
) -> list[VideoRow]:
    """Return the videos of organizations that have these numbers."""
    wanted = sorted(numbers)
    if not wanted:
        return []
    rows = execute(
        cursor,
        f"""
        SELECT {VIDEO_COLUMNS} FROM unnest(%b::uuid[], %b::bigint[]) AS wanted (o, n)
        CROSS JOIN LATERAL (
            SELECT * FROM analytics_videos WHERE organization_id = o AND number = n
            ORDER BY id
        ) found
        """,
        uuids([one[0] for one in wanted]),
        bigints([one[1] for one in wanted]),
    )
    return [video_of(row) for row in rows]


def load_unowned(
    cursor: Cursor[TupleRow],
    numbers: Iterable[tuple[UUID, int]],
    owners: Iterable[tuple[UUID, UUID]],
) -> set[Unowned]:
    """Return what nobody owned of these numbers, and what is with these keepers."""
    found: set[Unowned] = set()
    wanted, keepers = sorted(numbers), sorted(owners)
    if wanted:
        rows = execute(
            cursor,
            """
            SELECT u.organization_id, u.number, u.owner FROM analytics_unowned u
            JOIN unnest(%b::uuid[], %b::bigint[]) AS wanted (o, n)
                ON u.organization_id = o AND u.number = n
            """,
            uuids([one[0] for one in wanted]),
            bigints([one[1] for one in wanted]),
        )
        found |= {(row[0], row[1], row[2]) for row in rows}
    if keepers:
        rows = execute(
            cursor,
            """
            SELECT u.organization_id, u.number, u.owner FROM analytics_unowned u
            JOIN unnest(%b::uuid[], %b::uuid[]) AS wanted (o, w)
                ON u.organization_id = o AND u.owner = w
            """,
            uuids([one[0] for one in keepers]),
            uuids([one[1] for one in keepers]),
        )
        found |= {(row[0], row[1], row[2]) for row in rows}
    return found


def save_unowned(
    cursor: Cursor[TupleRow], came: set[Unowned], gone: set[Unowned]
) -> None:
    """Note what nobody owns, and forget what somebody does now."""
    names = "unnest(%b::uuid[], %b::bigint[], %b::uuid[]) AS told (o, n, w)"
    if gone:
        execute(
            cursor,
            f"""
            DELETE FROM analytics_unowned USING {names}
            WHERE organization_id = o AND number = n AND owner = w
            """,
            *_packed(gone),
        )
    if came:
        execute(
            cursor,
            f"""
            INSERT INTO analytics_unowned (organization_id, number, owner)
            SELECT o, n, w FROM {names} ON CONFLICT DO NOTHING
            """,
            *_packed(came),
        )


class Owners:
    """Whose the numbers are that a keeper's snapshots may list."""

    def __init__(self, rows: Iterable[VideoRow]) -> None:
        self._rows: dict[tuple[UUID, int], dict[UUID, VideoRow]] = defaultdict(dict)
        self.add(rows)

    def add(self, rows: Iterable[VideoRow]) -> None:
        """Know these as well, or instead of what was known of them."""
        for row in rows:
            if row.is_there and row.number is not None:
                self._rows[row.organization_id, row.number][row.id] = row

    def rows(self, numbers: Iterable[tuple[UUID, int]]) -> Iterator[VideoRow]:
        """Yield all videos with these numbers."""
        for one in numbers:
            yield from self._rows.get(one, {}).values()

    def row_of(
        self, organization_id: UUID, number: int, keeper: UUID, project_id: UUID | None
    ) -> VideoRow | None:
        """Return the video that a keeper of a project saw; None if nobody knows it.

        Of a keeper whose project is not known yet, only its own videos are.
        """
        for row in self._rows.get((organization_id, number), {}).values():
            if row.project_id == project_id or row.creator_id == keeper:
                return row
        return None


def new_things(
    looks: Sequence[Look], known: Mapping[HerdKey, Herd]
) -> dict[HerdKey, Longs]:
    """Return by keeper what its looks saw that its herd does not have."""
    seen: dict[HerdKey, list[Longs]] = defaultdict(list)
    for look in looks:
        seen[look.key].append(look.seen.things)
    found: dict[HerdKey, Longs] = {}
    for key, parts in seen.items():
        herd = known.get(key)
        if herd is not None and all(np.array_equal(p, herd.things) for p in parts):
            found[key] = herd.things[:0]
            continue
        things = np.unique(np.concatenate(parts))
        if herd is not None:
            things = np.setdiff1d(things, herd.things, assume_unique=True)
        found[key] = things
    return found


def route(
    looks: Sequence[Look],
    new: Mapping[HerdKey, Longs],
    owners: Owners,
    projects: Mapping[tuple[UUID, UUID], UUID | None],
) -> tuple[dict[HerdKey, list[Look]], set[Unowned]]:
    """Return the looks by whose they are, and what nobody owns that was not known.

    ``new`` is what the keepers' herds do not have, ``projects`` their projects.
    """
    routed: dict[HerdKey, list[Look]] = defaultdict(list)
    unowned: set[Unowned] = set()
    elsewhere: dict[HerdKey, dict[UUID, list[int]]] = {}
    for key, things in new.items():
        organization_id, _, keeper = key
        theirs = elsewhere[key] = defaultdict(list)
        project_id = projects[organization_id, keeper]
        for number in things.tolist():
            row = owners.row_of(organization_id, number, keeper, project_id)
            owner = owner_of(row)
            if owner is None:
                unowned.add((organization_id, number, keeper))
            elif owner != keeper:
                theirs[owner].append(number)
    for look in looks:
        stays = look
        for owner, numbers in elsewhere[look.key].items():
            away = np.isin(stays.seen.things, np.array(numbers, np.int64))
            if away.any():
                seen = stays.seen
                part = msgspec.structs.replace(look, owner=owner, seen=seen.where(away))
                routed[part.key].append(part)
                stays = msgspec.structs.replace(stays, seen=seen.where(~away))
        routed[look.key].append(stays)
    return routed, unowned


def herd_of(row: VideoRow) -> HerdKey | None:
    """Return the key of the herd that a video is in; None before it is there."""
    owner = owner_of(row)
    return None if owner is None else video_herd(row.organization_id, owner)


def video_herd(organization_id: UUID, owner: UUID) -> HerdKey:
    """Return the key of the herd that an owner's videos are."""
    return organization_id, VIDEOS.number, owner


def _packed(unowned: set[Unowned]) -> tuple[object, object, object]:
    ones = sorted(unowned)
    return (
        uuids([one[0] for one in ones]),
        bigints([one[1] for one in ones]),
        uuids([one[2] for one in ones]),
    )

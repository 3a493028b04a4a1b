"""Analytics rebuilt from slices: what each one tells is noted, then worked out.

Slices only add to rows, so they may be gathered in any order, at once, and again. What
follows from them is worked out in stages, each of which can be shared out: videos from
what was told of them, then whose every observation is, then herds and sums.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from uuid import UUID

import numpy as np
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.analytics.baselines import BaselineRule
from projections.analytics import rows as tables
from projections.analytics import snapshots as rows
from projections.analytics.baseline_rule import rule_of
from projections.analytics.column_codec import unpack
from projections.analytics.columns import Longs
from projections.analytics.entities import (
    Standing,
    SubjectRow,
    flags_of_profile,
    flags_of_video,
    refolded,
)
from projections.analytics.fold import Standings, fold_anew, is_owned
from projections.analytics.keys import HerdKey, Moment, execute, instant_of
from projections.analytics.owner_state import Herd, empty_herd, save_herds
from projections.analytics.ownership import Owners, load_numbered, route, save_unowned
from projections.analytics.rebuild_gather import herds_of, note_gathered
from projections.analytics.rollup_deltas import FAMILIES, PROFILES, Sums
from projections.analytics.snapshots import Look
from projections.analytics.video_lists import delete_lists, things_listed
from projections.engine.projection import Merged

_BEGINNING = instant_of(datetime.min.replace(tzinfo=UTC))
_VIDEOS_AT_ONCE = 2_000
_OWNERS_AT_ONCE = 50
_LOOKS_AT_ONCE = 200
# Not held at once, but worked out in one transaction.
_OBSERVATIONS_AT_ONCE = 500_000
_SHARE = "get_byte(uuid_send({}), 15) %% %s = %s"
_GATHERED = f"""
SELECT organization_id, family, owner FROM analytics_gathered
WHERE is_routed = %s AND {_SHARE.format("owner")}
ORDER BY organization_id, family, owner LIMIT %s
"""
_RAW = f"""
SELECT {tables.VIDEO_COLUMNS} FROM analytics_videos
WHERE is_raw AND {_SHARE.format("id")} ORDER BY organization_id, id LIMIT %s
"""
_OWN = f"""
SELECT {", ".join(Standing.__struct_fields__)} FROM analytics_videos
WHERE organization_id = %s AND is_there
AND (creator_id = %s OR id = %s AND creator_id IS NULL)
"""
_OWN_NUMBERS = """
SELECT o, w, (
    SELECT string_agg(int8send(number), ''::bytea) FROM analytics_videos
    WHERE organization_id = o AND is_there
    AND (creator_id = w OR id = w AND creator_id IS NULL)
) FROM unnest(%b::uuid[], %b::uuid[]) AS wanted (o, w)
"""


def merge(
    cursor: Cursor[TupleRow], stage: str, *, partition: int, partitions: int
) -> Merged:
    """Work out some of what one partition of a stage still needs."""
    match stage:
        case "videos":
            return _merge_videos(cursor, partition, partitions)
        case "owners":
            return _merge_owners(cursor, partition, partitions)
        case "herds":
            return _merge_herds(cursor, partition, partitions)
        case _:
            raise ValueError(f"there is no stage {stage}")


def _merge_videos(cursor: Cursor[TupleRow], partition: int, partitions: int) -> Merged:
    found = execute(cursor, _RAW, partitions, partition, _VIDEOS_AT_ONCE).fetchall()
    videos = [refolded(tables.video_of(row)) for row in found]
    tables.save_videos(cursor, videos)
    note_gathered(cursor, herds_of(videos), is_routed=False)
    return Merged(len(videos), is_all=len(videos) < _VIDEOS_AT_ONCE)


def _merge_owners(cursor: Cursor[TupleRow], partition: int, partitions: int) -> Merged:
    """Send to their owners what keepers have of others' videos."""
    found = execute(cursor, _GATHERED, False, partitions, partition, _OWNERS_AT_ONCE)  # noqa: FBT003
    keys: list[HerdKey] = [(row[0], row[1], row[2]) for row in found.fetchall()]
    if not keys:
        return Merged(0, is_all=True)
    for key, others in _not_their_own(cursor, keys).items():
        _route(cursor, key, others)
    delete_lists(cursor, keys)
    execute(
        cursor,
        """
        UPDATE analytics_gathered SET is_routed = true
        FROM unnest(%b::uuid[], %b::bigint[], %b::uuid[]) AS done (o, f, w)
        WHERE organization_id = o AND family = f AND owner = w
        """,
        *rows.packed_keys(keys),
    )
    return Merged(len(keys), is_all=len(keys) < _OWNERS_AT_ONCE)


def _not_their_own(
    cursor: Cursor[TupleRow], keys: Sequence[HerdKey]
) -> dict[HerdKey, Longs]:
    """Return what keepers' looks list that is not theirs, of those that have any."""
    organizations, _, keepers = rows.packed_keys(keys)
    own = {
        (organization_id, keeper): np.frombuffer(numbers or b"", ">i8")
        for organization_id, keeper, numbers in execute(
            cursor, _OWN_NUMBERS, organizations, keepers
        )
    }
    listed = things_listed(cursor, keys)
    others = {
        key: np.setdiff1d(things, own[key[0], key[2]]) for key, things in listed.items()
    }
    return {key: things for key, things in others.items() if len(things)}


def _route(cursor: Cursor[TupleRow], key: HerdKey, unknown: Longs) -> None:
    """Send what a keeper has of others' videos to its owners."""
    organization_id, _, keeper = key
    subject = tables.SUBJECTS.load(cursor, [(organization_id, keeper)]).get(keeper)
    is_creator = subject is not None and subject.kind != "project"
    project_id = subject.project_id if subject and is_creator else keeper
    asked = [(organization_id, number) for number in unknown.tolist()]
    owners = Owners(load_numbered(cursor, asked))
    projects = {(organization_id, keeper): project_id}
    _, unowned = route([], {key: unknown}, owners, projects)
    save_unowned(cursor, unowned, set())
    if len(unowned) == len(unknown):
        return
    for looks in _in_chunks(cursor, key):
        routed, _ = route(looks, {key: unknown}, owners, projects)
        stays = {look.moment: look for look in routed.pop(key)}
        _replace(cursor, looks, stays)
        for parts in routed.values():
            rows.save_looks(cursor, parts)
        note_gathered(cursor, routed, is_routed=True)


def _replace(
    cursor: Cursor[TupleRow],
    looks: Sequence[Look],
    stays: dict[tuple[int, int], Look],
) -> None:
    changed = [
        stays[look.moment]
        for look in looks
        if len(stays[look.moment].seen) != len(look.seen)
    ]
    rows.save_looks(cursor, [look for look in changed if look.is_kept])
    rows.delete_looks(cursor, [look for look in changed if not look.is_kept])


def _merge_herds(cursor: Cursor[TupleRow], partition: int, partitions: int) -> Merged:
    found = execute(cursor, _GATHERED, True, partitions, partition, _OWNERS_AT_ONCE)  # noqa: FBT003
    keys: list[HerdKey] = [(row[0], row[1], row[2]) for row in found.fetchall()]
    held = tables.SUBJECTS.load(cursor, [(key[0], key[2]) for key in keys])
    rule = rule_of(cursor)
    sums = {family.number: Sums(family) for family in FAMILIES}
    done: list[HerdKey] = []
    observations = 0
    herds: list[Herd] = []
    for key in keys:
        herd, amount = _folded(cursor, key, held, sums[key[1]], rule=rule)
        done.append(key)
        if herd.last[1]:
            herds.append(herd)
        observations += amount
        if observations > _OBSERVATIONS_AT_ONCE:
            break
    save_herds(cursor, herds)
    execute(
        cursor,
        """
        DELETE FROM analytics_gathered
        USING unnest(%b::uuid[], %b::bigint[], %b::uuid[]) AS done (o, f, w)
        WHERE organization_id = o AND family = f AND owner = w
        """,
        *rows.packed_keys(done),
    )
    # Last what other partitions move as well: they wait for it until this one is done.
    for each in sums.values():
        tables.save_sums(cursor, each)
    return Merged(len(done), is_all=len(done) < _OWNERS_AT_ONCE and done == keys)


def _folded(
    cursor: Cursor[TupleRow],
    key: HerdKey,
    held: dict[UUID, SubjectRow],
    sums: Sums,
    *,
    rule: BaselineRule,
) -> tuple[Herd, int]:
    """Return one herd as all its looks have it, and of how many observations."""
    organization_id, family, owner = key
    herd = empty_herd(*key, counters=FAMILIES[family].counters)
    subject = held.get(owner)
    if family == PROFILES.number:
        flags = {0: flags_of_profile(subject)}
        herd.creator_id = owner
        herd.project_id = None if subject is None else subject.project_id
    else:
        own = _own_videos(cursor, organization_id, owner)
        flags = {row.number: flags_of_video(row, held, rule=rule) for row in own}
        for subjects, theirs in groupby(
            own, key=attrgetter("creator_id", "project_id")
        ):
            sums.add_posts(
                organization_id,
                subjects,
                (row.posted_at for row in theirs if row.is_counted and row.posted_at),
            )
        for row in own[:1]:
            herd.creator_id, herd.project_id = row.creator_id, row.project_id
    standings = Standings.of(flags)
    observations = 0
    for moments, packed in _seen(cursor, key):
        told = unpack(packed, counters=FAMILIES[family].counters)
        observations += len(told)
        fold_anew(herd, moments, told, standings, sums)
    if not is_owned(herd):
        herd.creator_id = herd.project_id = None
    return herd, observations


def _own_videos(
    cursor: Cursor[TupleRow], organization_id: UUID, owner: UUID
) -> list[Standing]:
    found = execute(cursor, _OWN, organization_id, owner, owner)
    return [Standing(*row) for row in found.fetchall()]


def _seen(
    cursor: Cursor[TupleRow], key: HerdKey
) -> Iterator[tuple[list[Moment], list[bytes]]]:
    """Yield an owner's looks, some at a time, those of one instant together."""
    last: Moment = (_BEGINNING, -1)
    most = _LOOKS_AT_ONCE
    while True:
        moments, packed = rows.load_seen(cursor, key, after=last, most=most)
        if len(moments) < most:
            if moments:
                yield moments, packed
            return
        whole = bisect_left(moments, (moments[-1][0], -1))
        if not whole:
            most *= 2
            continue
        yield moments[:whole], packed[:whole]
        last, most = moments[whole - 1], _LOOKS_AT_ONCE


def _in_chunks(cursor: Cursor[TupleRow], key: HerdKey) -> Iterator[list[Look]]:
    last: tuple[int, int] | None = None
    while True:
        looks = rows.load_looks(
            cursor, key, since=_BEGINNING, after=last, most=_LOOKS_AT_ONCE
        )
        if looks:
            yield looks
        if len(looks) < _LOOKS_AT_ONCE:
            return
        last = looks[-1].moment

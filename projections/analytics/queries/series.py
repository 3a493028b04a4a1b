"""analytics as clients read it: the things there are, and ledgers of them.

Creators and projects are read from the sums, single videos from their levels. Where a
bucket does not end with a quarter of an hour (in zones of long ago), levels are read
for everything.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg.rows import TupleRow

from domain.analytics.baselines import is_baseline
from domain.analytics.buckets import Bucket, ends_a_slot, slot_of
from domain.analytics.metrics import (
    PROFILE_METRICS,
    VIDEO_METRICS,
    Entity,
    Question,
    RawMetric,
)
from domain.analytics.series import Account, Ledger
from projections.analytics.baseline_rule import RULE_IN_FORCE
from projections.analytics.queries.accumulate import (
    account_of_posts,
    account_of_sums,
    chosen,
)
from projections.analytics.queries.from_snapshots import Counted, accounts_of
from projections.analytics.rollup_deltas import PROFILES, VIDEOS, Family
from projections.engine.reader import Reader


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a series is of."""

    id: UUID
    label: str


_OWN_ZONE = """
(SELECT time_zone FROM organizations o WHERE o.organization_id = %(organization)s)
"""
_SUBJECTS = f"""
SELECT id, label, {_OWN_ZONE} FROM analytics_subjects
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s) AND kind = %(entity)s
""".encode()
_VIDEO_LABELS = f"""
SELECT id, label, {_OWN_ZONE} FROM analytics_videos
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s) AND is_there
""".encode()
_VIDEOS = f"""
SELECT v.id, v.creator_id, v.number, v.posted_at, c.earliest_at, v.label,
       v.tiktok_video_id, {RULE_IN_FORCE}
FROM analytics_videos v LEFT JOIN analytics_subjects c
    ON c.organization_id = v.organization_id AND c.id = v.creator_id
WHERE v.organization_id = %(organization)s AND v.is_there
"""
# Which videos a ledger is the sum of.
_WHICH: dict[Entity, str] = {
    "video": "v.id = %(id)s",
    "creator": "v.creator_id = %(id)s AND v.is_counted",
    "project": "v.project_id = %(id)s AND v.is_counted",
}
_PROFILES = b"""
SELECT id FROM analytics_subjects
WHERE organization_id = %(organization)s AND kind = 'creator'
AND (id = %(id)s OR project_id = %(id)s)
"""


async def things(
    reader: Reader, organization_id: UUID, entity: Entity, ids: Sequence[UUID]
) -> tuple[dict[UUID, Thing], str]:
    """Return those of the things that the organization has, and its time zone."""
    query = _VIDEO_LABELS if entity == "video" else _SUBJECTS
    rows = await reader.rows(
        organization_id,
        query,
        {"organization": organization_id, "ids": list(ids), "entity": entity},
    )
    found = {row[0]: Thing(id=row[0], label=row[1]) for row in rows}
    return found, next((row[2] for row in rows if row[2]), "UTC")


async def ledgers(
    reader: Reader,
    organization_id: UUID,
    asked: Question,
    ids: Sequence[UUID],
    buckets: Sequence[Bucket],
) -> dict[UUID, Ledger]:
    """Return what the question needs of each thing, by its id."""
    boundaries = [buckets[0].start, *(bucket.end for bucket in buckets)]
    if asked.entity != "video" and all(map(ends_a_slot, boundaries)):
        return await _of_sums(reader, organization_id, asked, ids, boundaries)
    return {
        id_: await ledger_of_levels(
            reader,
            organization_id,
            asked,
            await counted(reader, organization_id, asked, id_),
            boundaries,
        )
        for id_ in ids
    }


async def _of_sums(
    reader: Reader,
    organization_id: UUID,
    asked: Question,
    ids: Sequence[UUID],
    boundaries: Sequence[datetime],
) -> dict[UUID, Ledger]:
    buckets = len(boundaries) - 1
    found: dict[UUID, dict[RawMetric, Account]] = {id_: {} for id_ in ids}
    for family in (VIDEOS, PROFILES):
        needed = asked.among(family.metrics)
        posts = family.has_posts and "posts" in asked.needs
        if not needed and not posts:
            continue
        asking = {
            "organization": organization_id,
            "ids": list(ids),
            "bounds": [slot_of(boundary) + 1 for boundary in boundaries[:-1]],
            "last": slot_of(boundaries[-1]),
        }
        rows = await reader.rows(organization_id, _sums(family, needed), asking)
        by_id: dict[UUID, list[TupleRow]] = defaultdict(list)
        for row in rows:
            by_id[row[0]].append(row[1:])
        first = 3 if family.has_posts else 2
        for id_ in ids:
            of_it = by_id[id_]
            for number, metric in enumerate(needed):
                found[id_][metric] = account_of_sums(
                    of_it, buckets=buckets, first=first + 4 * number, snapshots=1
                )
            if posts:
                found[id_]["posts"] = account_of_posts(
                    of_it, buckets=buckets, posts=2, snapshots=1
                )
    return {id_: chosen(accounts, asked.needs) for id_, accounts in found.items()}


def _sums(family: Family, needed: Sequence[RawMetric]) -> bytes:
    columns = ["sum(snapshots)"]
    if family.has_posts:
        columns.append("sum(posts)")
    for metric in needed:
        columns += [f"sum({metric})", f"sum({metric}_known)"]
        columns += [f"sum({metric}_base)", f"sum({metric}_baselines)"]
    return f"""
        SELECT id, width_bucket(slot, %(bounds)s::int[]) AS bucket, {", ".join(columns)}
        FROM {family.sums}
        WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
        AND slot <= %(last)s GROUP BY id, bucket
        """.encode()


async def counted(
    reader: Reader, organization_id: UUID, asked: Question, id_: UUID
) -> dict[Family, list[Counted]]:
    """Return whatever the levels of one thing are the sum of."""
    found: dict[Family, list[Counted]] = {}
    asking = {"organization": organization_id, "id": id_}
    needs = {*asked.needs}
    if needs & {*VIDEO_METRICS, "posts"}:
        query = f"{_VIDEOS} AND {_WHICH[asked.entity]}".encode()
        found[VIDEOS] = [
            Counted(
                id=row[0],
                owner=row[1] or row[0],
                number=row[2],
                is_baseline=is_baseline(row[7], posted_at=row[3], earliest_at=row[4]),
                posted_at=row[3],
                label=row[5],
                tiktok_video_id=row[6],
            )
            for row in await reader.rows(organization_id, query, asking)
        ]
    if needs & {*PROFILE_METRICS}:
        rows = await reader.rows(organization_id, _PROFILES, asking)
        found[PROFILES] = [profile_of(row[0]) for row in rows]
    return found


def profile_of(creator_id: UUID) -> Counted:
    """Return a creator's profile as something whose levels are read."""
    return Counted(id=creator_id, owner=creator_id, number=0, is_baseline=True)


async def ledger_of_levels(
    reader: Reader,
    organization_id: UUID,
    asked: Question,
    members: dict[Family, list[Counted]],
    boundaries: Sequence[datetime],
    *,
    at: int | None = None,
) -> Ledger:
    """Return what the question needs of these things together.

    ``at`` is the position at which the log is taken to end.
    """
    accounts: dict[RawMetric, Account] = {}
    for family, some in members.items():
        accounts |= await accounts_of(
            reader, organization_id, family, some, boundaries, at=at
        )
    return chosen(accounts, asked.needs)

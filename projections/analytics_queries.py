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

from domain.buckets import Bucket, ends_a_slot, slot_of
from domain.metrics import PROFILE_METRICS, VIDEO_METRICS, Entity, Question, RawMetric
from domain.series import Account, Ledger
from projections.analytics_fold import PROFILES, VIDEOS, Family, Level, levels_of
from projections.analytics_ledgers import (
    account_of_posts,
    account_of_sums,
    accounts_of_levels,
    chosen,
    posts_of,
    together,
)
from projections.analytics_videos import is_baseline
from projections.reading import Reader


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a series is of."""

    id: UUID
    label: str


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """A video or profile whose levels are read one by one."""

    id: UUID
    is_baseline: bool
    posted_at: datetime | None = None
    label: str | None = None


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
_VIDEOS = """
SELECT v.id, v.posted_at, c.earliest_at
FROM analytics_videos v LEFT JOIN analytics_subjects c
    ON c.organization_id = v.organization_id AND c.id = v.creator_id
WHERE v.organization_id = %(organization)s
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
            await _counted(reader, organization_id, asked, id_),
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


async def _counted(
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
                id=row[0], is_baseline=is_baseline(row[1], row[2]), posted_at=row[1]
            )
            for row in await reader.rows(organization_id, query, asking)
        ]
    if needs & {*PROFILE_METRICS}:
        found[PROFILES] = [
            Counted(id=row[0], is_baseline=True)
            for row in await reader.rows(organization_id, _PROFILES, asking)
        ]
    return found


async def ledger_of_levels(
    reader: Reader,
    organization_id: UUID,
    asked: Question,
    counted: dict[Family, list[Counted]],
    boundaries: Sequence[datetime],
    *,
    at: int | None = None,
) -> Ledger:
    """Return what the question needs of these things together.

    ``at`` is the position at which the log is taken to end.
    """
    accounts: dict[RawMetric, Account] = {}
    size = len(boundaries) - 1
    for family, members in counted.items():
        levels = await levels_until(
            reader,
            organization_id,
            family,
            [m.id for m in members],
            boundaries[-1],
            at=at,
        )
        each = [
            accounts_of_levels(
                family, levels[m.id], boundaries, is_baseline=m.is_baseline
            )
            for m in members
        ]
        for metric in family.metrics:
            accounts[metric] = together([one[metric] for one in each], buckets=size)
        if family.has_posts:
            looked = accounts[family.metrics[0]].snapshots
            posted = [member.posted_at for member in members]
            accounts["posts"] = posts_of(posted, boundaries, looked)
    return chosen(accounts, asked.needs)


async def levels_until(
    reader: Reader,
    organization_id: UUID,
    family: Family,
    ids: Sequence[UUID],
    end: datetime,
    *,
    at: int | None = None,
) -> dict[UUID, list[Level]]:
    """Return all levels of the things at or before an instant, in order.

    ``at`` is the position at which the log is taken to end.
    """
    told = "" if at is None else "AND position <= %(at)s"
    rows = await reader.rows(
        organization_id,
        f"""
        SELECT id, observed_at, position, missing, {", ".join(family.metrics)}
        FROM {family.levels}
        WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
        AND observed_at <= %(end)s {told} ORDER BY id, observed_at, position
        """.encode(),
        {"organization": organization_id, "ids": list(ids), "end": end, "at": at},
    )
    found: dict[UUID, list[Level]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(Level(row[1], row[2], row[4:], row[3]))
    if at is not None:
        # What was told later may have filled what these left out.
        for id_, levels in found.items():
            seen = {level.moment: level.seen for level in levels}
            found[id_] = levels_of(family.nothing, seen)
    return found

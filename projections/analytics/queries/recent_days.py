"""Recent days of many creators, from what is known of them now and back.

Sums are moves, so a level is all of them from the beginning on. Of a few days of many
creators that would be mostly the beginning. Here the newest levels are what is in their
herds, and the moves since the first of those days are taken off again.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec

from domain.analytics.buckets import Bucket, slot_of
from domain.analytics.metrics import ProfileMetric, VideoMetric
from domain.analytics.series import Account
from projections.analytics.owner_state import together
from projections.analytics.rollup_deltas import PROFILES, VIDEOS, Family
from projections.engine.reader import Reader

Move = tuple[int, int, int, int, int, int]
"""A bucket from 1 on, or the one after the last, and what moved in it: snapshots, the
sum of the levels, how many are known, the baselines, summed and counted."""


class Recent(msgspec.Struct, frozen=True, kw_only=True):
    """What some days moved for one creator."""

    views: Account
    followers: Account


_KNOWN = b"""
SELECT (SELECT time_zone FROM organizations o
        WHERE o.organization_id = %(organization)s),
       ARRAY(SELECT id FROM analytics_subjects s
             WHERE s.organization_id = %(organization)s AND id = ANY(%(ids)s)
             AND kind = 'creator')
"""
# One statement, so that herds and moves are of one moment.
_RECENT = """
SELECT wanted.id, herd, moves
FROM unnest(%(ids)s::uuid[]) AS wanted (id)
LEFT JOIN analytics_herds h
    ON h.organization_id = %(organization)s AND family = {family} AND owner = wanted.id
LEFT JOIN (
    SELECT id, json_agg(json_build_array(
        bucket, snapshots, moved, known, base, baselines
    ))::text AS moves
    FROM (
        SELECT id, width_bucket(slot, %(bounds)s::int[]) AS bucket,
               sum(snapshots) AS snapshots, sum({metric}) AS moved,
               sum({metric}_known) AS known, sum({metric}_base) AS base,
               sum({metric}_baselines) AS baselines
        FROM {sums} WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
        AND slot >= %(first)s GROUP BY id, bucket
    ) AS by_bucket GROUP BY id
) AS moved ON moved.id = wanted.id
"""
_MOVES = msgspec.json.Decoder(list[Move])


async def known_creators(
    reader: Reader, organization_id: UUID, ids: Sequence[UUID]
) -> tuple[set[UUID], str]:
    """Return which of these the organization has, and its time zone."""
    asking = {"organization": organization_id, "ids": list(ids)}
    ((zone, found),) = await reader.rows(organization_id, _KNOWN, asking)
    return {*found}, zone or "UTC"


async def recent(
    reader: Reader,
    organization_id: UUID,
    ids: Sequence[UUID],
    buckets: Sequence[Bucket],
) -> dict[UUID, Recent]:
    """Return the accounts of these creators over buckets that end with slots.

    They are those that ``analytics_queries.ledgers`` has.
    """
    found: dict[UUID, list[Account]] = defaultdict(list)
    families: list[tuple[Family, VideoMetric | ProfileMetric]] = [
        (VIDEOS, "views"),
        (PROFILES, "followers"),
    ]
    bounds = [slot_of(buckets[0].start) + 1]
    bounds += [slot_of(bucket.end) + 1 for bucket in buckets]
    asking = {
        "organization": organization_id,
        "ids": list(ids),
        "bounds": bounds,
        "first": bounds[0],
    }
    for family, metric in families:
        query = _RECENT.format(family=family.number, metric=metric, sums=family.sums)
        counter = family.metrics.index(metric)
        for id_, herd, moves in await reader.rows(
            organization_id, query.encode(), asking
        ):
            level, known = (0, 0)
            if herd is not None:
                level, known = together(herd, counter, counters=family.counters)
            told = _MOVES.decode(moves) if moves is not None else []
            account = _backwards(level, known, told, buckets=len(buckets))
            found[id_].append(account)
    return {
        id_: Recent(views=views, followers=followers)
        for id_, (views, followers) in found.items()
    }


def _backwards(
    level: int, known: int, moves: Iterable[Move], *, buckets: int
) -> Account:
    """Return an account of what is known after all moves, and the moves."""
    changes, knowns = [0] * (buckets + 1), [0] * (buckets + 1)
    bases, baselines = [0] * (buckets + 1), [0] * (buckets + 1)
    looked = [0] * (buckets + 1)
    for bucket, snapshots, moved, became_known, base, new_baselines in moves:
        at = bucket - 1
        looked[at], changes[at], knowns[at] = snapshots, moved, became_known
        bases[at], baselines[at] = base, new_baselines
    # The entry after the last bucket is what was seen of times to come.
    levels, are_known = [level], [known]
    for at in reversed(range(buckets + 1)):
        levels.append(levels[-1] - changes[at])
        are_known.append(are_known[-1] - knowns[at])
    return Account(
        levels=levels[:0:-1],
        known=are_known[:0:-1],
        bases=bases[:-1],
        baselines=baselines[:-1],
        snapshots=looked[:-1],
    )

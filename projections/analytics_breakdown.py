"""The videos behind a number: the largest series, and the rest together."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from domain.buckets import Bucket
from domain.metrics import VIDEO_METRICS, Question, RawMetric
from domain.series import Account, Ledger, Value, total
from projections.analytics_fold import VIDEOS
from projections.analytics_ledgers import accounts_of_levels, chosen
from projections.analytics_past import videos_then
from projections.analytics_queries import Thing, levels_until
from projections.analytics_videos import is_baseline
from projections.reading import Reader

MOST_SERIES = 10


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One series of a breakdown; of ``thing`` None, everything not shown apart."""

    thing: Thing | None
    ledger: Ledger


class _Ranked(msgspec.Struct, frozen=True, kw_only=True):
    thing: Thing
    is_baseline: bool
    total: Value


async def breakdown(
    reader: Reader,
    organization_id: UUID,
    asked: Question,
    of: UUID,
    buckets: Sequence[Bucket],
    *,
    whole: Ledger,
    at: int | None = None,
) -> list[Part]:
    """Return the videos with the largest totals, then the rest as one.

    ``whole`` is the ledger of the creator or project that they are of, ``at`` the
    position at which the log is taken to end.
    """
    days = sum(bucket.days for bucket in buckets)
    ranked = (
        await _ranked(reader, organization_id, asked, of, buckets, days=days)
        if at is None
        else await _ranked_then(reader, organization_id, asked, of, buckets, at=at)
    )
    shown = ranked[:MOST_SERIES]
    boundaries = [buckets[0].start, *(bucket.end for bucket in buckets)]
    levels = await levels_until(
        reader,
        organization_id,
        VIDEOS,
        [video.thing.id for video in shown],
        boundaries[-1],
        at=at,
    )
    parts: list[Part] = []
    rest = dict(whole)
    for video in shown:
        accounts = accounts_of_levels(
            VIDEOS,
            levels.get(video.thing.id, []),
            boundaries,
            is_baseline=video.is_baseline,
        )
        ledger = chosen(accounts, asked.needs)
        parts.append(Part(thing=video.thing, ledger=ledger))
        rest = {metric: rest[metric].without(ledger[metric]) for metric in rest}
    if len(ranked) > len(shown):
        parts.append(Part(thing=None, ledger=rest))
    return parts


async def _ranked(
    reader: Reader,
    organization_id: UUID,
    asked: Question,
    of: UUID,
    buckets: Sequence[Bucket],
    *,
    days: int,
) -> list[_Ranked]:
    """Return the counted videos, those with the largest totals first."""
    needed = asked.among(VIDEO_METRICS)
    rows = await reader.rows(
        organization_id,
        _ends(asked, needed),
        {
            "organization": organization_id,
            "id": of,
            "start": buckets[0].start,
            "end": buckets[-1].end,
        },
    )
    found: list[_Ranked] = []
    for row in rows:
        from_the_start = is_baseline(row[2], row[3])
        ledger: dict[RawMetric, Account] = {
            metric: _account(row[4 + 3 * n : 7 + 3 * n], is_baseline=from_the_start)
            for n, metric in enumerate(needed)
        }
        found.append(
            _Ranked(
                thing=Thing(id=row[0], label=row[1]),
                is_baseline=from_the_start,
                total=total(asked, chosen(ledger, asked.needs), days=days),
            )
        )
    return _sorted(found)


async def _ranked_then(
    reader: Reader,
    organization_id: UUID,
    asked: Question,
    of: UUID,
    buckets: Sequence[Bucket],
    *,
    at: int,
) -> list[_Ranked]:
    """Return the same as the log told it up to a position."""
    days = sum(bucket.days for bucket in buckets)
    ends = [buckets[0].start, buckets[-1].end]
    videos = await videos_then(reader, organization_id, asked.entity, of, at=at)
    levels = await levels_until(
        reader, organization_id, VIDEOS, [v.id for v in videos], ends[-1], at=at
    )
    found: list[_Ranked] = []
    for video in videos:
        ledger = accounts_of_levels(
            VIDEOS, levels.get(video.id, []), ends, is_baseline=video.is_baseline
        )
        found.append(
            _Ranked(
                thing=Thing(id=video.id, label=video.label or str(video.id)),
                is_baseline=video.is_baseline,
                total=total(asked, chosen(ledger, asked.needs), days=days),
            )
        )
    return _sorted(found)


def _sorted(found: list[_Ranked]) -> list[_Ranked]:
    return sorted(found, key=lambda v: (v.total is None, -(v.total or 0), v.thing.id))


def _account(ends: Sequence[int | None], *, is_baseline: bool) -> Account:
    before, after, first = ends
    starts_here = is_baseline and before is None and after is not None
    return Account(
        levels=(before or 0, after or 0),
        known=(int(before is not None), int(after is not None)),
        bases=((first or 0) if starts_here else 0,),
        baselines=(int(starts_here),),
        snapshots=(0,),
    )


def _ends(asked: Question, needed: Sequence[RawMetric]) -> bytes:
    """Ask for the levels at both ends, and the first where there is none before."""
    columns: list[str] = []
    for metric in needed:
        columns += [
            f"s.{metric}",
            f"e.{metric}",
            f"""CASE WHEN s.{metric} IS NULL AND e.{metric} IS NOT NULL THEN (
                SELECT f.{metric} FROM analytics_video_levels f
                WHERE f.organization_id = v.organization_id AND f.id = v.id
                AND f.{metric} IS NOT NULL ORDER BY f.observed_at, f.position LIMIT 1
            ) END""",
        ]

    def at(parameter: str) -> str:
        return f"""(
            SELECT {", ".join(needed)} FROM analytics_video_levels l
            WHERE l.organization_id = v.organization_id AND l.id = v.id
            AND l.observed_at <= %({parameter})s
            ORDER BY l.observed_at DESC, l.position DESC LIMIT 1
        )"""

    return f"""
        SELECT v.id, v.label, v.posted_at, c.earliest_at, {", ".join(columns)}
        FROM analytics_videos v
        LEFT JOIN analytics_subjects c
            ON c.organization_id = v.organization_id AND c.id = v.creator_id
        LEFT JOIN LATERAL {at("start")} s ON true
        LEFT JOIN LATERAL {at("end")} e ON true
        WHERE v.organization_id = %(organization)s
        AND v.{asked.entity}_id = %(id)s AND v.is_counted
        """.encode()

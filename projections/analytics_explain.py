"""Why a point has its value: the observations that make it, one by one."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from psycopg.rows import TupleRow

from domain.buckets import Bucket
from domain.errors import InvalidQuestionError
from domain.metrics import ENGAGEMENT, VIDEO_METRICS, Entity, Question, RawMetric
from projections.analytics_fold import PROFILES, VIDEOS, Family
from projections.analytics_videos import is_baseline
from projections.reading import Reader

MOST_OBSERVATIONS = 10_000
Role = Literal["value", "numerator", "denominator"]
_TOO_MANY = (
    f"more than {MOST_OBSERVATIONS:,} observations make this point: ask about a "
    "creator or a video of it, or about a shorter bucket"
)
# How a raw metric enters a number: what came in, baselines apart or not, or the level
# at an end.
_Way = Literal["new", "grown", "level", "level_before"]


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One observation and what it adds to one part of the value.

    A post has no observation: ``observed_at`` is when it was posted, and what follows
    from a scrape is null. ``profile`` is the creator's id where a profile was seen.
    """

    part: Role
    metric: RawMetric
    tiktok_video_id: str | None = None
    profile: UUID | None = None
    scrape_id: UUID | None = None
    provider: str | None = None
    observed_at: datetime
    recorded_at: datetime | None = None
    position: int | None = None
    level_before: int | None = None
    level_after: int | None = None
    contribution: int
    baseline: bool = False


async def explain(
    reader: Reader,
    organization_id: UUID,
    asked: Question,
    of: UUID,
    bucket: Bucket,
) -> list[Observation]:
    """Return what makes the value of one bucket, in the order it was observed.

    Raises:
        InvalidQuestionError: it is more than 10,000 observations.
    """
    found: list[Observation] = []
    for part, way, metrics in _parts(asked):
        look = _Look(part=part, way=way, bucket=bucket)
        for metric in metrics:
            query = _query(asked.entity, metric, way)
            rows = await reader.rows(
                organization_id,
                query,
                {
                    "organization": organization_id,
                    "id": of,
                    "start": bucket.start,
                    "end": bucket.end,
                    "most": MOST_OBSERVATIONS + 1,
                },
            )
            if len(rows) + len(found) > MOST_OBSERVATIONS:
                raise InvalidQuestionError("entity_id", _TOO_MANY)
            found += look.at(metric, rows)
    order = {"value": 0, "numerator": 0, "denominator": 1}
    return sorted(found, key=lambda o: (order[o.part], o.observed_at, o.position or 0))


def _parts(asked: Question) -> Iterable[tuple[Role, _Way, Sequence[RawMetric]]]:
    match asked.metric:
        case "engagement_rate_by_views":
            return [("numerator", "new", ENGAGEMENT), ("denominator", "new", ["views"])]
        case "engagement_rate_by_followers":
            return [
                ("numerator", "new", ENGAGEMENT),
                ("denominator", "level", ["followers"]),
            ]
        case "posts_per_week":
            return [("numerator", "new", ["posts"])]
        case "avg_views_per_post":
            return [
                ("numerator", "new", ["views"]),
                ("denominator", "level", ["posts"]),
            ]
        case "growth_rate_pop":
            return [
                ("numerator", "grown", asked.needs),
                ("denominator", "level_before", asked.needs),
            ]
        case _:
            way: _Way = "level" if asked.mode == "cumulative" else "new"
            return [("value", way, asked.needs)]


class _Look(msgspec.Struct, frozen=True, kw_only=True):
    part: Role
    way: _Way
    bucket: Bucket

    def at(self, metric: RawMetric, rows: Sequence[TupleRow]) -> list[Observation]:
        if metric == "posts":
            return [
                Observation(
                    part=self.part,
                    metric=metric,
                    tiktok_video_id=row[1],
                    observed_at=row[2],
                    contribution=1,
                )
                for row in rows
            ]
        by_thing: dict[UUID, list[TupleRow]] = defaultdict(list)
        for row in rows:
            by_thing[row[0]].append(row)
        return [
            observation
            for of_it in by_thing.values()
            for observation in self._of_one(metric, of_it)
        ]

    def _of_one(
        self, metric: RawMetric, rows: Sequence[TupleRow]
    ) -> Iterable[Observation]:
        before: int | None = None
        adds_up = self.way in {"new", "grown"}
        for row in sorted(rows, key=lambda row: (row[4], row[5])):
            after, was_missing = row[6], row[7]
            if adds_up and row[4] <= self.bucket.start:
                before = after
                continue
            if was_missing or after is None:
                continue
            is_first = adds_up and before is None
            baseline = is_first and self.way == "new" and self._is_baseline(metric, row)
            yield Observation(
                part=self.part,
                metric=metric,
                tiktok_video_id=row[1],
                profile=None if metric in VIDEO_METRICS else row[0],
                scrape_id=row[8],
                provider=row[9],
                observed_at=row[4],
                recorded_at=row[10],
                position=row[5],
                level_before=before,
                level_after=after,
                contribution=0 if baseline else after - (before or 0),
                baseline=baseline,
            )
            if adds_up:
                before = after

    def _is_baseline(self, metric: RawMetric, row: TupleRow) -> bool:
        return metric not in VIDEO_METRICS or is_baseline(row[2], row[3])


def _query(entity: Entity, metric: RawMetric, way: _Way) -> bytes:
    if metric == "posts":
        after = "AND v.posted_at > %(start)s" if way in {"new", "grown"} else ""
        until = "start" if way == "level_before" else "end"
        return f"""
            SELECT v.id, v.tiktok_video_id, v.posted_at FROM analytics_videos v
            WHERE v.organization_id = %(organization)s AND {_members(entity, VIDEOS)}
            AND v.posted_at <= %({until})s {after} LIMIT %(most)s
            """.encode()
    family = VIDEOS if metric in VIDEOS.metrics else PROFILES
    bit = list(family.metrics).index(metric)
    of_it = "l.organization_id = v.organization_id AND l.id = v.id"
    columns = f"l.observed_at, l.position, l.{metric}, l.missing >> {bit} & 1 = 1 AS m"
    newest = "ORDER BY l.observed_at DESC, l.position DESC LIMIT 1"
    if way in {"new", "grown"}:
        levels = f"""
            (SELECT {columns} FROM {family.levels} l
             WHERE {of_it} AND l.observed_at <= %(start)s {newest})
            UNION ALL
            (SELECT {columns} FROM {family.levels} l
             WHERE {of_it} AND l.observed_at > %(start)s AND l.observed_at <= %(end)s)
            """
    else:
        until = "start" if way == "level_before" else "end"
        levels = f"""
            SELECT {columns} FROM {family.levels} l
            WHERE {of_it} AND l.observed_at <= %({until})s
            AND l.missing >> {bit} & 1 = 0 {newest}
            """
    if family is VIDEOS:
        things = """
            analytics_videos v LEFT JOIN analytics_subjects c
            ON c.organization_id = v.organization_id AND c.id = v.creator_id"""
        about = "v.tiktok_video_id, v.posted_at, c.earliest_at"
    else:
        things = "analytics_subjects v"
        about = "NULL::text, NULL::timestamptz, NULL::timestamptz"
    return f"""
        SELECT v.id, {about}, s.observed_at, s.position, s.{metric}, s.m,
               k.scrape_id, k.provider, k.recorded_at
        FROM {things} CROSS JOIN LATERAL ({levels}) s
        LEFT JOIN analytics_looks k
            ON k.organization_id = v.organization_id AND k.position = s.position
        WHERE v.organization_id = %(organization)s AND {_members(entity, family)}
        LIMIT %(most)s
        """.encode()


def _members(entity: Entity, family: Family) -> str:
    if family is PROFILES:
        which = "id" if entity == "creator" else "project_id"
        return f"v.{which} = %(id)s AND v.kind = 'creator'"
    if entity == "video":
        return "v.id = %(id)s"
    return f"v.{entity}_id = %(id)s AND v.is_counted"

"""Series of campaigns with dated membership, as of now, from the stored sums.

What a creator gained while it was a member is the sum of its own rollups in the spans
of its membership. So is that of a single video, less the spans of its creator.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from psycopg.rows import TupleRow

from domain.analytics.buckets import slot_of
from domain.analytics.membership import Spans, without
from domain.analytics.metrics import Question, RawMetric
from domain.analytics.series import CounterSeries, SeriesByMetric
from projections.analytics.fold.rollup_deltas import (
    PRECISION,
    PROFILES,
    VIDEOS,
    MetricGroup,
)
from projections.analytics.read.accumulate import (
    chosen,
    posts_from_rollups,
    series_from_rollups,
    sum_of_series,
)
from projections.analytics.read.gains import gained_precision
from projections.analytics.read.members import dated_members_of
from projections.engine.reader import Reader

SpansById = Mapping[UUID, Spans]

_BEFORE = -(2**31)
_CREATORS = b"""
SELECT id, creator_id FROM analytics_videos
WHERE organization_id = %(organization)s AND id = ANY(%(videos)s)
"""
# A rollup from between two spans has its effect where the second begins.
_GAINS = """
SELECT {id}, width_bucket(greatest(r.slot, s.first + 1), %(bounds)s::int[]) AS bucket,
       {columns}
FROM unnest(%(ids)s::uuid[], %(afters)s::int[], %(firsts)s::int[], %(lasts)s::int[])
    AS s (id, after, first, last)
JOIN {table} r ON r.organization_id = %(organization)s AND r.id = s.id
    AND r.slot > s.after AND r.slot <= least(s.last, %(last)s)
{precision}
WHERE s.first < %(last)s GROUP BY 1, 2
"""
_GAINED = "FILTER (WHERE r.slot > s.first)"
_PRECISION = f"""
LEFT JOIN {PRECISION.table} p
    ON p.organization_id = r.organization_id AND p.id = r.id AND p.slot = r.slot
"""


async def dated_series(
    reader: Reader,
    organization_id: UUID,
    question: Question,
    campaign_id: UUID,
    boundaries: Sequence[datetime],
) -> SeriesByMetric:
    """Return the series that the question needs of a campaign.

    The boundaries end quarters of an hour.
    """
    creators, videos = await _spans(reader, organization_id, campaign_id)
    found: dict[RawMetric, CounterSeries] = {}
    if _has(question, VIDEOS):
        both = {**creators, **videos}
        together = await _of_videos(
            reader, organization_id, question, both, boundaries, is_each=False
        )
        found |= together[None]
    if _has(question, PROFILES):
        each = await _of_profiles(
            reader, organization_id, question, creators, boundaries
        )
        for metric in question.among(PROFILES.metrics):
            series = [by_metric[metric] for by_metric in each.values()]
            found[metric] = sum_of_series(series, buckets=len(boundaries) - 1)
    return chosen(found, question.needs)


async def dated_series_of_creators(
    reader: Reader,
    organization_id: UUID,
    question: Question,
    campaign_id: UUID,
    creator_ids: Sequence[UUID],
    boundaries: Sequence[datetime],
) -> dict[UUID, SeriesByMetric]:
    """Return the series of what each of these creators gained as a member."""
    spans, _ = await _spans(reader, organization_id, campaign_id)
    its_spans = {id_: spans[id_] for id_ in creator_ids}
    found: dict[UUID, dict[RawMetric, CounterSeries]] = {id_: {} for id_ in creator_ids}
    if _has(question, VIDEOS):
        theirs = await _of_videos(
            reader, organization_id, question, its_spans, boundaries, is_each=True
        )
        for id_ in creator_ids:
            found[id_] |= theirs[id_]
    if _has(question, PROFILES):
        each = await _of_profiles(
            reader, organization_id, question, its_spans, boundaries
        )
        for id_ in creator_ids:
            found[id_] |= each[id_]
    return {id_: chosen(by_metric, question.needs) for id_, by_metric in found.items()}


def _has(question: Question, metric_group: MetricGroup) -> bool:
    is_posts = metric_group.has_posts and "posts" in question.needs
    return is_posts or bool(question.among(metric_group.metrics))


async def _spans(
    reader: Reader, organization_id: UUID, campaign_id: UUID
) -> tuple[SpansById, SpansById]:
    """Return when creators counted, and when single videos did without these."""
    members = await dated_members_of(reader, organization_id, campaign_id)
    params = {"organization": organization_id, "videos": sorted(members.videos)}
    rows = await reader.rows(organization_id, _CREATORS, params)
    creators: dict[UUID, UUID | None] = {row[0]: row[1] for row in rows}
    singles: dict[UUID, Spans] = {}
    for video, spans in members.videos.items():
        creator = creators.get(video)
        theirs = members.creators.get(creator, ()) if creator else ()
        if alone := without(spans, theirs):
            singles[video] = alone
    return members.creators, singles


async def _of_videos(
    reader: Reader,
    organization_id: UUID,
    question: Question,
    spans: SpansById,
    boundaries: Sequence[datetime],
    *,
    is_each: bool,
) -> Mapping[UUID | None, dict[RawMetric, CounterSeries]]:
    """Return the series of the videos by creator or single video, or together."""
    needed = question.among(VIDEOS.metrics)
    columns = [f"sum(snapshots) {_GAINED}", f"sum(posts) {_GAINED}"]
    for metric in needed:
        columns += [
            f"sum({metric} - {metric}_base) {_GAINED}",
            *(f"sum({metric}_known)", "0", f"sum({metric}_baselines) {_GAINED}"),
        ]
    id_ = "r.id" if is_each else "NULL::uuid"
    query = _GAINS.format(
        id=id_, columns=_whole(columns), table=VIDEOS.rollup_table, precision=""
    )
    by_id = await _rows_by_id(reader, organization_id, query, spans, boundaries)
    ids: Iterable[UUID | None] = spans if is_each else [None]
    return {id_: _videos(by_id[id_], question, len(boundaries) - 1) for id_ in ids}


def _videos(
    rows: Sequence[TupleRow], question: Question, buckets: int
) -> dict[RawMetric, CounterSeries]:
    found: dict[RawMetric, CounterSeries] = {
        metric: series_from_rollups(
            rows, buckets=buckets, first=3 + 4 * number, snapshots=1
        )
        for number, metric in enumerate(question.among(VIDEOS.metrics))
    }
    if "posts" in question.needs:
        found["posts"] = posts_from_rollups(rows, buckets=buckets, posts=2, snapshots=1)
    return found


async def _of_profiles(
    reader: Reader,
    organization_id: UUID,
    question: Question,
    spans: SpansById,
    boundaries: Sequence[datetime],
) -> dict[UUID, dict[RawMetric, CounterSeries]]:
    """Return the series of each profile, because each leaves for itself."""
    needed = question.among(PROFILES.metrics)
    columns = [f"sum(snapshots) {_GAINED}"]
    for metric in needed:
        grown = f"r.{metric} - r.{metric}_base"
        columns += [
            f"sum({grown} - coalesce(p.{metric}_sharpened, 0)) {_GAINED}",
            *(f"sum(r.{metric}_known)", "0", f"sum(r.{metric}_baselines) {_GAINED}"),
            f"sum(p.{metric}_sharpenings) {_GAINED}",
            *(f"sum(p.{metric}_rounded)", f"sum(p.{metric}_changes) {_GAINED}"),
        ]
    query = _GAINS.format(
        id="r.id", columns=_whole(columns), table=PROFILES.rollup_table,
        precision=_PRECISION,
    )  # fmt: skip
    by_id = await _rows_by_id(reader, organization_id, query, spans, boundaries)
    return {
        id_: {
            metric: _profile(
                by_id[id_], 2 + 7 * number, its_spans, boundaries, question
            )
            for number, metric in enumerate(needed)
        }
        for id_, its_spans in spans.items()
    }


def _profile(
    rows: Sequence[TupleRow],
    first: int,
    spans: Spans,
    boundaries: Sequence[datetime],
    question: Question,
) -> CounterSeries:
    buckets = len(boundaries) - 1
    precise = [[0] * (buckets + 1) for _ in range(3)]
    for row in rows:
        for column, value in zip(precise, row[first + 4 : first + 7], strict=True):
            column[row[0]] = int(value)
    sharpenings, rounded, changes = precise
    series = series_from_rollups(rows, buckets=buckets, first=first, snapshots=1)
    return CounterSeries(
        levels=series.levels,
        known=series.known,
        bases=series.bases,
        baselines=series.baselines,
        snapshots=series.snapshots,
        precision=gained_precision(
            sharpenings, rounded, changes, spans, boundaries, question.mode
        ),
    )


async def _rows_by_id(
    reader: Reader,
    organization_id: UUID,
    query: str,
    spans: SpansById,
    boundaries: Sequence[datetime],
) -> Mapping[UUID | None, Sequence[TupleRow]]:
    each = [
        (id_, after, first, last)
        for id_, its_spans in spans.items()
        for (first, last), after in zip(
            its_spans, (_BEFORE, *(last for _, last in its_spans)), strict=False
        )
    ]
    params = {
        "organization": organization_id,
        "ids": [one[0] for one in each],
        "afters": [one[1] for one in each],
        "firsts": [one[2] for one in each],
        "lasts": [one[3] for one in each],
        "bounds": [slot_of(boundary) + 1 for boundary in boundaries[:-1]],
        "last": slot_of(boundaries[-1]),
    }
    by_id: defaultdict[UUID | None, list[TupleRow]] = defaultdict(list)
    for row in await reader.rows(organization_id, query.encode(), params):
        by_id[row[0]].append(row[1:])
    return by_id


def _whole(columns: Sequence[str]) -> str:
    """Return the columns, 0 in place of null where there is no gain."""
    return ", ".join(f"coalesce({column}, 0)" for column in columns)

"""Reports what figures show: videos that took off, targets reached and missed."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import NamedTuple, get_args
from uuid import UUID

from psycopg.rows import TupleRow

from domain import commands as c
from domain.analytics.buckets import midnight
from domain.analytics.summaries.outliers import (
    FIRST_AGE_DAYS,
    LAST_AGE_DAYS,
    USUAL_FACTOR,
    Outlier,
)
from domain.analytics.targets import Progress, TargetStatus
from domain.campaign.handlers.campaigns import report_target
from domain.decisions import Handler
from domain.messages import TargetMetric
from domain.video.handlers.videos import report_take_offs
from infra.eventstore.append import Context
from infra.eventstore.execute import execute
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.loop import run_until_stopped
from infra.structs import shared_fields, structs
from projections.analytics.summaries.target_days import CampaignTarget
from projections.engine.reader import Reader
from projections.engine.snapshot_reader import snapshot

# The sums that targets are counted with change once a quarter-hour.
ROUND_SECONDS = 900.0
_WAIT_SECONDS = 1.0
# An import appends a creator's past in parts, which follow each other in seconds.
_IMPORT_SETTLES = timedelta(minutes=1)
_VIDEOS_AT_ONCE = 100
_METRICS: tuple[TargetMetric, ...] = get_args(TargetMetric)
_READ_MODELS = ["activity", "analytics", "campaigns", "creator_list", "scrape_runs"]
_A_DAY = timedelta(days=1)

_POSITIONS = """
SELECT count(*) = %s AND min(position) >= %s FROM projection WHERE name = ANY(%s)
"""
# A video takes off once, so a video with a row of activity is not judged again. A past
# that is still being imported waits, since its videos would be judged by half of it.
_YOUNG = """
SELECT v.organization_id, l.project_id,
       coalesce(array_agg(v.id) FILTER (WHERE NOT past.is_coming), '{}'),
       bool_or(past.is_coming)
FROM analytics_videos v
JOIN creator_list l ON l.organization_id = v.organization_id AND l.id = v.creator_id
CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT FROM scrape_runs r
        WHERE r.organization_id = l.organization_id AND r.creator_id = l.id
        AND r.trigger = 'imported' AND r.requested_at > %(settled)s
    ) AS is_coming
) AS past
WHERE v.posted_at > %(now)s - make_interval(days => %(last)s + 1)
AND v.posted_at <= %(now)s - make_interval(days => %(first)s)
AND v.is_counted AND v.is_there AND l.status = 'active'
AND NOT EXISTS (
    SELECT FROM activity a WHERE a.organization_id = v.organization_id
    AND a.subject_id = v.id AND a.kind = 'took_off'
)
GROUP BY v.organization_id, l.project_id
"""
# Views of posts and late observations may complete a missed target; nobody waits for
# that longer than 30 days.
_OPEN = """
SELECT c.organization_id, c.id, c.name, c.target_views, c.target_at, c.target_scope,
       c.starts_on, c.ends_on, c.created_at, c.target_posts, c.target_engagement,
       c.cost_minor, c.currency, o.time_zone
FROM campaigns c JOIN organizations o ON o.organization_id = c.organization_id
WHERE c.deleted_at IS NULL AND EXISTS (
    SELECT FROM (
        VALUES ('views', c.target_views), ('posts', c.target_posts),
               ('engagement', c.target_engagement)
    ) AS targets (metric, target)
    WHERE target IS NOT NULL AND NOT EXISTS (
        SELECT FROM activity a
        WHERE a.organization_id = c.organization_id AND a.subject_id = c.id
        AND a.data ->> 'metric' = metric AND a.data ->> 'target' = target::text
        AND a.data ->> 'target_scope' = c.target_scope
        AND (a.kind = 'campaign_target_reached'
             OR a.kind = 'campaign_target_missed' AND a.at = c.target_at
             AND a.at < %(now)s - interval '30 days')
    )
)
"""


class _Count(NamedTuple):
    """The number that counts for a target at an instant."""

    at: datetime
    reached: int


class FigurePolicies:
    """Looks at the figures from time to time, in a thread of the dispatcher.

    Any number may run, because a video takes off once, and a target is reached once.
    A look waits until the read models know all events from before it began.
    """

    def __init__(self, store: Store, *, url: str) -> None:
        self._store = store
        self._url = url

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; continue after failures of the database."""
        awaited: int | None = None

        def step() -> float:
            nonlocal awaited
            if awaited is None:
                awaited = self._store.head()
            if not self._knows(awaited):
                return _WAIT_SECONDS
            is_done = self.look(datetime.now(UTC))
            awaited = None
            return ROUND_SECONDS if is_done else _IMPORT_SETTLES.total_seconds()

        run_until_stopped(
            step,
            stop,
            failed="figure_policies_failed",
            longest_backoff=ROUND_SECONDS,
            pool=self._store.pool,
        )

    def look(self, now: datetime) -> bool:
        """Report videos that took off, and targets that were reached or missed.

        Returns:
            False if videos were left out because their creator is being imported.
        """
        params = {
            "now": now,
            "first": FIRST_AGE_DAYS,
            "last": LAST_AGE_DAYS,
            "settled": datetime.now(UTC) - _IMPORT_SETTLES,
        }
        with self._store.pool.connection() as connection:
            young = connection.execute(_YOUNG, params).fetchall()
            campaigns = connection.execute(_OPEN, {"now": now}).fetchall()
        if young or campaigns:
            asyncio.run(self._look(young, campaigns, now))
        return not any(is_coming for *_, is_coming in young)

    def _knows(self, position: int) -> bool:
        requested = (len(_READ_MODELS), position, _READ_MODELS)
        with self._store.pool.connection() as connection:
            row = connection.execute(_POSITIONS, requested).fetchone()
        return row is not None and bool(row[0])

    async def _look(
        self, young: list[TupleRow], campaigns: list[TupleRow], now: datetime
    ) -> None:
        async with snapshot(self._url, "analytics") as (reader, _):
            took_off = await _took_off(reader, young, now)
            targets = await _targets(reader, campaigns, now)
        reports = iter(took_off.items())
        while part := dict(islice(reports, _VIDEOS_AT_ONCE)):
            self._execute("policy:took_off", partial(report_take_offs, part))
        for campaign_id, command in targets:
            handler = partial(report_target, campaign_id, command)
            self._execute("policy:targets", handler)

    def _execute(self, actor: str, handler: partial[Handler[None]]) -> None:
        context = Context(actor=actor, command_id=new_id())
        execute(self._store, handler, context=context)


async def _took_off(
    reader: Reader, young: list[TupleRow], now: datetime
) -> Mapping[UUID, c.ReportTakeOff]:
    """Return the outliers among videos in their first days."""
    from projections.analytics.summaries.outliers import outliers_among
    from projections.analytics.summaries.scope import SummaryScope

    found: dict[UUID, Outlier] = {}
    for organization_id, project_id, ids, _ in young:
        scope = SummaryScope(
            organization_id=organization_id, kind="project", id=project_id
        )
        found |= await outliers_among(
            reader, scope, at=now, ids=ids, min_factor=USUAL_FACTOR
        )
    return {
        video_id: c.ReportTakeOff(**shared_fields(c.ReportTakeOff, outlier))
        for video_id, outlier in found.items()
    }


async def _targets(
    reader: Reader, rows: list[TupleRow], now: datetime
) -> list[tuple[UUID, c.ReportTarget]]:
    """Return the targets that were reached, or missed at their end."""
    from projections.analytics.summaries.target_counts import progress_of_campaigns

    campaigns: defaultdict[UUID, list[CampaignTarget]] = defaultdict(list)
    for organization_id, *row in rows:
        campaigns[organization_id] += structs(CampaignTarget, [tuple(row)])
    found: list[tuple[UUID, c.ReportTarget]] = []
    for organization_id, of_it in campaigns.items():
        progress = await progress_of_campaigns(reader, organization_id, of_it, now=now)
        for campaign in of_it:

            async def count_at(
                at: datetime,
                metric: TargetMetric,
                *,
                of: tuple[UUID, CampaignTarget] = (organization_id, campaign),
            ) -> int | None:
                known = await progress_of_campaigns(reader, of[0], [of[1]], now=at)
                return _towards(known[of[1].id], metric)[1]

            for metric in _METRICS:
                target, reached, status = _towards(progress[campaign.id], metric)
                if target is None or reached is None:
                    continue
                count = _Count(now, reached)
                if status == "completed":
                    count = await _when_reached(
                        campaign, count, target, partial(count_at, metric=metric)
                    )
                elif status != "missed":
                    continue
                command = c.ReportTarget(
                    metric=metric,
                    target=target,
                    target_scope=campaign.target_scope,
                    target_at=campaign.target_at,
                    reached=count.reached,
                    reached_at=count.at,
                )
                found.append((campaign.id, command))
    return found


def _towards(
    progress: Progress, metric: TargetMetric
) -> tuple[int | None, int | None, TargetStatus | None]:
    """Return the target, the counted number and the status of one metric."""
    if metric == "views":
        return progress.target_views, progress.reached, progress.status
    of_it = progress.posts if metric == "posts" else progress.engagement
    return of_it.target, of_it.reached, of_it.status


async def _when_reached(
    campaign: CampaignTarget,
    present: _Count,
    target: int,
    count_at: Callable[[datetime], Awaitable[int | None]],
) -> _Count:
    """Return the end of the first day on which the target was reached.

    That is the present, if it was not reached before today.
    """
    first = campaign.began_at.astimezone(campaign.zone).date() + _A_DAY
    today = present.at.astimezone(campaign.zone).date()
    found = present
    while first <= today:
        # Today's beginning comes first: a target is mostly noticed on its day.
        day = today if found is present else first + (today - first) // 2
        at = midnight(day, campaign.zone)
        reached = await count_at(at)
        if reached is not None and reached >= target:
            found, today = _Count(at, reached), day - _A_DAY
        elif found is present:
            break
        else:
            first = day + _A_DAY
    return found

"""Reports what figures show: videos that took off, targets reached and missed."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import NamedTuple, TypeVar
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
from infra.database import PROCESS_NAME
from infra.eventstore.append import Context
from infra.eventstore.execute import execute
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.loop import run_until_stopped
from infra.structs import shared_fields, structs
from projections.analytics.summaries.target_counts import CampaignTarget
from projections.engine.reader import Reader
from projections.engine.snapshot_reader import snapshot

T = TypeVar("T")
# Ids of videos by project, by organization.
_Young = defaultdict[UUID, defaultdict[UUID, list[UUID]]]

# The sums that targets are counted with change once a quarter-hour.
ROUND_SECONDS = 900.0
_WAIT_SECONDS = 1.0
# An import appends a creator's past in parts, which follow each other in seconds.
_IMPORT_SETTLES = timedelta(minutes=1)
_VIDEOS_AT_ONCE = 100
_READ_MODELS = ["activity", "analytics", "campaigns", "creator_list", "scrape_runs"]
_A_DAY = timedelta(days=1)
# A statement reads sums of a few organizations, or levels of a few creators.
_STATEMENT_MS = 60_000

_POSITIONS = """
SELECT count(*) = %s AND min(position) >= %s FROM projection WHERE name = ANY(%s)
"""
# A video takes off once, so a video with a row of activity is not judged again. A past
# that is still being imported waits, since its videos would be judged by half of it.
# Both subqueries read an index of one creator.
_YOUNG = """
SELECT c.organization_id, c.project_id, young.ids,
       coalesce((
           SELECT true FROM scrape_runs r
           WHERE r.organization_id = c.organization_id AND r.creator_id = c.id
           AND r.trigger = 'imported' AND r.requested_at > %(settled)s LIMIT 1
       ), false)
FROM creator_search c
CROSS JOIN LATERAL (
    SELECT array_agg(v.id) AS ids FROM analytics_videos v
    WHERE v.organization_id = c.organization_id AND v.creator_id = c.id
    AND v.posted_at > %(now)s - make_interval(days => %(last)s + 1)
    AND v.posted_at <= %(now)s - make_interval(days => %(first)s)
    AND v.is_counted AND v.is_there
    AND NOT EXISTS (
        SELECT FROM activity a WHERE a.organization_id = v.organization_id
        AND a.subject_id = v.id AND a.kind = 'took_off'
    )
) AS young
WHERE c.status = 'active' AND young.ids IS NOT NULL
"""
# Views of posts and late observations may complete a target after its end, or after the
# campaign's last day where nothing later counts; nobody waits for that longer than 30
# days. The last day is one of the organization's time zone.
_OPEN = """
SELECT c.organization_id, c.id, c.name, c.target_views, c.target_at, c.target_scope,
       c.starts_on, c.ends_on, c.created_at, c.target_posts, c.target_engagement,
       c.cost_minor, c.currency, o.time_zone, open.metrics
FROM campaigns c JOIN organizations o ON o.organization_id = c.organization_id
CROSS JOIN LATERAL (
    SELECT array_agg(metric) AS metrics FROM (
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
    ) AND NOT (
        c.target_at IS NULL AND c.ends_on IS NOT NULL
        AND c.ends_on < (%(now)s - interval '31 days')::date
        AND (c.target_scope = 'gained'
             OR c.target_scope = 'posts_in_days' AND metric = 'posts')
    )
) AS open
WHERE c.deleted_at IS NULL AND open.metrics IS NOT NULL
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
        targets_due = datetime.now(UTC)

        def step() -> float:
            nonlocal awaited, targets_due
            if awaited is None:
                awaited = self._store.head()
            if not self._knows(awaited):
                return _WAIT_SECONDS
            awaited = None
            now = datetime.now(UTC)
            # An import, or a fault among the take-offs, does not repeat the targets.
            if now >= targets_due:
                self.look_at_targets(now)
                targets_due = now + timedelta(seconds=ROUND_SECONDS)
            is_done = self.look_at_videos(now)
            return (targets_due - now if is_done else _IMPORT_SETTLES).total_seconds()

        run_until_stopped(
            step,
            stop,
            failed="figure_policies_failed",
            longest_backoff=ROUND_SECONDS,
            pool=self._store.pool,
        )

    def look_at_videos(self, now: datetime) -> bool:
        """Report videos that took off.

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
            rows = connection.execute(_YOUNG, params).fetchall()
        young: _Young = defaultdict(lambda: defaultdict(list))
        for organization_id, project_id, ids, is_coming in rows:
            if not is_coming:
                young[organization_id][project_id] += ids
        if young:
            for reports in asyncio.run(self._read(partial(_took_off, young, now))):
                self._report_take_offs(reports)
        return not any(is_coming for *_, is_coming in rows)

    def look_at_targets(self, now: datetime) -> None:
        """Report targets that were reached or missed."""
        with self._store.pool.connection() as connection:
            campaigns = connection.execute(_OPEN, {"now": now}).fetchall()
        if campaigns:
            found = asyncio.run(self._read(partial(_targets, campaigns, now)))
            for campaign_id, command in found:
                handler = partial(report_target, campaign_id, command)
                self._execute("policy:targets", handler)

    def _knows(self, position: int) -> bool:
        requested = (len(_READ_MODELS), position, _READ_MODELS)
        with self._store.pool.connection() as connection:
            row = connection.execute(_POSITIONS, requested).fetchone()
        return row is not None and bool(row[0])

    async def _read(self, read: Callable[[Reader], Awaitable[T]]) -> T:
        async with snapshot(
            self._url,
            "analytics",
            application_name=PROCESS_NAME,
            statement_ms=_STATEMENT_MS,
        ) as (reader, _):
            return await read(reader)

    def _report_take_offs(self, reports: Mapping[UUID, c.ReportTakeOff]) -> None:
        """Report the videos of one organization."""
        left = iter(reports.items())
        while part := dict(islice(left, _VIDEOS_AT_ONCE)):
            self._execute("policy:took_off", partial(report_take_offs, part))

    def _execute(self, actor: str, handler: partial[Handler[None]]) -> None:
        context = Context(actor=actor, command_id=new_id())
        execute(self._store, handler, context=context)


async def _took_off(
    young: _Young, now: datetime, reader: Reader
) -> list[Mapping[UUID, c.ReportTakeOff]]:
    """Return the outliers among videos in their first days, by organization."""
    from projections.analytics.summaries.outliers import outliers_among
    from projections.analytics.summaries.scope import SummaryScope

    found: list[Mapping[UUID, c.ReportTakeOff]] = []
    for organization_id, projects in young.items():
        outliers: dict[UUID, Outlier] = {}
        for project_id, ids in projects.items():
            scope = SummaryScope(
                organization_id=organization_id, kind="project", id=project_id
            )
            outliers |= await outliers_among(
                reader, scope, at=now, ids=ids, min_factor=USUAL_FACTOR
            )
        found.append(
            {
                video_id: c.ReportTakeOff(**shared_fields(c.ReportTakeOff, outlier))
                for video_id, outlier in outliers.items()
            }
        )
    return found


async def _targets(
    rows: list[TupleRow], now: datetime, reader: Reader
) -> list[tuple[UUID, c.ReportTarget]]:
    """Return the open targets that were reached, or missed at their end."""
    from projections.analytics.summaries.target_counts import progress_of_campaigns

    campaigns: defaultdict[UUID, list[CampaignTarget]] = defaultdict(list)
    metrics: dict[UUID, Sequence[TargetMetric]] = {}
    for organization_id, *row, of_it in rows:
        (campaign,) = structs(CampaignTarget, [tuple(row)])
        campaigns[organization_id].append(campaign)
        metrics[campaign.id] = of_it
    found: list[tuple[UUID, c.ReportTarget]] = []
    for organization_id, of_it in campaigns.items():
        progress = await progress_of_campaigns(reader, organization_id, of_it, now=now)
        for campaign in of_it:
            history = _ProgressByTime(
                reader, organization_id, campaign, {now: progress[campaign.id]}
            )
            found += [
                (campaign.id, command)
                for metric in metrics[campaign.id]
                if (command := await history.outcome(metric, now)) is not None
            ]
    return found


class _ProgressByTime:
    """The progress of a campaign at instants, each read once for all of its targets."""

    def __init__(
        self,
        reader: Reader,
        organization_id: UUID,
        campaign: CampaignTarget,
        known: dict[datetime, Progress],
    ) -> None:
        self._reader = reader
        self._organization_id = organization_id
        self._campaign = campaign
        self._known = known

    async def outcome(
        self, metric: TargetMetric, now: datetime
    ) -> c.ReportTarget | None:
        """Return the report of a target; None if it is open, or nothing is known."""
        target, reached, status = _towards(await self._at(now), metric)
        if target is None or reached is None:
            return None
        count = _Count(now, reached)
        if status == "completed":
            count = await self._when_reached(metric, count, target)
        elif status != "missed":
            return None
        return c.ReportTarget(
            metric=metric,
            target=target,
            target_scope=self._campaign.target_scope,
            target_at=self._campaign.target_at,
            reached=count.reached,
            reached_at=count.at,
        )

    async def _at(self, instant: datetime) -> Progress:
        from projections.analytics.summaries.target_counts import progress_of_campaigns

        if instant not in self._known:
            found = await progress_of_campaigns(
                self._reader, self._organization_id, [self._campaign], now=instant
            )
            self._known[instant] = found[self._campaign.id]
        return self._known[instant]

    async def _when_reached(
        self, metric: TargetMetric, present: _Count, target: int
    ) -> _Count:
        """Return the end of the first day on which the target was reached.

        That is the present, if it was not reached before today.
        """
        zone = self._campaign.zone
        first = self._campaign.began_at.astimezone(zone).date() + _A_DAY
        today = present.at.astimezone(zone).date()
        found = present
        while first <= today:
            # Today's beginning comes first: a target is mostly noticed on its day.
            day = today if found is present else first + (today - first) // 2
            at = midnight(day, zone)
            _, reached, _ = _towards(await self._at(at), metric)
            if reached is not None and reached >= target:
                found, today = _Count(at, reached), day - _A_DAY
            elif found is present:
                break
            else:
                first = day + _A_DAY
        return found


def _towards(
    progress: Progress, metric: TargetMetric
) -> tuple[int | None, int | None, TargetStatus | None]:
    """Return the target, the counted number and the status of one metric."""
    if metric == "views":
        return progress.target_views, progress.reached, progress.status
    of_it = progress.posts if metric == "posts" else progress.engagement
    return of_it.target, of_it.reached, of_it.status

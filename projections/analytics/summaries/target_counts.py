"""The targets of campaigns, the numbers that count for them, and their growth."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from domain.analytics.buckets import end_of_slot, ends_a_slot, midnight, slot_of
from domain.analytics.metrics import ENGAGEMENT, VideoMetric
from domain.analytics.series import CounterSeries
from domain.analytics.targets import (
    GROWTH_DAYS,
    NOTHING_KNOWN,
    Progress,
    TargetCount,
    TargetCounts,
    progress,
)
from domain.messages import TargetScope
from projections.analytics.fold.keys import instant_of
from projections.analytics.fold.rollup_deltas import VIDEOS
from projections.analytics.read.members import counted
from projections.analytics.read.selection import Selection
from projections.analytics.read.snapshots import series_of_members
from projections.analytics.summaries.levels import LevelRequest, levels_at
from projections.engine.reader import Reader

_A_DAY = timedelta(days=1)


class CampaignTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign's name, days, targets and cost.

    ``time_zone`` is the one in which days begin, by default the organization's.
    """

    id: UUID
    name: str
    target_views: int | None
    target_at: datetime | None
    target_scope: TargetScope
    starts_on: date | None
    ends_on: date | None
    created_at: datetime
    target_posts: int | None
    target_engagement: int | None
    cost_minor: int | None
    currency: str | None
    time_zone: str | None

    @property
    def is_measured(self) -> bool:
        """Tell whether there is a target to reach, or a cost to divide by views."""
        numbers = (self.target_views, self.target_posts, self.target_engagement)
        return any(one is not None for one in (*numbers, self.cost_minor))

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone or "UTC")

    @property
    def began_at(self) -> datetime:
        """The beginning of the first day; without one, the creation of the campaign."""
        if self.starts_on is None:
            return self.created_at
        return midnight(self.starts_on, self.zone)

    @property
    def ends_at(self) -> datetime | None:
        """The end of the last day; None without one."""
        return (
            None if self.ends_on is None else midnight(self.ends_on + _A_DAY, self.zone)
        )


class TargetTimes(NamedTuple):
    """The instants between which a campaign counts, and the last week.

    None is later than the present.
    """

    began: datetime
    ended: datetime
    week_ago: datetime
    until: datetime

    @classmethod
    def of(cls, campaign: CampaignTarget, now: datetime) -> "TargetTimes":
        # Sums are kept by quarter-hour. A campaign that is created within one counts
        # from its end on.
        until = end_of_slot(slot_of(now))
        began = campaign.began_at
        if campaign.starts_on is None:
            began = end_of_slot(slot_of(began))
        began = min(began, until)
        ended = min(campaign.ends_at or until, until)
        week_ago = until - timedelta(days=GROWTH_DAYS)
        return cls(began, max(began, ended), week_ago, until)

    def holds(self, posted_at: datetime | None) -> bool:
        """Tell whether a video was posted in the days of the campaign."""
        return posted_at is not None and self.began <= posted_at < self.ended


_SAVES: Final[VideoMetric] = "saves"
# Unknown saves count as 0, because many sources never report them. An engagement needs
# all of the others.
_NEEDED: Final[tuple[VideoMetric, ...]] = tuple(
    metric for metric in ENGAGEMENT if metric != _SAVES
)
_TERMS: Final[tuple[VideoMetric, ...]] = ("views", *_NEEDED, _SAVES)


def _sums_of(metrics: Sequence[str], needed: Sequence[str]) -> str:
    """Return the sums of one number, which is the sum of ``metrics``."""
    level = " + ".join(metrics)
    base = " + ".join(f"{metric}_base" for metric in metrics)

    def summed(value: str, which: str = "true") -> str:
        return f"coalesce(sum({value}) FILTER (WHERE {which}), 0)"

    def known(which: str = "true") -> str:
        return f"least({', '.join(summed(f'{one}_known', which) for one in needed)})"

    ended, week_ago = "slot <= ended", "slot <= %(week_ago)s"
    return ", ".join(
        (
            *(summed(level, "slot <= began"), summed(level, ended), known(ended)),
            summed(base, f"slot > began AND {ended}"),
            *(summed(level, week_ago), known(week_ago), summed(level), known()),
        )
    )


# One pass over the sums of each campaign, even where their days differ.
_SUMS = f"""
SELECT id, coalesce(sum(posts) FILTER (WHERE slot > began AND slot <= ended), 0),
       coalesce(sum(posts) FILTER (WHERE slot > %(week_ago)s), 0),
       coalesce(sum(posts), 0),
       {_sums_of(("views",), ("views",))}, {_sums_of(ENGAGEMENT, _NEEDED)}
FROM unnest(%(ids)s::uuid[], %(began)s::int[], %(ended)s::int[])
    AS requested (campaign, began, ended)
JOIN {VIDEOS.rollup_table} ON organization_id = %(organization)s AND id = campaign
WHERE slot <= %(until)s GROUP BY id
""".encode()
_POSTED = b"""
SELECT campaign, coalesce(v.creator_id, v.id), v.number, v.posted_at
FROM unnest(%(ids)s::uuid[], %(began)s::timestamptz[], %(ended)s::timestamptz[])
    AS requested (campaign, began, ended)
JOIN analytics_campaign_members m
    ON m.organization_id = %(organization)s AND m.campaign_id = campaign
JOIN LATERAL (
    SELECT creator_id, id, number, posted_at FROM analytics_videos
    WHERE organization_id = %(organization)s AND is_counted AND is_there
    AND m.is_creator AND creator_id = m.member_id
    UNION ALL
    SELECT creator_id, id, number, posted_at FROM analytics_videos
    WHERE organization_id = %(organization)s AND is_counted AND is_there
    AND NOT m.is_creator AND id = m.member_id
) v ON v.posted_at >= began AND v.posted_at < ended
"""


class _Sums(NamedTuple):
    """The sums of a campaign: of its days, and of all time."""

    gained: TargetCounts
    lifetime: TargetCounts


_NO_POSTS: Final = TargetCounts(NOTHING_KNOWN, TargetCount(0, 0))


async def progress_of_campaigns(
    reader: Reader,
    organization_id: UUID,
    campaigns: Sequence[CampaignTarget],
    *,
    now: datetime,
    at: int | None = None,
) -> Mapping[UUID, Progress]:
    """Return how far campaigns are on their way to their targets.

    ``at`` is the position as of which the log is read, None for all of it.
    """
    times = {one.id: TargetTimes.of(one, now) for one in campaigns}
    counts: dict[UUID, TargetCounts] = {}
    summed: list[CampaignTarget] = []
    for one in campaigns:
        if at is not None or not all(map(ends_a_slot, times[one.id])):
            counts[one.id] = await _from_snapshots(
                reader, organization_id, one, times[one.id], at=at
            )
        else:
            summed.append(one)
    ids = [one.id for one in summed]
    sums = await _from_sums(reader, organization_id, ids, times)
    by_posts = [one.id for one in summed if one.target_scope == "posts_in_days"]
    of_posts = await _from_posts(reader, organization_id, by_posts, times)
    for one in summed:
        gained, lifetime = sums[one.id]
        counts[one.id] = lifetime if one.target_scope == "lifetime" else gained
        if one.id in of_posts:
            views, engagement = of_posts[one.id]
            counts[one.id] = gained._replace(views=views, engagement=engagement)
    return {
        one.id: progress(
            scope=one.target_scope,
            counts=counts[one.id],
            target_views=one.target_views,
            target_posts=one.target_posts,
            target_engagement=one.target_engagement,
            target_at=one.target_at,
            cost_minor=one.cost_minor,
            currency=one.currency,
            began_at=one.began_at,
            ends_at=one.ends_at,
            now=now,
            zone=one.zone,
        )
        for one in campaigns
    }


async def _from_sums(
    reader: Reader,
    organization_id: UUID,
    ids: Sequence[UUID],
    times: Mapping[UUID, TargetTimes],
) -> dict[UUID, _Sums]:
    """Return for each campaign the numbers of its days, and those of all time."""
    if not ids:
        return {}
    found = dict.fromkeys(ids, _Sums(_NO_POSTS, _NO_POSTS))
    any_of_them = times[ids[0]]
    for id_, *row in await reader.rows(
        organization_id,
        _SUMS,
        ids=[*ids],
        began=[slot_of(times[id_].began) for id_ in ids],
        ended=[slot_of(times[id_].ended) for id_ in ids],
        week_ago=slot_of(any_of_them.week_ago),
        until=slot_of(any_of_them.until),
    ):
        posts, of_a_week, all_posts, *sums = map(int, row)
        half = len(sums) // 2
        views, all_views = _gained_and_all(*sums[:half])
        engagement, all_engagement = _gained_and_all(*sums[half:])
        found[id_] = _Sums(
            TargetCounts(views, TargetCount(posts, of_a_week), engagement),
            TargetCounts(all_views, TargetCount(all_posts, of_a_week), all_engagement),
        )
    return found


def _gained_and_all(
    before: int,
    after: int,
    known: int,
    bases: int,
    week_ago: int,
    was_known: int,
    level: int,
    is_known: int,
) -> tuple[TargetCount, TargetCount]:
    growth = level - week_ago if was_known and is_known else None
    return (
        TargetCount(after - before - bases if known else None, growth),
        TargetCount(level if is_known else None, growth),
    )


async def _from_posts(
    reader: Reader,
    organization_id: UUID,
    ids: Sequence[UUID],
    times: Mapping[UUID, TargetTimes],
) -> dict[UUID, tuple[TargetCount, TargetCount]]:
    """Return the views and the engagement of the videos posted in the days of each."""
    if not ids:
        return {}
    rows = await reader.rows(
        organization_id,
        _POSTED,
        ids=[*ids],
        began=[times[id_].began for id_ in ids],
        ended=[times[id_].ended for id_ in ids],
    )
    numbers: defaultdict[tuple[UUID, UUID], list[int]] = defaultdict(list)
    posted: defaultdict[UUID, list[datetime]] = defaultdict(list)
    for campaign_id, owner, number, posted_at in rows:
        posted[campaign_id].append(posted_at)
        if number is not None:
            numbers[campaign_id, owner].append(number)
    week_ago, until = times[ids[0]].week_ago, times[ids[0]].until
    requests = [
        LevelRequest(
            owner=owner,
            numbers=np.array(of_owner, np.int64),
            instants=np.full(len(of_owner), instant_of(instant), np.int64),
        )
        for (_, owner), of_owner in numbers.items()
        for instant in (week_ago, until)
    ]
    sums: dict[VideoMetric, list[tuple[int, bool]]] = {}
    if requests:
        found_levels = await levels_at(
            reader, organization_id, requests, metrics=_TERMS
        )
        sums = {
            metric: [
                (int(level[known].sum()), bool(known.any())) for level, known in of_
            ]
            for metric, of_ in zip(_TERMS, found_levels, strict=True)
        }
    found: dict[UUID, tuple[TargetCount, TargetCount]] = {}
    for id_ in ids:
        places = [2 * n for n, key in enumerate(numbers) if key[0] == id_]
        before, after = (_levels_together(sums, places, step) for step in (0, 1))
        any_before = any(posted_at <= week_ago for posted_at in posted[id_])
        any_now = bool(posted[id_])
        found[id_] = (
            _count_of_posts(
                *(before["views"], after["views"]),
                any_before=any_before,
                any_now=any_now,
            ),
            _count_of_posts(
                *(_engagement(before), _engagement(after)),
                any_before=any_before,
                any_now=any_now,
            ),
        )
    return found


def _levels_together(
    sums: Mapping[VideoMetric, Sequence[tuple[int, bool]]],
    places: Sequence[int],
    step: int,
) -> dict[VideoMetric, int | None]:
    return {
        metric: _together(sums[metric][place + step] for place in places)
        for metric in _TERMS
    }


def _engagement(levels: dict[VideoMetric, int | None]) -> int | None:
    needed = [levels[metric] for metric in _NEEDED]
    if None in needed:
        return None
    return sum(level for level in needed if level is not None) + (levels[_SAVES] or 0)


def _together(sums: Iterable[tuple[int, bool]]) -> int | None:
    """Return the sum of known levels; None if no level is known."""
    known = [level for level, is_known in sums if is_known]
    return sum(known) if known else None


def _count_of_posts(
    before: int | None, after: int | None, *, any_before: bool, any_now: bool
) -> TargetCount:
    """Return the count of posts. Without a post the views are 0."""
    before = before if any_before else 0
    after = after if any_now else 0
    if after is None or before is None:
        return TargetCount(after, None)
    return TargetCount(after, after - before)


async def _from_snapshots(
    reader: Reader,
    organization_id: UUID,
    campaign: CampaignTarget,
    times: TargetTimes,
    *,
    at: int | None,
) -> TargetCounts:
    """Return the counts from single observations, as of a position if it is given."""
    boundaries = sorted({*times})
    selection = Selection(
        organization_id=organization_id,
        entity="campaign",
        ids=[campaign.id],
        metrics=_TERMS,
        boundaries=boundaries,
        at=at,
    )
    videos = (await counted(reader, selection, campaign.id))[VIDEOS]
    posted = [video.posted_at for video in videos if video.posted_at is not None]
    began, ended = times.began, times.ended
    if campaign.target_scope == "lifetime":
        began, ended = min(posted, default=began), times.until
    posts = TargetCount(
        sum(began <= instant < ended for instant in posted),
        sum(times.week_ago <= instant < times.until for instant in posted),
    )
    is_of_posts = campaign.target_scope == "posts_in_days"
    if is_of_posts:
        videos = [video for video in videos if times.holds(video.posted_at)]
    found = await series_of_members(reader, selection, {VIDEOS: videos})
    week_ago, until = map(boundaries.index, (times.week_ago, times.until))
    before: dict[VideoMetric, int | None] = {}
    after: dict[VideoMetric, int | None] = {}
    for metric in _TERMS:
        before[metric] = _level(found[metric], week_ago)
        after[metric] = _level(found[metric], until)
    levels = {
        "views": (before["views"], after["views"]),
        "engagement": (_engagement(before), _engagement(after)),
    }
    if is_of_posts:
        any_before = any(
            video.posted_at is not None and video.posted_at <= times.week_ago
            for video in videos
        )
        views, engagement = (
            _count_of_posts(*pair, any_before=any_before, any_now=bool(videos))
            for pair in levels.values()
        )
        return TargetCounts(views, posts, engagement)
    growths = {
        name: None if was is None or is_ is None else is_ - was
        for name, (was, is_) in levels.items()
    }
    if campaign.target_scope == "lifetime":
        return TargetCounts(
            TargetCount(levels["views"][1], growths["views"]),
            posts,
            TargetCount(levels["engagement"][1], growths["engagement"]),
        )
    first, last = boundaries.index(times.began), boundaries.index(times.ended)
    gained: dict[VideoMetric, int | None] = {
        metric: _gained(found[metric], first, last) for metric in _TERMS
    }
    return TargetCounts(
        TargetCount(gained["views"], growths["views"]),
        posts,
        TargetCount(_engagement(gained), growths["engagement"]),
    )


def _level(counter: CounterSeries, boundary: int) -> int | None:
    return counter.levels[boundary] if counter.known[boundary] else None


def _gained(counter: CounterSeries, first: int, last: int) -> int | None:
    if not counter.known[last]:
        return None
    gained = counter.levels[last] - counter.levels[first]
    return gained - sum(counter.bases[first:last])

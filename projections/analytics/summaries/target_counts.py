"""Views that count for the targets of campaigns, and the growth of their views."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import numpy as np

from domain.analytics.buckets import ends_a_slot, slot_of
from domain.analytics.series import CounterSeries
from domain.analytics.targets import Progress, progress
from projections.analytics.fold.keys import instant_of
from projections.analytics.fold.rollup_deltas import VIDEOS
from projections.analytics.read.counted import counted
from projections.analytics.read.from_snapshots import series_of_members
from projections.analytics.read.selection import Selection
from projections.analytics.summaries.levels import LevelRequest, views_at
from projections.analytics.summaries.target_days import CampaignTarget, TargetTimes
from projections.engine.reader import Reader

# One pass over the sums of each campaign, even where their days differ.
_SUMS = f"""
SELECT id, coalesce(sum(views) FILTER (WHERE slot <= began), 0),
       coalesce(sum(views) FILTER (WHERE slot <= ended), 0),
       coalesce(sum(views_known) FILTER (WHERE slot <= ended), 0),
       coalesce(sum(views_base) FILTER (WHERE slot > began AND slot <= ended), 0),
       coalesce(sum(views) FILTER (WHERE slot <= %(week_ago)s), 0),
       coalesce(sum(views_known) FILTER (WHERE slot <= %(week_ago)s), 0),
       sum(views), sum(views_known)
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


class TargetCount(NamedTuple):
    """The number that is counted, and what the level grew by in the last 7 days.

    Both are None where they are unknown.
    """

    reached: int | None
    growth: int | None


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
    counts: dict[UUID, TargetCount] = {}
    by_sums: list[UUID] = []
    by_posts: list[UUID] = []
    for one in campaigns:
        if at is not None or not all(map(ends_a_slot, times[one.id])):
            counts[one.id] = await _from_snapshots(
                reader, organization_id, one, times[one.id], at=at
            )
        elif one.target_scope == "posts_in_days":
            by_posts.append(one.id)
        else:
            by_sums.append(one.id)
    sums = await _from_sums(reader, organization_id, by_sums, times)
    for one in campaigns:
        if one.id in sums:
            gained, lifetime = sums[one.id]
            counts[one.id] = gained if one.target_scope == "gained" else lifetime
    counts |= await _from_posts(reader, organization_id, by_posts, times)
    return {
        one.id: progress(
            scope=one.target_scope,
            target_views=one.target_views,
            target_at=one.target_at,
            reached=counts[one.id].reached,
            growth=counts[one.id].growth,
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
) -> dict[UUID, tuple[TargetCount, TargetCount]]:
    """Return for each campaign the views gained in its days, and all its views."""
    if not ids:
        return {}
    found = dict.fromkeys(ids, (TargetCount(None, None), TargetCount(None, None)))
    any_of_them = times[ids[0]]
    params = {
        "organization": organization_id,
        "ids": [*ids],
        "began": [slot_of(times[id_].began) for id_ in ids],
        "ended": [slot_of(times[id_].ended) for id_ in ids],
        "week_ago": slot_of(any_of_them.week_ago),
        "until": slot_of(any_of_them.until),
    }
    for id_, *sums in await reader.rows(organization_id, _SUMS, params):
        before, after, known, bases, week_ago, was_known, views, is_known = map(
            int, sums
        )
        growth = views - week_ago if was_known and is_known else None
        gained = after - before - bases if known else None
        found[id_] = (
            TargetCount(gained, growth),
            TargetCount(views if is_known else None, growth),
        )
    return found


async def _from_posts(
    reader: Reader,
    organization_id: UUID,
    ids: Sequence[UUID],
    times: Mapping[UUID, TargetTimes],
) -> dict[UUID, TargetCount]:
    """Return for each campaign the views of the videos posted in its days."""
    if not ids:
        return {}
    rows = await reader.rows(
        organization_id,
        _POSTED,
        {
            "organization": organization_id,
            "ids": [*ids],
            "began": [times[id_].began for id_ in ids],
            "ended": [times[id_].ended for id_ in ids],
        },
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
    levels = await views_at(reader, organization_id, requests) if requests else []
    sums = [(int(views[known].sum()), bool(known.any())) for views, known in levels]
    found: dict[UUID, TargetCount] = {}
    for id_ in ids:
        places = [2 * n for n, key in enumerate(numbers) if key[0] == id_]
        found[id_] = _count_of_posts(
            _together(sums[place] for place in places),
            _together(sums[place + 1] for place in places),
            any_before=any(posted_at <= week_ago for posted_at in posted[id_]),
            any_now=bool(posted[id_]),
        )
    return found


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
) -> TargetCount:
    """Return the count from single observations, as of a position if it is given."""
    boundaries = sorted({*times})
    selection = Selection(
        organization_id=organization_id,
        entity="campaign",
        ids=[campaign.id],
        metrics=["views"],
        boundaries=boundaries,
        at=at,
    )
    videos = (await counted(reader, selection, campaign.id))[VIDEOS]
    is_of_posts = campaign.target_scope == "posts_in_days"
    if is_of_posts:
        videos = [video for video in videos if times.holds(video.posted_at)]
    found = await series_of_members(reader, selection, {VIDEOS: videos})
    views = found["views"]
    before, after = (
        _level(views, boundaries.index(at_)) for at_ in (times.week_ago, times.until)
    )
    if is_of_posts:
        return _count_of_posts(
            before,
            after,
            any_before=any(
                video.posted_at is not None and video.posted_at <= times.week_ago
                for video in videos
            ),
            any_now=bool(videos),
        )
    growth = None if before is None or after is None else after - before
    if campaign.target_scope == "lifetime":
        return TargetCount(after, growth)
    first, last = boundaries.index(times.began), boundaries.index(times.ended)
    gained = None
    if views.known[last]:
        gained = views.levels[last] - views.levels[first] - sum(views.bases[first:last])
    return TargetCount(gained, growth)


def _level(views: CounterSeries, boundary: int) -> int | None:
    return views.levels[boundary] if views.known[boundary] else None

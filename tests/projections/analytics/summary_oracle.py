"""The answers of the summaries: plain loops over the numbers of an oracle of analytics.

Written from docs/summaries.md alone, like the oracle of /analytics, which knows levels
and what is new. Nothing here is shared with what it checks.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from itertools import pairwise
from math import floor, sqrt
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from tests.projections.analytics.oracle import Oracle, OracleQuery, Video

LEVELS = {"view": "views", "like": "likes", "comment": "comments"} | {
    "share": "shares",
    "save": "saves",
}
BY_CREATOR = {
    "followers": ("followers", "cumulative"),
    "new_followers": ("followers", "new"),
    "views": ("views", "cumulative"),
    "new_views": ("views", "new"),
    "engagement_rate": ("engagement_rate_by_views", "rate"),
    "posts": ("posts", "new"),
    "average_views_per_post": ("avg_views_per_post", "rate"),
}
KPIS = {name: BY_CREATOR[name] for name in BY_CREATOR if name != "followers"} | {
    name: (name, "new") for name in ("likes", "comments", "shares", "saves")
}
DAY = timedelta(days=1)


class SummaryQuery(msgspec.Struct, kw_only=True, frozen=True):
    """A project, the days, and which videos."""

    entity: str
    id: UUID
    first: date
    last: date
    tz: str
    now: datetime
    posted_from: date | None = None
    posted_to: date | None = None
    until: datetime | None = None

    @property
    def start(self) -> datetime:
        return self.midnight(self.first)

    @property
    def end(self) -> datetime:
        return self.until or self.midnight(self.last + DAY)

    def midnight(self, day: date) -> datetime:
        return datetime.combine(day, time.min, tzinfo=ZoneInfo(self.tz)).astimezone(UTC)


class SummaryOracle:
    """The summaries of a history."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle

    def total(
        self, query: SummaryQuery, entity: str, id_: UUID, name: str
    ) -> int | float | None:
        return self._answer(query, entity, id_, name)["total"]

    def creators(self, query: SummaryQuery) -> list[UUID]:
        """The creators that are there now."""
        if query.entity == "creator":
            return [query.id]
        if query.entity == "campaign":
            return sorted(self.oracle.members(query.id)[0])
        creators = self.oracle.creators.items()
        return [creator for creator, project in creators if project == query.id]

    def counted(self, query: SummaryQuery) -> dict[UUID, Video]:
        """The counted videos whose day of posting is among those query for."""
        found: dict[UUID, Video] = {}
        members, single = self.oracle.members(query.id)
        for id_, video in self.oracle.videos.items():
            is_in = {
                "project": query.entity == "project"
                and self.oracle.has_video(query.id, id_),
                "creator": video.creator == query.id,
                "campaign": video.creator in members or id_ in single,
            }
            if not video.counts or not is_in[query.entity]:
                continue
            posted = video.posted
            if query.posted_from is not None and (
                posted is None or posted < query.midnight(query.posted_from)
            ):
                continue
            if query.posted_to is not None and (
                posted is None or posted >= query.midnight(query.posted_to + DAY)
            ):
                continue
            found[id_] = video
        return found

    def level(self, video: UUID, at: datetime, counter: str = "views") -> int | None:
        return self.oracle._level(video, counter, at)  # noqa: SLF001 - a part of it

    def count(
        self, query: SummaryQuery, video: UUID, counter: str = "views"
    ) -> int | None:
        """The level at the end, or when the creator last was in the project."""
        at = self.last_there(query, video, query.end)
        return None if at is None else self.level(video, at, counter)

    def last_there(
        self, query: SummaryQuery, video: UUID, at: datetime
    ) -> datetime | None:
        if query.entity != "project":
            return at
        creator = self.oracle.videos[video].creator
        return self.oracle.last_there(query.id, creator, at)

    def was_posted_there(self, query: SummaryQuery, video: UUID) -> bool:
        """True if it was posted in the days, while its creator was in the project."""
        posted = self.oracle.videos[video].posted
        if posted is None or not query.start <= posted < query.end:
            return False
        is_of_project = query.entity == "project"
        return not is_of_project or self.oracle.was_posted_in(query.id, video)

    def leaderboard(self, query: SummaryQuery, order: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        creators = self.creators(query)
        if query.entity == "project":
            creators = [
                creator
                for creator, stays in self.oracle.stays.items()
                if any(stay.project == query.id for stay in stays)
            ]
        for creator in creators:
            row: dict[str, Any] = {"creator_id": str(creator)}
            for name in BY_CREATOR:
                answer = self._answer(query, "creator", creator, name)
                row[name] = answer["total"]
                if name in {"followers", "new_followers"}:
                    row[f"{name}_rounded"] = answer["total_rounded"]
                if name == "new_followers":
                    row["new_followers_sharpened"] = answer["total_sharpened"]
            rows.append(row)
        return falling(rows, order, "creator_id")

    def consistency(self, query: SummaryQuery) -> dict[str, dict[str, Any]]:
        end = min(query.end, query.now)
        monday = end.astimezone(ZoneInfo(query.tz)).date()
        while monday.weekday():
            monday -= DAY
        weeks = [
            (
                query.midnight(monday - (n + 1) * 7 * DAY),
                query.midnight(monday - n * 7 * DAY),
            )
            for n in range(12)
        ]
        found: dict[str, dict[str, Any]] = {}
        for creator in self.creators(query):
            posts = sorted(
                video.posted
                for video in self.counted(query).values()
                if video.creator == creator and video.posted and video.posted < end
            )
            begin, over = weeks[-1][0], weeks[0][1]
            recent = [post for post in posts if begin <= post < over]
            gaps = [(recent[n] - recent[n - 1]) / DAY for n in range(1, len(recent))]
            # Nothing of a gap lies outside of the weeks.
            last = max([begin, *(post for post in posts if post < over)])
            longest = max([*gaps, (over - last) / DAY]) if posts else None
            deviation = None
            if len(recent) >= 3:
                mean = sum(gaps) / len(gaps)
                deviation = sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
            each = [sum(a <= post < b for post in posts) for a, b in weeks]
            found[str(creator)] = {
                "share_of_weeks": sum(1 for number in each if number) / 12,
                "posts_per_week": sum(each) / 12,
                "longest_gap_days": longest,
                "gap_standard_deviation": deviation,
                "last_post_at": posts[-1] if posts else None,
            }
        return found

    def heatmap(self, query: SummaryQuery) -> list[dict[str, Any]]:
        cells: dict[tuple[int, int], list[int | None]] = {}
        for id_, video in self.counted(query).items():
            if video.posted and self.was_posted_there(query, id_):
                local = video.posted.astimezone(ZoneInfo(query.tz))
                dow = (local.weekday() + 1) % 7
                cells.setdefault((dow, local.hour), []).append(self.count(query, id_))
        return [
            {
                "dow": dow,
                "hour": hour,
                "post_count": len(levels),
                "avg_views": mean_of(levels),
            }
            for (dow, hour), levels in sorted(cells.items())
        ]

    def distribution(self, query: SummaryQuery) -> dict[str, Any]:
        levels = [self.count(query, id_) for id_ in self.counted(query)]
        known = sorted(level for level in levels if level is not None)
        bounds = [0, *(lead * 10**zeros for zeros in range(19) for lead in (1, 2, 5))]
        buckets = [
            {"from": a, "to": b, "count": sum(a <= max(k, 0) < b for k in known)}
            for a, b in pairwise(bounds)
        ]
        while buckets and not buckets[0]["count"]:
            buckets.pop(0)
        while buckets and not buckets[-1]["count"]:
            buckets.pop()
        return {
            "buckets": buckets,
            "count": len(known),
            "unknown_count": levels.count(None),
            "mean": mean_of(known),
            **{f"p{p}": rank_of(known, p) for p in (10, 25, 50, 75, 90, 99)},
        }

    def factor(self, query: SummaryQuery, video_id: UUID) -> float | None:
        """How many times its peers' median a video has at its age."""
        end = self.last_there(query, video_id, min(query.end, query.now))
        video = self.oracle.videos[video_id]
        if end is None or video.posted is None or video.creator is None:
            return None
        if video.posted >= end:
            return None
        days = 0
        while video.posted + (days + 1) * DAY <= end:
            days += 1
        earlier = sorted(
            (other.posted, id_)
            for id_, other in self.oracle.videos.items()
            if other.counts
            and other.creator == video.creator
            and other.posted is not None
            and (other.posted, id_) < (video.posted, video_id)
        )[-30:]
        peers = [self.level(id_, posted + days * DAY) for posted, id_ in earlier]
        known = sorted(peer for peer in peers if peer is not None)
        own = self.level(video_id, video.posted + days * DAY)
        if days < 1 or own is None or len(known) < 5:
            return None
        middle = Fraction(known[(len(known) - 1) // 2] + known[len(known) // 2], 2)
        return float(own / middle) if middle > 0 else None

    def videos(self, query: SummaryQuery, order: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for id_, video in self.counted(query).items():
            row: dict[str, Any] = {"video_id": str(id_), "posted_at": video.posted}
            for name, counter in LEVELS.items():
                row[f"{name}_count"] = self.count(query, id_, counter)
            row["new_views"] = self._new_of_video(query, id_)
            row["outlier_factor"] = self.factor(query, id_)
            rows.append(row)
        return falling(rows, order, "video_id")

    def _new_of_video(self, query: SummaryQuery, video: UUID) -> int | None:
        """The new views of one video, where a baseline is 0."""
        project = query.id if query.entity == "project" else None
        figures = self.oracle.video_figures(
            video, query.first, query.last, query.tz, project=project
        )
        return figures["new_views"]

    def campaigns(
        self, query: SummaryQuery, ids: Sequence[UUID], order: str
    ) -> list[dict[str, Any]]:
        rows = [
            {
                "campaign_id": str(id_),
                **{
                    name: self.total(query, "campaign", id_, name)
                    for name in BY_CREATOR
                },
            }
            for id_ in ids
        ]
        return falling(rows, order, "campaign_id")

    def target(
        self, campaign: UUID, scope: str, began: datetime, ended: datetime, at: datetime
    ) -> tuple[int | None, int | None]:
        """Return the views for a campaign's target, and the growth of the last 7 days.

        Views are counted from ``began`` to ``ended``, and known at ``at``.
        """
        reached, before, after = self._target(campaign, scope, began, ended, at)
        return reached, _difference(before, after)

    def target_of_engagement(
        self, campaign: UUID, scope: str, began: datetime, ended: datetime, at: datetime
    ) -> tuple[int | None, int | None]:
        """Return the same of likes, comments, shares and saves together.

        Only unknown saves count as 0.
        """
        sums: list[int | None] = [0, 0, 0]
        for counter in ("likes", "comments", "shares", "saves"):
            found = self._target(campaign, scope, began, ended, at, counter)
            for n, value in enumerate(found):
                so_far = sums[n]
                if value is None and counter == "saves":
                    continue
                sums[n] = None if so_far is None or value is None else so_far + value
        reached, before, after = sums
        return reached, _difference(before, after)

    def target_of_posts(
        self, campaign: UUID, scope: str, began: datetime, ended: datetime, at: datetime
    ) -> tuple[int | None, int | None]:
        """Return the posts of the days, or of all, and those of the last 7 days."""
        began, ended = min(began, at), min(ended, at)
        query = self._of_campaign(campaign, at)
        of_a_week = self.oracle._new(query, "posts", at - 7 * DAY, at)  # noqa: SLF001
        if scope == "lifetime":
            return self.oracle._cumulative(query, "posts", at), of_a_week  # noqa: SLF001
        ended = max(began, ended)
        return self.oracle._new(query, "posts", began, ended), of_a_week  # noqa: SLF001

    def _of_campaign(self, campaign: UUID, at: datetime) -> OracleQuery:
        return OracleQuery(
            entity="campaign", entity_id=campaign, metric="views", mode="new",
            first=at.date(), last=at.date(), tz="UTC", now=at,
        )  # fmt: skip

    def _target(
        self,
        campaign: UUID,
        scope: str,
        began: datetime,
        ended: datetime,
        at: datetime,
        counter: str = "views",
    ) -> tuple[int | None, int | None, int | None]:
        """Return the count, the level of 7 days ago, and that of ``at``."""
        oracle = self.oracle
        query = self._of_campaign(campaign, at)
        began, ended = min(began, at), min(ended, at)
        if scope == "posts_in_days":
            chosen = [
                id_
                for id_, video in self.oracle.videos.items()
                if id_ in oracle._members(query, "views")  # noqa: SLF001 - a part of it
                and video.posted is not None
                and began <= video.posted < ended
            ]
            query = msgspec.structs.replace(query, only=tuple(chosen))
        levels: list[int | None] = []
        for instant in (at - 7 * DAY, at):
            level = oracle._cumulative(query, counter, instant)  # noqa: SLF001
            if scope == "posts_in_days" and not any(
                posted is not None and posted <= instant
                for posted in (
                    self.oracle.videos[id_].posted for id_ in query.only or ()
                )
            ):
                level = 0
            levels.append(level)
        before, after = levels
        if scope == "gained":
            new = oracle._new(query, counter, began, max(began, ended))  # noqa: SLF001
            return new, before, after
        return after, before, after

    def shared(self, a: UUID, b: UUID) -> dict[str, Any]:
        ones, others = (self.oracle.members(id_)[0] for id_ in (a, b))
        videos = []
        for id_ in (a, b):
            creators, single = self.oracle.members(id_)
            videos.append(
                {
                    v
                    for v, video in self.oracle.videos.items()
                    if video.counts and (video.creator in creators or v in single)
                }
            )
        return {
            "a": str(a),
            "b": str(b),
            "shared_creators": len(ones & others),
            "shared_videos": len(videos[0] & videos[1]),
            "jaccard_creators": ratio_of(len(ones & others), len(ones | others)),
            "jaccard_videos": ratio_of(
                len(videos[0] & videos[1]), len(videos[0] | videos[1])
            ),
        }

    def kpis(self, query: SummaryQuery) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in KPIS:
            answer = self._answer(query, query.entity, query.id, name)
            found[name] = (
                answer["total"],
                answer["total_rounded"],
                answer["total_sharpened"],
            )
        active = {
            video.creator
            for id_, video in self.counted(query).items()
            if self.was_posted_there(query, id_)
        }
        found["active_creators"] = len(active - {None}), False, False
        return found

    def known_from(self, query: SummaryQuery, name: str, value: object) -> str | None:
        """The day of the first look, if a gain is unknown because it was the only one.

        Numbers of videos are looked at together, so it is that of the views.
        """
        metric, mode = KPIS.get(name, ("posts", "new"))
        if value is not None or metric == "posts" or mode != "new":
            return None
        counter = "followers" if metric == "followers" else "views"
        of = OracleQuery(
            entity=query.entity, entity_id=query.id, metric=counter, mode="new",
            first=query.first, last=query.last, tz=query.tz, now=query.now,
        )  # fmt: skip
        return self.oracle.first_look(of, counter, query.start, query.end)

    def known_share(self, query: SummaryQuery) -> float | None:
        counted = [
            id_
            for id_, video in self.counted(query).items()
            if self._is_there_now(query, video)
            and (video.posted is None or video.posted < query.end)
        ]
        return self._share(query, counted)

    def known_share_of_profiles(self, query: SummaryQuery) -> float | None:
        return self._share(query, self.creators(query))

    def _is_there_now(self, query: SummaryQuery, video: Video) -> bool:
        if query.entity != "project" or video.creator is None:
            return True
        return self.oracle.creators[video.creator] == query.id

    def _share(self, query: SummaryQuery, ids: Sequence[UUID]) -> float | None:
        seen = [
            id_
            for id_ in ids
            if any(
                query.start < snapshot.at <= query.end
                for snapshot in self.oracle.snapshots.get(id_, [])
            )
        ]
        return len(seen) / len(ids) if ids else None

    def _answer(
        self, query: SummaryQuery, entity: str, id_: UUID, name: str
    ) -> dict[str, Any]:
        metric, mode = {**BY_CREATOR, **KPIS}[name]
        only = None
        if query.entity == "project" and entity in {"creator", "video"}:
            # The videos that count in the project.
            videos = self.oracle.videos.items()
            own = [v for v, video in videos if video.creator == id_ and video.counts]
            entity, id_, only = "project", query.id, (id_, *own)
        return self.oracle.answer(
            OracleQuery(
                entity=entity,
                entity_id=id_,
                only=only,
                metric=metric,
                mode=mode,
                granularity="month",
                first=query.first,
                last=query.last,
                tz=query.tz,
                now=query.now,
                until=query.until,
            )
        )


def falling(rows: Sequence[dict[str, Any]], by: str, id_: str) -> list[dict[str, Any]]:
    """The rows with the largest first, unknown ones last, equal ones by id."""
    known = [row for row in rows if row[by] is not None]
    unknown = [row for row in rows if row[by] is None]
    known.sort(key=lambda row: row[id_])
    known.sort(key=lambda row: row[by], reverse=True)
    return known + sorted(unknown, key=lambda row: row[id_])


def mean_of(levels: Sequence[int | None]) -> float | None:
    known = [level for level in levels if level is not None]
    return float(Fraction(sum(known), len(known))) if known else None


def rank_of(known: Sequence[int], percent: int) -> float | None:
    if not known:
        return None
    rank = Fraction(percent * (len(known) - 1), 100)
    low = floor(rank)
    high = min(low + 1, len(known) - 1)
    return float(known[low] + (known[high] - known[low]) * (rank - low))


def ratio_of(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _difference(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else after - before

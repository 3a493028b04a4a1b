"""The answers that /analytics must give: a slow and plain fold over all events.

Written from docs/analytics.md alone. Nothing here is shared with what it checks: no
sums, no stored levels, no buckets; every number is looked up in the list of snapshots.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from domain import events as e
from domain.streams import video_stream
from infra.eventstore.store import RecordedEvent

VIDEO_COUNTERS = ("views", "likes", "comments", "shares", "saves")
PROFILE_COUNTERS = ("followers", "following", "total_likes", "video_count")
_AS_THEY_ARE = [(counter, counter) for counter in VIDEO_COUNTERS[1:]]
BEGINNING = datetime(1900, 1, 1, tzinfo=UTC)
ENDING = datetime(2900, 1, 1, tzinfo=UTC)
COUNTED = ("auto_tracked", "included", "direct_add")


class OracleQuery(msgspec.Struct, kw_only=True, frozen=True):
    entity: str
    entity_id: UUID
    metric: str
    mode: str
    granularity: str = "day"
    first: date
    last: date
    tz: str
    base_metric: str | None = None
    now: datetime
    as_of: int | None = None
    only: tuple[UUID, ...] | None = None
    membership: str = "current"
    # The last day ends here, if this is not its end.
    until: datetime | None = None


class Snapshot(msgspec.Struct, kw_only=True):
    at: datetime
    position: int
    counters: dict[str, int | None]
    is_rounded: bool = False


class Level(msgspec.Struct, kw_only=True):
    """The known value of a counter from an instant on, and its origin."""

    at: datetime
    count: int
    is_rounded: bool = False
    sharpened: int | None = None
    is_rounded_growth: bool = False


class Video(msgspec.Struct, kw_only=True):
    status: str | None = None
    enabled: bool = True
    creator: UUID | None = None
    project: UUID | None = None
    # By the position of the event that says so.
    posting_times: dict[int, datetime] = {}
    # An erased person's videos keep only the day of posting, except for baselines.
    is_erased: bool = False

    @property
    def posted(self) -> datetime | None:
        """Rule 12: the first known time counts, and later ones do not."""
        if not self.posting_times:
            return None
        return self.posting_times[min(self.posting_times)]

    @property
    def counted_at(self) -> datetime | None:
        """The time of the post; for an erased creator the beginning of its day."""
        if self.posted is None or not self.is_erased:
            return self.posted
        return self.posted.replace(hour=0, minute=0, second=0, microsecond=0)

    @property
    def counts(self) -> bool:
        return self.enabled and self.status in COUNTED


class Membership(msgspec.Struct, kw_only=True):
    """An item came into a campaign or left it; without an item, all of them left."""

    at: datetime
    position: int
    campaign: UUID
    item: UUID | None
    is_added: bool


class Stay(msgspec.Struct, kw_only=True):
    """From when on a creator's numbers count in a project."""

    since: datetime
    project: UUID


class Oracle:
    """The whole log up to a position."""

    def __init__(
        self,
        events: Sequence[RecordedEvent],
        as_of: int | None = None,
        rule: str = "posted_before_first_snapshot",
    ) -> None:
        self.rule = rule
        self.videos: dict[UUID, Video] = {}
        self.creators: dict[UUID, UUID] = {}
        self.origins: dict[UUID, UUID] = {}
        self.stays: dict[UUID, list[Stay]] = {}
        self.snapshots: dict[UUID, list[Snapshot]] = {}
        self.creator_snapshots: dict[UUID, list[datetime]] = {}
        self.memberships: list[Membership] = []
        # Nothing is heard any more once somebody asks, so each is looked up once.
        self._levels_of: dict[tuple[UUID, str], list[Level]] = {}
        self._items_of: dict[UUID, set[UUID]] = {}
        self._members_of: dict[tuple[Any, ...], list[UUID]] = {}
        for recorded in sorted(events, key=lambda recorded: recorded.position):
            if as_of is None or recorded.position <= as_of:
                self._hear(recorded)

    def answer(self, query: OracleQuery) -> dict[str, Any]:
        spans = _spans(query)
        points = [
            {
                "date": start_day,
                "value": self._value(query, start, end, days),
                "partial": end > query.now,
                "baseline": self._has_baseline(query, start, end),
                "observed": self._is_observed(query, start, end),
                "rounded": self._is_rounded(query, start, end, days),
                "sharpened": self._is_sharpened(query, start, end),
                "cut": _is_cut(query, start_day, days),
            }
            for start_day, start, end, days in spans
        ]
        begin, finish = spans[0][1], spans[-1][2]
        if query.mode == "new":
            known = [p["value"] for p in points if p["value"] is not None]
            total = sum(known) if known else None
            if self._is_nothing_known(query, query.metric, begin, finish):
                total = None
        elif query.mode == "cumulative":
            known = [p["value"] for p in points if p["value"] is not None]
            total = known[-1] if known else None
        else:
            days = sum(span[3] for span in spans)
            total = self._value(query, begin, finish, days, is_range=True)
        days = sum(span[3] for span in spans)
        return {
            "points": points,
            "total": total,
            "total_rounded": self._is_rounded(
                query, begin, finish, days, is_range=True
            ),
            "total_sharpened": self._is_sharpened(query, begin, finish),
        }

    def broken_down(
        self, query: OracleQuery, most: int, *, by: str = "video"
    ) -> list[dict[str, Any]]:
        """The largest series of videos or creators, and the rest together."""
        videos = self._members(query, "views")
        if by == "creator":
            return self._broken_down_by_creator(query, most, videos)
        each = {
            video: self.answer(msgspec.structs.replace(query, only=(video,)))
            for video in videos
        }
        ranked = sorted(
            each, key=lambda v: (each[v]["total"] is None, -(each[v]["total"] or 0), v)
        )
        found = [{"id": video, **each[video]} for video in ranked[:most]]
        if rest := tuple(ranked[most:]):
            others = msgspec.structs.replace(query, only=rest)
            found.append({"id": None, **self.answer(others)})
        return found

    def _broken_down_by_creator(
        self, query: OracleQuery, most: int, videos: Sequence[UUID]
    ) -> list[dict[str, Any]]:
        of = {
            creator: [v for v in videos if self.videos[v].creator == creator]
            for creator in self._members(query, "followers")
        }
        each = {
            creator: self.answer(
                msgspec.structs.replace(query, only=(creator, *of[creator]))
            )
            for creator in of
        }
        ranked = sorted(
            each, key=lambda c: (each[c]["total"] is None, -(each[c]["total"] or 0), c)
        )
        found = [{"id": creator, **each[creator]} for creator in ranked[:most]]
        rest = [
            *ranked[most:],
            *(video for creator in ranked[most:] for video in of[creator]),
        ]
        singles = [v for v in videos if self.videos[v].creator not in of]
        is_of_profiles = not {*self._counters(query)} - {*PROFILE_COUNTERS}
        if rest or (singles and not is_of_profiles):
            others = msgspec.structs.replace(query, only=(*rest, *singles))
            found.append({"id": None, **self.answer(others)})
        return found

    # Reading the log

    def _hear(self, recorded: RecordedEvent) -> None:  # noqa: PLR0915 - a line an event
        event = recorded.event
        video = self.videos.get(recorded.stream)
        match event:
            case e.CreatorAdded():
                self.creators[recorded.stream] = event.project_id
                self.origins[recorded.stream] = event.project_id
                stay = Stay(since=BEGINNING, project=event.project_id)
                self.stays[recorded.stream] = [stay]
            case e.CreatorMoved():
                self._move_to(recorded, event)
            case e.ProfileSnapshotRecorded():
                self._look(
                    event.creator_id,
                    recorded,
                    event.observed_at,
                    {
                        "followers": event.follower_count,
                        "following": event.following_count,
                        "total_likes": event.total_likes_count,
                        "video_count": event.video_count,
                    },
                    is_rounded=event.precision == "rounded",
                )
                self.creator_snapshots.setdefault(event.creator_id, []).append(
                    event.observed_at
                )
            case e.VideoStatsSnapshotRecorded():
                self._look_at_videos(recorded, event)
            case e.VideoDiscovered():
                video = self._video(recorded.stream)
                if video.status in {None, "merged"}:
                    video.status, video.enabled = event.tracking_status, True
                video.creator, video.project = event.creator_id, event.project_id
                if event.posted_at is not None:
                    video.posting_times[recorded.position] = event.posted_at
            case e.VideoAdded():
                video = self._video(recorded.stream)
                video.status, video.enabled = "direct_add", True
                video.project = event.project_id
            case e.VideoMerged():
                assert video
                video.status, video.enabled = "merged", True
            case e.VideoCameIntoWindow():
                assert video
                video.status = event.tracking_status
            case e.VideoIncluded():
                assert video
                video.status, video.enabled = "included", True
            case e.VideoExcluded():
                assert video
                video.status = "excluded"
            case e.VideoPutBack():
                assert video
                video.status, video.enabled = "pending_review", True
            case e.VideoTrackingDisabled():
                assert video
                video.enabled = False
            case e.CampaignItemAdded() | e.CampaignItemRemoved():
                is_added = isinstance(event, e.CampaignItemAdded)
                self._move(recorded, event.item_id, is_added=is_added)
            case e.CampaignDeleted():
                self._move(recorded, None, is_added=False)
            case _:
                pass

    def _move_to(self, recorded: RecordedEvent, event: e.CreatorMoved) -> None:
        self.creators[recorded.stream] = event.new_project_id
        since = BEGINNING
        if event.history == "stay":
            since = _end_of_quarter(recorded.recorded_at)
        # A creator that comes and leaves in one quarter of an hour was never there.
        earlier = [s for s in self.stays[recorded.stream] if s.since < since]
        stay = Stay(since=since, project=event.new_project_id)
        self.stays[recorded.stream] = [*earlier, stay]

    def _look_at_videos(
        self, recorded: RecordedEvent, event: e.VideoStatsSnapshotRecorded
    ) -> None:
        if event.creator_id is not None:
            self.creator_snapshots.setdefault(event.creator_id, []).append(
                event.observed_at
            )
        project = event.project_id
        if project is None:
            assert event.creator_id
            project = self.origins[event.creator_id]
        for n, tiktok_id in enumerate(event.video_ids):
            video_id = video_stream(project, tiktok_id)
            self._look(
                video_id,
                recorded,
                event.observed_at,
                {
                    "views": event.view_counts[n],
                    "likes": event.like_counts[n],
                    "comments": event.comment_counts[n],
                    "shares": event.share_counts[n],
                    "saves": event.save_counts[n],
                },
            )
            posted_at = event.posted_at[n] if event.posted_at else None
            if posted_at is not None:
                times = self._video(video_id).posting_times
                times[recorded.position] = posted_at

    def _look(
        self,
        entity_id: UUID,
        recorded: RecordedEvent,
        at: datetime,
        counters: dict[str, int | None],
        *,
        is_rounded: bool = False,
    ) -> None:
        snapshot = Snapshot(
            at=at, position=recorded.position, counters=counters, is_rounded=is_rounded
        )
        held = self.snapshots.setdefault(entity_id, [])
        # The same event told twice is one event.
        if all(other.position != recorded.position for other in held):
            held.append(snapshot)

    def _move(
        self, recorded: RecordedEvent, item: UUID | None, *, is_added: bool
    ) -> None:
        membership = Membership(
            at=recorded.recorded_at,
            position=recorded.position,
            campaign=recorded.stream,
            item=item,
            is_added=is_added,
        )
        self.memberships.append(membership)

    def _video(self, video_id: UUID) -> Video:
        return self.videos.setdefault(video_id, Video())

    # The rules

    def _levels(self, entity_id: UUID, counter: str) -> list[Level]:
        key = (entity_id, counter)
        if key not in self._levels_of:
            self._levels_of[key] = self._levels_after(entity_id, counter)
        return self._levels_of[key]

    def _levels_after(self, entity_id: UUID, counter: str) -> list[Level]:
        """Rules 1, 10 and 12: the level after each observation, by time."""
        by_instant: dict[datetime, Snapshot] = {}
        for snapshot in self.snapshots.get(entity_id, []):
            count = snapshot.counters[counter]
            # Rule 12: a negative counter is as good as none.
            if count is None or count < 0:
                continue
            # Rule 1: of two at one instant the earlier in the log was no level.
            other = by_instant.get(snapshot.at)
            if other is None or other.position < snapshot.position:
                by_instant[snapshot.at] = snapshot
        levels: list[Level] = []
        for at in sorted(by_instant):
            snapshot = by_instant[at]
            count = snapshot.counters[counter]
            assert count is not None
            is_rounded = snapshot.is_rounded and _unit(count) > 1
            level = Level(at=at, count=count, is_rounded=is_rounded)
            if levels:
                before = levels[-1]
                if is_rounded and not before.is_rounded:
                    unit = _unit(count)
                    if count - unit < before.count < count + unit:
                        # It confirms what is known exactly.
                        level = Level(at=at, count=before.count)
                grown = level.count - before.count
                if before.is_rounded and not level.is_rounded:
                    unit = _unit(before.count)
                    if before.count - unit < level.count < before.count + unit:
                        level.sharpened = grown
                if level.sharpened is None:
                    is_either = before.is_rounded or level.is_rounded
                    level.is_rounded_growth = is_either and grown != 0
            levels.append(level)
        return levels

    def _known(self, entity_id: UUID, counter: str, instant: datetime) -> Level | None:
        known = [o for o in self._levels(entity_id, counter) if o.at <= instant]
        return known[-1] if known else None

    def _level(self, entity_id: UUID, counter: str, instant: datetime) -> int | None:
        known = self._known(entity_id, counter, instant)
        return None if known is None else known.count

    def _first(self, entity_id: UUID, counter: str) -> Level | None:
        return next(iter(self._levels(entity_id, counter)), None)

    def _parts(
        self, query: OracleQuery, member: UUID, start: datetime, end: datetime
    ) -> list[tuple[datetime, datetime]]:
        """The parts of a span of time in which a member's numbers are the entity's."""
        creator = member if member in self.creators else self._video(member).creator
        if query.entity != "project" or creator is None:
            return [(start, end)]
        stays = self.stays[creator]
        until = [*(stay.since for stay in stays[1:]), ENDING]
        parts = [
            (max(start, stay.since), min(end, last))
            for stay, last in zip(stays, until, strict=True)
            if stay.project == query.entity_id
        ]
        return [part for part in parts if part[0] < part[1]]

    def _is_there(self, query: OracleQuery, member: UUID, instant: datetime) -> bool:
        """True if the member is in the entity at an instant."""
        parts = self._parts(query, member, BEGINNING, ENDING)
        return any(start < instant <= end for start, end in parts)

    def _is_post(self, query: OracleQuery, video: UUID) -> bool:
        """Rule 12: a video of the very moment of a move is of what begins then."""
        posted = self.videos[video].counted_at
        parts = self._parts(query, video, BEGINNING, ENDING)
        return any(posted and start <= posted < end for start, end in parts)

    def _last_known(
        self, query: OracleQuery, member: UUID, counter: str, instant: datetime
    ) -> int | None:
        """The level when it was in the entity for the last time up to an instant."""
        parts = self._parts(query, member, BEGINNING, instant)
        return self._level(member, counter, parts[-1][1]) if parts else None

    def _grown(
        self,
        query: OracleQuery,
        member: UUID,
        counter: str,
        start: datetime,
        end: datetime,
        *,
        is_new: bool,
    ) -> int:
        """How far a level grew while it was the entity's; baselines are not new."""
        grown = 0
        for begin, finish in self._parts(query, member, start, end):
            after = self._level(member, counter, finish)
            before = self._level(member, counter, begin)
            if after is None:
                continue
            if before is None and is_new and self._is_baseline(member, counter):
                first = self._first(member, counter)
                assert first is not None
                before = first.count
            grown += after - (before or 0)
        return grown

    def _within(
        self, query: OracleQuery, counter: str, start: datetime, end: datetime
    ) -> list[Level]:
        """The levels of all members that came to be in a bucket."""
        return [
            level
            for member in self._members(query, counter)
            for level in self._levels(member, counter)
            for begin, finish in self._parts(query, member, start, end)
            if begin < level.at <= finish
        ]

    def _sharpened(
        self, query: OracleQuery, counter: str, start: datetime, end: datetime
    ) -> int:
        """Rule 10: what moved levels in a bucket and is precision, not growth."""
        within = self._within(query, counter, start, end)
        return sum(level.sharpened or 0 for level in within)

    def _members(self, query: OracleQuery, counter: str) -> list[UUID]:
        """Rule 2: the members that a series sums up."""
        is_of_profile = counter in PROFILE_COUNTERS
        if query.only is not None:
            return [i for i in query.only if (i in self.creators) == is_of_profile]
        key = (query.entity, query.entity_id, is_of_profile)
        if key not in self._members_of:
            self._members_of[key] = self._all_members(query, counter)
        return self._members_of[key]

    def _all_members(self, query: OracleQuery, counter: str) -> list[UUID]:
        if counter in PROFILE_COUNTERS:
            if query.entity == "creator":
                return [query.entity_id]
            if query.entity == "campaign":
                return [c for c in self.creators if self._is_in(query.entity_id, c)]
            return [c for c in self.creators if self._ever_in(query.entity_id, c)]
        if query.entity == "video":
            return [query.entity_id]
        return [
            video_id
            for video_id, video in self.videos.items()
            if video.counts and self._is_of(query, video_id, video)
        ]

    def _is_of(self, query: OracleQuery, video_id: UUID, video: Video) -> bool:
        match query.entity:
            case "creator":
                return video.creator == query.entity_id
            case "project":
                # A video is where its creator is.
                if video.creator:
                    return self._ever_in(query.entity_id, video.creator)
                return video.project == query.entity_id
            case _:
                its_own = (video_id, video.creator)
                return any(i and self._is_in(query.entity_id, i) for i in its_own)

    def _ever_in(self, project: UUID, creator: UUID) -> bool:
        """True if any number of a creator is a project's."""
        return any(stay.project == project for stay in self.stays[creator])

    def _is_in(self, campaign: UUID, item: UUID) -> bool:
        """True if an item lies in the tree below a campaign."""
        return item in self._tree(campaign)

    def _tree(self, campaign: UUID) -> set[UUID]:
        if campaign not in self._items_of:
            items = self._items(campaign)
            self._items_of[campaign] = items.union(*map(self._tree, items))
        return self._items_of[campaign]

    def _items(self, campaign: UUID) -> set[UUID]:
        items: set[UUID] = set()
        for one in sorted(self.memberships, key=lambda one: one.position):
            if one.campaign != campaign:
                continue
            if one.item is None:
                items.clear()
            elif one.is_added:
                items.add(one.item)
            else:
                items.discard(one.item)
        return items

    def _is_baseline(self, entity_id: UUID, counter: str) -> bool:
        """Rule 5 or what stands in for it, and rule 4 for profiles."""
        if counter in PROFILE_COUNTERS or self.rule == "first_snapshot":
            return True
        if self.rule == "never":
            return False
        video = self.videos.get(entity_id, Video())
        snapshots = (
            self.creator_snapshots.get(video.creator, []) if video.creator else []
        )
        if video.posted is None or not snapshots:
            return True
        return video.posted < min(snapshots)

    def has_video(self, project: UUID, video_id: UUID) -> bool:
        """True if a video is a project's: its creator is there, or left it there."""
        video = self.videos[video_id]
        if video.creator is None:
            return video.project == project
        if self.creators[video.creator] == project:
            return True
        left = self.last_there(project, video.creator, ENDING)
        if left is None:
            return False
        was_observed = any(
            self._level(video_id, counter, left) is not None
            for counter in VIDEO_COUNTERS
        )
        posted = video.counted_at
        return was_observed or (posted is not None and posted < left)

    def last_there(
        self, project: UUID, creator: UUID | None, instant: datetime
    ) -> datetime | None:
        """When a creator was in a project for the last time up to an instant."""
        query = _of_project(project)
        if creator is None:
            return instant
        parts = self._parts(query, creator, BEGINNING, instant)
        return parts[-1][1] if parts else None

    def was_posted_in(self, project: UUID, video: UUID) -> bool:
        return self._is_post(_of_project(project), video)

    def creators_of_project(self, query: OracleQuery) -> dict[UUID, dict[str, Any]]:
        """The rows of a project's leaderboard: each creator with numbers in it."""
        return {
            creator: self.creator_figures(
                creator, query.first, query.last, query.tz, project=query.entity_id
            )
            for creator in self._members(query, "followers")
        }

    def creator_figures(
        self,
        creator: UUID,
        first: date,
        last: date,
        tz: str,
        *,
        project: UUID | None = None,
    ) -> dict[str, Any]:
        """A creator's figures in a list over some days, each number by itself."""
        query = OracleQuery(
            entity="creator", entity_id=creator, metric="views", mode="new",
            first=first, last=last, tz=tz, now=datetime.now(UTC),
        )  # fmt: skip
        if project is not None:
            videos = [v for v in self.videos if self.videos[v].creator == creator]
            query = msgspec.structs.replace(
                query,
                entity="project",
                entity_id=project,
                only=(creator, *(v for v in videos if self.videos[v].counts)),
            )
        start, end = _midnight(first, tz), _midnight(last + timedelta(days=1), tz)
        days = (last - first).days + 1
        followers = msgspec.structs.replace(query, metric="followers")
        rate = msgspec.structs.replace(
            query, metric="engagement_rate_by_views", mode="rate"
        )
        average = msgspec.structs.replace(
            query, metric="avg_views_per_post", mode="rate"
        )
        first_looks = [
            date.fromisoformat(day)
            for counter in ("views", "followers")
            if (day := self.first_look(query, counter, start, end))
        ]
        return {
            "creator_id": creator,
            "followers": self._cumulative(query, "followers", end),
            "new_followers": self._new(query, "followers", start, end, is_range=True),
            "views": self._cumulative(query, "views", end),
            **{
                name: self._new(query, counter, start, end, is_range=True)
                for counter, name in [("views", "new_views"), *_AS_THEY_ARE]
            },
            "posts": self._new(query, "posts", start, end),
            "posted": self._cumulative(query, "posts", end),
            "followers_rounded": self._is_rounded(
                msgspec.structs.replace(followers, mode="cumulative"), start, end, days
            ),
            "new_followers_rounded": self._is_rounded(
                followers, start, end, days, is_range=True
            ),
            "new_followers_sharpened": self._is_sharpened(followers, start, end),
            "known_from": min(first_looks, default=None),
            "engagement_rate": self._value(rate, start, end, days, is_range=True),
            "average_views_per_post": self._value(
                average, start, end, days, is_range=True
            ),
        }

    def video_figures(
        self,
        video: UUID,
        first: date,
        last: date,
        tz: str,
        *,
        project: UUID | None = None,
    ) -> dict[str, Any]:
        """A video's figures in a list over some days, each number by itself."""
        query = OracleQuery(
            entity="video", entity_id=video, metric="views", mode="new",
            first=first, last=last, tz=tz, now=datetime.now(UTC),
        )  # fmt: skip
        if project is not None:
            query = msgspec.structs.replace(
                query, entity="project", entity_id=project, only=(video,)
            )
        start, end = _midnight(first, tz), _midnight(last + timedelta(days=1), tz)
        creator = self.videos[video].creator
        return {
            "video_id": video,
            "owner": video if creator is None else creator,
            **{
                counter: self._last_known(query, video, counter, end)
                for counter in VIDEO_COUNTERS
            },
            **{
                f"new_{counter}": self._new(query, counter, start, end)
                for counter in VIDEO_COUNTERS
            },
        }

    def counted_videos(self) -> list[UUID]:
        """The videos that count and were observed, in the order of their ids."""
        return sorted(
            video_id
            for video_id, video in self.videos.items()
            if video.counts and self.snapshots.get(video_id)
        )

    def members(self, campaign: UUID) -> tuple[set[UUID], set[UUID]]:
        """The creators in a campaign, and the videos that no creator brings into it."""
        creators = {c for c in self.creators if self._is_in(campaign, c)}
        videos = {v for v in self.videos if self._is_in(campaign, v)}
        return creators, {v for v in videos if self.videos[v].creator not in creators}

    def begins_with_a_baseline(self, video: UUID) -> bool:
        return self._is_baseline(video, "views")

    def _cumulative(
        self, query: OracleQuery, counter: str, instant: datetime
    ) -> int | None:
        """Rule 3."""
        if counter == "posts":
            return sum(
                1
                for video in self._members(query, "views")
                if (at := self.videos[video].counted_at) is not None
                and at < instant
                and self._is_post(query, video)
            )
        members = [
            member
            for member in self._members(query, counter)
            if self._last_known(query, member, counter, instant) is not None
        ]
        if not members:
            return None
        if counter in PROFILE_COUNTERS:
            # A person's level is where the person is.
            there = [m for m in members if self._is_there(query, m, instant)]
            levels = [self._level(m, counter, instant) for m in there]
            return sum(level for level in levels if level is not None)
        return sum(
            self._grown(query, m, counter, BEGINNING, instant, is_new=False)
            for m in members
        )

    def first_look(
        self, query: OracleQuery, counter: str, start: datetime, end: datetime
    ) -> str | None:
        """The day of the first of all looks, if a range has nothing but first ones."""
        if not self._is_nothing_known(query, counter, start, end):
            return None
        first = min(
            first.at
            for member in self._members(query, counter)
            if (first := self._first(member, counter)) and start < first.at <= end
        )
        # Midnight is of the day that ends.
        moment = first - timedelta(microseconds=1)
        return str(moment.astimezone(ZoneInfo(query.tz)).date())

    def _is_nothing_known(
        self, query: OracleQuery, counter: str, start: datetime, end: datetime
    ) -> bool:
        """True if a range begins with nothing known, and each look was a first one."""
        # A baseline is known to be no gain of a campaign that counts by membership.
        if counter == "posts" or query.membership == "dated":
            return False
        looks = 0
        for member in self._members(query, counter):
            if self._last_known(query, member, counter, start) is not None:
                return False
            seen = [
                snapshot
                for snapshot in self.snapshots.get(member, [])
                for begin, finish in self._parts(query, member, start, end)
                if begin < snapshot.at <= finish
            ]
            is_known = self._last_known(query, member, counter, end) is not None
            if not seen and not is_known:
                continue
            if len(seen) != 1 or seen[0].counters[counter] is None:
                return False
            first = self._first(member, counter)
            if first is None or first.at != seen[0].at:
                return False
            if not self._is_baseline(member, counter):
                return False
            looks += 1
        return looks > 0

    def _new(
        self,
        query: OracleQuery,
        counter: str,
        start: datetime,
        end: datetime,
        *,
        is_range: bool = False,
    ) -> int | None:
        """Rule 4, and rule 6."""
        if is_range and self._is_nothing_known(query, counter, start, end):
            return None
        if counter == "posts":
            before = self._cumulative(query, "posts", start)
            after = self._cumulative(query, "posts", end)
            assert before is not None
            assert after is not None
            return after - before
        added = [
            self._grown(query, member, counter, start, end, is_new=True)
            for member in self._members(query, counter)
            if self._last_known(query, member, counter, end) is not None
        ]
        if not added:
            return None
        return sum(added) - self._sharpened(query, counter, start, end)

    def _value(
        self,
        query: OracleQuery,
        start: datetime,
        end: datetime,
        days: int,
        *,
        is_range: bool = False,
    ) -> int | float | None:
        """Rules 3, 4 and 7."""

        def added(counter: str) -> int | None:
            return self._new(query, counter, start, end, is_range=is_range)

        if query.mode == "cumulative":
            return self._cumulative(query, query.metric, end)
        if query.mode == "new":
            return added(query.metric)
        above: int | None
        below: int | None
        factor = 100
        if query.metric.startswith("engagement"):
            above = 0
            for counter in ("likes", "comments", "shares", "saves"):
                new = added(counter)
                if new is None and counter == "saves":
                    continue
                above = None if new is None or above is None else above + new
            if query.metric == "engagement_rate_by_views":
                below = added("views")
            else:
                below = self._cumulative(query, "followers", end)
        elif query.metric == "posts_per_week":
            above, below = self._new(query, "posts", start, end), days
            factor = 7
        elif query.metric == "avg_views_per_post":
            above = added("views")
            below = self._cumulative(query, "posts", end)
            factor = 1
        else:
            assert query.base_metric
            below = self._cumulative(query, query.base_metric, start)
            after = self._cumulative(query, query.base_metric, end)
            above = None if after is None or below is None else after - below
            if above is not None and query.base_metric != "posts":
                # A creator that comes or leaves with its followers is no growth.
                above = sum(
                    self._grown(
                        query, member, query.base_metric, start, end, is_new=False
                    )
                    for member in self._members(query, query.base_metric)
                )
                above -= self._sharpened(query, query.base_metric, start, end)
        if above is None or not below:
            return None
        return round(above * factor / below, 6)

    # The flags

    def _counters(self, query: OracleQuery) -> list[str]:
        match query.metric:
            case "engagement_rate_by_views":
                return list(VIDEO_COUNTERS)
            case "engagement_rate_by_followers":
                return ["likes", "comments", "shares", "saves", "followers"]
            case "posts_per_week":
                return ["posts"]
            case "avg_views_per_post":
                return ["views", "posts"]
            case "growth_rate_pop":
                assert query.base_metric
                return [query.base_metric]
            case counter:
                return [counter]

    def _has_baseline(self, query: OracleQuery, start: datetime, end: datetime) -> bool:
        for counter in self._counters(query):
            if counter == "posts":
                continue
            for member in self._members(query, counter):
                first = self._first(member, counter)
                if (
                    first is not None
                    and start < first.at <= end
                    and self._is_there(query, member, first.at)
                    and self._is_baseline(member, counter)
                ):
                    return True
        return False

    def _has_rounded_level(
        self, query: OracleQuery, counter: str, instant: datetime
    ) -> bool:
        known = [
            self._known(member, counter, instant)
            for member in self._members(query, counter)
            if self._is_there(query, member, instant)
        ]
        return any(level is not None and level.is_rounded for level in known)

    def _is_rounded(
        self,
        query: OracleQuery,
        start: datetime,
        end: datetime,
        days: int,
        *,
        is_range: bool = False,
    ) -> bool:
        """Rule 10: whether a value that is known is made of a rounded level."""
        if self._value(query, start, end, days, is_range=is_range) is None:
            return False
        counter = query.base_metric or query.metric
        if query.metric == "engagement_rate_by_followers":
            return self._has_rounded_level(query, "followers", end)
        if counter not in PROFILE_COUNTERS:
            return False
        if self._has_rounded_level(query, counter, end):
            return True
        if query.mode == "cumulative":
            return False
        within = self._within(query, counter, start, end)
        if any(level.is_rounded_growth for level in within):
            return True
        return query.mode == "rate" and self._has_rounded_level(query, counter, start)

    def _is_sharpened(self, query: OracleQuery, start: datetime, end: datetime) -> bool:
        return any(
            level.sharpened is not None
            for counter in self._counters(query)
            if counter in PROFILE_COUNTERS
            for level in self._within(query, counter, start, end)
        )

    def _is_observed(self, query: OracleQuery, start: datetime, end: datetime) -> bool:
        return any(
            start < snapshot.at <= end and self._is_there(query, member, snapshot.at)
            for counter in self._counters(query)
            for member in self._members(
                query, "views" if counter == "posts" else counter
            )
            for snapshot in self.snapshots.get(member, [])
        )


def _of_project(project: UUID) -> OracleQuery:
    day = date(2026, 1, 1)
    return OracleQuery(
        entity="project", entity_id=project, metric="views", mode="new",
        first=day, last=day, tz="UTC", now=BEGINNING,
    )  # fmt: skip


def _end_of_quarter(instant: datetime) -> datetime:
    quarter = timedelta(minutes=15)
    return BEGINNING - (BEGINNING - instant) // quarter * quarter


def _unit(count: int) -> int:
    """In which steps a site shows a counter that it rounds."""
    if count < 10_000:
        return 1
    if count < 1_000_000:
        return 100
    return 100_000 if count < 1_000_000_000 else 100_000_000


def _is_cut(query: OracleQuery, first: date, days: int) -> bool:
    """Rule 11: whether a bucket has fewer days than its week or month."""
    if query.granularity == "week":
        return days < 7
    if query.granularity == "month":
        following = first + timedelta(days=days)
        return first.day != 1 or following.day != 1
    return False


def _spans(query: OracleQuery) -> list[tuple[date, datetime, datetime, int]]:
    """Each bucket's first day, its ends, and its days; cut by the first and last."""
    days: list[list[date]] = []
    day = query.first
    while day <= query.last:
        begins = (
            query.granularity == "day"
            or (query.granularity == "week" and day.weekday() == 0)
            or (query.granularity == "month" and day.day == 1)
        )
        if begins or not days:
            days.append([])
        days[-1].append(day)
        day += timedelta(days=1)
    return [
        (
            some[0],
            _midnight(some[0], query.tz),
            query.until
            if query.until and some[-1] == query.last
            else _midnight(some[-1] + timedelta(days=1), query.tz),
            len(some),
        )
        for some in days
    ]


def _midnight(day: date, tz: str) -> datetime:
    return datetime.combine(day, time.min, tzinfo=ZoneInfo(tz)).astimezone(UTC)

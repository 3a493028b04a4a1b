"""The expected rows of activity, as a plain fold with sets, maxima and whole lists."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from domain import events as e
from domain.streams import activity_row, video_stream
from infra.eventstore.store import RecordedEvent

Row = dict[str, Any]
_FOLLOWERS = [10**3, 10**4, 5 * 10**4, 10**5, 5 * 10**5, 10**6, 5 * 10**6, 10**7]
_VIEWS = [10**4, 5 * 10**4, 10**5, 25 * 10**4, *_FOLLOWERS[4:]]
_DECISIONS: dict[type[e.Event], str] = {
    e.VideoIncluded: "included",
    e.VideoExcluded: "excluded",
    e.VideoPutBack: "put_back",
    e.VideoTrackingDisabled: "stopped",
}


def activity(events: Iterable[RecordedEvent]) -> dict[Any, Row]:
    fold = _Fold()
    for recorded in events:
        for apply in (fold.creators, fold.scrapes, fold.videos, fold.others):
            apply(recorded)
    fold.campaigns_begin()
    fold.creators_stop()
    for row in fold.rows.values():
        row["data"] = msgspec.to_builtins(row["data"])
    return fold.rows


class _Fold:
    def __init__(self) -> None:
        self.rows: dict[Any, Row] = {}
        self.zones: dict[UUID, str] = {}
        self.project_of: dict[UUID, UUID] = {}
        self.tenant_of: dict[UUID, UUID] = {}
        self.erased: set[UUID] = set()
        self.untracked: dict[UUID, datetime] = {}
        self.failing: dict[UUID, dict[str, datetime]] = {}
        self.counts: dict[UUID, int] = {}
        self.newest: dict[UUID, datetime] = {}
        self.first_import: dict[UUID, UUID] = {}
        self.video: dict[UUID, tuple[UUID, UUID | None]] = {}
        self.campaigns: dict[UUID, tuple[date | None, datetime]] = {}

    def put(
        self,
        recorded: RecordedEvent,
        kind: str,
        about: str,
        id_: UUID,
        **fields: object,
    ) -> None:
        row_id = fields.pop("row_id", None)
        if row_id is None:
            row_id = activity_row(recorded.stream, f"{recorded.version}/{kind}")
        if row_id in self.rows:
            return
        event: Any = recorded.event
        self.rows[row_id] = {
            "organization_id": event.organization_id,
            "id": row_id,
            "kind": kind,
            "at": recorded.recorded_at,
            "position": recorded.position,
            "subject_type": about,
            "subject_id": id_,
            "project_id": None,
            "from_project_id": None,
            "creator_id": None,
            "actor": recorded.actor,
            "data": {},
            **fields,
        }

    def of_creator(
        self, recorded: RecordedEvent, kind: str, id_: UUID, **fields: object
    ) -> None:
        own = {"project_id": self.project_of[id_], "creator_id": id_}
        self.put(recorded, kind, "creator", id_, **{**own, **fields})

    def of_video(
        self, recorded: RecordedEvent, kind: str, id_: UUID, **fields: object
    ) -> None:
        project_id, creator_id = self.video[id_]
        if creator_id in self.erased or id_ in self.erased:
            return
        event: Any = recorded.event
        if creator_id is not None and self.has(event.organization_id, creator_id):
            project_id = self.project_of[creator_id]
        own = {"project_id": project_id, "creator_id": creator_id}
        self.put(recorded, kind, "video", id_, **{**own, **fields})

    def has(self, organization_id: UUID, creator_id: UUID | None) -> bool:
        """Tell whether the creator is one of the organization's."""
        known = creator_id and self.tenant_of.get(creator_id)
        return known == organization_id

    def creators(self, recorded: RecordedEvent) -> None:
        event, own = recorded.event, recorded.stream
        match event:
            case e.CreatorAdded():
                self.project_of[own] = event.project_id
                self.tenant_of[own] = event.organization_id
                self.of_creator(recorded, "added", own)
            case e.HandleChanged():
                data = {"old": event.old, "new": event.new}
                self.of_creator(recorded, "renamed", own, data=data)
            case e.CreatorMoved():
                self.project_of[own] = event.new_project_id
                data = {"history": event.history}
                old = event.old_project_id
                self.of_creator(recorded, "moved", own, from_project_id=old, data=data)
            case e.CreatorRemoved():
                self.untracked[own] = recorded.recorded_at
                self.of_creator(recorded, "removed", own)
            case e.CreatorReactivated():
                self.untracked.pop(own, None)
                self.failing.pop(own, None)
                self.of_creator(recorded, "added", own, data={"is_back": True})
            case e.CreatorAutoDisabled():
                self.untracked[own] = recorded.recorded_at
                data = {
                    "is_disabled": True,
                    "outcome": event.verdict,
                    "duplicate_of": event.duplicate_of,
                }
                self.of_creator(recorded, "failing", own, data=data)
            case e.CreatorDisabled():
                self.untracked[own] = recorded.recorded_at
            case e.CreatorReenabled():
                self.untracked.pop(own, None)
            case e.SubjectErased():
                self.erase(recorded, event)
            case _:
                pass

    def erase(self, recorded: RecordedEvent, event: e.SubjectErased) -> None:
        own = recorded.stream
        if own not in self.project_of:
            return
        videos = {id_ for id_, (_, of) in self.video.items() if of == own}
        gone = {own, *videos, *event.video_ids}
        self.erased |= gone
        self.rows = {
            key: row
            for key, row in self.rows.items()
            if row["subject_id"] not in gone and row["creator_id"] != own
        }
        data = {"figures": event.figures, "number": event.number}
        self.of_creator(recorded, "erased", own, data=data)

    def scrapes(self, recorded: RecordedEvent) -> None:
        event: Any = recorded.event
        if isinstance(event, e.ProfileSnapshotRecorded):
            if self.has(event.organization_id, event.creator_id) and (
                event.creator_id not in self.erased
            ):
                is_history = self.observes(recorded)
                own = event.creator_id
                for mark in self.passed(
                    own, event.follower_count, _FOLLOWERS, is_history=is_history
                ):
                    self.milestone(recorded, own, "followers", mark)
        elif isinstance(event, e.ScrapeSucceeded | e.ScrapeFailed):
            self.ends(recorded, event)

    def ends(
        self, recorded: RecordedEvent, event: e.ScrapeSucceeded | e.ScrapeFailed
    ) -> None:
        own = event.creator_id
        if event.provider == "import" or own is None or own in self.erased:
            return
        if not self.has(event.organization_id, own):
            return
        failing = self.failing.setdefault(own, {})
        if isinstance(event, e.ScrapeSucceeded):
            since = min(failing.values(), default=None)
            failing.pop(event.job_type, None)
            if since is not None and not failing:
                data = {"job_type": event.job_type, "failing_since": since}
                self.of_creator(recorded, "recovered", own, data=data)
        elif own not in self.untracked and event.outcome != "not_in_recording":
            if not failing:
                data = {"job_type": event.job_type, "outcome": event.outcome}
                self.of_creator(recorded, "failing", own, data=data)
            failing.setdefault(event.job_type, recorded.recorded_at)

    def observes(self, recorded: RecordedEvent) -> bool:
        """Note an observation of a creator; tell whether it is an imported history."""
        event: Any = recorded.event
        own, at = event.creator_id, event.observed_at
        is_history = False
        if event.provider == "import":
            this = recorded.correlation_id or recorded.stream
            first = self.first_import.setdefault(own, this)
            is_history = first == this or at < self.newest.get(own, at)
        self.newest[own] = max(at, self.newest.get(own, at))
        return is_history

    def passed(
        self, id_: UUID, count: int | None, marks: list[int], *, is_history: bool
    ) -> list[int]:
        if count is None or count < 0:
            return []
        before = self.counts.get(id_)
        self.counts[id_] = count if before is None else max(before, count)
        if before is None or is_history:
            return []
        return [mark for mark in marks if before < mark <= count]

    def milestone(
        self, recorded: RecordedEvent, id_: UUID, metric: str, mark: int, seen: int = 0
    ) -> None:
        event: Any = recorded.event
        put = self.of_video if metric == "views" else self.of_creator
        count = seen if metric == "views" else event.follower_count
        put(
            recorded,
            "milestone",
            id_,
            row_id=activity_row(id_, f"{metric}/{mark}"),
            at=event.observed_at,
            data={"metric": metric, "milestone": mark, "count": count},
        )

    def videos(self, recorded: RecordedEvent) -> None:
        event, own = recorded.event, recorded.stream
        match event:
            case e.VideoStatsSnapshotRecorded():
                self.sees(recorded, event)
            case e.VideoDiscovered():
                project, _ = self.video.get(own, (event.project_id, None))
                self.video[own] = (project, event.creator_id)
                data = {} if event.posted_at else {"time_is_unknown": True}
                self.of_video(
                    recorded,
                    "posted",
                    own,
                    row_id=activity_row(own, "posted"),
                    at=event.posted_at or recorded.recorded_at,
                    data=data,
                )
            case e.VideoAdded():
                self.video.setdefault(own, (event.project_id, None))
                self.of_video(recorded, "added", own)
            case e.VideoTookOff():
                data = {
                    "age_days": event.age_days,
                    "views": event.views,
                    "peer_median": event.peer_median,
                    "peers": event.peers,
                    "outlier_factor": event.outlier_factor,
                }
                self.of_video(recorded, "took_off", own, data=data)
            case e.VideoMerged():
                self.video[own] = (self.video[own][0], event.creator_id)
                self.merge(own, event)
            case _ if type(event) in _DECISIONS:
                data = {"decision": _DECISIONS[type(event)]}
                self.of_video(recorded, "reviewed", own, data=data)
            case _:
                pass

    def merge(self, own: UUID, event: e.VideoMerged) -> None:
        """The creator's video has what happened to the merged one, each once."""
        into = event.into_video_id
        kept = {key: row for key, row in self.rows.items() if row["subject_id"] != own}
        for row in self.rows.values():
            if row["subject_id"] == own:
                key = row["id"]
                if row["kind"] == "milestone":
                    key = activity_row(into, f"views/{row['data']['milestone']}")
                given = {"subject_id": into, "creator_id": event.creator_id}
                kept.setdefault(key, {**row, "id": key, **given})
        self.rows = kept

    def sees(
        self, recorded: RecordedEvent, event: e.VideoStatsSnapshotRecorded
    ) -> None:
        if event.project_id is None or event.creator_id in self.erased:
            return
        is_history = event.provider == "import"
        if self.has(event.organization_id, event.creator_id):
            is_history = self.observes(recorded)
        for name, views in zip(event.video_ids, event.view_counts, strict=True):
            id_ = video_stream(event.project_id, name)
            if views is None or views < 0:
                continue
            self.video.setdefault(id_, (event.project_id, event.creator_id))
            for mark in self.passed(id_, views, _VIEWS, is_history=is_history):
                self.milestone(recorded, id_, "views", mark, views)

    def others(self, recorded: RecordedEvent) -> None:
        event, own = recorded.event, recorded.stream
        match event:
            case e.OrganizationCreated():
                self.zones[own] = event.time_zone
            case e.OrganizationSettingsChanged() if isinstance(event.time_zone, str):
                self.zones[own] = event.time_zone
            case e.AnnotationAdded(scope=scope, scope_id=about):
                creator = about if scope == "creator" else None
                if scope == "video" and about in self.video:
                    creator = self.video[about][1]
                if not {creator, about} & self.erased:
                    scoped = "organization" if scope == "org" else scope
                    of = {"project_id": event.project_id, "creator_id": creator}
                    self.put(recorded, "note", scoped, about, row_id=own, **of)
            case e.AnnotationDeleted():
                self.rows.pop(own, None)
            case e.CampaignCreated():
                self.campaigns[own] = (event.starts_on, recorded.recorded_at)
                self.put(
                    recorded,
                    "campaign_started",
                    "campaign",
                    own,
                    row_id=activity_row(own, "started"),
                    project_id=event.project_id,
                )
            case e.CampaignDetailsChanged() if event.starts_on is not msgspec.UNSET:
                row = self.rows.get(activity_row(own, "started"))
                if row is not None:
                    row["position"] = recorded.position
                    self.campaigns[own] = (event.starts_on, self.campaigns[own][1])
            case e.CampaignTargetReached() | e.CampaignTargetMissed():
                start = self.rows.get(activity_row(own, "started"))
                if start is not None:
                    self.put(
                        recorded,
                        event.stored_name,
                        "campaign",
                        own,
                        at=getattr(event, "reached_at", None)
                        or getattr(event, "target_at", None),
                        project_id=start["project_id"],
                        data={
                            "metric": event.metric,
                            "target": event.target,
                            "target_scope": event.target_scope,
                            "reached": event.reached,
                        },
                    )
            case e.CampaignDeleted():
                if self.begins(event.organization_id, own) > recorded.recorded_at:
                    self.rows.pop(activity_row(own, "started"), None)
            case _:
                pass

    def begins(self, organization_id: UUID, campaign_id: UUID) -> datetime:
        day, created = self.campaigns[campaign_id]
        if day is None:
            return created
        zone = ZoneInfo(self.zones.get(organization_id, "UTC"))
        return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)

    def campaigns_begin(self) -> None:
        for row in self.rows.values():
            if row["kind"] == "campaign_started":
                own = row["subject_id"]
                starts_on, created = self.campaigns[own]
                row["at"] = self.begins(row["organization_id"], own)
                row["data"] = {"starts_on": starts_on, "created_at": created}

    def creators_stop(self) -> None:
        posts: dict[tuple[UUID, UUID], dict[datetime, Row]] = {}
        for row in sorted(self.rows.values(), key=lambda each: each["position"]):
            if row["kind"] == "posted" and not row["data"]:
                key = row["organization_id"], row["creator_id"]
                posts.setdefault(key, {})[row["at"]] = row
        times: dict[tuple[UUID, UUID], list[datetime]] = {}
        for row in self.rows.values():
            key = row["organization_id"], row["creator_id"]
            if row["kind"] == "posted" and not row["data"]:
                times.setdefault(key, []).append(row["at"])
        for key, of_creator in times.items():
            for number in range(2, len(of_creator) + 1):
                self.stop(key[1], sorted(of_creator), number, posts[key])

    def stop(
        self,
        creator_id: UUID,
        times: list[datetime],
        number: int,
        by_time: dict[datetime, Row],
    ) -> None:
        """Put the silence after the first ``number`` posts, if there is one."""
        post = by_time[times[number - 1]]
        if not self.has(post["organization_id"], creator_id):
            return
        until = times[:number]
        seconds = [
            (later - sooner) / timedelta(microseconds=1)
            for sooner, later in pairwise(until)
        ]
        usual = timedelta(microseconds=median(seconds))
        at = until[-1] + max(2 * usual, timedelta(days=7))
        if number < len(times) and times[number] <= at:
            return
        if at > self.untracked.get(creator_id, at):
            return
        row_id = activity_row(
            creator_id, f"stopped/{until[-1].astimezone(UTC).isoformat()}"
        )
        self.rows[row_id] = {
            **post,
            "id": row_id,
            "kind": "stopped_posting",
            "at": at,
            "subject_type": "creator",
            "subject_id": creator_id,
            "actor": "",
            "data": {
                "last_posted_at": until[-1],
                "usual_days": round(usual.total_seconds() / 86_400, 2),
            },
        }

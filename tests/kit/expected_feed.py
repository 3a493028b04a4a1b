"""The expected rows of the feed, as a plain fold with sets and maxima."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from domain import events as e
from domain.streams import video_stream
from infra.eventstore.store import RecordedEvent

Row = dict[str, Any]

_FOLLOWERS = [10**3, 10**4, 5 * 10**4, 10**5, 5 * 10**5, 10**6, 5 * 10**6, 10**7]
_VIEWS = [10**4, 5 * 10**4, 10**5, 25 * 10**4, *_FOLLOWERS[4:]]
_TYPES: dict[type[e.Event], str] = {
    e.CreatorAdded: "creator.added",
    e.HandleChanged: "creator.renamed",
    e.CreatorMoved: "creator.moved",
    e.CreatorRemoved: "creator.removed",
    e.CreatorReactivated: "creator.reactivated",
    e.CreatorAutoDisabled: "creator.disabled",
    e.CreatorDisabled: "creator.disabled",
    e.CreatorReenabled: "creator.reenabled",
    e.CreatorConnected: "creator.connected",
    e.CreatorConnectionLost: "creator.disconnected",
    e.VideoDiscovered: "video.discovered",
    e.VideoIncluded: "video.reviewed",
    e.VideoExcluded: "video.reviewed",
    e.VideoPutBack: "video.reviewed",
    e.VideoTrackingDisabled: "video.reviewed",
    e.VideoWentMissing: "video.missing",
    e.ScrapeFailed: "scrape.failed",
    e.CampaignCreated: "campaign.created",
    e.CampaignDetailsChanged: "campaign.updated",
    e.CampaignTargetChanged: "campaign.updated",
    e.CampaignDeleted: "campaign.deleted",
    e.CampaignItemAdded: "campaign.item_added",
    e.CampaignItemRemoved: "campaign.item_removed",
    e.CampaignTargetReached: "campaign.target_reached",
    e.CampaignTargetMissed: "campaign.target_missed",
    e.SourceFailing: "source.failing",
    e.SourceRecovered: "source.recovered",
    e.ImportFinished: "import.finished",
    e.AlertOpened: "alert.opened",
    e.AlertResolved: "alert.resolved",
    e.ReportIssued: "report.ready",
    e.MemberAdded: "member.joined",
    e.MemberRemoved: "member.left",
    e.SubjectErased: "subject.erased",
}
_FIGURES = {"creator.milestone", "scrape.failed"}


def feed(events: Iterable[RecordedEvent]) -> dict[Any, Row]:
    # Nothing of one organization says anything about another.
    folds: defaultdict[UUID, _Fold] = defaultdict(_Fold)
    for recorded in events:
        folds[_organization_of(recorded)].apply(recorded)
    return {
        (row["organization_id"], row["position"], row["ordinal"]): row
        for fold in folds.values()
        for row in fold.rows
    }


def _organization_of(recorded: RecordedEvent) -> UUID:
    return getattr(recorded.event, "organization_id", recorded.stream)


class _Fold:
    """The rows of one organization, and what they follow from."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.project_of: dict[UUID, UUID] = {}
        self.creator_of: dict[UUID, UUID | None] = {}
        self.erased: set[UUID] = set()
        # The largest number that was observed of a creator or video.
        self.most: dict[UUID, int] = {}
        self.newest: dict[UUID, Any] = {}
        self.first_import: dict[UUID, UUID] = {}

    def put(
        self, recorded: RecordedEvent, type_: str, subject: UUID, **fields: object
    ) -> None:
        here = [row for row in self.rows if row["position"] == recorded.position]
        self.rows.append(
            {
                "organization_id": _organization_of(recorded),
                "position": recorded.position,
                "ordinal": len(here),
                "type": type_,
                "at": recorded.recorded_at,
                "subject_id": subject,
                "project_id": None,
                "from_project_id": None,
                "creator_id": None,
                "milestone": None,
                "count": None,
                **fields,
            }
        )

    def place(self, thing: UUID) -> dict[str, UUID | None]:
        """Return the creator of a thing, and the project of that creator now."""
        creator_id = self.creator_of.get(thing)
        if creator_id not in self.project_of:
            creator_id = None
        of = thing if creator_id is None else creator_id
        return {"project_id": self.project_of.get(of), "creator_id": creator_id}

    def apply(self, recorded: RecordedEvent) -> None:
        event: Any = recorded.event
        own = recorded.stream
        if isinstance(event, e.ProfileSnapshotRecorded):
            self.followers(recorded, event)
        elif isinstance(event, e.VideoStatsSnapshotRecorded):
            self.views(recorded, event)
        self.note(event, own)
        type_ = _TYPES.get(type(event))
        if isinstance(event, e.ScrapeFailed):
            if event.provider == "import" or event.creator_id in self.erased:
                return
            if event.creator_id is not None:
                self.put(recorded, type_ or "", own, **self.place(event.creator_id))
            else:
                self.put(recorded, type_ or "", own)
        elif isinstance(event, e.AlertOpened | e.AlertResolved):
            self.alert(recorded, event, type_ or "")
        elif isinstance(event, e.SourceFailing | e.SourceRecovered):
            self.put(recorded, type_ or "", own)
        elif isinstance(event, e.ImportFinished):
            self.put(recorded, type_ or "", own, project_id=event.project_id)
        elif isinstance(event, e.ReportIssued):
            fields = {}
            about = event.scope.id
            if event.scope.type == "project":
                fields = {"project_id": about}
            elif about is not None and about in self.project_of:
                fields = self.place(about)
            self.put(recorded, type_ or "", own, **fields)
        elif isinstance(event, e.MemberAdded | e.MemberRemoved):
            self.put(recorded, type_ or "", event.person_id)
        elif own in self.project_of and self.creator_of.get(own) not in self.erased:
            fields: dict[str, Any] = self.place(own)
            if isinstance(event, e.CreatorMoved):
                fields["from_project_id"] = event.old_project_id
            if isinstance(event, e.CampaignTargetReached):
                fields["at"] = event.reached_at
            if isinstance(event, e.CampaignTargetMissed):
                fields["at"] = event.target_at
            if type_:
                self.put(recorded, type_, own, **fields)
            if getattr(event, "tracking_status", "") == "pending_review":
                self.put(recorded, "video.pending_review", own, **fields)
        if isinstance(event, e.SubjectErased):
            self.erase(own, event)

    def note(self, event: Any, own: UUID) -> None:  # noqa: ANN401 - any event
        match event:
            case e.CreatorAdded() | e.CampaignCreated() | e.VideoAdded():
                self.project_of.setdefault(own, event.project_id)
                is_creator = isinstance(event, e.CreatorAdded)
                self.creator_of.setdefault(own, own if is_creator else None)
            case e.VideoDiscovered():
                self.project_of.setdefault(own, event.project_id)
                self.creator_of[own] = event.creator_id
            case e.VideoMerged():
                self.creator_of[own] = event.creator_id
            case e.CreatorMoved():
                self.project_of[own] = event.new_project_id
            case _:
                pass

    def erase(self, own: UUID, event: e.SubjectErased) -> None:
        self.erased.add(own)
        if event.figures == "anonymous":
            return
        alone = {*event.video_ids, *event.scrape_ids}
        self.rows = [
            row
            for row in self.rows
            if not (
                (row["creator_id"] is None and row["subject_id"] in alone)
                or (
                    row["creator_id"] == own
                    and (
                        row["type"] in _FIGURES
                        or row["type"].startswith(("video.", "alert."))
                    )
                )
            )
        ]

    def alert(
        self, recorded: RecordedEvent, event: e.AlertOpened | e.AlertResolved, name: str
    ) -> None:
        if event.creator_id in self.erased:
            return
        fields: dict[str, Any] = {"project_id": event.project_id}
        if event.creator_id is not None and event.creator_id in self.project_of:
            fields = self.place(event.creator_id)
        if isinstance(event, e.AlertResolved):
            if not event.has_fired:
                return
            fields["at"] = event.at
        self.put(recorded, name, recorded.stream, **fields)

    def is_history(self, recorded: RecordedEvent, event: Any) -> bool:  # noqa: ANN401 - a snapshot
        """Tell whether an observation is imported history, and remember its time."""
        of, newest = event.creator_id, self.newest.get(event.creator_id)
        is_history = False
        if event.provider == "import":
            run = recorded.correlation_id or recorded.stream
            first = self.first_import.setdefault(of, run)
            is_history = first == run or (
                newest is not None and event.observed_at < newest
            )
        self.newest[of] = max(newest or event.observed_at, event.observed_at)
        return is_history

    def passed(self, id_: UUID, count: int | None, marks: list[int]) -> Iterator[int]:
        if count is None or count < 0:
            return
        before = self.most.get(id_)
        self.most[id_] = max(before or 0, count)
        if before is not None:
            yield from (mark for mark in marks if before < mark <= count)

    def followers(
        self, recorded: RecordedEvent, event: e.ProfileSnapshotRecorded
    ) -> None:
        own, count = event.creator_id, event.follower_count
        if own not in self.project_of or own in self.erased:
            return
        is_history = self.is_history(recorded, event)
        for mark in [*self.passed(own, count, _FOLLOWERS)]:
            if not is_history:
                fields = {"at": event.observed_at, "milestone": mark, "count": count}
                place = self.place(own)
                self.put(recorded, "creator.milestone", own, **place, **fields)

    def views(
        self, recorded: RecordedEvent, event: e.VideoStatsSnapshotRecorded
    ) -> None:
        own, project_id = event.creator_id, event.project_id
        if project_id is None or own in self.erased:
            return
        if own not in self.project_of:
            own = None
        is_history = event.provider == "import"
        place: dict[str, UUID | None] = {}
        if own is not None:
            is_history = self.is_history(recorded, event)
            place = self.place(own)
        for name, count in zip(event.video_ids, event.view_counts, strict=True):
            video_id = video_stream(project_id, name)
            if own is None:
                if count is not None and count >= 0:
                    self.project_of.setdefault(video_id, project_id)
                place = self.place(video_id)
                if place["creator_id"] in self.erased:
                    continue
            for mark in [*self.passed(video_id, count, _VIEWS)]:
                if not is_history:
                    fields = {"at": event.observed_at, "milestone": mark}
                    self.put(
                        recorded,
                        "video.milestone",
                        video_id,
                        **place,
                        **fields,
                        count=count,
                    )

"""The rows of videos and of subjects: creators, projects and campaigns.

A video's row keeps every event about the video, by position. The video at any position
is the fold of these events, so they may be added in any order.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import cast
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain import events as e
from domain.analytics.baselines import BaselineRule, is_baseline
from domain.errors import CorruptHistoryError
from domain.messages import Event
from domain.video.decider import VideoState, evolve
from infra.eventstore.codec import Codec
from projections.analytics.fold.columns import number_of
from projections.analytics.fold.owner_state import BASELINE, COUNTED, ITEM, OWNED
from projections.analytics.fold.video_changes import (
    DETAILS,
    ERASED,
    UNREADABLE,
    Change,
    ErasedMark,
    ObservedDetails,
    decode_changes,
    encode_changes,
    is_dropped,
    mark_of,
    position_of_mark,
    unless_later,
    without_person,
)
from projections.analytics.fold.video_changes import ITEM as ITEM_CHANGE

_NONE: Mapping[int, Event] = {}
_NOTHING = msgspec.Raw(b"[]")
_codec = Codec()
_observed_at = attrgetter("observed_at")


class AnalyticsVideoRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A video, with the columns that analytics need.

    ``is_there`` is false while only snapshots mention the video, and no event has
    added it. ``is_raw`` is true until a rebuild has folded its changes.
    ``is_campaign_item``: a campaign has or had the video by itself, so that the video
    has sums of its own. After an erasure ``posted_at`` is the beginning of the day;
    ``posted_exactly_at``, which is null before, then decides about the baseline.
    """

    organization_id: UUID
    id: UUID
    project_id: UUID | None = None
    creator_id: UUID | None = None
    tiktok_video_id: str | None = None
    label: str | None = None
    is_there: bool = False
    is_counted: bool = False
    posted_at: datetime | None = None
    changes: msgspec.Raw = _NOTHING
    number: int | None = None
    is_raw: bool = False
    is_campaign_item: bool = False
    posted_exactly_at: datetime | None = None

    def posts(self) -> tuple[object, ...]:
        """Return all values that decide about the video as a post."""
        whose = self.creator_id, self.project_id, self.is_campaign_item
        return self.is_counted, whose, self.posted_at


class FlaggedVideo(msgspec.Struct, frozen=True, gc=False):
    """The columns of a video that decide about the sums in which it counts."""

    organization_id: UUID
    id: UUID
    number: int | None
    creator_id: UUID | None
    project_id: UUID | None
    is_counted: bool
    posted_at: datetime | None
    is_campaign_item: bool
    posted_exactly_at: datetime | None


class SubjectRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A creator, project or campaign. ``kind`` is null until the event that adds it.

    ``origin_project_id`` is the project that a creator was added to. The ids of its
    videos follow from that project. ``project_position`` is the position of its newest
    move. A creator that was erased at ``erased_position`` is of the kind ``erased`` if
    its figures were dropped.
    """

    organization_id: UUID
    id: UUID
    kind: str | None = None
    project_id: UUID | None = None
    label: str | None = None
    label_position: int = 0
    position: int | None = None
    earliest_at: datetime | None = None
    deleted_position: int | None = None
    origin_project_id: UUID | None = None
    project_position: int = 0
    erased_position: int | None = None
    erased_time_zone: str | None = None

    def moved_to(self, project_id: UUID, position: int) -> "SubjectRow":
        """Return the row with the project of its newest move."""
        if position <= self.project_position:
            return self
        return replace(self, project_id=project_id, project_position=position)

    def of_origin(self, project_id: UUID) -> "SubjectRow":
        """Return a creator's row with the project that it was added to."""
        present = self.project_id if self.project_position else project_id
        return replace(self, project_id=present, origin_project_id=project_id)

    def with_observation_at(self, observed_at: datetime) -> "SubjectRow":
        """Return the row after a snapshot of the creator or its videos at this time."""
        if self.earliest_at is not None and self.earliest_at <= observed_at:
            return self
        return replace(self, earliest_at=observed_at)

    def named(self, label: str, position: int) -> "SubjectRow":
        """Return the row with its newest name."""
        if position <= self.label_position:
            return self
        return replace(self, label=label, label_position=position)


def project_of(
    row: "AnalyticsVideoRow | FlaggedVideo", creators: Mapping[UUID, SubjectRow]
) -> UUID | None:
    """Return the project of a video: its creator's, else its own."""
    creator = creators.get(row.creator_id) if row.creator_id else None
    return (creator and creator.project_id) or row.project_id


def counting_subjects(
    row: "AnalyticsVideoRow | FlaggedVideo", creators: Mapping[UUID, SubjectRow]
) -> tuple[UUID | None, ...]:
    """Return the subjects with sums that include the video: its creator, its project.

    The video is the third if a campaign has or had it by itself.
    """
    both = row.creator_id, project_of(row, creators)
    return (*both, row.id) if row.is_campaign_item else both


def changed(
    row: AnalyticsVideoRow,
    new_changes: Sequence[Change],
    events: Mapping[int, Event] = _NONE,
) -> AnalyticsVideoRow:
    """Return the row with these changes. A change that the row has already is ignored.

    ``events`` are events that were decoded already, by position.
    """
    if row.changes is _NOTHING and len(new_changes) == 1:
        # Most rows begin with one change. To merge and sort took a third of the time.
        return _of_all(row, new_changes, events)
    known = {change.position: change for change in decode_changes(row.changes)}
    before = len(known)
    known |= {change.position: change for change in new_changes}
    if len(known) == before:
        return row
    return _of_all(row, [known[position] for position in sorted(known)], events)


def refolded(row: AnalyticsVideoRow) -> AnalyticsVideoRow:
    """Return the row folded anew from its changes, each taken once."""
    return changed(_bare(row), decode_changes(row.changes))


def as_of(row: AnalyticsVideoRow, position: int) -> AnalyticsVideoRow:
    """Return the row as it was when the log ended at a position."""
    changes = _until(row, position)
    folded = _folded(_bare(row), changes)
    # A creator that was erased with the figures has no videos in the past either.
    return replace(folded, is_there=False) if is_dropped(changes) else folded


def was_there(row: AnalyticsVideoRow, position: int) -> bool:
    """Tell whether an event up to a position added the video, erased since or not."""
    return _folded(_bare(row), _until(row, position)).is_there


def flags_of_video(
    row: AnalyticsVideoRow | FlaggedVideo,
    subjects: Mapping[UUID, SubjectRow],
    *,
    rule: BaselineRule,
) -> int:
    """Return a video's flags in its owner's state, given the rows of the creators."""
    creator = subjects.get(row.creator_id) if row.creator_id else None
    earliest = None if creator is None else creator.earliest_at
    posted_at = row.posted_exactly_at or row.posted_at
    begins = is_baseline(rule, posted_at=posted_at, earliest_at=earliest)
    # A video that does not count is its owner's, with numbers of its own.
    flags = OWNED | (BASELINE if begins else 0)
    if not row.is_counted:
        return flags
    return flags | COUNTED | (ITEM if row.is_campaign_item else 0)


def flags_of_profile(row: SubjectRow | None) -> int:
    """Return the flags of a creator's profile. It counts once the creator was added."""
    if row is None or row.kind != "creator":
        return 0
    return OWNED | COUNTED | BASELINE


def _bare(row: AnalyticsVideoRow) -> AnalyticsVideoRow:
    return AnalyticsVideoRow(organization_id=row.organization_id, id=row.id)


def _until(row: AnalyticsVideoRow, position: int) -> list[Change]:
    """Return the changes up to a position, and the mark of any erasure."""
    return [
        change
        for change in decode_changes(row.changes)
        if change.position <= position or change.name == ERASED
    ]


def _folded(
    row: AnalyticsVideoRow,
    changes: Iterable[Change],
    events: Mapping[int, Event] = _NONE,
) -> AnalyticsVideoRow:
    video: VideoState | None = None
    details: list[ObservedDetails] = []
    title: str | None = None
    # The first known time, in the order of the log. Later times change no number.
    posted_at: datetime | None = None
    is_item = False
    mark: ErasedMark | None = None
    for change in changes:
        if change.name == ERASED:
            mark = mark_of(change)
            continue
        if change.name == ITEM_CHANGE:
            is_item = True
            continue
        if change.name == DETAILS:
            observed = msgspec.json.decode(change.body, type=ObservedDetails)
            details.append(observed)
            posted_at = posted_at or observed.posted_at
            continue
        event = events.get(change.position)
        if event is None:
            event = _codec.decode(change.name, bytes(change.body))
        if isinstance(event, e.VideoDiscovered):
            title = event.title or title
            posted_at = posted_at or event.posted_at
        try:
            video = evolve(video, cast("e.VideoEvent", event))
        except CorruptHistoryError:
            # The video's first event is in a part of the log that was not read yet.
            continue
    # The newest snapshot has the title; at one instant, the later one in the log.
    for one in sorted(details, key=_observed_at):
        title = one.title or title
    is_dropped = mark is not None and mark.is_dropped
    if mark is not None:
        title = None if is_dropped else UNREADABLE
    if video is None:
        return replace(row, posted_at=posted_at, label=title, is_campaign_item=is_item)
    tiktok_video_id = video.tiktok_video_id if mark is None else None
    posted_at = posted_at or video.posted_at
    return replace(
        row,
        is_campaign_item=is_item,
        project_id=video.project_id,
        creator_id=video.creator_id,
        tiktok_video_id=tiktok_video_id,
        label=title or tiktok_video_id,
        is_there=True,
        number=_number(video, mark),
        is_counted=video.is_counted and not is_dropped,
        posted_at=posted_at if mark is None else mark.day_of(posted_at),
        posted_exactly_at=None if mark is None else posted_at,
    )


def _of_all(
    row: AnalyticsVideoRow, changes: Sequence[Change], events: Mapping[int, Event]
) -> AnalyticsVideoRow:
    erased_at = position_of_mark(changes)
    if erased_at is not None:
        changes = unless_later(changes, erased_at)
    folded = _folded(row, changes, events)
    if erased_at is not None:
        changes = without_person(changes, folded.number)
    return replace(folded, changes=msgspec.Raw(encode_changes(changes)))


def _number(video: VideoState, mark: ErasedMark | None) -> int | None:
    # Only old logs have the id as the pseudonym. It was erased.
    if mark is not None and video.pseudonym == UNREADABLE:
        return mark.number
    return number_of(video.pseudonym)


def is_dropped_owner(subject: SubjectRow | None) -> bool:
    """Tell whether an owner is a creator that was erased with the figures."""
    return subject is not None and subject.kind == "erased"

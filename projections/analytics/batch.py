"""What a part of the log tells analytics: of subjects, of videos, and what was seen."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

import numpy as np
from msgspec import UNSET
from msgspec.structs import replace

from domain import events as e
from domain.messages import Fact
from domain.streams import video_stream
from infra.eventstore.store import Recorded
from projections.analytics.columns import Listed, Seen, seen_of
from projections.analytics.entities import Change, SubjectRow, fact_change, seen_change
from projections.analytics.entities import Seen as Told
from projections.analytics.rollup_deltas import PROFILES, VIDEOS, Key, key_of
from projections.analytics.snapshot_decoder import VideosSeen, same_seen
from projections.analytics.snapshots import Look

_ITSELF = Listed(np.zeros(1, np.int64), 1, None)


class Heard:
    """Subjects as they are after it, changes of videos, and looks, in log order.

    ``facts`` are those that changes of videos come of, by position.
    """

    def __init__(self, subjects: Iterable[SubjectRow] = ()) -> None:
        self.subjects = {row.id: row for row in subjects}
        self.told: dict[Key, list[Change]] = defaultdict(list)
        self.facts: dict[int, Fact] = {}
        self.looks: list[Look] = []

    def hear(self, facts: Sequence[Recorded]) -> None:
        """Take in facts; what the subjects were before must be known."""
        for fact in facts:
            self._hear(fact)

    def _hear(self, recorded: Recorded) -> None:
        fact, position = recorded.fact, recorded.position
        match fact:
            case e.ProjectCreated():
                row = self._subject(recorded.stream, fact.project_id)
                row = replace(row, kind="project", position=position)
                self._put(row.named(fact.name, position))
            case e.ProjectDetailsChanged():
                if fact.name is not UNSET:
                    row = self._subject(recorded.stream, fact.project_id)
                    self._put(row.named(fact.name, position))
            case e.CreatorAdded():
                row = self._subject(fact.organization_id, recorded.stream)
                row = replace(
                    row, kind="creator", project_id=fact.project_id, position=position
                )
                self._put(row.named(fact.handle, position))
            case e.HandleChanged():
                row = self._subject(fact.organization_id, recorded.stream)
                self._put(row.named(fact.new, position))
            case e.ProfileSnapshotRecorded():
                self._see_profile(recorded, fact)
            case VideosSeen():
                self._see_videos(recorded, fact)
            case e.VideoStatsSnapshotRecorded():
                self._see_videos(recorded, same_seen(fact))
            case _:
                organization_id: UUID = getattr(fact, "organization_id")  # noqa: B009
                told = self.told[key_of(organization_id, recorded.stream)]
                told.append(fact_change(recorded))
                self.facts[position] = fact

    def _see_profile(self, recorded: Recorded, fact: e.ProfileSnapshotRecorded) -> None:
        row = self._subject(fact.organization_id, fact.creator_id)
        self._put(row.looked_at(fact.observed_at))
        columns = (
            (fact.follower_count,),
            (fact.following_count,),
            (fact.total_likes_count,),
            (fact.video_count,),
        )
        seen = seen_of(_ITSELF, columns)
        self._look(recorded, fact, PROFILES.number, fact.creator_id, seen)

    def _see_videos(self, recorded: Recorded, fact: VideosSeen) -> None:
        project_id, creator_id = fact.project_id, fact.creator_id
        if creator_id is not None:
            row = self._subject(fact.organization_id, creator_id)
            row = row.looked_at(fact.observed_at)
            if row.project_id is None and project_id is not None:
                row = replace(row, project_id=project_id)
            self._put(row)
        keeper = creator_id or project_id
        if keeper is None:
            # Whose videos these are nobody can know.
            return
        self._look(recorded, fact, VIDEOS.number, keeper, fact.seen)
        if project_id is not None and (fact.posted_at or fact.titles):
            self._hear_details(project_id, recorded.position, fact)

    def _hear_details(self, project_id: UUID, position: int, fact: VideosSeen) -> None:
        names = fact.names()
        nothing = (None,) * len(names)
        details = zip(
            names,
            fact.posted_at or nothing,
            fact.titles or nothing,
            strict=True,
        )
        for name, posted_at, title in details:
            if posted_at is not None or title is not None:
                key = key_of(fact.organization_id, video_stream(project_id, name))
                told = Told(
                    observed_at=fact.observed_at, posted_at=posted_at, title=title
                )
                self.told[key].append(seen_change(position, told))

    def _look(
        self,
        recorded: Recorded,
        fact: e.ProfileSnapshotRecorded | VideosSeen,
        family: int,
        keeper: UUID,
        seen: Seen,
    ) -> None:
        look = Look(
            organization_id=fact.organization_id,
            family=family,
            owner=keeper,
            observed_at=fact.observed_at,
            position=recorded.position,
            creator_id=fact.creator_id,
            scrape_id=recorded.stream,
            provider=fact.provider,
            recorded_at=recorded.recorded_at,
            seen=seen,
        )
        self.looks.append(look)

    def _put(self, row: SubjectRow) -> None:
        self.subjects[row.id] = row

    def _subject(self, organization_id: UUID, subject_id: UUID) -> SubjectRow:
        return self.subjects.get(subject_id) or SubjectRow(
            organization_id=organization_id, id=subject_id
        )


# How many observations are held at once, however many a batch has.
MOST_OBSERVATIONS = 500_000


def parts_of_log(facts: Sequence[Recorded]) -> Iterator[Sequence[Recorded]]:
    """Cut a batch so that no part has many more observations than may be held."""
    part: list[Recorded] = []
    observations = 0
    for recorded in facts:
        part.append(recorded)
        fact = recorded.fact
        match fact:
            case VideosSeen():
                observations += len(fact.seen)
            case e.VideoStatsSnapshotRecorded():
                observations += len(fact.video_ids)
            case _:
                pass
        if observations >= MOST_OBSERVATIONS:
            yield part
            part, observations = [], 0
    if part:
        yield part


def subjects_of(recorded: Recorded) -> Iterator[tuple[UUID, UUID]]:
    """Return the creators and projects whose rows a fact needs."""
    fact = recorded.fact
    match fact:
        case e.ProjectCreated() | e.ProjectDetailsChanged():
            yield recorded.stream, fact.project_id
        case e.CreatorAdded() | e.HandleChanged():
            yield fact.organization_id, recorded.stream
        case (
            e.ProfileSnapshotRecorded() | e.VideoStatsSnapshotRecorded() | VideosSeen()
        ):
            if fact.creator_id is not None:
                yield fact.organization_id, fact.creator_id
        case _:
            pass

"""Parts of the log, as analytics takes them in: so much at once, about these things."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from domain import events as e
from infra.store import Recorded
from projections.analytics_snapshots import VideosSeen

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

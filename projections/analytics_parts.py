"""Parts of the log, as analytics takes them in: so much at once, about these things."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from uuid import UUID

from domain import events as e
from domain.streams import video_stream
from infra.store import Recorded

# How many observations are held at once, however many a batch has.
MOST_OBSERVATIONS = 100_000
_MOST_NUMBERS = 50_000


def parts_of_log(facts: Sequence[Recorded]) -> Iterator[Sequence[Recorded]]:
    """Cut a batch so that no part has many more observations than may be held."""
    part: list[Recorded] = []
    observations = 0
    for recorded in facts:
        part.append(recorded)
        fact = recorded.fact
        if isinstance(fact, e.VideoStatsSnapshotRecorded):
            observations += len(fact.video_ids)
        if observations >= MOST_OBSERVATIONS:
            yield part
            part, observations = [], 0
    if part:
        yield part


class _Numbers(dict[str, int]):
    """The videos of a project by their ids on TikTok, found out once."""

    def __init__(self, project_id: UUID) -> None:
        super().__init__()
        self._project_id = project_id

    def __missing__(self, tiktok_video_id: str) -> int:
        number = video_stream(self._project_id, tiktok_video_id).int
        if len(self) >= _MOST_NUMBERS:
            self.clear()
        self[tiktok_video_id] = number
        return number


@lru_cache(maxsize=16)
def numbers_of(project_id: UUID) -> _Numbers:
    """Return the ids of a project's videos as numbers, by their ids on TikTok."""
    return _Numbers(project_id)


def subjects_of(recorded: Recorded) -> Iterator[tuple[UUID, UUID]]:
    """Return the creators and projects whose rows a fact needs."""
    fact = recorded.fact
    match fact:
        case e.ProjectCreated() | e.ProjectDetailsChanged():
            yield recorded.stream, fact.project_id
        case e.CreatorAdded() | e.HandleChanged():
            yield fact.organization_id, recorded.stream
        case e.ProfileSnapshotRecorded() | e.VideoStatsSnapshotRecorded():
            if fact.creator_id is not None:
                yield fact.organization_id, fact.creator_id
        case _:
            pass

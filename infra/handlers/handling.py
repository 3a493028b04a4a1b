"""From histories to states: what every handler does before it decides."""

from collections.abc import Sequence
from functools import reduce
from types import UnionType
from typing import cast
from uuid import UUID

from domain import events as e
from domain.creator import decider as creator_decider
from domain.creator import handle_ban, handle_claim
from domain.creator.decider import Creator
from domain.errors import NotFoundError
from domain.organization import decider as organization_decider
from domain.organization.decider import Organization
from domain.scrape import decider as scrape_decider
from domain.scrape.decider import Scrape
from domain.video import decider as video_decider
from domain.video.decider import Video
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import RecordedEvent

NOT_BANNED = False

History = Sequence[RecordedEvent]


def creator_of(history: History) -> Creator | None:
    """Return the creator whose history it is, None if it is nobody's."""
    if not _is_of(history, e.CreatorEvent):
        return None
    events = (cast("e.CreatorEvent", past.event) for past in history)
    return reduce(creator_decider.evolve, events, cast("Creator | None", None))


def organization_of(history: History) -> Organization | None:
    """Return the organization whose history it is, None if it is of none."""
    if not _is_of(history, e.OrganizationEvent):
        return None
    events = (cast("e.OrganizationEvent", past.event) for past in history)
    return reduce(
        organization_decider.evolve, events, cast("Organization | None", None)
    )


def claim_of(history: History) -> handle_claim.Claim:
    """Return who holds the handle, and who held it last."""
    events = (cast("e.ClaimEvent", past.event) for past in history)
    return reduce(handle_claim.evolve, events, handle_claim.UNCLAIMED)


def banned_by(history: History) -> bool:
    """Return whether the handle is banned."""
    events = (cast("e.BanEvent", past.event) for past in history)
    return reduce(handle_ban.evolve, events, NOT_BANNED)


def scrape_of(history: History) -> Scrape | None:
    """Return the run whose history it is, None if it is of none."""
    if not _is_of(history, e.ScrapeEvent):
        return None
    events = (cast("e.ScrapeEvent", past.event) for past in history)
    return reduce(scrape_decider.evolve, events, cast("Scrape | None", None))


def video_of(history: History) -> Video | None:
    """Return the video whose history it is, None if it is of none."""
    if not _is_of(history, e.VideoEvent):
        return None
    events = (cast("e.VideoEvent", past.event) for past in history)
    return reduce(video_decider.evolve, events, cast("Video | None", None))


def check_project(history: History, project_id: UUID) -> str:
    """Return the organization's plan, once the project is known to be its own.

    Raises:
        NotFoundError: it is not.
    """
    decider = organization_of(history)
    if decider is None or project_id not in decider.projects:
        raise NotFoundError("project")
    return decider.plan


def next_entries(
    stream: UUID, history: History, events: Sequence[e.Event]
) -> list[NewEvent]:
    """Return ``events`` as the versions that follow ``history``."""
    return [
        NewEvent(stream, version, event)
        for version, event in enumerate(events, len(history) + 1)
    ]


def _is_of(history: History, events: UnionType) -> bool:
    # Whoever asks may name any id, and there are streams of other kinds.
    return bool(history) and isinstance(history[0].event, events)

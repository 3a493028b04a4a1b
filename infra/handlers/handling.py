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
from infra.eventstore.codec import Entry
from infra.eventstore.store import Recorded

NOT_BANNED = False

History = Sequence[Recorded]


def creator_of(history: History) -> Creator | None:
    """Return the creator whose history it is, None if it is nobody's."""
    if not _is_of(history, e.CreatorEvent):
        return None
    facts = (cast("e.CreatorEvent", past.fact) for past in history)
    return reduce(creator_decider.evolve, facts, cast("Creator | None", None))


def organization_of(history: History) -> Organization | None:
    """Return the organization whose history it is, None if it is of none."""
    if not _is_of(history, e.OrganizationEvent):
        return None
    facts = (cast("e.OrganizationEvent", past.fact) for past in history)
    return reduce(organization_decider.evolve, facts, cast("Organization | None", None))


def claim_of(history: History) -> handle_claim.Claim:
    """Return who holds the handle, and who held it last."""
    facts = (cast("e.ClaimEvent", past.fact) for past in history)
    return reduce(handle_claim.evolve, facts, handle_claim.UNCLAIMED)


def banned_by(history: History) -> bool:
    """Return whether the handle is banned."""
    facts = (cast("e.BanEvent", past.fact) for past in history)
    return reduce(handle_ban.evolve, facts, NOT_BANNED)


def scrape_of(history: History) -> Scrape | None:
    """Return the run whose history it is, None if it is of none."""
    if not _is_of(history, e.ScrapeEvent):
        return None
    facts = (cast("e.ScrapeEvent", past.fact) for past in history)
    return reduce(scrape_decider.evolve, facts, cast("Scrape | None", None))


def video_of(history: History) -> Video | None:
    """Return the video whose history it is, None if it is of none."""
    if not _is_of(history, e.VideoEvent):
        return None
    facts = (cast("e.VideoEvent", past.fact) for past in history)
    return reduce(video_decider.evolve, facts, cast("Video | None", None))


def check_project(past: History, project_id: UUID) -> str:
    """Return the organization's plan, once the project is known to be its own.

    Raises:
        NotFoundError: it is not.
    """
    decider = organization_of(past)
    if decider is None or project_id not in decider.projects:
        raise NotFoundError("project")
    return decider.plan


def next_entries(
    stream: UUID, history: History, facts: Sequence[e.Fact]
) -> list[Entry]:
    """Return ``facts`` as the versions that follow ``history``."""
    return [
        Entry(stream, version, fact)
        for version, fact in enumerate(facts, len(history) + 1)
    ]


def _is_of(history: History, facts: UnionType) -> bool:
    # Whoever asks may name any id, and there are streams of other kinds.
    return bool(history) and isinstance(history[0].fact, facts)

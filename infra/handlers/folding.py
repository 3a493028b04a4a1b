"""From histories to states: what every handler does before it decides."""

from collections.abc import Sequence
from functools import reduce
from types import UnionType
from typing import cast
from uuid import UUID

from domain import bans, claims, creator, organization, scrape, video
from domain import events as e
from domain.creator import Creator
from domain.errors import NotFoundError
from domain.organization import Organization
from domain.scrape import Scrape
from domain.video import Video
from infra.mapper import Entry
from infra.store import Recorded

NOT_BANNED = False

History = Sequence[Recorded]


def creator_of(history: History) -> Creator | None:
    """Return the creator whose history it is, None if it is nobody's."""
    if not _is_of(history, e.CreatorEvent):
        return None
    facts = (cast("e.CreatorEvent", past.fact) for past in history)
    return reduce(creator.evolve, facts, cast("Creator | None", None))


def organization_of(history: History) -> Organization | None:
    """Return the organization whose history it is, None if it is of none."""
    if not _is_of(history, e.OrganizationEvent):
        return None
    facts = (cast("e.OrganizationEvent", past.fact) for past in history)
    return reduce(organization.evolve, facts, cast("Organization | None", None))


def claim_of(history: History) -> claims.Claim:
    """Return who holds the handle, and who held it last."""
    facts = (cast("e.ClaimEvent", past.fact) for past in history)
    return reduce(claims.evolve, facts, claims.UNCLAIMED)


def banned_by(history: History) -> bool:
    """Return whether the handle is banned."""
    facts = (cast("e.BanEvent", past.fact) for past in history)
    return reduce(bans.evolve, facts, NOT_BANNED)


def scrape_of(history: History) -> Scrape | None:
    """Return the run whose history it is, None if it is of none."""
    if not _is_of(history, e.ScrapeEvent):
        return None
    facts = (cast("e.ScrapeEvent", past.fact) for past in history)
    return reduce(scrape.evolve, facts, cast("Scrape | None", None))


def video_of(history: History) -> Video | None:
    """Return the video whose history it is, None if it is of none."""
    if not _is_of(history, e.VideoEvent):
        return None
    facts = (cast("e.VideoEvent", past.fact) for past in history)
    return reduce(video.evolve, facts, cast("Video | None", None))


def check_project(past: History, project_id: UUID) -> str:
    """Return the organization's plan, once the project is known to be its own.

    Raises:
        NotFoundError: it is not.
    """
    organization = organization_of(past)
    if organization is None or project_id not in organization.projects:
        raise NotFoundError("project")
    return organization.plan


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

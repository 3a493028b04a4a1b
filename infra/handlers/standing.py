"""A creator's standing: the handle it holds, and its place in the plan."""

from uuid import UUID

from domain import claims
from domain import commands as c
from domain.creator import Creator
from domain.streams import claim_stream, creators_tally
from infra.appending import Tally
from infra.handlers.folding import History, claim_of, next_entries
from infra.mapper import Entry


def claim_of_its_handle(creator: Creator) -> UUID:
    """Return the stream of the claim on the handle that a creator has."""
    return claim_stream(creator.project_id, creator.handle)


def released(creator_id: UUID, creator: Creator, past: History) -> list[Entry]:
    """Return what frees the handle, given the history of its claim."""
    facts = claims.decide(
        claim_of(past),
        c.ReleaseHandle(
            organization_id=creator.organization_id,
            project_id=creator.project_id,
            handle=creator.handle,
            creator_id=creator_id,
        ),
    )
    return next_entries(claim_of_its_handle(creator), past, facts)


def places(creator: Creator) -> int:
    """Return how many places of the plan a creator takes: one while it is active."""
    return 1 if creator.status == "active" else 0


def creators_counted(
    organization_id: UUID, delta: int, *, maximum: int | None = None
) -> list[Tally]:
    """Return the change of the number of active creators, none for 0."""
    if delta == 0:
        return []
    return [
        Tally(
            key=creators_tally(organization_id),
            delta=delta,
            limit_key="max_creators_per_org",
            maximum=maximum,
        )
    ]

"""Claims of a creator: the projects in which it has its handle, claimed and freed."""

from uuid import UUID

from domain import commands as c
from domain.creator import handle_claim
from domain.creator.decider import CreatorState
from domain.creator.handle_claim import claim_of
from domain.decisions import Histories, StreamEvent, on
from domain.messages import copied
from domain.streams import Names


def claims_of(creator: CreatorState, names: Names) -> dict[UUID, UUID]:
    """Return the streams of the claims on the creator's handle, with their projects.

    A moved creator also has a claim in the project that it was added to, because the
    ids of its videos are computed with that project.
    """
    projects = (creator.project_id, creator.origin_project_id)
    return {
        names.claim_stream(project, creator.handle): project for project in projects
    }


def claim_handle(
    creator: CreatorState, creator_id: UUID, claims: Histories, names: Names
) -> list[StreamEvent]:
    """Return the events that claim the creator's handle in each of its projects.

    Raises:
        HandleTakenError: another creator of a project has it.
    """
    return [
        (stream, claimed)
        for stream, project_id in claims_of(creator, names).items()
        for claimed in handle_claim.decide(
            claim_of(claims[stream]),
            copied(
                creator, c.ClaimHandle, project_id=project_id, creator_id=creator_id
            ),
        )
    ]


def release_handle(
    creator: CreatorState,
    creator_id: UUID,
    project_id: UUID,
    claims: Histories,
    names: Names,
) -> list[StreamEvent]:
    """Return the event that frees the creator's handle in a project."""
    stream = names.claim_stream(project_id, creator.handle)
    released = handle_claim.decide(
        claim_of(claims[stream]),
        copied(creator, c.ReleaseHandle, project_id=project_id, creator_id=creator_id),
    )
    return on(stream, released)


def release_handles(
    creator: CreatorState, creator_id: UUID, claims: Histories, names: Names
) -> list[StreamEvent]:
    """Return the events that free the creator's handle in each of its projects."""
    return [
        released
        for project_id in claims_of(creator, names).values()
        for released in release_handle(creator, creator_id, project_id, claims, names)
    ]

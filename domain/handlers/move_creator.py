"""The handler that moves a creator into another project of its organization."""

from collections.abc import Collection, Sequence
from uuid import UUID

from msgspec.structs import replace

from domain import commands as c
from domain.campaign.commands import CampaignItem
from domain.creator.decider import decide
from domain.decisions import Decision, Handler, on
from domain.handlers.campaign_items import leave_campaigns
from domain.handlers.claims import claim_handle, claims_of, release_handle
from domain.handlers.connections import check_accounts_free
from domain.handlers.creators import own_creator
from domain.organization.decider import project_owner
from domain.streams import Names


def move_creator(
    creator_id: UUID,
    command: c.MoveCreator,
    *,
    video_ids: Sequence[UUID],
    same_account: Collection[UUID],
    organization_id: UUID,
    names: Names,
    expected_versions: Collection[int] | None = None,
) -> Handler[UUID]:
    """Move a creator into another project; do nothing if it is in it already.

    It and ``video_ids``, those of its videos that campaigns hold by themselves, leave
    the campaigns of the old project. ``same_account`` are all creators that are
    connected with an account that it is connected with. The result is the creator's id.

    Raises:
        NotFoundError: there is no such creator or project.
        StaleVersionError: none of ``expected_versions`` is the creator's.
        CreatorRemovedError: the creator was removed.
        HandleTakenError: another creator of the new project has its handle.
        ConnectedElsewhereError: another creator there is connected with its account.
    """
    others = sorted({*same_account} - {creator_id})
    histories = yield (creator_id, organization_id, *others)
    creator = own_creator(histories[creator_id], organization_id, expected_versions)
    project_owner(histories[organization_id], command.project_id)
    moved = decide(creator, command)
    if not moved:
        return Decision(creator_id)
    accounts = {each: known.open_id for each, known in creator.connections.items()}
    check_accounts_free(accounts, command.project_id, others, histories)
    after = replace(creator, project_id=command.project_id)
    before, places = claims_of(creator, names), claims_of(after, names)
    claims = yield {**before, **places}
    claimed = claim_handle(after, creator_id, claims, names)
    released = [
        event
        for stream, project_id in before.items()
        if stream not in places
        for event in release_handle(creator, creator_id, project_id, claims, names)
    ]
    items = [
        CampaignItem("creator", creator_id),
        *(CampaignItem("video", video_id) for video_id in video_ids),
    ]
    departure = yield from leave_campaigns(items, organization_id=organization_id)
    return Decision(
        creator_id,
        events=[*on(creator_id, moved), *claimed, *released, *departure.events],
        guards=[organization_id, *others, *departure.guards],
    )

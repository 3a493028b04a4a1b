"""The handler that adds creators and puts them into campaigns, all in one append."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from domain import commands as c
from domain.campaign.commands import CampaignItem
from domain.campaign.decider import campaign_of, decide, living
from domain.campaign.membership import joined
from domain.creator.handlers.add import Additions
from domain.decisions import Decision, Handler, StreamEvent, on
from domain.errors import NotFoundError
from domain.organization.decider import organization_of
from domain.organization.plans import Limits
from domain.streams import membership_stream


def add_to_campaigns(
    adding: Handler[Additions],
    campaign_ids: Sequence[UUID | None],
    *,
    organization_id: UUID,
    project_id: UUID,
    plans: Mapping[str, Limits],
) -> Handler[Additions]:
    """Add creators as ``adding`` does, and put each added creator into its campaign.

    ``campaign_ids`` are campaigns of the project, in the order of the requested
    creators; None is no campaign. A creator that is in its campaign already stays.

    Raises:
        NotFoundError: a campaign does not exist in the project, so nobody is added.
        LimitReachedError: the plan allows fewer items in a campaign.
    """
    decision = yield from adding
    requested: dict[UUID, list[CampaignItem]] = defaultdict(list)
    for addition, campaign_id in zip(decision.result, campaign_ids, strict=True):
        if campaign_id is not None and addition.creator_id is not None:
            requested[campaign_id].append(CampaignItem("creator", addition.creator_id))
    if not requested:
        return decision
    histories = yield (organization_id, *requested)
    organization = organization_of(histories[organization_id])
    assert organization is not None, "the campaign has a project"
    events: list[StreamEvent] = []
    for campaign_id, items in requested.items():
        campaign = campaign_of(histories[campaign_id])
        if campaign is None or campaign.project_id != project_id:
            raise NotFoundError("campaign")
        fresh = [item for item in items if item not in living(campaign).items]
        command = c.AddCampaignItems(items=tuple(fresh))
        events += on(
            campaign_id, decide(campaign, command, limits=plans[organization.plan])
        )
        events += [
            joined(item, campaign_id, organization_id=organization_id) for item in fresh
        ]
    # The handler appends to these streams.
    yield [
        membership_stream(item.item_id)
        for items in requested.values()
        for item in items
    ]
    return Decision(
        decision.result,
        events=[*decision.events, *events],
        guards=decision.guards,
        quota_counters=decision.quota_counters,
    )

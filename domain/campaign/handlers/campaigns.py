"""The handlers that create, change and delete campaigns."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from domain import commands as c
from domain.campaign.commands import CampaignItem
from domain.campaign.decider import (
    CampaignState,
    campaign_of,
    decide,
    evolve,
    living,
)
from domain.campaign.handlers.items import leave_campaigns
from domain.campaign.membership import left
from domain.decisions import (
    Decision,
    Handler,
    History,
    QuotaCounter,
    check_version,
    decide_all,
    on,
)
from domain.errors import NotFoundError
from domain.organization.decider import project_owner
from domain.organization.plans import Limits
from domain.streams import campaigns_counter, membership_stream


def create_campaign(
    campaign_id: UUID,
    commands: Sequence[c.CampaignCommand],
    *,
    organization_id: UUID,
    project_id: UUID,
    plans: Mapping[str, Limits],
) -> Handler[UUID]:
    """Decide the first commands to a new campaign of the project as one.

    The result is the campaign's id.
    """
    histories = yield (organization_id,)
    organization = project_owner(histories[organization_id], project_id)
    return Decision(
        campaign_id,
        events=on(
            campaign_id, decide_all(None, commands, decide=decide, evolve=evolve)
        ),
        quota_counters=[
            QuotaCounter(
                key=campaigns_counter(project_id),
                delta=1,
                limit_key="max_campaigns_per_project",
                maximum=plans[organization.plan].max_campaigns_per_project,
            )
        ],
    )


def change_campaign(
    campaign_id: UUID,
    commands: Sequence[c.ChangeCampaignDetails | c.ChangeCampaignTarget],
    *,
    organization_id: UUID,
    expected_versions: Collection[int] | None = None,
) -> Handler[UUID]:
    histories = yield (campaign_id,)
    campaign = living(_own(histories[campaign_id], organization_id))
    check_version(len(histories[campaign_id]), expected_versions)
    changes = decide_all(campaign, commands, decide=decide, evolve=evolve)
    return Decision(campaign_id, events=on(campaign_id, changes))


def report_target(campaign_id: UUID, command: c.ReportTarget) -> Handler[None]:
    """Record the outcome of a campaign's target; do nothing if it is known."""
    histories = yield (campaign_id,)
    campaign = campaign_of(histories[campaign_id])
    return Decision(None, events=on(campaign_id, decide(campaign, command)))


def delete_campaign(
    campaign_id: UUID,
    *,
    organization_id: UUID,
    expected_versions: Collection[int] | None = None,
) -> Handler[UUID]:
    """Delete a campaign with its memberships; do nothing if it is deleted already.

    The campaign leaves the campaigns above it. Its items do not count there any more,
    unless they are in those campaigns in another way as well.
    """
    histories = yield (campaign_id,)
    campaign = _own(histories[campaign_id], organization_id)
    check_version(len(histories[campaign_id]), expected_versions)
    deleted = decide(campaign, c.DeleteCampaign())
    if not deleted:
        return Decision(campaign_id)
    # The handler appends to these streams below.
    yield [membership_stream(item.item_id) for item in campaign.items]
    exits = yield from leave_campaigns(
        [CampaignItem("campaign", campaign_id)], organization_id=organization_id
    )
    return Decision(
        campaign_id,
        events=[
            *exits.events,
            *on(campaign_id, deleted),
            *(
                left(item, campaign_id, organization_id=organization_id)
                for item in sorted(campaign.items)
            ),
        ],
        guards=exits.guards,
        quota_counters=[
            QuotaCounter(key=campaigns_counter(campaign.project_id), delta=-1)
        ],
    )


def _own(history: History, organization_id: UUID) -> CampaignState:
    campaign = campaign_of(history)
    if campaign is None or campaign.organization_id != organization_id:
        raise NotFoundError("campaign")
    return campaign

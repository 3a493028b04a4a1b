"""Answers to commands about campaigns: the campaign after the command."""

from uuid import UUID

from api.http.responses import Answer
from api.http.writer import Rows
from api.routes.creators.responses import CREATED, OK
from infra.eventstore.execute import Executed
from projections.campaigns.projection import fold_campaign
from projections.campaigns.queries import Campaign, campaign_from_row


def changed_campaign(_: Rows, done: Executed[UUID]) -> Answer[Campaign]:
    """Answer with the campaign after the command, changed or unchanged."""
    row = None
    for recorded in done.history(done.result):
        row = fold_campaign(row, recorded)
    assert row is not None
    campaign = campaign_from_row(row)
    return Answer(campaign, version=campaign.version)


def campaign_with_items(rows: Rows, done: Executed[UUID]) -> Answer[Campaign]:
    """Answer an addition of items: 201, or 200 if the campaign had all of them."""
    answer = changed_campaign(rows, done)
    answer.status_code = CREATED if done.events else OK
    return answer

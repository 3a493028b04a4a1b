"""The tree of campaigns: the campaigns above and below one, and the tree's depth."""

from collections.abc import Collection, Generator, Iterable, Mapping
from uuid import UUID

from domain.campaign.decider import campaign_of
from domain.campaign.membership import campaigns_with
from domain.decisions import Histories
from domain.streams import membership_stream

# The longest chain of campaigns, each in the next, from top to bottom.
MOST_DEEP = 10

CampaignLinks = Mapping[UUID, Collection[UUID]]
_Walk = Generator[Collection[UUID], Histories, CampaignLinks]


def walk_up(campaign_id: UUID) -> _Walk:
    """Read a campaign and all campaigns above it; return the parents of each."""
    above: dict[UUID, Collection[UUID]] = {}
    level = {campaign_id}
    while level:
        histories = yield [membership_stream(each) for each in level]
        for each in level:
            above[each] = campaigns_with(histories[membership_stream(each)])
        level = {holder for each in level for holder in above[each]} - above.keys()
    return above


def walk_down(campaign_ids: Iterable[UUID]) -> _Walk:
    """Read these campaigns and all below them; return the children of each."""
    below: dict[UUID, Collection[UUID]] = {}
    level = set(campaign_ids)
    while level:
        histories = yield level
        for each in level:
            campaign = campaign_of(histories[each])
            below[each] = () if campaign is None else campaign.campaigns
        level = {held for each in level for held in below[each]} - below.keys()
    return below


def reached(links: CampaignLinks, campaign_id: UUID) -> set[UUID]:
    """Return the campaign and all campaigns that its links lead to."""
    found: set[UUID] = set()
    level = {campaign_id}
    while level:
        found |= level
        level = {each for known in level for each in links[known]} - found
    return found


def depth(links: CampaignLinks, campaign_id: UUID) -> int:
    """Return the length of the longest chain from here; this campaign counts as one."""
    depths: dict[UUID, int] = {}

    def of(each: UUID) -> int:
        if each not in depths:
            depths[each] = 1 + max(map(of, links[each]), default=0)
        return depths[each]

    return of(campaign_id)

"""Where a creator could move to, for the form on its settings."""

from msgspec import Struct

from api.routes.creator_move import MovePreview
from api.web.kit.page import PageContext
from api.web.kit.project_choices import all_projects
from projections.campaigns.leaving import LeftCampaign
from projections.creators.creator import Creator
from projections.projects import Project


class PossibleMove(Struct, frozen=True, kw_only=True):
    """The other projects, and the campaigns that the creator would leave."""

    projects: list[Project]
    campaigns: list[LeftCampaign]


async def possible_move(page: PageContext, creator: Creator) -> PossibleMove | None:
    """Return where the creator could move to, None if it cannot."""
    if creator.status == "removed" or not page.may("write"):
        return None
    projects = [
        project
        for project in await all_projects(page)
        if project.id != creator.project_id
    ]
    if not projects:
        return None
    preview = await page.get(f"/creators/{creator.id}/move", MovePreview)
    return PossibleMove(projects=projects, campaigns=preview.data.campaigns)

"""Where a creator could move to, for the form on its settings."""

from collections import Counter

from msgspec import Struct

from api.routes.creators.move import MovePreview
from api.web.kit.forms.project_choices import all_projects
from api.web.kit.page import PageContext
from application.move.move_creator import RefusedProject
from projections.campaigns.leaving import LeftCampaign
from projections.creators.creator import Creator
from projections.projects import Project


class PossibleMove(Struct, frozen=True, kw_only=True):
    """The other projects, the campaigns that it would leave, and what is in the way.

    ``refused`` are the projects that the creator can't move to, with why; they are not
    among ``projects``. ``merged`` is how many single videos of each would be merged.
    """

    projects: list[Project]
    campaigns: list[LeftCampaign]
    refused: list[tuple[Project, RefusedProject]]
    merged: list[tuple[Project, int]]


async def possible_move(page: PageContext, creator: Creator) -> PossibleMove | None:
    """Return where the creator could move to, None if it cannot."""
    if creator.status == "removed" or not page.may("write"):
        return None
    others = {
        project.id: project
        for project in await all_projects(page)
        if project.id != creator.project_id
    }
    if not others:
        return None
    preview = (await page.get(f"/creators/{creator.id}/move", MovePreview)).data
    refused = {each.project_id: each for each in preview.refused}
    merged = Counter(each.project_id for each in preview.merged_videos)
    return PossibleMove(
        projects=[project for id_, project in others.items() if id_ not in refused],
        campaigns=preview.campaigns,
        refused=[(others[id_], each) for id_, each in refused.items() if id_ in others],
        merged=[
            (project, merged[id_])
            for id_, project in others.items()
            if merged[id_] and id_ not in refused
        ],
    )

"""The possible moves of a creator, for the form on the settings."""

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
    """The other projects, the campaigns that would be left, and the obstacles.

    ``refused`` are the projects that the creator cannot move to, with reasons; they are
    not among ``projects``. ``merged`` is the number of single videos of each project
    that would be merged.
    """

    projects: list[Project]
    campaigns: list[LeftCampaign]
    refused: list[tuple[Project, RefusedProject]]
    merged: list[tuple[Project, int]]


async def possible_move(page: PageContext, creator: Creator) -> PossibleMove | None:
    """Return the possible moves of a creator, None if no move is possible."""
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

"""The projects and campaigns that can be chosen."""

from collections.abc import Sequence
from uuid import UUID

from api.web.kit.page import PageContext
from projections.campaigns.queries import Campaign
from projections.projects import Project


async def all_projects(page: PageContext) -> list[Project]:
    found: list[Project] = []
    cursor: str | None = None
    while True:
        got = await page.get("/projects", list[Project], limit=100, cursor=cursor)
        found += got.data
        cursor = got.meta["nextCursor"]
        if cursor is None:
            return sorted(found, key=lambda project: project.name.casefold())


def names_of(projects: Sequence[Project]) -> dict[UUID, str]:
    """Return the names of projects by id; none if there is only one project."""
    if len(projects) == 1:
        return {}
    return {project.id: project.name for project in projects}


async def some_campaigns(page: PageContext) -> list[Campaign]:
    return (await page.get("/campaigns", list[Campaign], limit=100)).data

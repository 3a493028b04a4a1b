"""All projects of an organization, for a choice of one."""

from api.web.kit.page import PageContext
from projections.projects import Project


async def all_projects(page: PageContext) -> list[Project]:
    """Return all projects, sorted by name."""
    found: list[Project] = []
    cursor: str | None = None
    while True:
        got = await page.get("/projects", list[Project], limit=100, cursor=cursor)
        found += got.data
        cursor = got.meta["nextCursor"]
        if cursor is None:
            return sorted(found, key=lambda project: project.name.casefold())

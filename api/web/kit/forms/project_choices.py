"""The choice of a project or campaign, and the last choice."""

from collections.abc import Sequence
from typing import Final

from api.web.kit.page import PageContext
from projections.campaigns.queries import Campaign
from projections.projects import Project

_PROJECT_COOKIE: Final = "goatherd_project"
_YEAR_SECONDS: Final = 365 * 86_400


async def all_projects(page: PageContext) -> list[Project]:
    found: list[Project] = []
    cursor: str | None = None
    while True:
        got = await page.get("/projects", list[Project], limit=100, cursor=cursor)
        found += got.data
        cursor = got.meta["nextCursor"]
        if cursor is None:
            return sorted(found, key=lambda project: project.name.casefold())


async def some_campaigns(page: PageContext) -> list[Campaign]:
    return (await page.get("/campaigns", list[Campaign], limit=100)).data


def last_project(page: PageContext, projects: Sequence[Project]) -> str:
    """Return the project that this browser chose last, by default the first."""
    known = [str(project.id) for project in projects]
    last = page.request.sent_cookies.get(_PROJECT_COOKIE)
    return last if last in known else known[0]


def remember_project(page: PageContext, project_id: str) -> None:
    """Let this browser begin with a project next time."""
    page.set_cookie(_PROJECT_COOKIE, project_id, seconds=_YEAR_SECONDS)

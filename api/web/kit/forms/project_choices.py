"""The projects and campaigns that can be chosen."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from api.http.errors import Code, FieldProblem
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.page import PageContext
from projections.campaigns.queries import Campaign
from projections.projects import Project

# A value with its words; a choice without a value cannot be chosen.
Choice = tuple[str | None, str]

MORE: Final = "Older campaigns are not listed"

_MOST: Final = 100


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


def chosen_project(project_id: str) -> UUID:
    """Return the project that a form has.

    Raises:
        ApiRefusedError: it has none; the problem is at the field ``project_id``.
    """
    try:
        return UUID(project_id)
    except ValueError:
        problem = FieldProblem("/project_id", "choose one of your projects")
        raise ApiRefusedError(
            Code.INVALID_BODY, "Choose a project.", meta={"fields": [problem]}
        ) from None


class SomeCampaigns(list[Campaign]):
    """The newest campaigns, and whether there are older ones."""

    has_more: bool = False

    def choices(self, prefix: str = "", words: str = "") -> list[Choice]:
        """Return the choices of a select; one without a value says that some lack."""
        found: list[Choice] = [(f"{prefix}{x.id}", f"{words}{x.name}") for x in self]
        return [*found, (None, MORE)] if self.has_more else found


async def some_campaigns(
    page: PageContext, *, project_id: UUID | str | None = None
) -> SomeCampaigns:
    """Return the newest campaigns, of one project or of all."""
    of = None if project_id is None else str(project_id) or None
    got = await page.get("/campaigns", list[Campaign], limit=_MOST, project_id=of)
    found = SomeCampaigns(got.data)
    found.has_more = got.meta["nextCursor"] is not None
    return found

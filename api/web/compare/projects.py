"""The projects of compared creators, for organizations that have more than one."""

from collections import Counter
from collections.abc import Iterable, Mapping
from uuid import UUID

from msgspec.structs import replace

from api.routes.analytics.responses import Analytics
from api.web.kit.forms.project_choices import all_projects
from api.web.kit.page import PageContext
from projections.creators.creator import Creator


async def project_names(page: PageContext) -> dict[UUID, str]:
    """Return the names of projects by id; none if there is only one project."""
    projects = await all_projects(page)
    if len(projects) == 1:
        return {}
    return {project.id: project.name for project in projects}


async def projects_of(
    page: PageContext, creator_ids: Iterable[str], names: Mapping[UUID, str]
) -> dict[str, str]:
    """Return the name of each creator's project by the creator's id.

    Raises:
        ApiRefusedError: a creator does not exist.
    """
    found: dict[str, str] = {}
    for creator_id in creator_ids if names else ():
        got = await page.get(f"/creators/{creator_id}", Creator)
        found[creator_id] = names.get(got.data.project_id, "")
    return found


def with_project_names(answer: Analytics, projects: Mapping[str, str]) -> Analytics:
    """Return the answer with the project added to labels that occur more than once."""
    labels = Counter(one.entity_ref.label for one in answer.series)
    series = [
        replace(
            one,
            entity_ref=replace(
                one.entity_ref,
                label=f"{one.entity_ref.label} ({projects[one.entity_ref.id]})",
            ),
        )
        if labels[one.entity_ref.label] > 1 and projects.get(one.entity_ref.id)
        else one
        for one in answer.series
    ]
    return replace(answer, series=series)

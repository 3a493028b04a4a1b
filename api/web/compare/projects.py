"""The projects of compared things: their names in labels, and the letterhead."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from api.http.error_codes import Code
from api.routes.analytics.responses import Analytics
from api.web.compare.query import CompareQuery
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.forms.project_choices import all_projects, names_of
from api.web.kit.page import PageContext
from api.web.kit.site import Letterhead


class _InProject(Struct, frozen=True):
    project_id: UUID


async def project_names(page: PageContext) -> dict[UUID, str]:
    """Return the names of projects by id; none if there is only one project."""
    return names_of(await all_projects(page))


async def projects_of(page: PageContext, query: CompareQuery) -> dict[str, UUID | None]:
    """Return the project of each compared thing by its id, None of an unknown one."""
    if query.entity == "project":
        return {id_: UUID(id_) for id_ in query.chosen}
    found = await asyncio.gather(
        *(_project_of(page, f"/{query.entity}s/{id_}") for id_ in query.chosen)
    )
    return dict(zip(query.chosen, found, strict=True))


async def letterhead_of(
    page: PageContext, projects: Mapping[str, UUID | None]
) -> Letterhead:
    """Return the head of the one project of all compared things.

    It is empty for several projects: one client's head must not be on the numbers of
    another one.
    """
    (project_id, *others) = {*projects.values()} or {None}
    return await page.letterhead("" if others or project_id is None else project_id)


async def _project_of(page: PageContext, path: str) -> UUID | None:
    try:
        return (await page.get(path, _InProject)).data.project_id
    except ApiRefusedError as error:
        # A deleted campaign still has its numbers as of an earlier time.
        if error.code is not Code.NOT_FOUND:
            raise
        return None


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

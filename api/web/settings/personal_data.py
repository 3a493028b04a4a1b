"""/settings/personal-data: the people whose data is stored, and the erased ones."""

from litestar import Controller
from litestar.di import NamedDependency
from litestar.response import Template

from api.routes.organization import Organization
from api.web.kit.handlers import page_route
from api.web.kit.page import PageContext
from api.web.kit.page_query import PageQuery
from api.web.settings.layout import show_settings
from projections.creators.creator import Creator

PATH = "/settings/personal-data"

_MOST_FOUND = 20


class PersonalDataQuery(PageQuery, frozen=True, kw_only=True):
    """The handle or name of a person."""

    search: str = ""


class PersonalDataSettings(Controller):
    """Data access requests and erasures of the organization."""

    path = PATH

    @page_route(query=PersonalDataQuery)
    async def personal_data(
        self,
        page: NamedDependency[PageContext],
        choices: NamedDependency[PersonalDataQuery],
    ) -> Template:
        """Find a person, and say when removed creators are erased."""
        found: list[Creator] = []
        search = choices.search.strip()
        if search:
            got = await page.get(
                "/creators",
                list[Creator],
                search=search,
                status="all",
                limit=_MOST_FOUND,
            )
            found = got.data
        # Figures are requested because only lists with figures are counted.
        erased = await page.get(
            "/creators", list[Creator], status="erased", period="7d", limit=_MOST_FOUND
        )
        organization = await page.get("/organization", Organization)
        context = {
            "search": search,
            "found": found,
            "erased": erased.data,
            "erased_count": erased.meta["totalCount"],
            "organization": organization.data,
        }
        return await show_settings(
            page, "settings/personal_data.html", context, tab=PATH
        )

"""/creators/{id}/actions: what can be done with one creator of the list."""

from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template

from api.web.creators.query import PATH
from api.web.kit.forms.project_choices import some_campaigns
from api.web.kit.handlers import page_route
from api.web.kit.page import PageContext
from api.web.kit.selection import MenuQuery, list_address
from projections.creators.creator import Creator


class RowMenu(Controller):
    """The menu of a row: a script shows it at the row, and else it is a page."""

    @page_route(f"{PATH}/{{creator_id:uuid}}/actions", query=MenuQuery)
    async def menu(
        self,
        creator_id: FromPath[UUID],
        page: NamedDependency[PageContext],
        choices: NamedDependency[MenuQuery],
    ) -> Template:
        """Show the actions that the creator's status allows."""
        creator = (await page.get(f"{PATH}/{creator_id}", Creator)).data
        context = {
            "creator": creator,
            "back": list_address(choices.back, PATH),
            "may_write": page.may("write") and creator.status != "erased",
            "campaigns": await some_campaigns(page, project_id=creator.project_id),
        }
        return page.show("creators/menu.html", context)

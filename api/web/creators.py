"""/creators as a page: who is tracked and how they are doing."""

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.response import Template

from api.web.visits import Visit
from projections.creators import Creator


class CreatorsPage(Controller):
    """The list of creators."""

    path = "/creators"

    @get("/", opt={"scope": "read", "page": True})
    async def creators(self, visit: NamedDependency[Visit]) -> Template:
        """Show who is tracked."""
        got = await visit.get("/creators", list[Creator])
        return visit.show("creators/list.html", {"creators": got.data})

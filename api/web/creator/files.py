"""/creators/{id}/proof.json and personal-data.json: stored data as files."""

from uuid import UUID

from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from api.web.kit.handlers import page_route
from api.web.kit.page import PageContext


class CreatorFiles(Controller):
    """The stored data of a creator, to be read and checked elsewhere."""

    path = "/creators/{creator_id:uuid}"

    @page_route("/proof.json", scope="admin")
    async def proof(
        self,
        creator_id: FromPath[UUID],
        page: NamedDependency[PageContext],
        root: FromQuery[str] = "",
    ) -> Response[bytes]:
        """Answer with the file that docs/verify.py checks."""
        return await _file(page, creator_id, "proof", root=root.strip() or None)

    @page_route("/personal-data.json", scope="admin")
    async def personal_data(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> Response[bytes]:
        """Answer with all stored data of the person."""
        return await _file(page, creator_id, "personal-data")


async def _file(
    page: PageContext, creator_id: UUID, what: str, **query: str | None
) -> Response[bytes]:
    raw = await page.get_raw(f"/creators/{creator_id}/{what}", **query)
    disposition = f'attachment; filename="{what}-{creator_id}.json"'
    return Response(
        raw.body,
        media_type="application/json",
        headers={"Content-Disposition": disposition},
    )

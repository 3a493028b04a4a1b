"""/creators/{id}/proof.json: the proof of a creator's history, as a file."""

from uuid import UUID

from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from api.web.kit.handlers import page_route
from api.web.kit.page import PageContext


class CreatorProof(Controller):
    """The proof of a creator, to be kept and checked elsewhere."""

    path = "/creators/{creator_id:uuid}"

    @page_route("/proof.json", scope="admin")
    async def proof(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> Response[bytes]:
        """Answer with the file that docs/verify.py checks."""
        raw = await page.get_raw(f"/creators/{creator_id}/proof")
        disposition = f'attachment; filename="proof-{creator_id}.json"'
        return Response(
            raw.body,
            media_type="application/json",
            headers={"Content-Disposition": disposition},
        )

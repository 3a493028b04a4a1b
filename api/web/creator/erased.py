"""/creators/{id}/erased: an erased person, and the search for what is left of them."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template
from msgspec import Struct

from api.web.kit.api_client import ApiRefusedError
from api.web.kit.handlers import page_route
from api.web.kit.page import PageContext, PageResponse
from application.erase.search.installation import NEVER_SEARCHED, Findings
from projections.creators.creator import Creator


class Certificate(Struct, frozen=True, kw_only=True):
    """The result of a search for remains, to be kept as a file.

    ``called`` is the name in place of the handle.
    """

    creator_id: UUID
    called: str
    searched_at: datetime
    findings: Findings
    never_searched: str = NEVER_SEARCHED


class ErasedPage(Controller):
    """An erased person, with the proof that nothing is left."""

    path = "/creators/{creator_id:uuid}/erased"

    @page_route(scope="admin")
    async def erased(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        """Show the name that is left; operators see the search begin by itself."""
        creator = await page.get(f"/creators/{creator_id}", Creator)
        if creator.data.status != "erased":
            return page.go_to(f"/creators/{creator_id}")
        return _show(page, creator.data)

    @page_route("/remains", scope="admin", operator=True)
    async def remains(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        """Search for remains, and show what was found."""
        creator = await page.get(f"/creators/{creator_id}", Creator)
        if creator.data.status != "erased":
            return page.go_to(f"/creators/{creator_id}")
        try:
            found = await _certificate(page, creator.data)
        except ApiRefusedError as error:
            return _show(page, creator.data, refused=error)
        return _show(page, creator.data, certificate=found)

    @page_route("/remains.json", scope="admin", operator=True)
    async def file(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> Response[bytes]:
        """Search for remains once more, and answer with the result as a file."""
        creator = await page.get(f"/creators/{creator_id}", Creator)
        body = msgspec.json.encode(await _certificate(page, creator.data))
        name = f"{creator.data.tiktok_handle}-searched.json"
        return Response(
            msgspec.json.format(body, indent=2),
            media_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def _show(
    page: PageContext,
    creator: Creator,
    *,
    certificate: Certificate | None = None,
    refused: ApiRefusedError | None = None,
) -> Template:
    context = {"creator": creator, "certificate": certificate, "refused": refused}
    return page.show("creator/erased.html", context)


async def _certificate(page: PageContext, creator: Creator) -> Certificate:
    found = await page.get(f"/creators/{creator.id}/erase/remains", Findings)
    return Certificate(
        creator_id=creator.id,
        called=creator.tiktok_handle,
        searched_at=datetime.now(UTC),
        findings=found.data,
    )

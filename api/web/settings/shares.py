"""/settings/shares: shared links are made, listed, changed and revoked."""

from collections.abc import Sequence
from datetime import datetime
from typing import get_args
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template
from msgspec import Struct
from msgspec.structs import replace

from api.http.error_codes import Code
from api.http.errors import ApiError
from api.routes.shares.schemas import MadeShare
from api.web.kit.handlers import form_route, page_route
from api.web.kit.names import present_names
from api.web.kit.page import PageContext, PageResponse
from api.web.settings.layout import show_settings
from api.web.settings.share_form import (
    ScopeName,
    ShareForm,
    form_of,
)
from projections.shares import Share

PATH = "/settings/shares"

_PER_PAGE = 50
_CREATED = 201
_SHOWN_ERRORS = {Code.INVALID_BODY, Code.VERSION_CONFLICT}
_PATHS = {
    "creator": "/creators",
    "campaign": "/campaigns",
    "project": "/projects",
    "report": "/reports",
}


class ListedShare(Struct, frozen=True, kw_only=True):
    """A link, the name of its thing, and the page of it; no name if it is gone."""

    share: Share
    name: str | None
    path: str


class SharePages(Controller):
    """The links of the organization, or of the projects that a person may see."""

    path = PATH

    @page_route(scope="write")
    async def shares(
        self, page: NamedDependency[PageContext], cursor: FromQuery[str] = ""
    ) -> Template:
        """List the links, newest first."""
        got = await page.get("/shares", list[Share], limit=_PER_PAGE, cursor=cursor)
        listed = await _listed(page, got.data)
        context = {"shares": listed, "more_url": got.next_url(PATH)}
        return await show_settings(page, "settings/shares.html", context, tab=PATH)

    @form_route(form=ShareForm)
    async def make(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Make a link, and show its address in this answer only."""
        form = page.form(ShareForm)
        try:
            body = form.body(page.time_zone) | {
                "scope": form.scope,
                "scope_id": form.scope_id,
            }
            if form.frozen:
                body["as_of"] = "now"
            got = await page.send("POST", "/shares", MadeShare, body)
        except ApiError as error:
            if error.code not in _SHOWN_ERRORS or form.scope not in get_args(ScopeName):
                raise
            return await _show_form(page, form, error=error)
        is_repeated = "idempotent-replayed" in got.headers
        (made,) = await _listed(page, [got.data])
        return await show_settings(
            page,
            "settings/share_made.html",
            {"made": made, "url": "" if is_repeated else got.data.url},
            tab=PATH,
            status=_CREATED,
            is_secret=True,
        )

    @page_route("/{share_id:uuid}", scope="write")
    async def share(
        self, page: NamedDependency[PageContext], share_id: FromPath[UUID]
    ) -> PageResponse:
        """Show the form that changes a link."""
        share = (await page.get(f"/shares/{share_id}", Share)).data
        if share.revoked_at is not None:
            return page.go_to(PATH)
        form = form_of(share, time_zone=page.time_zone)
        return await _show_form(page, form, share=share)

    @form_route("/{share_id:uuid}", form=ShareForm)
    async def change(
        self, page: NamedDependency[PageContext], share_id: FromPath[UUID]
    ) -> PageResponse:
        """Change a link, unless another person changed it."""
        form, path = page.form(ShareForm), f"/shares/{share_id}"
        version = int(form.made_from) if form.made_from.isdecimal() else None
        try:
            body = form.body(page.time_zone)
            share = (await page.get(path, Share)).data
            if share.expires_at is not None and body["expires_at"] is not None:
                given = datetime.fromisoformat(body["expires_at"])
                if given == share.expires_at:
                    # An end that has passed stays as it is.
                    del body["expires_at"]
            await page.send("PATCH", path, Share, body, version=version)
        except ApiError as error:
            if error.code not in _SHOWN_ERRORS:
                raise
            share = (await page.get(path, Share)).data
            return await _show_form(page, form, share=share, error=error)
        page.flash("The link was changed.")
        return page.go_to(PATH)

    @form_route("/{share_id:uuid}/revoke")
    async def revoke(
        self, page: NamedDependency[PageContext], share_id: FromPath[UUID]
    ) -> PageResponse:
        """Revoke a link, whose page is gone at once."""
        await page.send("DELETE", f"/shares/{share_id}", Share)
        page.flash("The link was revoked. Its page is gone.")
        return page.go_to(PATH)


async def _show_form(
    page: PageContext,
    form: ShareForm,
    *,
    share: Share | None = None,
    error: ApiError | None = None,
) -> Template:
    # A password is never sent back.
    context = {
        "form": replace(form, password=""),
        "share": share,
        "has_conflict": error is not None and error.code is Code.VERSION_CONFLICT,
    }
    return await show_settings(
        page, "settings/share.html", context, tab=PATH, error=error
    )


async def _listed(page: PageContext, shares: Sequence[Share]) -> list[ListedShare]:
    names = await present_names(page, [(each.scope, each.scope_id) for each in shares])
    return [
        ListedShare(
            share=each,
            name=names.get(each.scope_id),
            path=f"{_PATHS[each.scope]}/{each.scope_id}",
        )
        for each in shares
    ]

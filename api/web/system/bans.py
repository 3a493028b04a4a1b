"""/system/bans: handles that nobody on this installation may track."""

from typing import Annotated

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template
from msgspec import Struct

from api.http.bodies.form_body import typed
from api.http.error_codes import Code
from api.http.errors import ApiError, field_error
from api.routes.bans import BanState
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.system.layout import show_system
from domain.creator.handle import normalize_handle
from domain.errors import InvalidHandleError
from projections.bans import Ban

PATH = "/system/bans"

_PER_PAGE = 50


class BanForm(Struct, frozen=True, forbid_unknown_fields=True):
    """A handle to ban, and the reason."""

    tiktok_handle: Annotated[str, typed("Handle")] = ""
    reason: Annotated[str, typed("Why")] = ""


class BanPages(Controller):
    """The banned handles of the whole installation."""

    path = PATH

    @page_route(scope="admin", operator=True)
    async def bans(
        self, page: NamedDependency[PageContext], cursor: FromQuery[str] = ""
    ) -> Template:
        """List banned handles by name, with the form for another one."""
        return await _show(page, cursor=cursor)

    @form_route(form=BanForm, scope="admin", operator=True)
    async def ban(self, page: NamedDependency[PageContext]) -> PageResponse:
        form = page.form(BanForm)
        body = {"reason": form.reason.strip() or None}
        try:
            # The path of the API takes a handle, and not the URL of a profile.
            handle = _handle(form.tiktok_handle)
            await page.send("PUT", f"/admin/bans/{handle}", BanState, body)
        except ApiError as error:
            if error.code is not Code.INVALID_BODY:
                raise
            return await _show(page, form=form, error=error)
        page.flash(f"@{handle} is banned.")
        return page.go_to(PATH)

    @form_route("/{handle:str}/lift", scope="admin", operator=True)
    async def lift(
        self, page: NamedDependency[PageContext], handle: FromPath[str]
    ) -> PageResponse:
        try:
            handle = normalize_handle(handle)
        except InvalidHandleError as error:
            raise ApiError(Code.INVALID_HANDLE, str(error)) from error
        await page.send("DELETE", f"/admin/bans/{handle}", BanState)
        page.flash(f"@{handle} may be tracked again.")
        return page.go_to(PATH)


_EMPTY = BanForm()


async def _show(
    page: PageContext,
    *,
    cursor: str = "",
    form: BanForm = _EMPTY,
    error: ApiError | None = None,
) -> Template:
    got = await page.get("/admin/bans", list[Ban], limit=_PER_PAGE, cursor=cursor)
    context = {"bans": got.data, "form": form, "more_url": got.next_url(PATH)}
    return await show_system(page, "system/bans.html", context, tab=PATH, error=error)


def _handle(text: str) -> str:
    try:
        return normalize_handle(text)
    except InvalidHandleError as error:
        message = str(error).removesuffix(".")
        raise field_error(Code.INVALID_BODY, "/tiktok_handle", message) from error

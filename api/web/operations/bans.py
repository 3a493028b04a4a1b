"""/operations/bans: handles that nobody on this installation may track."""

from typing import Annotated, Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template
from msgspec import Struct

from api.http.error_codes import Code
from api.http.errors import ApiError
from api.http.form_body import NoFields, typed
from api.http.request import Request
from api.routes.bans import BanState
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.page import PageContext
from api.web.operations.layout import show_operations
from domain.creator.handle import normalize_handle
from domain.errors import InvalidHandleError
from projections.bans import Ban

PATH = "/operations/bans"

_ADMIN = {"scope": "admin", "page": True}
_PER_PAGE = 50


class BanForm(Struct, frozen=True, forbid_unknown_fields=True):
    """A handle to ban, and why."""

    tiktok_handle: Annotated[str, typed("Handle")] = ""
    reason: Annotated[str, typed("Why")] = ""


class BanPages(Controller):
    """Banned handles of the whole installation."""

    path = PATH

    @get("/", opt=_ADMIN)
    async def bans(
        self, page: NamedDependency[PageContext], cursor: FromQuery[str | None] = None
    ) -> Template:
        """Show banned handles by name, and the form for another one."""
        return await _page(page, cursor=cursor or None)

    @post("/", opt={**_ADMIN, "form": BanForm})
    async def ban(
        self, request: Request, page: NamedDependency[PageContext]
    ) -> Response[Any]:
        """Ban a handle."""
        form = request.form_as(BanForm)
        try:
            # It becomes a part of an address, in which a profile's URL cannot stand.
            handle = normalize_handle(form.tiktok_handle)
        except InvalidHandleError as error:
            problems = {"tiktok_handle": str(error).removesuffix(".")}
            return await _page(page, form=form, problems=problems, status=400)
        body = {"reason": form.reason.strip() or None}
        try:
            await page.send("PUT", f"/admin/bans/{handle}", BanState, body)
        except ApiRefusedError as error:
            if error.code is not Code.INVALID_BODY:
                raise
            return await _page(
                page, form=form, problems=error.problems, status=error.status
            )
        page.flash(f"@{handle} is banned.")
        return page.go_to(PATH)

    @post("/{handle:str}/lift", opt={**_ADMIN, "form": NoFields})
    async def lift(
        self, page: NamedDependency[PageContext], handle: FromPath[str]
    ) -> Response[Any]:
        """Lift a ban."""
        try:
            handle = normalize_handle(handle)
        except InvalidHandleError as error:
            raise ApiError(Code.INVALID_HANDLE, str(error)) from error
        await page.send("DELETE", f"/admin/bans/{handle}", BanState)
        page.flash(f"@{handle} may be tracked again.")
        return page.go_to(PATH)


_EMPTY = BanForm()


async def _page(
    page: PageContext,
    *,
    cursor: str | None = None,
    form: BanForm = _EMPTY,
    problems: dict[str, str] | None = None,
    status: int = 200,
) -> Any:  # noqa: ANN401 - a Template, where the caller may answer anything
    got = await page.get("/admin/bans", list[Ban], limit=_PER_PAGE, cursor=cursor)
    following = got.meta["nextCursor"]
    return await show_operations(
        page,
        "operations/bans.html",
        {
            "bans": got.data,
            "form": form,
            "more_url": f"{PATH}?cursor={following}" if following else None,
            "problems": problems or {},
        },
        tab=PATH,
        status=status,
    )

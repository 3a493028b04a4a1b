"""/settings/keys: the API keys of the organization. A key's text is shown once."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template

from api.http.error_codes import Code
from api.http.errors import ApiError
from api.routes.api_keys import IssuedApiKey, RevokedApiKey
from api.web.kit.forms.key_form import KeyForm
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.settings.layout import ADMIN, PROVED, show_settings
from projections.organizations.projection import ApiKey
from projections.people import Member

PATH = "/settings/keys"

_PER_PAGE = 50
_CREATED = 201


_USUAL = KeyForm(scopes=["read", "write"])


class KeyPages(Controller):
    """The keys of the organization."""

    path = PATH

    @page_route(**ADMIN)
    async def keys(
        self, page: NamedDependency[PageContext], cursor: FromQuery[str] = ""
    ) -> Template:
        """List the keys, newest first, with the form for a new one."""
        return await _show(page, cursor=cursor)

    @form_route(form=KeyForm, **PROVED)
    async def make(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Create a key, and show its text in this answer only."""
        form = page.form(KeyForm)
        try:
            body = form.body(page.time_zone)
            got = await page.send("POST", "/api-keys", IssuedApiKey, body)
        except ApiError as error:
            if error.code not in {Code.INVALID_BODY, Code.LIMIT_REACHED}:
                raise
            return await _show(page, form=form, error=error)
        is_repeated = "idempotent-replayed" in got.headers
        return await show_settings(
            page,
            "settings/key_made.html",
            {"key": got.data, "text": None if is_repeated else got.data.api_key},
            tab=PATH,
            status=_CREATED,
            is_secret=True,
        )

    @form_route("/{key_id:uuid}/revoke", **PROVED)
    async def revoke(
        self, page: NamedDependency[PageContext], key_id: FromPath[UUID]
    ) -> PageResponse:
        """Revoke a key; it stops working within a second."""
        await page.send("DELETE", f"/api-keys/{key_id}", RevokedApiKey)
        if key_id == page.principal.key_id:
            return page.go_to("/")
        page.flash("The key was revoked. It does not work any more.")
        return page.go_to(PATH)


async def _owners(page: PageContext, keys: Sequence[ApiKey]) -> dict[UUID, str]:
    """Return the names of the people of whom there are keys."""
    owners = {key.owner.id for key in keys if key.owner.type == "person"}
    found: dict[UUID, str] = {}
    cursor: str | None = None
    while owners:
        got = await page.get("/members", list[Member], limit=100, cursor=cursor)
        found |= {one.id: one.name for one in got.data}
        cursor = got.meta["nextCursor"]
        if cursor is None:
            break
    return found


async def _show(
    page: PageContext,
    *,
    cursor: str = "",
    form: KeyForm = _USUAL,
    error: ApiError | None = None,
) -> Template:
    got = await page.get("/api-keys", list[ApiKey], limit=_PER_PAGE, cursor=cursor)
    now = datetime.now(UTC)
    context = {
        "form": form,
        "keys": got.data,
        "people": await _owners(page, got.data),
        "more_url": got.next_url(PATH),
        "now": now,
        "person": page.person,
        "own_id": page.principal.key_id,
        "today": now.astimezone(ZoneInfo(page.time_zone)).date(),
    }
    return await show_settings(
        page, "settings/keys.html", context, tab=PATH, error=error
    )

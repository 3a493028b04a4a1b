"""/operations/keys: who may do what here. A key's text is shown once."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template
from msgspec import Struct

from api.http.error_codes import Code
from api.http.form_body import NoFields, typed
from api.http.request import Request
from api.routes.api_keys import IssuedApiKey, RevokedApiKey
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.page import PageContext
from api.web.operations.layout import show_operations
from projections.organizations.projection import ApiKey

PATH = "/operations/keys"

_ADMIN = {"scope": "admin", "page": True}
_PER_PAGE = 50
_CREATED = 201


class KeyForm(Struct, frozen=True, forbid_unknown_fields=True):
    """A key to make; it is good to the end of the day ``until``, or for ever."""

    name: Annotated[str, typed("Name")] = ""
    scopes: list[str] = []
    until: Annotated[str, typed("Good until the end of")] = ""


_USUAL = KeyForm(scopes=["read", "write"])


class KeyPages(Controller):
    """The keys of the organization."""

    path = PATH

    @get("/", opt=_ADMIN)
    async def keys(
        self,
        page: NamedDependency[PageContext],
        cursor: FromQuery[str | None] = None,
    ) -> Template:
        """Show the keys, newest first, and the form for a new one."""
        return await _page(page, cursor=cursor or None)

    @post("/", opt={**_ADMIN, "form": KeyForm})
    async def make(
        self, request: Request, page: NamedDependency[PageContext]
    ) -> Response[Any]:
        """Make a key, and show its text in this answer only."""
        form = request.form_as(KeyForm)
        try:
            until = _end_of_day(form.until, page.time_zone)
        except (ValueError, OverflowError):
            problems = {"expires_at": "must be a date, such as 2027-01-31"}
            return await _page(page, form=form, problems=problems, status=400)
        body = {"name": form.name.strip(), "scopes": form.scopes, "expires_at": until}
        try:
            got = await page.send("POST", "/api-keys", IssuedApiKey, body)
        except ApiRefusedError as error:
            if error.code not in {Code.INVALID_BODY, Code.LIMIT_REACHED}:
                raise
            return await _page(
                page,
                form=form,
                problems=error.problems,
                error=None if error.problems else error,
                status=error.status,
            )
        is_repeated = "idempotent-replayed" in got.headers
        return await show_operations(
            page,
            "operations/key_made.html",
            {"key": got.data, "text": None if is_repeated else got.data.api_key},
            tab=PATH,
            status=_CREATED,
        )

    @post("/{key_id:uuid}/revoke", opt={**_ADMIN, "form": NoFields})
    async def revoke(
        self, page: NamedDependency[PageContext], key_id: FromPath[UUID]
    ) -> Response[Any]:
        """Revoke a key: nothing is opened by it within a second."""
        await page.send("DELETE", f"/api-keys/{key_id}", RevokedApiKey)
        if key_id == page.principal.key_id:
            return page.go_to("/")
        page.flash("The key was revoked. It opens nothing any more.")
        return page.go_to(PATH)


async def _page(
    page: PageContext,
    *,
    cursor: str | None = None,
    form: KeyForm = _USUAL,
    problems: dict[str, str] | None = None,
    error: ApiRefusedError | None = None,
    status: int = 200,
) -> Any:  # noqa: ANN401 - a Template, where the caller may answer anything
    got = await page.get("/api-keys", list[ApiKey], limit=_PER_PAGE, cursor=cursor)
    following = got.meta["nextCursor"]
    now = datetime.now(UTC)
    return await show_operations(
        page,
        "operations/keys.html",
        {
            "error": error,
            "form": form,
            "keys": got.data,
            "more_url": f"{PATH}?cursor={following}" if following else None,
            "now": now,
            "own_id": page.principal.key_id,
            "problems": problems or {},
            "today": now.astimezone(ZoneInfo(page.time_zone)).date(),
        },
        tab=PATH,
        status=status,
    )


def _end_of_day(text: str, time_zone: str) -> str | None:
    """Return the end of a day in a zone, None where no day was given."""
    if not text:
        return None
    after = date.fromisoformat(text) + timedelta(days=1)
    return datetime.combine(after, time(), ZoneInfo(time_zone)).isoformat()

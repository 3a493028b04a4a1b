"""/you/keys: the personal keys of the person who is signed in."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct

from api.http.bodies.form_body import typed
from api.http.errors import ApiError, Code
from api.routes.api_keys import IssuedApiKey, RevokedApiKey
from api.web.kit.forms.key_form import KeyForm
from api.web.kit.handlers import form_route
from api.web.kit.page import PageContext, PageResponse
from api.web.sign_in.page import SignIn
from api.web.you.page import PATH, show_you

_CREATED = 201


class OwnKeyForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to create, as in ``KeyForm``; the page has another field ``name``."""

    key_name: Annotated[str, typed("Name")] = ""
    scopes: list[str] = []
    until: Annotated[str, typed("Valid until the end of")] = ""


class OwnKeys(Controller):
    """The forms on the page You that make and revoke keys."""

    path = f"{PATH}/keys"

    @form_route(form=OwnKeyForm, scope="read", recent_proof=True)
    async def make(
        self, page: NamedDependency[PageContext], sign_in: NamedDependency[SignIn]
    ) -> PageResponse:
        """Create a key, and show its text in this answer only."""
        sent = page.form(OwnKeyForm)
        form = KeyForm(name=sent.key_name, scopes=sent.scopes, until=sent.until)
        try:
            body: dict[str, Any] = {"owner": "person", **form.body(page.time_zone)}
            got = await page.send("POST", "/api-keys", IssuedApiKey, body)
        except ApiError as error:
            if error.code not in {Code.INVALID_BODY, Code.LIMIT_REACHED}:
                raise
            return await show_you(page, sign_in, key_form=form, key_error=error)
        is_repeated = "idempotent-replayed" in got.headers
        return page.show(
            "you/key_made.html",
            {"key": got.data, "text": None if is_repeated else got.data.api_key},
            status=_CREATED,
            is_secret=True,
        )

    @form_route("/{key_id:uuid}/revoke", scope="read")
    async def revoke(
        self, page: NamedDependency[PageContext], key_id: FromPath[UUID]
    ) -> PageResponse:
        """Revoke a key; it stops working within a second."""
        await page.send("DELETE", f"/api-keys/{key_id}", RevokedApiKey)
        page.flash("The key was revoked. It does not work any more.")
        return page.go_to(PATH)

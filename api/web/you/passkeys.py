"""/you/passkeys: the passkeys of the person who is signed in."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template
from msgspec import Struct

from api.http.bodies.form_body import typed
from api.http.errors import ApiError, Code
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.sign_in.challenges import (
    answered_challenge,
    new_challenge,
    relying_party,
)
from api.web.sign_in.page import SignIn, client_of, require_passwords
from api.web.sign_in.passkey import json_answer
from application.accounts.passkeys import (
    PasskeyRefusedError,
    registration_options,
    sign_in_options,
    verified_passkey,
)
from domain.person.errors import LastSignInMethodError

PATH = "/you/passkeys"

_TOO_LATE = "The time for this is over, or it began in another browser. Try again."
_INVALID = 400


class NewPasskeyForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The name of a passkey, and the answer of the device that made it, as JSON."""

    name: Annotated[str, typed("Name")] = ""
    credential: str = ""


class PasskeyPages(Controller):
    """The passkeys of a person, each with a name."""

    path = PATH

    @page_route(sets_up_factor=True)
    async def show(
        self, page: NamedDependency[PageContext], sign_in: NamedDependency[SignIn]
    ) -> PageResponse:
        """List the passkeys, with the form for another one."""
        require_passwords(sign_in)
        if page.person is None:
            return page.go_to("/you")
        return await _show(page, sign_in)

    @form_route("/options", scope="read", sets_up_factor=True)
    async def options(
        self, page: NamedDependency[PageContext], sign_in: NamedDependency[SignIn]
    ) -> PageResponse:
        """Answer with what a device needs to make a passkey for the person."""
        require_passwords(sign_in)
        person = page.principal.require_person()
        party = relying_party(page.request)
        if party is None:
            raise ApiError(Code.NOT_FOUND)
        challenge = new_challenge(
            page.request, page.site.sessions, "add", person_id=person.id
        )
        options = registration_options(
            party,
            challenge,
            person_id=person.id,
            name=person.name,
            email=person.email,
            known=await sign_in.passkeys.credentials_of(person.id),
        )
        return json_answer(options)

    @form_route("/proof", scope="read")
    async def options_to_prove(
        self, page: NamedDependency[PageContext], sign_in: NamedDependency[SignIn]
    ) -> PageResponse:
        """Answer with a challenge that one of the person's passkeys answers."""
        person = page.principal.require_person()
        party = relying_party(page.request)
        if party is None:
            raise ApiError(Code.NOT_FOUND)
        challenge = new_challenge(
            page.request, page.site.sessions, "prove", person_id=person.id
        )
        known = await sign_in.passkeys.credentials_of(person.id)
        return json_answer(sign_in_options(party, challenge, allowed=known))

    @form_route(
        form=NewPasskeyForm, scope="read", recent_proof=True, sets_up_factor=True
    )
    async def add(
        self, page: NamedDependency[PageContext], sign_in: NamedDependency[SignIn]
    ) -> PageResponse:
        """Let the person sign in with the passkey that their device just made."""
        require_passwords(sign_in)
        form, person = page.form(NewPasskeyForm), page.principal.require_person()
        opened = answered_challenge(
            page.request, page.site.sessions, "add", form.credential
        )
        if opened is None or opened.person_id != person.id:
            return await _show(page, sign_in, name=form.name, problem=_TOO_LATE)
        try:
            passkey = verified_passkey(form.credential, opened.ceremony, name=form.name)
            client = client_of(page.request)
            await sign_in.passkeys.add(
                person.id, passkey, kept=person.session_id, client=client
            )
        except PasskeyRefusedError as error:
            return await _show(page, sign_in, name=form.name, problem=str(error))
        sign_in.forget_sessions()
        page.flash(
            "You can sign in with this passkey from now on. All other browsers are "
            "signed out."
        )
        return page.go_to(PATH)

    @form_route("/{passkey_id:uuid}/remove", scope="read", recent_proof=True)
    async def remove(
        self,
        page: NamedDependency[PageContext],
        sign_in: NamedDependency[SignIn],
        passkey_id: FromPath[UUID],
    ) -> PageResponse:
        """Let the person sign in with a passkey no more."""
        person = page.principal.require_person()
        client = client_of(page.request)
        try:
            await sign_in.passkeys.remove(person.id, passkey_id, client=client)
        except LastSignInMethodError as error:
            return await _show(page, sign_in, problem=str(error))
        sign_in.forget_sessions()
        page.flash("The passkey was removed. Delete it on your device as well.")
        return page.go_to(PATH)


async def _show(
    page: PageContext, sign_in: SignIn, *, name: str = "", problem: str = ""
) -> Template:
    person = page.principal.require_person()
    client = client_of(page.request)
    context: Mapping[str, object] = {
        "is_possible": relying_party(page.request) is not None,
        "name": name or client.browser,
        "passkeys": await sign_in.passkeys.of(person.id),
        "problem": problem,
    }
    return page.show("you/passkeys.html", context, status=_INVALID if problem else 200)

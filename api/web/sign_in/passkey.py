"""/sign-in/passkey: people sign in with a passkey, without an email or a password."""

from typing import Any

from litestar import Controller, Response, post
from litestar.di import NamedDependency
from msgspec import Struct

from api.http.bodies.form_body import NoFields
from api.http.errors import ApiError, Code
from api.http.request import Request
from api.web.kit.sign_in_form import page_after_sign_in, sign_in_form
from api.web.kit.site import Site
from api.web.sign_in.challenges import (
    answered_challenge,
    new_challenge,
    relying_party,
)
from api.web.sign_in.owner import person_problems
from api.web.sign_in.page import SignIn, client_of, require_passwords
from application.accounts.passkeys import (
    PasskeyRefusedError,
    registration_options,
    sign_in_options,
)
from infra.ids import new_id

_TOO_LATE = "The time for this is over, or it began in another browser. Try again."
_NO_ORGANIZATION = "You belong to no organization any more."


class PasskeyForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answer of a device as JSON, and the page to go to."""

    credential: str = ""
    next: str = ""


class NewPersonForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The name and the address of somebody without an account."""

    name: str = ""
    email: str = ""


class PasskeySignIn(Controller):
    """Signing in with a passkey, which needs JavaScript."""

    path = "/sign-in/passkey"
    include_in_schema = False

    @post("/options", opt={"scope": None, "form": NoFields})
    async def options(
        self,
        request: Request,
        sign_in: NamedDependency[SignIn],
        site: NamedDependency[Site],
    ) -> Response[Any]:
        """Answer with a challenge for any passkey of this site."""
        require_passwords(sign_in)
        party = relying_party(request)
        if party is None:
            raise ApiError(Code.NOT_FOUND)
        challenge = new_challenge(request, site.sessions, "sign in")
        return json_answer(sign_in_options(party, challenge))

    @post("/new", opt={"scope": None, "form": NewPersonForm})
    async def options_of_new_person(
        self,
        request: Request,
        sign_in: NamedDependency[SignIn],
        site: NamedDependency[Site],
    ) -> Response[Any]:
        """Answer with what a device needs to make the passkey of somebody new."""
        require_passwords(sign_in)
        form, party, person_id = (
            request.form_as(NewPersonForm),
            relying_party(request),
            new_id(),
        )
        if party is None or person_problems(form.name, form.email):
            raise ApiError(Code.NOT_FOUND)
        challenge = new_challenge(
            request, site.sessions, "first start", person_id=person_id
        )
        options = registration_options(
            party,
            challenge,
            person_id=person_id,
            name=form.name.strip(),
            email=form.email.strip(),
        )
        return json_answer(options)

    @post("/", opt={"scope": None, "form": PasskeyForm})
    async def sign_in(
        self,
        request: Request,
        sign_in: NamedDependency[SignIn],
        site: NamedDependency[Site],
    ) -> Response[Any]:
        """Check the answer of the device, and begin the session of its person."""
        require_passwords(sign_in)
        form = request.form_as(PasskeyForm)
        opened = answered_challenge(request, site.sessions, "sign in", form.credential)
        problem = _TOO_LATE
        if opened is not None:
            try:
                found = await sign_in.passkeys.sign_in(
                    form.credential, opened.ceremony, client=client_of(request)
                )
            except PasskeyRefusedError as error:
                problem = str(error)
            else:
                if found is not None:
                    path = page_after_sign_in(form.next)
                    return await sign_in.enter(request, found, found.email, path)
                problem = _NO_ORGANIZATION
        sign_in.count_wrong_link(request)
        await site.people.look_for_people()
        return sign_in_form(site, next_=form.next, of="password", problem=problem)


def json_answer(options: str) -> Response[str]:
    """Return the options of a ceremony, which no cache keeps."""
    return Response(
        options,
        status_code=200,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )

"""/password/{link}: a person chooses a password, or signs in, by a link, once."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template
from msgspec import Struct

from api.http.errors import ApiError, Code
from api.http.request import Request
from api.web.kit.sign_in_form import FIRST_PAGE, sign_in_form
from api.web.kit.site import SECRET, Site
from api.web.sign_in.challenges import new_challenge, relying_party
from api.web.sign_in.owner import made_passkey, password_problem
from api.web.sign_in.page import SignIn, client_of, require_passwords
from api.web.sign_in.passkey import json_answer
from application.accounts.passkeys import PasskeyRefusedError, registration_options
from application.accounts.rows import LinkedPerson
from application.accounts.service import SignedIn
from domain.decisions import check_name
from domain.errors import BlankNameError, InvalidFieldError

_OVER = (
    "This link has been used, or its time is over. Ask whoever gave it to you for "
    "another one."
)
_ANOTHER = "This passkey was made for another account."
_GONE = 410
_INVALID = 400


class NewPasswordForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The password, and the name of a person who has no password yet."""

    name: str = ""
    password: str = ""
    credential: str = ""


class PasskeyOptionsForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The name of a person who has no password yet, which a device shows."""

    name: str = ""


class NewPasswordPage(Controller):
    """The page of a link; looking at it does not use the link up."""

    path = "/password/{token:str}"
    include_in_schema = False

    @get("/", opt={"scope": None})
    async def ask(
        self,
        request: Request,
        token: FromPath[str],
        sign_in: NamedDependency[SignIn],
        site: NamedDependency[Site],
    ) -> Template:
        person = await sign_in.accounts.linked_person(token)
        if person is None:
            return await _over(request, sign_in, site)
        if not site.ways.passwords:
            return _once(site, token, person)
        return _form(site, token, person, name=person.name)

    @post("/", opt={"scope": None, "form": NewPasswordForm})
    async def set_password(
        self,
        request: Request,
        token: FromPath[str],
        sign_in: NamedDependency[SignIn],
        site: NamedDependency[Site],
    ) -> Response[Any]:
        """Set the password, end all earlier sessions, and sign the person in."""
        form = request.form_as(NewPasswordForm)
        person = await sign_in.accounts.linked_person(token)
        if person is None:
            return await _over(request, sign_in, site)
        if sign_in.oidc is not None and not site.ways.passwords:
            signed_in = await sign_in.accounts.enter_by_link(
                token,
                client=client_of(request),
                seconds=sign_in.oidc.client.max_age_seconds,
            )
            if signed_in is None:
                return await _over(request, sign_in, site)
            sign_in.forget_sessions()
            return await sign_in.enter(request, signed_in, person.email, FIRST_PAGE)
        problems = _problems(form, person)
        if problems:
            return _form(site, token, person, name=form.name, problems=problems)
        name = None if person.has_password else form.name
        if form.credential:
            try:
                found = await self._with_passkey(request, person, sign_in, name)
            except PasskeyRefusedError as error:
                problems["password"] = str(error).rstrip(".")
                return _form(site, token, person, name=form.name, problems=problems)
        else:
            found = await sign_in.accounts.use_password_link(
                token, name=name, password=form.password, client=client_of(request)
            )
        if found is None:
            return await _over(request, sign_in, site)
        sign_in.forget_sessions()
        return await sign_in.enter_or_ask(request, found, person.email, FIRST_PAGE)

    @post("/passkey", opt={"scope": None, "form": PasskeyOptionsForm})
    async def passkey_options(
        self,
        request: Request,
        token: FromPath[str],
        sign_in: NamedDependency[SignIn],
        site: NamedDependency[Site],
    ) -> Response[Any]:
        """Answer with what a device needs to make a passkey of the link's person."""
        require_passwords(sign_in)
        person = await sign_in.accounts.linked_person(token)
        party = relying_party(request)
        if person is None or party is None or person.has_codes:
            raise ApiError(Code.NOT_FOUND)
        name = request.form_as(PasskeyOptionsForm).name.strip() or person.name
        options = registration_options(
            party,
            new_challenge(request, site.sessions, "link", person_id=person.id),
            person_id=person.id,
            name=name,
            email=person.email,
            known=await sign_in.passkeys.credentials_of(person.id),
        )
        return json_answer(options)

    async def _with_passkey(
        self,
        request: Request,
        person: LinkedPerson,
        sign_in: SignIn,
        name: str | None,
    ) -> SignedIn | None:
        credential = request.form_as(NewPasswordForm).credential
        passkey, made_for = made_passkey(request, sign_in, "link", credential)
        if made_for != person.id:
            raise PasskeyRefusedError(_ANOTHER)
        return await sign_in.accounts.use_link_for_passkey(
            person, name=name, passkey=passkey, client=client_of(request)
        )


def _problems(form: NewPasswordForm, person: LinkedPerson) -> dict[str, str]:
    problems: dict[str, str] = {}
    if not person.has_password:
        try:
            check_name(form.name)
        except BlankNameError:
            problems["name"] = "write your name"
        except InvalidFieldError as error:
            problems["name"] = error.reason
    problem = password_problem(form.password, email=person.email)
    if problem and not form.credential:
        problems["password"] = problem
    return problems


def _form(
    site: Site,
    token: str,
    person: LinkedPerson,
    *,
    name: str,
    problems: dict[str, str] | None = None,
) -> Template:
    return site.render(
        "new_password.html",
        {
            "action": f"/password/{token}",
            "describes": "" if person.has_password else "name",
            "flash": None,
            "makes_passkey": f"/password/{token}/passkey",
            "name": name,
            "page": None,
            "person": person,
            "problems": problems or {},
        },
        headers=SECRET,
        status=_INVALID if problems else 200,
    )


def _once(site: Site, token: str, person: LinkedPerson) -> Template:
    """Return the page that signs in with the link itself, since nobody has passwords.

    Programs that look at links in messages send no form, so they use none up.
    """
    return site.render(
        "sign_in_once.html",
        {
            "action": f"/password/{token}",
            "flash": None,
            "page": None,
            "person": person,
        },
        headers=SECRET,
    )


async def _over(request: Request, sign_in: SignIn, site: Site) -> Template:
    sign_in.count_wrong_link(request)
    await site.people.look_for_people()
    return sign_in_form(site, problem=_OVER, of="password", status=_GONE)

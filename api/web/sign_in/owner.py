"""The fields of a form that makes an account, and what is wrong with them."""

from typing import Literal, TypedDict
from uuid import UUID

from msgspec import Struct

from api.http.request import Request
from api.web.sign_in.challenges import answered_challenge
from api.web.sign_in.page import SignIn, client_of
from application.accounts.passkeys import (
    NewPasskey,
    PasskeyRefusedError,
    verified_passkey,
)
from application.accounts.passwords import common_passwords
from domain.decisions import check_name
from domain.email import checked_email
from domain.errors import BlankNameError, InvalidEmailError, InvalidFieldError
from domain.person.errors import WeakPasswordError
from domain.person.passwords import check_password

_TOO_LATE = "the time for the passkey is over: make it once more, or choose a password"


class OwnerFields(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A form with the account of a first owner.

    ``credential`` is the answer of a device that made a passkey, empty for a password.
    """

    name: str = ""
    email: str = ""
    password: str = ""
    credential: str = ""


class Owner(TypedDict):
    """The account of a first owner, with a password or a passkey for the id."""

    name: str
    email: str
    password: str
    passkey: NewPasskey | None
    person_id: UUID | None


async def checked_owner(
    request: Request, sign_in: SignIn, form: OwnerFields
) -> tuple[Owner, dict[str, str]]:
    """Return the account in a form, and what is wrong with each wrong field."""
    owner = Owner(
        name=form.name,
        email=form.email,
        password=form.password,
        passkey=None,
        person_id=None,
    )
    problems = person_problems(form.name, form.email)
    if not form.credential:
        if problem := password_problem(form.password, email=form.email):
            problems["password"] = problem
        return owner, problems
    try:
        passkey, person_id = made_passkey(
            request, sign_in, "first start", form.credential
        )
    except PasskeyRefusedError as error:
        problems["password"] = str(error).rstrip(".")
        return owner, problems
    return {**owner, "passkey": passkey, "person_id": person_id}, problems


def made_passkey(
    request: Request,
    sign_in: SignIn,
    purpose: Literal["first start", "link"],
    credential: str,
) -> tuple[NewPasskey, UUID | None]:
    """Return the passkey that a device made, and the id that it was made for.

    Raises:
        PasskeyRefusedError: the answer does not fit, or comes too late.
    """
    opened = answered_challenge(request, sign_in.sessions, purpose, credential)
    if opened is None:
        raise PasskeyRefusedError(_TOO_LATE)
    name = client_of(request).browser
    passkey = verified_passkey(credential, opened.ceremony, name=name)
    return passkey, opened.person_id


def person_problems(name: str, email: str) -> dict[str, str]:
    """Return what is wrong with the name and the address, by the names of fields."""
    problems: dict[str, str] = {}
    try:
        check_name(name)
    except BlankNameError:
        problems["name"] = "write your name"
    except InvalidFieldError as error:
        problems["name"] = error.reason
    try:
        checked_email(email)
    except InvalidEmailError:
        problems["email"] = "write your email address, such as ada@example.com"
    return problems


def password_problem(password: str, *, email: str) -> str:
    """Return what is wrong with a new password, empty if nothing is."""
    try:
        check_password(password, email=email, common=common_passwords())
    except WeakPasswordError as error:
        return str(error)
    return ""

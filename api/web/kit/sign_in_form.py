"""The form to sign in, and the page that follows it."""

from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlencode

from litestar.response import Template

from api.web.kit.site import SECRET, Site

FIRST_PAGE = "/"

_UNAUTHORIZED = 401


def sign_in_form(
    site: Site,
    *,
    next_: str = "",
    problem: str = "",
    of: Literal["key", "password", "provider"] = "key",
    email: str = "",
    anew: bool = False,
    status: int = _UNAUTHORIZED,
    headers: Mapping[str, str] | None = None,
) -> Template:
    """Return the form; ``next_`` is the page to continue to.

    ``problem`` is what is wrong with the key, with the password or at the OpenID
    provider, as ``of`` says; then the answer has the status. With ``anew`` the provider
    asks again who somebody is. Nobody is asked for a password before anybody has an
    account.
    """
    ways = site.ways
    has_field = {
        "key": ways.keys,
        "password": ways.passwords and site.people.has_people,
        "provider": False,
    }[of]
    return site.render(
        "sign_in.html",
        {
            "at_top": "" if has_field else problem,
            "email": email,
            "form_address": _form_address(next_),
            "flash": None,
            "provider_address": _provider_address(next_, anew=anew),
            "has_people": site.people.has_people,
            "next": next_,
            "of": of,
            "page": None,
            "problem": problem,
        },
        status=status if problem else 200,
        headers={**SECRET, **(headers or {})},
    )


def _form_address(next_: str) -> str:
    return f"{FIRST_PAGE}?{urlencode({'next': next_})}" if next_ else FIRST_PAGE


def _provider_address(next_: str, *, anew: bool) -> str:
    query = {**({"next": next_} if next_ else {}), **({"anew": "true"} if anew else {})}
    return f"/sign-in/oidc?{urlencode(query)}" if query else "/sign-in/oidc"


def page_after_sign_in(path: str) -> str:
    """Return the page to continue to: one of ours, else the first page."""
    is_ours = path.startswith("/") and path[1:2] not in {"/", "\\"} and path.isascii()
    return path if is_ours and path.isprintable() else FIRST_PAGE

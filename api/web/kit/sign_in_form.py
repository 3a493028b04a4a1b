"""The form to sign in, and the page that follows it."""

from collections.abc import Mapping
from typing import Literal

from litestar.response import Template

from api.web.kit.site import SECRET, Site

FIRST_PAGE = "/"

_UNAUTHORIZED = 401


def sign_in_form(
    site: Site,
    *,
    next_: str = "",
    problem: str = "",
    of: Literal["key", "password"] = "key",
    email: str = "",
    status: int = _UNAUTHORIZED,
    headers: Mapping[str, str] | None = None,
) -> Template:
    """Return the form; ``next_`` is the page to continue to.

    ``problem`` is what is wrong with the key or the password, as ``of`` says; then the
    answer has the status. Nobody is asked for a password before anybody has an account.
    """
    return site.render(
        "sign_in.html",
        {
            "email": email,
            "flash": None,
            "has_people": site.people.has_people,
            "next": next_,
            "of": of,
            "page": None,
            "problem": problem,
        },
        status=status if problem else 200,
        headers={**SECRET, **(headers or {})},
    )


def page_after_sign_in(path: str) -> str:
    """Return the page to continue to: one of ours, else the first page."""
    is_ours = path.startswith("/") and path[1:2] not in {"/", "\\"} and path.isascii()
    return path if is_ours and path.isprintable() else FIRST_PAGE

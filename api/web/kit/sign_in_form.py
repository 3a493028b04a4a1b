"""The form to sign in, and the page that follows it."""

from litestar.response import Template

from api.web.kit.site import SECRET, Site

FIRST_PAGE = "/"

_UNAUTHORIZED = 401


def sign_in_form(site: Site, *, next_: str = "", problem: str = "") -> Template:
    """Return the form; ``next_`` is the page to continue to."""
    return site.render(
        "sign_in.html",
        {"next": next_, "flash": None, "problem": problem, "page": None},
        status=_UNAUTHORIZED if problem else 200,
        headers=SECRET,
    )


def page_after_sign_in(path: str) -> str:
    """Return the page to continue to: one of ours, else the first page."""
    is_ours = path.startswith("/") and path[1:2] not in {"/", "\\"} and path.isascii()
    return path if is_ours and path.isprintable() else FIRST_PAGE

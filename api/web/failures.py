"""Failures as people see them: a page that says what happened and what to do."""

from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import quote

from litestar import Request as LitestarRequest
from litestar import Response
from litestar.response import Redirect, Template

from api.codes import Code
from api.errors import ApiError
from api.failures import answer_failure, api_error, log_failure
from api.requests import Request
from api.sessions import COOKIE
from api.web.inside import RefusedError
from api.web.site import Site
from api.web.visits import Visit, here

_HINTS = {
    Code.INSUFFICIENT_SCOPE: "Sign out and come back with one that was made for this, "
    "or ask whoever runs this Goatherd.",
    Code.NOT_FOUND: "It may have been there once, or the address has a slip in it.",
    Code.RATE_LIMIT_EXCEEDED: "Pages count as requests of your key's plan.",
    Code.UNAVAILABLE: "Nothing was lost. Reload the page in a moment.",
    Code.PROJECTION_BEHIND: "What you changed is stored. Reload the page in a moment.",
    Code.INTERNAL_ERROR: "Nothing you did is half done. Whoever runs this Goatherd "
    "finds the reason in the log under the id below.",
}


def answer_page_failure(
    request: LitestarRequest[Any, Any, Any], exception: Exception
) -> Response[Any]:
    """Answer a page that failed: with a page, or with the way in."""
    ours = cast("Request", request)
    error = api_error(exception)
    # The API's own refusals were logged inside, where they came up.
    if not isinstance(error, RefusedError):
        log_failure(error, exception, request.scope)
    if error.code is Code.INVALID_API_KEY:
        return _way_in(ours)
    return failure_page(ours, error)


def answer_anything(
    request: LitestarRequest[Any, Any, Any], exception: Exception
) -> Response[Any]:
    """Answer what belongs to no page: as one if a browser asks outside of the API."""
    accept = request.headers.get("accept", "")
    is_page = "text/html" in accept and not request.scope["path"].startswith("/api/")
    if is_page:
        return answer_page_failure(request, exception)
    return answer_failure(request, exception)


def failure_page(request: Request, error: ApiError) -> Template:
    """Return the page that tells of an error."""
    site = cast("Site", request.app.state.site)
    headers = {
        **error.headers,
        "Content-Security-Policy": site.policy,
        "Referrer-Policy": "same-origin",
    }
    return Template(
        template_name="failure.html",
        context={
            "headline": _headline(error),
            "hint": _HINTS.get(error.code, ""),
            "notice": None,
            "request_id": request.request_id,
            "status": error.status,
            "visit": _visit(request, site),
        },
        headers=headers,
        media_type="text/html",
        status_code=error.status,
    )


def _visit(request: Request, site: Site) -> Visit | None:
    """Return the visit that leads on from here; None if nobody is signed in.

    Where there is no route nobody has looked whether the key is still good. What is
    shown for a session is the way on and out, and nothing that it had to be good for.
    """
    if site.sessions.opened(request.sent_cookies.get(COOKIE)) is None:
        return None
    visit = Visit(request, site)
    principal = request.exchange.principal
    if principal is not None:
        visit.house = site.known_house(principal.organization_id)
    return visit


def _headline(error: ApiError) -> str:
    if error.code is not Code.INSUFFICIENT_SCOPE or "required" not in error.meta:
        return error.message
    required, granted = error.meta["required"], error.meta["granted"]
    has = _listed(granted) if granted else "none"
    return f"Your key may not do this: it needs the scope {required} and has {has}."


def _listed(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _way_in(request: Request) -> Response[Any]:
    next_ = here(request) if request.method == "GET" else "/"
    path = "/" if next_ == "/" else f"/?next={quote(next_, safe='')}"
    if request.raw_header(b"hx-request") is not None:
        # The page around the part has to go, too.
        return Response(None, status_code=401, headers={"HX-Redirect": "/"})
    return Redirect(path, status_code=303)

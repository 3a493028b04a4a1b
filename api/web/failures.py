"""Failures as people see them: a page that says what happened and what to do."""

from typing import Any, cast
from urllib.parse import quote

from litestar import Request as LitestarRequest
from litestar import Response
from litestar.response import Redirect, Template

from api.codes import Code
from api.errors import ApiError
from api.failures import answer_failure, api_error, log_failure
from api.requests import Request
from api.web.inside import RefusedError
from api.web.site import Site
from api.web.visits import here

_HINTS = {
    Code.INSUFFICIENT_SCOPE: "You are signed in with a key that was not made for this. "
    "Sign out and come back with one that was, or ask whoever runs this Goatherd.",
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
            "error": error,
            "hint": _HINTS.get(error.code, ""),
            "notice": None,
            "request_id": request.request_id,
            "visit": None,
        },
        headers=headers,
        media_type="text/html",
        status_code=error.status,
    )


def _way_in(request: Request) -> Response[Any]:
    next_ = here(request) if request.method == "GET" else "/"
    path = "/" if next_ == "/" else f"/?next={quote(next_, safe='')}"
    if request.raw_header(b"hx-request") is not None:
        # The page around the part has to go, too.
        return Response(None, status_code=401, headers={"HX-Redirect": "/"})
    return Redirect(path, status_code=303)

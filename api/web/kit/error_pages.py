"""Error pages: an explanation, advice, and the text of a form that was not stored."""

from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import parse_qs, quote, urlsplit

from litestar import Request as LitestarRequest
from litestar import Response
from litestar.response import Redirect, Template

from api.http.access.auth import Principal
from api.http.access.sessions import COOKIE
from api.http.bodies.form_body import kept_form
from api.http.error_codes import Code
from api.http.error_responses import answer_failure, api_error, log_failure
from api.http.errors import ApiError
from api.http.guard import RecentProofRequiredError, StaleFormError, is_same_origin
from api.http.request import Request
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.filters import in_words
from api.web.kit.forms.unsaved_forms import UnsavedForm, unsaved_form
from api.web.kit.page import MAX_NEXT_LENGTH, PageContext, here
from api.web.kit.sign_in_form import FIRST_PAGE, page_after_sign_in, sign_in_form
from api.web.kit.site import SECRET, Site
from application.accounts.joining import OwnOrganization

_SECOND_FACTOR = "/you/second-factor"
_HINTS = {
    Code.INSUFFICIENT_SCOPE: "Sign out and come back with a key that was made for "
    "this, or ask the operators of this Goatherd.",
    Code.RECENT_PROOF_REQUIRED: "Nothing was done. Go back, and send it again.",
    Code.NOT_FOUND: "It may have been removed, or the address is wrong.",
    Code.GONE: "Unless its figures were dropped, they still count without a name.",
    Code.BODY_TOO_LARGE: "Nothing was stored. Go back, and send less at once: a large "
    "file can be imported in parts.",
    Code.RATE_LIMIT_EXCEEDED: "Each page counts as a request of your plan.",
    Code.UNAVAILABLE: "Nothing was lost. Try it again in a moment.",
    Code.PROJECTION_BEHIND: "Your change is stored, and is shown in a moment.",
    Code.INTERNAL_ERROR: "Nothing you did is half done. The operators of this Goatherd "
    "find the reason in the log under the id below.",
}
_HINT_FOR_PEOPLE = "Ask an owner or admin of your organization for it."
_ROLES_WITH: Mapping[str, str] = {
    "read": "a viewer",
    "write": "a member",
    "admin": "an admin",
}
_ELSEWHERE = (
    "This is in another of your organizations.",
    "Switch to it, and this address shows it.",
)
_OVER = "Your session is over, so this was not stored."
_OVER_HINT = (
    "Nothing is lost: your text is below. Sign in in a new tab, come back to this one, "
    "and send it again."
)
_STALE = "This form does not belong to your session any more, so it was not stored."
_STALE_HINT = (
    "You have signed in again since the form was opened. Nothing is lost: your text is "
    "below. Check it and send it again."
)
_COPY_HINT = "Nothing is lost: you can copy your text from below."


def answer_page_failure(
    request: LitestarRequest[Any, Any, Any], exception: Exception
) -> Response[Any]:
    """Answer a failed request for a page: with an error page or the form to sign in."""
    ours = cast("Request", request)
    error = api_error(exception)
    # The API has logged its own refusals.
    if not isinstance(error, ApiRefusedError):
        log_failure(error, exception, request.scope)
    if error.code is Code.INVALID_API_KEY:
        return _signed_out(ours, error)
    if error.code is Code.SECOND_FACTOR_REQUIRED and not isinstance(
        error, ApiRefusedError
    ):
        return _to_second_factor(ours)
    if isinstance(error, StaleFormError):
        return _stale(ours, error)
    if isinstance(error, RecentProofRequiredError) and ours.context.form is not None:
        return _proof(ours, error)
    return failure_page(ours, error, form=unsaved_form(ours, csrf=None))


def answer_anything(
    request: LitestarRequest[Any, Any, Any], exception: Exception
) -> Response[Any]:
    """Answer a failure outside of all pages: with a page if a browser asks for one."""
    accept = request.headers.get("accept", "")
    is_page = "text/html" in accept and not request.scope["path"].startswith("/api/")
    if is_page:
        return answer_page_failure(request, exception)
    return answer_failure(request, exception)


def failure_page(
    request: Request,
    error: ApiError,
    *,
    form: UnsavedForm | None = None,
    message: tuple[str, str] | None = None,
) -> Template:
    """Return the error page, with the text of a form that was sent.

    ``message`` is a headline and a hint in place of the error's own.
    """
    site = cast("Site", request.app.state.site)
    page = _page_context(request, site)
    headline, hint = message or _message_of(error, request.context.principal)
    elsewhere = _elsewhere(request, page) if error.code is Code.NOT_FOUND else []
    if elsewhere:
        headline, hint = _ELSEWHERE
    return site.render(
        "failure.html",
        {
            "elsewhere": elsewhere,
            "form": form,
            "headline": headline,
            "here": here(request),
            "hint": hint,
            "flash": None,
            "request_id": request.request_id,
            "status": error.status,
            "page": page,
        },
        # The text of a form may be a secret.
        headers={**({} if form is None else SECRET), **error.headers},
        status=error.status,
    )


def _elsewhere(request: Request, page: PageContext | None) -> list[OwnOrganization]:
    """Return the person's other organizations that have what the address names."""
    own = () if page is None else page.own_organizations
    return [one for one in own if one.id in request.context.elsewhere]


def _page_context(request: Request, site: Site) -> PageContext | None:
    """Return the context of the error page; None if nobody is signed in.

    Without a route, the key of the session was not checked. If there is only a session,
    the page has the navigation, and nothing that needs a valid key.
    """
    cookies = request.sent_cookies
    if site.sessions.opened(cookies.get(COOKIE)) is None and not (
        site.people.remembers(cookies, is_tls=request.is_tls)
    ):
        return None
    page = PageContext(request, site)
    principal = request.context.principal
    if principal is not None:
        page.organization = site.cached_organization_info(principal)
        page.keep_project()
        if page.person is not None:
            own = site.own_organizations
            page.own_organizations = own.cached_of(page.person.id)
    return page


def _message_of(error: ApiError, principal: Principal | None) -> tuple[str, str]:
    """Return the headline and the hint for a person, or for the user of a key."""
    person = None if principal is None else principal.person
    had = () if principal is None else principal.scopes
    hint = _HINTS.get(error.code, "")
    if error.code is not Code.INSUFFICIENT_SCOPE:
        return in_words(error), hint
    if person is not None:
        hint = _HINT_FOR_PEOPLE
    # A right that was there may have been lost while the request was at work.
    if "required" not in error.meta or error.meta["required"] in had:
        return in_words(error), hint
    required, granted = error.meta["required"], error.meta["granted"]
    if person is not None:
        article = "an" if person.role[0] in "ao" else "a"
        needed = _ROLES_WITH.get(required, required)
        return f"This needs {needed}, and you are {article} {person.role}.", hint
    has = _listed(granted) if granted else "none"
    headline = f"Your key may not do this: it needs the scope {required} and has {has}."
    return headline, hint


def _listed(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _signed_out(request: Request, error: ApiError) -> Response[Any]:
    """Answer a request without a valid session."""
    is_ours = is_same_origin(request) is True
    form = unsaved_form(request, csrf="" if is_ours else None)
    if form is None or request.raw_header(b"hx-request") is not None:
        return _to_sign_in(request)
    message = _OVER, _OVER_HINT if is_ours else _COPY_HINT
    # Pages accept a session and no API key.
    error.headers.pop("WWW-Authenticate", None)
    return failure_page(request, error, form=form, message=message)


def _stale(request: Request, error: StaleFormError) -> Template:
    session = request.context.session
    csrf = None
    if error.is_same_origin and session is not None:
        csrf = cast("Site", request.app.state.site).sessions.csrf_token(session)
    form = unsaved_form(request, csrf=csrf)
    if form is None:
        return failure_page(request, error)
    message = _STALE, _STALE_HINT if csrf else _COPY_HINT
    return failure_page(request, error, form=form, message=message)


def _proof(request: Request, error: RecentProofRequiredError) -> Response[Any]:
    """Ask for a proof; the form is kept in the page, and sent with the proof."""
    site, session = cast("Site", request.app.state.site), request.context.session
    proof = request.context.proof
    if proof is None:
        sent = request.raw_header(b"content-type") or b"", request.body_that_was_read
        back = _page_in_header(request, b"referer")
    else:
        sent = proof.content_type, proof.body
        # The present page is the answer to a form, which nobody can go back to.
        back = page_after_sign_in(proof.answers.get("back", ""))
    return site.render(
        "proof.html",
        {
            "action": here(request),
            "back": back,
            "csrf": "" if session is None else site.sessions.csrf_token(session),
            "flash": None,
            "kept": kept_form(*sent),
            "methods": error.methods,
            "page": _page_context(request, site),
            "problem": error.problem,
        },
        headers={**SECRET, **error.headers},
        status=error.status,
    )


def _to_sign_in(request: Request) -> Response[Any]:
    """Show the form to sign in, or redirect to it, and from there back to the page."""
    if request.raw_header(b"hx-request") is not None:
        # htmx replaces the whole page, not only the fragment.
        page = _page_in_header(request, b"hx-current-url")
        headers = {"HX-Redirect": _sign_in_path(page)}
        return Response(None, status_code=401, headers=headers)
    is_get = request.method == "GET"
    if is_get and request.scope["path"] == FIRST_PAGE:
        # A user who is signed in sees Home there.
        query = parse_qs(request.scope["query_string"].decode("latin-1"))
        (next_,) = query.get("next", [""])[:1]
        return sign_in_form(cast("Site", request.app.state.site), next_=next_)
    page = here(request) if is_get else _page_in_header(request, b"referer")
    return Redirect(_sign_in_path(page), status_code=303)


def _to_second_factor(request: Request) -> Response[Any]:
    """Lead somebody without a required second factor to where they set one up."""
    if request.raw_header(b"hx-request") is not None:
        headers = {"HX-Redirect": _SECOND_FACTOR}
        return Response(None, status_code=403, headers=headers)
    return Redirect(_SECOND_FACTOR, status_code=303)


def _sign_in_path(page: str) -> str:
    encoded = quote(page, safe="")
    return "/" if page == "/" or len(page) > MAX_NEXT_LENGTH else f"/?next={encoded}"


def _page_in_header(request: Request, header: bytes) -> str:
    """Return the path and query of our page in a header, or the root."""
    named, host = request.raw_header(header), request.raw_header(b"host")
    try:
        url = urlsplit((named or b"").decode("ascii"))
    except ValueError:
        return "/"
    if url.scheme not in {"http", "https"} or url.netloc.encode() != host:
        return "/"
    path = url.path or "/"
    return f"{path}?{url.query}" if url.query else path

"""/sign-in/code: the second step of people with one-time codes.

The session begins after the code, so no cookie of the first step is ever one of a
session.
"""

from typing import Annotated, Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Redirect
from msgspec import Struct

from api.http.access.sessions import set_cookie
from api.http.request import Request
from api.web.kit.sign_in_form import page_after_sign_in, sign_in_form
from api.web.kit.site import SECRET, Site
from api.web.sign_in.page import (
    SECOND_STEP,
    SignIn,
    TooManyTriesError,
    client_of,
    second_step_cookie,
)
from application.accounts.second_factor import PendingPerson

_WRONG = (
    "This code is not right. A code of your app works once and for about a minute, and "
    "a recovery code works once."
)
_OVER = "The time for a code is over, or too many were wrong. Sign in again."
_SEE_OTHER, _UNAUTHORIZED = 303, 401


class CodeForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A code of the app or a recovery code, and the page to go to."""

    code: str = ""
    next: str = ""


class SecondStepPage(Controller):
    """The page that asks for a code after a right password."""

    path = SECOND_STEP
    include_in_schema = False

    @get("/", opt={"scope": None})
    async def ask(
        self,
        request: Request,
        sign_in: NamedDependency[SignIn],
        site: NamedDependency[Site],
        next_: Annotated[str, QueryParameter(name="next")] = "",
    ) -> Response[Any]:
        """Ask for the code."""
        person = await sign_in.second_factor.pending_person(_token(request))
        if person is None:
            return Redirect("/", status_code=_SEE_OTHER)
        return _form(site, person, next_=next_)

    @post("/", opt={"scope": None, "form": CodeForm})
    async def check(
        self,
        request: Request,
        sign_in: NamedDependency[SignIn],
        site: NamedDependency[Site],
    ) -> Response[Any]:
        """Check the code, and sign the person in."""
        form, token = request.form_as(CodeForm), _token(request)
        person = await sign_in.second_factor.pending_person(token)
        if person is None:
            return await _over(request, site, next_=form.next)
        try:
            counting = sign_in.counting_codes(request, person.email, form.code)
            async with counting as wrong:
                found = await sign_in.second_factor.finish(
                    token, form.code, client=client_of(request)
                )
                if found is None:
                    wrong()
        except TooManyTriesError as error:
            return _form(
                site,
                person,
                next_=form.next,
                problem=str(error),
                status=error.status,
                headers=error.headers,
            )
        if found is not None:
            _forget_step(request)
            path = page_after_sign_in(form.next)
            return await sign_in.enter(request, found, person.email, path)
        if await sign_in.second_factor.pending_person(token) is None:
            return await _over(request, site, next_=form.next)
        return _form(site, person, next_=form.next, problem=_WRONG)


def _form(
    site: Site,
    person: PendingPerson,
    *,
    next_: str,
    problem: str = "",
    status: int = _UNAUTHORIZED,
    headers: dict[str, str] | None = None,
) -> Response[Any]:
    return site.render(
        "second_step.html",
        {
            "email": person.email,
            "flash": None,
            "next": next_,
            "page": None,
            "problem": problem,
        },
        headers={**SECRET, **(headers or {})},
        status=status if problem else 200,
    )


async def _over(request: Request, site: Site, *, next_: str) -> Response[Any]:
    _forget_step(request)
    await site.people.look_for_people()
    return sign_in_form(site, next_=next_, problem=_OVER, of="password")


def _token(request: Request) -> str:
    return request.sent_cookies.get(second_step_cookie(is_tls=request.is_tls), "")


def _forget_step(request: Request) -> None:
    name = second_step_cookie(is_tls=request.is_tls)
    request.context.response_headers.append(
        set_cookie(name, "", seconds=0, is_tls=request.is_tls)
    )

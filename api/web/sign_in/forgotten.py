"""/sign-in/forgotten: a link to choose a new password, by mail where it is set up."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.response import Template
from msgspec import Struct

from api.http.request import Request
from api.web.kit.site import SECRET, Site
from api.web.sign_in.page import SignIn, TooManyTriesError, require_passwords


class ForgottenForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The address with which somebody signs in."""

    email: str = ""


class ForgottenPages(Controller):
    """The page of a forgotten password; its answers are the same for any address."""

    path = "/sign-in/forgotten"
    include_in_schema = False

    @get("/", opt={"scope": None})
    async def ask(
        self, sign_in: NamedDependency[SignIn], site: NamedDependency[Site]
    ) -> Template:
        """Ask for the address, or tell who can make a link."""
        require_passwords(sign_in)
        return _page(site, sign_in)

    @post("/", opt={"scope": None, "form": ForgottenForm})
    async def send_link(
        self,
        request: Request,
        sign_in: NamedDependency[SignIn],
        site: NamedDependency[Site],
    ) -> Response[Any]:
        """Let a link be sent, after this answer."""
        require_passwords(sign_in)
        email = request.form_as(ForgottenForm).email.strip()
        if not sign_in.accounts.can_mail:
            return _page(site, sign_in)
        if not email:
            return _page(site, sign_in, problem="Write your email address.", status=400)
        try:
            await sign_in.ask_for_link(request, email)
        except TooManyTriesError as error:
            return _page(
                site, sign_in, email=email, problem=str(error), status=error.status
            )
        return _page(site, sign_in, email=email, is_sent=True)


def _page(
    site: Site,
    sign_in: SignIn,
    *,
    email: str = "",
    problem: str = "",
    is_sent: bool = False,
    status: int = 200,
) -> Template:
    return site.render(
        "forgotten.html",
        {
            "can_mail": sign_in.accounts.can_mail,
            "email": email,
            "flash": None,
            "is_sent": is_sent,
            "page": None,
            "problem": problem,
        },
        headers=SECRET,
        status=status,
    )

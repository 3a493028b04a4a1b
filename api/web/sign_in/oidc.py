"""/sign-in/oidc: the way to an OpenID provider and back, and connections with it."""

import time
from typing import Annotated, Any, Self
from uuid import UUID

import msgspec
import structlog
from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Redirect
from msgspec import Struct

from api.http.access.sessions import Cookies, Sessions, set_cookie
from api.http.error_codes import Code
from api.http.errors import ApiError
from api.http.request import Request
from api.routes.connections.links import own_address
from api.web.kit.handlers import form_route
from api.web.kit.page import PageContext, PageResponse
from api.web.kit.sign_in_form import page_after_sign_in, sign_in_form
from api.web.kit.site import SECRET, Site
from api.web.sign_in.page import SignIn, client_of
from application.accounts.oidc.client import SignInSecrets
from application.accounts.oidc.errors import SignInRefusedError, TooLongAgoError
from application.accounts.oidc.service import (
    SPENT,
    KnownPerson,
    OidcSignIn,
    ProviderAnswer,
)
from domain.person.errors import LastSignInMethodError

CALLBACK = "/sign-in/oidc/callback"
YOU = "/you"

_COOKIE = "goatherd_oidc"
_SECONDS = 600
_LONGEST_COOKIE = 3_000
_LONGEST_NEXT = 1_000
_SEE_OTHER = 303
_NO_CONTENT = 204
_REFUSED = 403

# Providers choose the values that they send; codes of some are longer than 2,000.
_LONGEST = 8_192
_ByProvider = Annotated[str | None, QueryParameter(max_length=_LONGEST)]
# The framework has a parameter called state.
_StateSent = Annotated[str | None, QueryParameter(name="state", max_length=_LONGEST)]
_Anew = Annotated[bool, QueryParameter()]
_Next = Annotated[str, QueryParameter(name="next", max_length=_LONGEST)]

_log = structlog.get_logger()


class Departure(Struct, frozen=True, array_like=True):
    """A browser on its way to the provider, as its own cookie has it.

    ``until`` is in seconds since 1970. ``connects`` is the person who connects the
    provider with their account, None for somebody who signs in.
    """

    seed: bytes
    until: int
    next: str
    redirect_url: str
    connects: UUID | None

    @classmethod
    def begun(
        cls,
        request: Request,
        oidc: OidcSignIn,
        *,
        next_: str = "",
        connects: UUID | None = None,
    ) -> Self:
        own_url = oidc.client.own_url or own_address(request)
        return cls(
            seed=SignInSecrets.new().seed,
            until=int(time.time()) + _SECONDS,
            next=next_[:_LONGEST_NEXT],
            redirect_url=f"{own_url}{CALLBACK}",
            connects=connects,
        )

    @property
    def secrets(self) -> SignInSecrets:
        return SignInSecrets(self.seed)

    def cookie(self, sessions: Sessions) -> str:
        """Return the value of the cookie, which is valid in this browser alone."""
        return sessions.signed("oidc", msgspec.msgpack.encode(self))

    @classmethod
    def opened(cls, sessions: Sessions, cookies: Cookies, name: str) -> Self | None:
        """Return the departure in the cookie, None if there is none or it is over."""
        signed = sessions.verified("oidc", cookies.get(name), longest=_LONGEST_COOKIE)
        if signed is None:
            return None
        try:
            departure = msgspec.msgpack.decode(signed, type=cls)
        except msgspec.DecodeError:
            return None
        return departure if departure.until > time.time() else None


class OidcRoutes(Controller):
    """The way to the provider and back."""

    path = "/sign-in/oidc"
    include_in_schema = False

    @get("/", opt={"scope": None})
    async def depart(
        self,
        request: Request,
        sign_in: NamedDependency[SignIn],
        site: NamedDependency[Site],
        next_page: _Next = "",
        anew: _Anew = False,  # noqa: FBT002 - a parameter of the address
    ) -> Response[Any]:
        """Go to the provider."""
        oidc = _provider(sign_in)
        # A browser that loads links in advance has not decided anything.
        if b"prefetch" in (request.raw_header(b"sec-purpose") or b""):
            return Response(None, status_code=_NO_CONTENT)
        departure = Departure.begun(request, oidc, next_=page_after_sign_in(next_page))
        try:
            address = await oidc.depart(
                departure.secrets, redirect_url=departure.redirect_url, anew=anew
            )
        except SignInRefusedError as error:
            return await _refused(site, error, next_=next_page)
        _keep(request, departure.cookie(site.sessions), seconds=_SECONDS)
        return Redirect(address, status_code=_SEE_OTHER, headers=_headers())

    @get("/callback", opt={"scope": None})
    async def arrive(
        self,
        request: Request,
        sign_in: NamedDependency[SignIn],
        site: NamedDependency[Site],
        code: _ByProvider = None,
        sent_state: _StateSent = None,
        iss: _ByProvider = None,
        error: _ByProvider = None,
    ) -> Response[Any]:
        """Sign somebody in who comes back from the provider, or connect them."""
        oidc = _provider(sign_in)
        name = _cookie_name(request)
        departure = Departure.opened(site.sessions, request.sent_cookies, name)
        if departure is None or not departure.secrets.is_state(sent_state or ""):
            return await _refused(site, SignInRefusedError(SPENT))
        _keep(request, "", seconds=0)
        try:
            known = await oidc.arrive(
                ProviderAnswer(code=code or None, issuer=iss, error=error),
                departure.secrets,
                until=departure.until,
                redirect_url=departure.redirect_url,
            )
            if departure.connects is not None:
                page = await _page_of(request, sign_in, site, departure.connects)
                return await _connected(page, oidc, known)
            signed_in = await oidc.enter(known, client=client_of(request))
        except SignInRefusedError as refusal:
            return await _refused(site, refusal, next_=departure.next)
        sign_in.forget_sessions()
        return await sign_in.enter(
            request, signed_in, known.entry.email or "", departure.next
        )


class OidcForms(Controller):
    """The forms of the page You that connect a person with the provider."""

    path = "/you/oidc"

    @form_route("/connect", scope="read", recent_proof=True)
    async def connect(
        self, page: NamedDependency[PageContext], sign_in: NamedDependency[SignIn]
    ) -> PageResponse:
        """Go to the provider, to come back with an identity for this account."""
        oidc, person = _provider(sign_in), page.principal.require_person()
        departure = Departure.begun(page.request, oidc, connects=person.id)
        try:
            # Somebody else may have left themselves signed in at the provider.
            address = await oidc.depart(
                departure.secrets, redirect_url=departure.redirect_url, anew=True
            )
        except SignInRefusedError as error:
            _note(error)
            page.flash(str(error))
            return page.go_to(YOU)
        _keep(page.request, departure.cookie(page.site.sessions), seconds=_SECONDS)
        # The policy of pages lets no form lead to another site, not even by a redirect.
        return page.site.render(
            "leave.html",
            {
                "address": address,
                "flash": None,
                "host": oidc.client.host,
                "page": None,
            },
            headers=SECRET,
        )

    @form_route("/disconnect", scope="read", recent_proof=True)
    async def disconnect(
        self, page: NamedDependency[PageContext], sign_in: NamedDependency[SignIn]
    ) -> PageResponse:
        """Sign in by the provider no more."""
        oidc, person = _provider(sign_in), page.principal.require_person()
        try:
            await oidc.disconnect(person.id, client=client_of(page.request))
        except LastSignInMethodError as error:
            page.flash(str(error))
        else:
            page.flash(f"You sign in without {oidc.client.host} from now on.")
        return page.go_to(YOU)


async def _page_of(
    request: Request, sign_in: SignIn, site: Site, person_id: UUID
) -> PageContext:
    """Return the page of somebody who went to the provider, if they are signed in."""
    opened = await sign_in.opened(request)
    person = None if opened is None else opened.principal.person
    if opened is None or person is None or person.id != person_id:
        raise SignInRefusedError(SPENT)
    request.context.principal = opened.principal
    request.context.session = opened.session
    return await PageContext.begin(request, site)


async def _connected(
    page: PageContext, oidc: OidcSignIn, known: KnownPerson
) -> PageResponse:
    person = page.principal.require_person()
    try:
        await oidc.connect(person.id, known, client=client_of(page.request))
    except SignInRefusedError as error:
        page.flash(str(error))
    else:
        page.flash(f"You can sign in with {oidc.client.host} from now on.")
    return page.go_to(YOU)


def _provider(sign_in: SignIn) -> OidcSignIn:
    if sign_in.oidc is None:
        raise ApiError(Code.NOT_FOUND)
    return sign_in.oidc


async def _refused(
    site: Site, error: SignInRefusedError, *, next_: str = ""
) -> Response[Any]:
    _note(error)
    await site.people.look_for_people()
    return sign_in_form(
        site,
        next_=next_,
        problem=str(error),
        of="provider",
        status=_REFUSED,
        anew=isinstance(error, TooLongAgoError),
    )


def _note(error: SignInRefusedError) -> None:
    if error.cause:
        _log.warning("sign_in_by_provider_refused", cause=error.cause)


def _cookie_name(request: Request) -> str:
    return f"__Host-{_COOKIE}" if request.is_tls else _COOKIE


def _keep(request: Request, value: str, *, seconds: int) -> None:
    header = set_cookie(
        _cookie_name(request), value, seconds=seconds, is_tls=request.is_tls
    )
    request.context.response_headers.append(header)


def _headers() -> dict[str, str]:
    return {**SECRET, "Referrer-Policy": "no-referrer"}

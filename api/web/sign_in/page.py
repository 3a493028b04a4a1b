"""Signing in and out: a password, a key or a link is exchanged for a session."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any, Literal
from urllib.parse import urlencode

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.response import Redirect, Template
from msgspec import Struct

from api.http.access.auth import (
    Authenticator,
    Principal,
    SignedInPerson,
    invalid_api_key,
)
from api.http.access.failed_logins import FailedLogins
from api.http.access.live_sessions import LiveSessions
from api.http.access.person_sessions import (
    OpenedSession,
    PersonSessions,
    cookie_name,
)
from api.http.access.sessions import (
    COOKIE,
    LIFETIME_SECONDS,
    Session,
    Sessions,
    set_cookie,
)
from api.http.access.slowed_tries import SharedChecks, SlowedTries, Try
from api.http.bodies.form_body import NoFields
from api.http.errors import ApiError, Code
from api.http.request import Request
from api.web.kit.sign_in_form import FIRST_PAGE, page_after_sign_in, sign_in_form
from api.web.kit.site import SignInWays, Site
from api.web.sign_in.devices import (
    BROWSER,
    known_browser,
    known_device,
    new_browser,
    new_device,
)
from api.web.sign_in.devices import COOKIE as DEVICE
from api.web.sign_in.devices import LIFETIME_SECONDS as DEVICE_SECONDS
from api.web.sign_in.links import peek_link, spend_link
from application.accounts.joining import Joining
from application.accounts.oidc.service import OidcSignIn
from application.accounts.one_time_codes import is_one_time_code
from application.accounts.passkeys import Passkeys
from application.accounts.rows import SECOND_STEP_SECONDS
from application.accounts.second_factor import SecondFactor
from application.accounts.service import (
    AskingBrowser,
    PasskeyRequiredError,
    PersonAccounts,
    SecondStep,
    SignedIn,
)
from application.accounts.sessions import MOST_DAYS, browser_in_short
from application.onboarding.first_start import close_question, is_question_open
from domain.email import same_email
from domain.organization.api_keys import ALL_SCOPES
from domain.phrases import counted
from infra.database import AsyncPool
from infra.keys.digests import digest_of

FIRST_START, SECOND_STEP = "/first-start", "/sign-in/code"

_WRONG_KEY = "This key is not valid here: it may be mistyped, expired or revoked."
_PERSONAL_KEY = (
    "This key belongs to a person, and is for programs. Sign in with your email and "
    "your password."
)
_DO_NOT_FIT = (
    "This address and this password don't fit. Check both, or ask for a link to choose "
    "a new password."
)
_PASSKEY_REQUIRED = (
    "Your organization asks for more than a password. Sign in with your passkey."
)
# Browsers that signed in before wait behind so many others at most.
_MOST_WAITING = 20
_PERSON_SECONDS = MOST_DAYS * 86_400
_SECOND_STEP = "goatherd_second_step"
_SEE_OTHER, _FORBIDDEN = 303, 403
_NAMES = {"key": "an API key", "password": "a password"}


class TooManyTriesError(ApiError):
    """Wrong tries to sign in slow the next one down, for ``seconds``."""

    def __init__(self, seconds: int) -> None:
        super().__init__(
            Code.RATE_LIMIT_EXCEEDED,
            f"There were too many wrong tries. Wait {counted(seconds, 'second')}, and "
            "try again then.",
            meta={"retryAfter": seconds},
            headers={"Retry-After": str(seconds)},
        )


class SignInForm(Struct, frozen=True, forbid_unknown_fields=True):
    """An email address and a password, or an API key, and the page to go to."""

    email: str = ""
    password: str = ""
    key: str = ""
    next: str = ""


class SeenLink(Struct, frozen=True, kw_only=True):
    """The key with which a link signs in."""

    key_digest: bytes
    principal: Principal


class SignIn:
    """Checks keys, links and sessions, and begins and ends sessions."""

    def __init__(
        self,
        *,
        authenticator: Authenticator,
        attempts: FailedLogins,
        sessions: Sessions,
        live_sessions: LiveSessions,
        pool: AsyncPool,
        accounts: PersonAccounts,
        joining: Joining,
        people: PersonSessions,
        oidc: OidcSignIn | None = None,
        ways: SignInWays = SignInWays(),  # noqa: B008 - it is frozen
    ) -> None:
        self._authenticator = authenticator
        self._attempts = attempts
        self.sessions = sessions
        self._live_sessions = live_sessions
        self._pool = pool
        self.accounts = accounts
        self.oidc = oidc
        self.ways = ways
        self.joining = joining
        self._people = people
        self.second_factor = SecondFactor(accounts)
        self.passkeys = Passkeys(accounts)
        self._tries = SlowedTries(checks=SharedChecks())
        # A code has six digits, so that its tries are slowed for the whole account.
        self._codes = SlowedTries(refuses_by_account=True)
        self._recovery_codes = SlowedTries()
        self._links = SlowedTries(refuses_by_account=True)
        self._being_sent: set[asyncio.Task[None]] = set()

    async def try_key(self, request: Request, key: str) -> bytes | None:
        """Return the digest of a valid key; None for an invalid one.

        Raises:
            ApiError: ``rate_limit_exceeded``, after too many wrong keys.
        """
        try:
            await self._authenticator.authenticate(b"Bearer " + key.strip().encode())
        except ApiError as error:
            self._failed(request, error)
            return None
        return digest_of(key.strip())

    async def try_password(
        self, request: Request, email: str, password: str
    ) -> SignedIn | SecondStep | None:
        """Begin a session of a person; None if the address and password don't fit.

        A person with one-time codes gets a second step first.

        Raises:
            TooManyTriesError: wrong tries slow this one down.
            PasskeyRequiredError: the person signs in with a passkey.
        """
        async with self.counting_tries(request, email) as wrong:
            found = await self.accounts.sign_in(
                email, password, client=client_of(request)
            )
            if found is None:
                wrong()
        return found

    @asynccontextmanager
    async def counting_tries(
        self, request: Request, email: str
    ) -> AsyncGenerator[Callable[[], None]]:
        """Let a try be made in its time; the block calls the result for a wrong one.

        Raises:
            TooManyTriesError: the try comes before its time, or too many others wait.
        """
        if (
            self.accounts.waiting_hashes >= _MOST_WAITING
            and known_device(self.sessions, request.sent_cookies, email) is None
        ):
            raise TooManyTriesError(1)
        async with self._counting(self._tries, request, email) as wrong:
            yield wrong

    @asynccontextmanager
    async def counting_codes(
        self, request: Request, email: str, code: str
    ) -> AsyncGenerator[Callable[[], None]]:
        """Let a code be tried in its time, as ``counting_tries`` does a password.

        Recovery codes are counted by themselves, so that guesses of the short codes
        keep nobody out who has one.

        Raises:
            TooManyTriesError: the try comes before its time.
        """
        tries = self._codes if is_one_time_code(code) else self._recovery_codes
        async with self._counting(tries, request, email) as wrong:
            yield wrong

    @asynccontextmanager
    async def _counting(
        self, tries: SlowedTries, request: Request, email: str
    ) -> AsyncGenerator[Callable[[], None]]:
        device = known_device(self.sessions, request.sent_cookies, email)
        one = Try(address=_address(request), email=same_email(email), device=device)
        if seconds := tries.refused_for(one):
            raise TooManyTriesError(seconds)
        # The try counts as wrong from now on, so that many at the same time don't all
        # find the present delay.
        wait = tries.waits_for(one)
        tries.count(one)
        is_wrong = False

        def wrong() -> None:
            nonlocal is_wrong
            is_wrong = True

        try:
            await asyncio.sleep(wait)
            yield wrong
        except BaseException:
            tries.undo(one)
            raise
        if not is_wrong:
            tries.forgive(one)

    async def ask_for_link(self, request: Request, email: str) -> None:
        """Let a link be mailed to an address, if somebody has it.

        The link is made after the answer, whose time therefore tells nothing.

        Raises:
            TooManyTriesError: the address was asked for too often.
        """
        async with self._counting(self._links, request, email) as keep_count:
            keep_count()
        task = asyncio.create_task(self.accounts.mail_password_link(email))
        self._being_sent.add(task)
        task.add_done_callback(self._being_sent.discard)

    async def note_proof(
        self, person: SignedInPerson, *, by_password: bool
    ) -> datetime:
        """Note that a person proved who they are, and return the time of it.

        Raises:
            ApiError: ``invalid_api_key``: the session ended meanwhile.
        """
        id_ = person.session_id
        if id_ is None:
            raise invalid_api_key(presented=False)
        proved_at = await self.accounts.prove(id_, by_password=by_password)
        if proved_at is None:
            raise invalid_api_key(presented=False)
        self._people.forget_all()
        return proved_at

    async def try_link(self, request: Request, token: str) -> bytes | None:
        """Use a link up and return the digest of its key; None if it is not valid.

        Raises:
            ApiError: ``rate_limit_exceeded``, after too many wrong links.
        """
        digest = await spend_link(self._pool, token)
        try:
            await self._authenticator.principal_of(digest or b"")
        except ApiError as error:
            self._failed(request, error)
            return None
        return digest

    def count_wrong_link(self, request: Request) -> None:
        """Count a link that is not valid.

        Raises:
            ApiError: ``rate_limit_exceeded``, after too many of them.
        """
        self._attempts.count(_address(request))

    def forget_sessions(self) -> None:
        """Look all sessions up again in this process, since some ended or changed."""
        self._people.forget_all()

    async def principal_of(self, digest: bytes) -> Principal:
        """Return the principal of a key.

        Raises:
            ApiError: ``invalid_api_key``, if no valid key has this digest.
        """
        return await self._authenticator.principal_of(digest)

    async def peek_link(self, token: str) -> SeenLink | None:
        """Return the key of a link without using it up, None if it is over."""
        digest = await peek_link(self._pool, token)
        if digest is None:
            return None
        try:
            principal = await self._authenticator.principal_of(digest)
            return SeenLink(key_digest=digest, principal=principal)
        except ApiError as error:
            if error.code is not Code.INVALID_API_KEY:
                raise
            return None

    async def opened(self, request: Request) -> OpenedSession | None:
        """Return the session of a person that the browser has, None without one."""
        return await self._people.opened(request.sent_cookies, is_tls=request.is_tls)

    async def still_operates(self, request: Request) -> bool:
        """Return whether the session still belongs to an operator."""
        principal = await self._principal(request)
        if principal is None:
            return False
        return principal.is_operator and "admin" in principal.scopes

    async def still_reads(self, request: Request) -> bool:
        """Return whether the session's key may still read."""
        principal = await self._principal(request)
        return principal is not None and "read" in principal.scopes

    async def _principal(self, request: Request) -> Principal | None:
        opened = await self._people.opened(request.sent_cookies, is_tls=request.is_tls)
        if opened is not None:
            return opened.principal
        session = await self._live_sessions.opened(request.sent_cookies.get(COOKIE))
        if session is None:
            return None
        try:
            return await self._authenticator.principal_of(session.key_digest)
        except ApiError as error:
            if error.code is not Code.INVALID_API_KEY:
                raise
            return None

    async def has_question(self, principal: Principal) -> bool:
        """Return whether this user is to answer the question of the first start.

        Answers need a key with every scope.
        """
        return _has_all_scopes(principal) and await is_question_open(
            self._pool, principal.organization_id
        )

    async def may_make_owner(self, principal: Principal) -> bool:
        """Return whether this key may make the organization's first owner."""
        if not self.ways.passwords or principal.person is not None:
            return False
        if not _has_all_scopes(principal):
            return False
        return not await self.accounts.has_owner(principal.organization_id)

    async def stop_asking(self, principal: Principal) -> None:
        """Close the question of the first start for good."""
        await close_question(self._pool, principal.organization_id)

    async def begin_session(
        self, request: Request, digest: bytes, path: str
    ) -> Redirect:
        """Begin a session and go to a page, or first to the question of the start."""
        if path == FIRST_PAGE:
            principal = await self._authenticator.principal_of(digest)
            path = FIRST_START if await self.has_question(principal) else path
        await self.begin_key_session(request, digest)
        return Redirect(path, status_code=_SEE_OTHER)

    async def begin_key_session(self, request: Request, digest: bytes) -> Session:
        """Begin a session with a key in this answer, and end the browser's others."""
        await self._end(request)
        session = self.sessions.begin(digest)
        sealed = self.sessions.sealed(session)
        _set(request, COOKIE, sealed, seconds=LIFETIME_SECONDS)
        return session

    async def enter_or_ask(
        self, request: Request, found: SignedIn | SecondStep, email: str, path: str
    ) -> Redirect:
        """Give the browser the session of a person, or ask them for a code."""
        if isinstance(found, SignedIn):
            return await self.enter(request, found, email, path)
        name = second_step_cookie(is_tls=request.is_tls)
        _set(request, name, found.token, seconds=SECOND_STEP_SECONDS)
        query = urlencode({"next": path})
        return Redirect(f"{SECOND_STEP}?{query}", status_code=_SEE_OTHER)

    async def enter(
        self, request: Request, signed_in: SignedIn, email: str, path: str
    ) -> Redirect:
        """Give the browser the session of a person, and go to a page."""
        await self._end(request)
        # This answer may have begun a session with a key before.
        _set(request, COOKIE, "", seconds=0)
        name = cookie_name(is_tls=request.is_tls)
        _set(request, name, signed_in.token, seconds=_PERSON_SECONDS)
        if known_device(self.sessions, request.sent_cookies, email) is None:
            device = new_device(self.sessions, email)
            _set(request, DEVICE, device, seconds=DEVICE_SECONDS)
        browser = known_browser(request.sent_cookies) or new_browser()
        _set(request, BROWSER, browser, seconds=DEVICE_SECONDS)
        await self.accounts.note_device(signed_in, browser)
        self._people.has_people = True
        return Redirect(path, status_code=_SEE_OTHER)

    def hand_over(self, request: Request, signed_in: SignedIn, path: str) -> Redirect:
        """Give the browser the new cookie of its session, and go to a page."""
        name = cookie_name(is_tls=request.is_tls)
        _set(request, name, signed_in.token, seconds=_PERSON_SECONDS)
        self._people.forget_all()
        return Redirect(path, status_code=_SEE_OTHER)

    async def end_session(self, request: Request) -> Redirect:
        """End the session everywhere, and go to the form to sign in."""
        await self._end(request)
        return Redirect(FIRST_PAGE, status_code=_SEE_OTHER)

    async def _end(self, request: Request) -> None:
        """End the sessions that the browser has, of a person or with a key."""
        cookies = request.sent_cookies
        opened = await self._people.opened(cookies, is_tls=request.is_tls)
        person = None if opened is None else opened.principal.person
        if person is not None and person.session_id is not None:
            await self.accounts.sign_out(person.id, person.session_id)
            self._people.forget_all()
        await self._live_sessions.end(cookies.get(COOKIE))
        for name in (COOKIE, cookie_name(is_tls=request.is_tls)):
            if name in cookies:
                _set(request, name, "", seconds=0)

    def _failed(self, request: Request, error: ApiError) -> None:
        if error.code is not Code.INVALID_API_KEY:
            raise error
        self._attempts.count(_address(request))


class SignInRoutes(Controller):
    """The pages to sign in and out."""

    include_in_schema = False

    @get(["/sign-in", "/sign-in/key"], opt={"scope": None})
    async def to_sign_in_form(self) -> Redirect:
        """Go to the form, for users who reload the address that the form is sent to."""
        return Redirect(FIRST_PAGE, status_code=_SEE_OTHER)

    @post(["/sign-in", "/sign-in/key"], opt={"scope": None, "form": SignInForm})
    async def sign_in(
        self,
        request: Request,
        sign_in: NamedDependency[SignIn],
        site: NamedDependency[Site],
    ) -> Response[Any]:
        """Exchange a password or a key for a session."""
        form = request.form_as(SignInForm)
        if not form.key and (form.email or form.password):
            if not site.ways.passwords:
                return await switched_off(site, "password", next_=form.next)
            return await self._with_password(request, form, sign_in, site)
        if not site.ways.keys:
            return await switched_off(site, "key", next_=form.next)
        digest = await sign_in.try_key(request, form.key)
        if digest is None:
            return sign_in_form(site, next_=form.next, problem=_WRONG_KEY)
        if (await sign_in.principal_of(digest)).person is not None:
            return sign_in_form(site, next_=form.next, problem=_PERSONAL_KEY)
        path = page_after_sign_in(form.next)
        return await sign_in.begin_session(request, digest, path)

    async def _with_password(
        self, request: Request, form: SignInForm, sign_in: SignIn, site: Site
    ) -> Response[Any]:
        refused = partial(
            sign_in_form, site, next_=form.next, of="password", email=form.email.strip()
        )
        await site.people.look_for_people()
        try:
            found = await sign_in.try_password(request, form.email, form.password)
        except TooManyTriesError as error:
            return refused(
                problem=str(error), status=error.status, headers=error.headers
            )
        except PasskeyRequiredError:
            return refused(problem=_PASSKEY_REQUIRED)
        if found is None:
            return refused(problem=_DO_NOT_FIT)
        path = page_after_sign_in(form.next)
        return await sign_in.enter_or_ask(request, found, form.email, path)

    @post("/sign-out", opt={"scope": None, "form": NoFields})
    async def sign_out(
        self, request: Request, sign_in: NamedDependency[SignIn]
    ) -> Redirect:
        """End the session."""
        return await sign_in.end_session(request)


def _has_all_scopes(principal: Principal) -> bool:
    return set(ALL_SCOPES) <= set(principal.scopes)


def second_step_cookie(*, is_tls: bool) -> str:
    """Return the name of the cookie that has a second step."""
    return f"__Host-{_SECOND_STEP}" if is_tls else _SECOND_STEP


def require_passwords(sign_in: SignIn) -> None:
    """Refuse a page of passwords and passkeys where the settings have none."""
    if not sign_in.ways.passwords:
        raise ApiError(Code.NOT_FOUND)


async def switched_off(
    site: Site, way: Literal["key", "password"], *, next_: str = ""
) -> Template:
    """Return the form to sign in, which says that a way is not one of it."""
    await site.people.look_for_people()
    return sign_in_form(
        site,
        next_=next_,
        problem=f"Nobody signs in with {_NAMES[way]} here.",
        of=way,
        status=_FORBIDDEN,
    )


def client_of(request: Request) -> AskingBrowser:
    """Return what a session shows of the browser that asks."""
    agent = (request.raw_header(b"user-agent") or b"").decode("latin-1")
    return AskingBrowser(
        address=_address(request),
        browser=browser_in_short(agent),
        correlation_id=request.context.correlation_id,
    )


def _address(request: Request) -> str:
    client = request.scope["client"]
    return client[0] if client else ""


def _set(request: Request, name: str, value: str, *, seconds: int) -> None:
    request.context.response_headers.append(
        set_cookie(name, value, seconds=seconds, is_tls=request.is_tls)
    )

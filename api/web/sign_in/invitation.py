"""/invitations/{link}: the invited person accepts, or declines without an account."""

from contextlib import suppress
from typing import Any, Literal

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect, Template
from msgspec import Struct

from api.http.access.auth import SignedInPerson
from api.http.bodies.form_body import NoFields
from api.http.guard import StaleFormError, is_same_origin
from api.http.request import Request
from api.web.kit.sign_in_form import FIRST_PAGE
from api.web.kit.site import SECRET, Site
from api.web.sign_in.owner import OwnerFields, checked_owner
from api.web.sign_in.page import SignIn, TooManyTriesError, client_of
from application.accounts.invitation_mails import MAY
from application.accounts.invitations import Invited
from application.accounts.passkeys import PasskeyRefusedError
from application.accounts.service import PasskeyRequiredError
from domain.email import same_email
from domain.organization.errors import InvitationOverError
from domain.person.errors import EmailTakenError

_FORBIDDEN, _GONE, _INVALID = 403, 410, 400
_SEE_OTHER = 303

# To accept, the visitor presses the button, signs in, makes an account, or comes back
# as somebody else.
_Step = Literal["accept", "sign_in", "register", "another"]


class AcceptForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The name of somebody who makes an account, and a new password or passkey.

    The email is the invited one, which a device shows with its passkey. Somebody who
    has an account sends their password alone.
    """

    name: str = ""
    email: str = ""
    password: str = ""
    credential: str = ""


class InvitationPage(Controller):
    """The page of a link; looking at it does not use the link up."""

    path = "/invitations/{token:str}"
    include_in_schema = False

    @get("/", opt={"scope": None})
    async def ask(
        self,
        request: Request,
        token: FromPath[str],
        sign_in: NamedDependency[SignIn],
        site: NamedDependency[Site],
    ) -> Template:
        """Say who invites to what, with the ways to answer."""
        invited = await sign_in.joining.invited(token)
        if invited is None:
            return _over(request, sign_in, site)
        person = await _person(request, site)
        step = await _step(sign_in, invited, person)
        return _show(request, site, token, invited, person=person, step=step)

    @post("/accept", opt={"scope": None, "form": AcceptForm})
    async def accept(
        self,
        request: Request,
        token: FromPath[str],
        sign_in: NamedDependency[SignIn],
        site: NamedDependency[Site],
    ) -> Response[Any]:
        """Become a member, and go to the organization's first page."""
        invited = await sign_in.joining.invited(token)
        if invited is None:
            return _over(request, sign_in, site)
        person = await _person(request, site)
        step = await _step(sign_in, invited, person)
        if person is not None and step == "accept":
            _check_csrf(request, site)
            return await _accepted(request, token, sign_in, site, person)
        form = request.form_as(AcceptForm)
        if step == "sign_in" and sign_in.ways.passwords and form.password:
            return await _accepted_by_password(
                request, token, sign_in, site, invited, form.password
            )
        if step != "register":
            return _show(request, site, token, invited, person=person, step=step)
        fields = OwnerFields(
            name=form.name,
            email=invited.email,
            password=form.password,
            credential=form.credential,
        )
        account, problems = await checked_owner(request, sign_in, fields)
        try:
            if not problems:
                entered = await sign_in.joining.join(
                    token,
                    name=account["name"],
                    password=account["password"],
                    passkey=account["passkey"],
                    person_id=account["person_id"],
                    client=client_of(request),
                )
                return await sign_in.enter(request, entered, invited.email, FIRST_PAGE)
        except InvitationOverError:
            return _over(request, sign_in, site)
        except PasskeyRefusedError as error:
            problems["password"] = str(error).rstrip(".")
        except EmailTakenError:
            # They made an account meanwhile, in another window.
            return _show(request, site, token, invited, person=person, step="sign_in")
        return _show(
            request,
            site,
            token,
            invited,
            person=None,
            step="register",
            form=form,
            problems=problems,
        )

    @post("/decline", opt={"scope": None, "form": NoFields})
    async def decline(
        self,
        request: Request,
        token: FromPath[str],
        sign_in: NamedDependency[SignIn],
        site: NamedDependency[Site],
    ) -> Template:
        """Decline, for somebody who has the link and maybe no account."""
        try:
            await sign_in.joining.decline_invitation(
                token, correlation_id=request.context.correlation_id
            )
        except InvitationOverError:
            return _over(request, sign_in, site)
        return _page(site, "invitation_declined.html", {})


async def _accepted(
    request: Request,
    token: str,
    sign_in: SignIn,
    site: Site,
    person: SignedInPerson,
) -> Response[Any]:
    try:
        moved = person.session_id and await sign_in.joining.accept_invitation(
            token,
            person_id=person.id,
            session_id=person.session_id,
            client=client_of(request),
        )
    except InvitationOverError:
        return _over(request, sign_in, site)
    if not moved:
        # The session ended meanwhile; the membership is there after signing in.
        return Redirect(FIRST_PAGE, status_code=_SEE_OTHER)
    site.own_organizations.forget(person.id)
    return sign_in.hand_over(request, moved, FIRST_PAGE)


async def _accepted_by_password(
    request: Request,
    token: str,
    sign_in: SignIn,
    site: Site,
    invited: Invited,
    password: str,
) -> Response[Any]:
    """Accept for a person who is signed out, and may belong to no organization."""
    try:
        async with sign_in.counting_tries(request, invited.email) as wrong:
            person_id = await sign_in.accounts.person_with(invited.email, password)
            if person_id is None:
                wrong()
    except TooManyTriesError as error:
        person_id, problem = None, str(error)
    else:
        problem = "does not fit this address"
    if person_id is None:
        return _show(
            request,
            site,
            token,
            invited,
            person=None,
            step="sign_in",
            problems={"password": problem},
        )
    try:
        await sign_in.joining.accept_invitation(
            token, person_id=person_id, session_id=None, client=client_of(request)
        )
    except InvitationOverError:
        return _over(request, sign_in, site)
    with suppress(PasskeyRequiredError):
        found = await sign_in.try_password(request, invited.email, password)
        if found is not None:
            return await sign_in.enter_or_ask(request, found, invited.email, FIRST_PAGE)
    return Redirect(FIRST_PAGE, status_code=_SEE_OTHER)


async def _person(request: Request, site: Site) -> SignedInPerson | None:
    """Return the person whose session the browser has, and note the session."""
    opened = await site.people.opened(request.sent_cookies, is_tls=request.is_tls)
    if opened is None:
        return None
    request.context.session = opened.session
    return opened.principal.person


async def _step(
    sign_in: SignIn, invited: Invited, person: SignedInPerson | None
) -> _Step:
    if person is not None:
        is_theirs = same_email(person.email) == same_email(invited.email)
        return "accept" if is_theirs else "another"
    if not sign_in.ways.passwords:
        # The provider knows them, and makes their account.
        return "sign_in"
    has_account = await sign_in.joining.has_account(invited.email)
    return "sign_in" if has_account else "register"


def _check_csrf(request: Request, site: Site) -> None:
    """Refuse a form that no page of this session made.

    Raises:
        StaleFormError: the form has no token of the session.
    """
    session, form = request.context.session, request.context.form
    token = None if form is None else form.csrf
    if session is None or not site.sessions.is_csrf_token(session, token):
        raise StaleFormError(is_same_origin=is_same_origin(request) is True)


def _show(
    request: Request,
    site: Site,
    token: str,
    invited: Invited,
    *,
    person: SignedInPerson | None,
    step: _Step,
    form: AcceptForm | None = None,
    problems: dict[str, str] | None = None,
) -> Template:
    session = request.context.session
    context = {
        "csrf": "" if session is None else site.sessions.csrf_token(session),
        "form": form or AcceptForm(),
        "invited": invited,
        "may": MAY[invited.role],
        "path": f"/invitations/{token}",
        "person": person,
        "problems": problems or {},
        "step": step,
    }
    if problems:
        return _page(site, "invitation.html", context, status=_INVALID)
    status = _FORBIDDEN if step == "another" else 200
    return _page(site, "invitation.html", context, status=status)


def _over(request: Request, sign_in: SignIn, site: Site) -> Template:
    sign_in.count_wrong_link(request)
    return _page(site, "invitation_over.html", {}, status=_GONE)


def _page(
    site: Site, template: str, context: dict[str, Any], *, status: int = 200
) -> Template:
    # The address of a link is a secret.
    return site.render(
        template,
        {"flash": None, "page": None, **context},
        headers={"Vary": "Cookie", **SECRET},
        status=status,
    )

"""/you: name, time zone, password, sessions and keys of the person signed in."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template
from msgspec import Struct

from api.http.bodies.form_body import typed
from api.http.errors import ApiError, Code
from api.routes.me import EndedSession, ErasedPerson, Me, OwnSession
from api.routes.members.members import RemovedMember
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.forms.fields import VersionedForm
from api.web.kit.forms.key_form import KeyForm
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.kit.selection import id_in
from api.web.kit.sign_in_form import FIRST_PAGE, page_after_sign_in
from api.web.kit.site import SECRET
from api.web.sign_in.owner import OwnerFields, checked_owner, password_problem
from api.web.sign_in.page import SignIn, TooManyTriesError, client_of, require_passwords
from application.accounts.confirmations import EmailLinkOverError, LinkedEmail
from application.accounts.passkeys import PasskeyRefusedError
from domain.days import time_zones
from domain.email import checked_email
from domain.errors import InvalidEmailError
from domain.person.errors import EmailTakenError, HasOwnerError
from domain.phrases import counted
from projections.organizations.projection import ApiKey

PATH = "/you"

_KEYS_PER_PAGE = 50
_USUAL_KEY = KeyForm(scopes=["read"])
_WRONG = "is not your password"
_LOOK_FOR_MAIL = " A mail with a link to confirm it is on its way."
_FORBIDDEN, _GONE = 403, 410


class AboutForm(VersionedForm, frozen=True, kw_only=True):
    """The name, and the zone in which times are shown; empty is the organization's."""

    name: Annotated[str, typed("Name")] = ""
    time_zone: Annotated[str, typed("Time zone")] = ""


class EmailForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new address, with the present password as proof."""

    email: str = ""
    current_password: str = ""


class PasswordForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new password, with the present one as proof."""

    password: str = ""
    current_password: str = ""


class EraseMyselfForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The address, typed once more before the account is erased."""

    confirm: str = ""


class OrganizationForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another organization of the person, and the page to continue to."""

    organization_id: str = ""
    next: str = FIRST_PAGE


class YouPages(Controller):
    """The person who is signed in."""

    path = PATH

    @page_route()
    async def you(
        self,
        page: NamedDependency[PageContext],
        sign_in: NamedDependency[SignIn],
        cursor: FromQuery[str] = "",
    ) -> Template:
        """Show the account, or that this session has a key and no person."""
        if page.person is None:
            return await _show_key(page, sign_in)
        return await show_you(page, sign_in, cursor=cursor)

    @form_route(form=AboutForm, scope="read")
    async def change(
        self, page: NamedDependency[PageContext], sign_in: NamedDependency[SignIn]
    ) -> PageResponse:
        """Change the name and the time zone."""
        form = page.form(AboutForm)
        body = {"name": form.name.strip(), "time_zone": form.time_zone.strip() or None}
        try:
            await page.send("PATCH", "/me", Me, body, version=form.made_from)
        except ApiRefusedError as error:
            if error.code not in {Code.INVALID_BODY, Code.VERSION_CONFLICT}:
                raise
            return await show_you(page, sign_in, form=body, error=error)
        sign_in.forget_sessions()
        page.flash("Your changes were saved.")
        return page.go_to(PATH)

    @form_route("/email", form=EmailForm, scope="read", recent_proof=True)
    async def change_email(
        self, page: NamedDependency[PageContext], sign_in: NamedDependency[SignIn]
    ) -> PageResponse:
        """Sign in with another address from now on."""
        require_passwords(sign_in)
        form, person = page.form(EmailForm), page.principal.require_person()
        problems: dict[str, str] = {}
        try:
            checked_email(form.email)
        except InvalidEmailError as error:
            problems["email"] = str(error)
        problems |= await _password_problems(page, sign_in, form.current_password)
        if not problems:
            try:
                await sign_in.accounts.change_email(
                    person.id,
                    form.email,
                    kept=person.session_id,
                    client=client_of(page.request),
                )
            except EmailTakenError as error:
                problems["email"] = str(error).rstrip(".")
        if problems:
            return await show_you(
                page, sign_in, form={"email": form.email}, email=problems
            )
        sign_in.forget_sessions()
        page.flash(
            "You sign in with the new address from now on. All other browsers are "
            "signed out." + (_LOOK_FOR_MAIL if sign_in.accounts.can_mail else "")
        )
        return page.go_to(PATH)

    @form_route("/email/link", scope="read")
    async def mail_confirmation(
        self, page: NamedDependency[PageContext], sign_in: NamedDependency[SignIn]
    ) -> PageResponse:
        """Send another link that confirms the address."""
        person = page.principal.require_person()
        sent = await sign_in.accounts.mail_confirmation(person.id)
        page.flash(
            f"A mail with a link is on its way to {person.email}."
            if sent
            else "No mail was sent: your address is confirmed, or was sent ten mails "
            "today."
        )
        return page.go_to(PATH)

    @page_route("/email/{token:str}")
    async def ask_confirmation(
        self,
        page: NamedDependency[PageContext],
        sign_in: NamedDependency[SignIn],
        token: FromPath[str],
    ) -> Template:
        """Ask whether the address of a mailed link is to be confirmed."""
        return _show_confirmation(
            page, sign_in, token, await sign_in.accounts.linked_email(token)
        )

    @form_route("/email/{token:str}", scope="read")
    async def confirm_email(
        self,
        page: NamedDependency[PageContext],
        sign_in: NamedDependency[SignIn],
        token: FromPath[str],
    ) -> PageResponse:
        """Note that mails to the address reach the person who is signed in."""
        linked = await sign_in.accounts.linked_email(token)
        person = page.principal.require_person()
        if linked is None or linked.person_id != person.id:
            return _show_confirmation(page, sign_in, token, linked)
        try:
            await sign_in.accounts.confirm_email(
                token, linked, client=client_of(page.request)
            )
        except EmailLinkOverError:
            return _show_confirmation(page, sign_in, token, None)
        page.flash(f"{linked.email} is confirmed.")
        return page.go_to(PATH)

    @form_route("/password", form=PasswordForm, scope="read", recent_proof=True)
    async def change_password(
        self, page: NamedDependency[PageContext], sign_in: NamedDependency[SignIn]
    ) -> PageResponse:
        """Change the password, and sign all other browsers out."""
        require_passwords(sign_in)
        form, person = page.form(PasswordForm), page.principal.require_person()
        problems = await _password_problems(page, sign_in, form.current_password)
        if problem := password_problem(form.password, email=person.email):
            problems["password"] = problem
        if problems:
            return await show_you(page, sign_in, password=problems)
        await sign_in.accounts.change_password(
            person.id,
            form.password,
            email=person.email,
            kept=person.session_id,
            client=client_of(page.request),
        )
        sign_in.forget_sessions()
        page.flash("The password was changed. All other browsers are signed out.")
        return page.go_to(PATH)

    @form_route("/erase", form=EraseMyselfForm, scope="read", recent_proof=True)
    async def erase(
        self, page: NamedDependency[PageContext], sign_in: NamedDependency[SignIn]
    ) -> PageResponse:
        """Erase the person, and sign this browser out."""
        body = {"confirm": page.form(EraseMyselfForm).confirm}
        try:
            await page.send("POST", "/me/erase", ErasedPerson, body)
        except ApiRefusedError as error:
            if error.code not in {Code.INVALID_BODY, Code.LAST_OWNER}:
                raise
            problem = error.problems.get("confirm") or error.message.rstrip(".")
            return await show_you(page, sign_in, erasure={"confirm": problem})
        sign_in.forget_sessions()
        await sign_in.end_session(page.request)
        return page.site.render(
            "you/erased.html", {"flash": None, "page": None}, headers=SECRET
        )

    @form_route("/new-sign-ins/dismiss", scope="read")
    async def dismiss_new_sign_ins(
        self, page: NamedDependency[PageContext], sign_in: NamedDependency[SignIn]
    ) -> PageResponse:
        """Show the present new sign-ins no more."""
        await sign_in.accounts.dismiss_devices(page.principal.require_person().id)
        return page.go_to(PATH)

    @form_route("/sessions/{session_id:uuid}/end", scope="read")
    async def end_session(
        self,
        page: NamedDependency[PageContext],
        sign_in: NamedDependency[SignIn],
        session_id: FromPath[UUID],
    ) -> PageResponse:
        """Sign one browser out."""
        person = page.principal.require_person()
        await page.send("DELETE", f"/me/sessions/{session_id}", EndedSession)
        sign_in.forget_sessions()
        if session_id == person.session_id:
            return await sign_in.end_session(page.request)
        page.flash("That browser is signed out.")
        return page.go_to(PATH)

    @form_route("/leave", scope="read", recent_proof=True)
    async def leave_organization(
        self, page: NamedDependency[PageContext], sign_in: NamedDependency[SignIn]
    ) -> PageResponse:
        """Leave the organization, and go on in another one if there is one."""
        person, left = page.principal.require_person(), page.organization.name
        try:
            await page.send("DELETE", f"/members/{person.id}", RemovedMember)
        except ApiRefusedError as error:
            if error.code is not Code.LAST_OWNER:
                raise
            return await show_you(page, sign_in, leaving=error.message)
        sign_in.forget_sessions()
        page.site.own_organizations.forget(person.id)
        for other in await sign_in.joining.organizations_of(person.id):
            moved = person.session_id and await sign_in.joining.switch_organization(
                person.session_id, person_id=person.id, organization_id=other.id
            )
            if moved:
                sign_in.hand_over(page.request, moved, FIRST_PAGE)
                page.flash(f"You left {left}.")
                return page.go_to(FIRST_PAGE)
        if person.session_id is not None:
            await sign_in.accounts.sign_out(person.id, person.session_id)
        await sign_in.end_session(page.request)
        return page.site.render(
            "you/left.html",
            {"flash": None, "left": left, "page": None},
            headers=SECRET,
        )

    @form_route("/organization", form=OrganizationForm, scope="read")
    async def switch_organization(
        self, page: NamedDependency[PageContext], sign_in: NamedDependency[SignIn]
    ) -> PageResponse:
        """Go to another organization of the person."""
        form, person = page.form(OrganizationForm), page.principal.require_person()
        organization_id = id_in(form.organization_id, "organization_id")
        moved = person.session_id and await sign_in.joining.switch_organization(
            person.session_id, person_id=person.id, organization_id=organization_id
        )
        if not moved:
            page.site.own_organizations.forget(person.id)
            page.flash("You don't belong to that organization any more.")
            return page.go_to(FIRST_PAGE)
        return sign_in.hand_over(page.request, moved, page_after_sign_in(form.next))

    @form_route("/account", form=OwnerFields, scope="admin")
    async def make_account(
        self, page: NamedDependency[PageContext], sign_in: NamedDependency[SignIn]
    ) -> PageResponse:
        """Make the first owner of the organization, and sign them in."""
        require_passwords(sign_in)
        form = page.form(OwnerFields)
        if not await sign_in.may_make_owner(page.principal):
            return page.go_to(PATH)
        owner, problems = await checked_owner(page.request, sign_in, form)
        try:
            if not problems:
                found = await sign_in.accounts.make_first_owner(
                    page.principal.organization_id,
                    **owner,
                    client=client_of(page.request),
                )
                return await sign_in.enter(page.request, found, form.email, FIRST_PAGE)
        except EmailTakenError as error:
            problems["email"] = str(error).rstrip(".")
        except PasskeyRefusedError as error:
            problems["password"] = str(error).rstrip(".")
        except HasOwnerError:
            return page.go_to(PATH)
        return await _show_key(page, sign_in, form=form, problems=problems)


def _show_confirmation(
    page: PageContext, sign_in: SignIn, token: str, linked: LinkedEmail | None
) -> Template:
    """Show the address behind a link, or that it is over or somebody else's."""
    is_own = (
        linked is not None
        and page.person is not None
        and linked.person_id == page.person.id
    )
    status = 200 if is_own else _FORBIDDEN
    if linked is None:
        sign_in.count_wrong_link(page.request)
        status = _GONE
    return page.show(
        "you/confirm_email.html",
        {
            "is_over": linked is None,
            "linked": linked if is_own else None,
            "token": token,
        },
        status=status,
        is_secret=True,
    )


async def _password_problems(
    page: PageContext, sign_in: SignIn, password: str
) -> dict[str, str]:
    """Return what is wrong with the present password that a form proves.

    A person without a password proves otherwise who they are.

    Raises:
        ApiError: ``recent_proof_required``, if they have not.
    """
    person = page.principal.require_person()
    if not await sign_in.accounts.has_password(person.id):
        # The guard asks nobody whose form has a text in the field of the password.
        page.principal.require_recent_proof()
        return {}
    try:
        async with sign_in.counting_tries(page.request, person.email) as wrong:
            if await sign_in.accounts.is_password(person.id, password):
                await sign_in.note_proof(person, by_password=True)
                return {}
            wrong()
    except TooManyTriesError as error:
        return {"current_password": str(error).rstrip(".")}
    return {"current_password": _WRONG}


async def show_you(
    page: PageContext,
    sign_in: SignIn,
    *,
    form: Mapping[str, Any] | None = None,
    error: ApiError | None = None,
    email: Mapping[str, str] | None = None,
    password: Mapping[str, str] | None = None,
    erasure: Mapping[str, str] | None = None,
    leaving: str = "",
    key_form: KeyForm = _USUAL_KEY,
    key_error: ApiError | None = None,
    cursor: str = "",
) -> Template:
    """Show the account, perhaps with what is wrong with one of its forms."""
    me = (await page.get("/me", Me)).data
    sessions = (await page.get("/me/sessions", list[OwnSession])).data
    has_own = sign_in.ways.passwords
    keys = await page.get(
        "/api-keys",
        list[ApiKey],
        owner="person",
        limit=_KEYS_PER_PAGE,
        cursor=cursor,
    )
    now = datetime.now(UTC)
    present = {"name": me.name, "time_zone": me.time_zone, "email": me.email}
    wrong = bool(email or password or erasure or leaving or key_error)
    return page.show(
        "you/you.html",
        {
            "can_mail": sign_in.accounts.can_mail,
            "email_problems": email or {},
            "erasure_problems": erasure or {},
            "form": {**present, **(form or {})},
            "key_error": key_error,
            "key_form": key_form,
            "key_problems": {} if key_error is None else key_error.problems,
            "keys": keys.data,
            "leaving": leaving,
            "me": me,
            "new_sign_ins": await sign_in.accounts.new_devices(me.id),
            "more_keys": keys.next_url(PATH),
            "now": now,
            "password_problems": password or {},
            "passkeys": await sign_in.passkeys.of(me.id) if has_own else [],
            "second_factor": await sign_in.second_factor.state(me.id),
            "has_password": has_own and await sign_in.accounts.has_password(me.id),
            "provider": await _provider(page, sign_in),
            "sessions": sessions,
            "time_zones": sorted(time_zones()),
            "today": now.astimezone(ZoneInfo(page.time_zone)).date(),
        },
        error=error,
        status=400 if wrong else 200,
    )


class ShownProvider(Struct, frozen=True, kw_only=True):
    """The OpenID provider as the page shows it to a person."""

    host: str
    is_connected: bool
    lasts: str


def _lasting(seconds: int) -> str:
    hours, rest = divmod(seconds, 3_600)
    if rest:
        return counted(max(1, seconds // 60), "minute")
    return counted(hours, "hour")


async def _provider(page: PageContext, sign_in: SignIn) -> ShownProvider | None:
    person, oidc = page.principal.require_person(), sign_in.oidc
    if oidc is None:
        return None
    return ShownProvider(
        host=oidc.client.host,
        is_connected=await oidc.is_connected(person.id),
        lasts=_lasting(oidc.client.max_age_seconds),
    )


async def _show_key(
    page: PageContext,
    sign_in: SignIn,
    *,
    form: OwnerFields | None = None,
    problems: Mapping[str, str] | None = None,
) -> Template:
    return page.show(
        "you/key.html",
        {
            "form": form or OwnerFields(),
            "may_own": await sign_in.may_make_owner(page.principal),
            "problems": problems or {},
        },
        status=400 if problems else 200,
    )

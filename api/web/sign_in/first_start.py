"""/first-start: the form for the first owner, and the names of a new organization."""

from collections.abc import Mapping
from functools import partial

from litestar import Controller
from litestar.di import NamedDependency
from litestar.response import Template
from msgspec import Struct

from api.http.error_codes import Code
from api.routes.organization import Organization
from api.routes.projects import Project
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.kit.sign_in_form import FIRST_PAGE
from api.web.kit.site import SECRET
from api.web.sign_in.links import delete_link
from api.web.sign_in.owner import OwnerFields, checked_owner
from api.web.sign_in.page import FIRST_START, SignIn, client_of
from application.accounts.passkeys import PasskeyRefusedError
from domain.days import time_zones
from domain.person.errors import EmailTakenError, HasOwnerError
from infra.organizations import FIRST_PROJECT, UNNAMED_ORGANIZATION

_MISSING = {
    "organization": "write the name of your organization",
    "time_zone": "choose a time zone from the list, such as Europe/Berlin",
    "project": "write the name of a project",
}
_INVALID = 400
# The names that the organization and its project have until the question is answered.
_PLACEHOLDERS = {UNNAMED_ORGANIZATION, FIRST_PROJECT, "UTC"}


class FirstStartForm(OwnerFields, frozen=True, kw_only=True):
    """The answers; ``later`` is set if the question is declined."""

    organization: str = ""
    time_zone: str = ""
    project: str = ""
    later: str = ""


class FirstStartPage(Controller):
    """The page on which somebody with the first key answers."""

    path = FIRST_START

    @page_route(scope="admin")
    async def ask(
        self, page: NamedDependency[PageContext], sign_in: NamedDependency[SignIn]
    ) -> PageResponse:
        """Ask for the owner, the names and the time zone, unless that was answered."""
        if not await sign_in.has_question(page.principal):
            return page.go_to(FIRST_PAGE)
        return await ask(page, sign_in)

    @form_route(form=FirstStartForm, scope="admin")
    async def answer(
        self, page: NamedDependency[PageContext], sign_in: NamedDependency[SignIn]
    ) -> PageResponse:
        """Store the answers, or leave everything as it is until later."""
        if not await sign_in.has_question(page.principal):
            return page.go_to(FIRST_PAGE)
        return await answer(page, page.form(FirstStartForm), sign_in)


class _Form(Struct, frozen=True, kw_only=True):
    """The form as it is shown: its address, and the answers that it asks for.

    With ``may_wait`` it can be left until later.
    """

    action: str
    asks_owner: bool
    asks_names: bool
    may_wait: bool
    organization: Organization


async def ask(
    page: PageContext,
    sign_in: SignIn,
    *,
    link: str | None = None,
    may_wait: bool = True,
) -> Template:
    """Return the form with what is known already."""
    form = await _form(page, sign_in, link=link, may_wait=may_wait)
    project = await _first_project(page) if form.asks_names else None
    known = {
        "organization": form.organization.name,
        "time_zone": form.organization.time_zone,
        "project": "" if project is None else project.name,
    }
    texts = {
        name: "" if text in _PLACEHOLDERS else text for name, text in known.items()
    }
    return _render(page, form, texts, {}, is_first=True)


async def answer(
    page: PageContext,
    given: FirstStartForm,
    sign_in: SignIn,
    *,
    link: str | None = None,
    may_wait: bool = True,
) -> PageResponse:
    """Store the answers and sign the owner in, or leave everything until later.

    ``link`` is the text of the link at which they were given, which the owner uses up.
    """
    if given.later and may_wait:
        await sign_in.stop_asking(page.principal)
        return page.go_to(FIRST_PAGE)
    form = await _form(page, sign_in, link=link, may_wait=may_wait)
    texts = {name: getattr(given, name).strip() for name in _MISSING}
    owner, problems = None, {}
    if form.asks_owner:
        owner, problems = await checked_owner(page.request, sign_in, given)
    if form.asks_names:
        problems |= await _store(page, texts)
    signed_in = None
    if not problems and owner is not None:
        try:
            signed_in = await sign_in.accounts.make_first_owner(
                form.organization.id,
                **owner,
                client=client_of(page.request),
                spends=partial(delete_link, token=link) if link else None,
            )
        except EmailTakenError as error:
            problems = {"email": str(error)}
        except PasskeyRefusedError as error:
            problems = {"password": str(error).rstrip(".")}
        except HasOwnerError:
            # Somebody else answered in the meantime.
            return page.go_to(FIRST_PAGE)
    if problems:
        people = {"name": given.name, "email": given.email}
        return _render(page, form, {**people, **texts}, problems)
    await sign_in.stop_asking(page.principal)
    page.site.forget(form.organization.id)
    if signed_in is None:
        return page.go_to(FIRST_PAGE)
    return await sign_in.enter(page.request, signed_in, given.email, FIRST_PAGE)


async def _form(
    page: PageContext, sign_in: SignIn, *, link: str | None, may_wait: bool
) -> _Form:
    """Return the form with the questions that are still open.

    Somebody who answered "Later" left the organization unnamed, and is asked again for
    its names together with the owner.
    """
    organization = (await page.get("/organization", Organization)).data
    is_unnamed = organization.name == UNNAMED_ORGANIZATION
    return _Form(
        action=FIRST_START if link is None else f"/sign-in/{link}",
        asks_owner=await sign_in.may_make_owner(page.principal),
        asks_names=is_unnamed or await sign_in.has_question(page.principal),
        may_wait=may_wait,
        organization=organization,
    )


async def _store(page: PageContext, texts: Mapping[str, str]) -> dict[str, str]:
    """Store the answers, and return what is wrong with each wrong one."""
    problems = {name: _MISSING[name] for name, text in texts.items() if not text}
    settings = {
        field: texts[name]
        for name, field in (("organization", "name"), ("time_zone", "time_zone"))
        if texts[name]
    }
    try:
        if settings:
            await page.send("PATCH", "/organization", Organization, settings)
    except ApiRefusedError as error:
        problems |= _problems(error, {"name": "organization", "time_zone": "time_zone"})
    project = await _first_project(page)
    try:
        if texts["project"] and project is not None:
            body = {"name": texts["project"]}
            await page.send("PATCH", f"/projects/{project.id}", Project, body)
    except ApiRefusedError as error:
        problems |= _problems(error, {"name": "project"})
    return problems


def _problems(error: ApiRefusedError, names: Mapping[str, str]) -> dict[str, str]:
    """Return the problems with fields by their names in the form."""
    if error.code is not Code.INVALID_BODY:
        raise error
    return {
        names.get(field, field): problem for field, problem in error.problems.items()
    }


async def _first_project(page: PageContext) -> Project | None:
    """Return the oldest project; the list has the newest first."""
    projects = (await page.get("/projects", list[Project], limit=100)).data
    return projects[-1] if projects else None


def _render(
    page: PageContext,
    form: _Form,
    texts: Mapping[str, str],
    problems: Mapping[str, str],
    *,
    is_first: bool = False,
) -> Template:
    """Return the form without the navigation, which is for after the answer.

    The browser's time zone is proposed when the form is shown for the first time.
    """
    return page.site.render(
        "first_start.html",
        {
            "action": form.action,
            "asks_names": form.asks_names,
            "asks_owner": form.asks_owner,
            "csrf": page.csrf,
            "flash": None,
            "form": {"name": "", "email": "", **texts},
            "is_first": is_first,
            "may_wait": form.may_wait and page.site.ways.keys,
            "organization": form.organization.name,
            "page": None,
            "problems": problems,
            "time_zones": sorted(time_zones()),
        },
        # The address of a link is a secret.
        headers={"Vary": "Cookie, HX-Request", **SECRET},
        status=_INVALID if problems else 200,
    )

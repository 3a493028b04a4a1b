"""/first-start: the form for the first owner, and the names of a new organization."""

from collections.abc import Mapping
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.response import Template

from api.http.error_codes import Code
from api.routes.organization import Organization
from api.routes.projects import Project
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.kit.sign_in_form import FIRST_PAGE
from api.web.kit.site import SECRET
from api.web.sign_in.owner import OwnerFields, checked_owner
from api.web.sign_in.page import FIRST_START, SignIn, client_of
from application.accounts.passkeys import PasskeyRefusedError
from domain.person.errors import EmailTakenError
from domain.time_zones import time_zones
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
    """The first page after the first start."""

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
        return await answer(page, page.form(FirstStartForm), sign_in)


async def ask(
    page: PageContext, sign_in: SignIn, *, action: str = FIRST_START
) -> Template:
    """Return the form with what is known already."""
    organization = (await page.get("/organization", Organization)).data
    project = await _first_project(page)
    known = {
        "organization": organization.name,
        "time_zone": organization.time_zone,
        "project": "" if project is None else project.name,
    }
    texts = {
        name: "" if text in _PLACEHOLDERS else text for name, text in known.items()
    }
    asks_owner = await _asks_owner(sign_in, organization.id)
    return _form(page, texts, {}, action=action, asks_owner=asks_owner, is_first=True)


async def answer(
    page: PageContext,
    form: FirstStartForm,
    sign_in: SignIn,
    *,
    action: str = FIRST_START,
) -> PageResponse:
    """Store the answers and sign the owner in, or leave everything until later."""
    if not await sign_in.has_question(page.principal):
        return page.go_to(FIRST_PAGE)
    organization_id = page.principal.organization_id
    if form.later:
        await sign_in.stop_asking(page.principal)
        return page.go_to(FIRST_PAGE)
    texts = {name: getattr(form, name).strip() for name in _MISSING}
    asks_owner = await _asks_owner(sign_in, organization_id)
    owner, problems = None, {}
    if asks_owner:
        owner, problems = await checked_owner(page.request, sign_in, form)
    problems |= await _store(page, texts)
    signed_in = None
    if not problems and owner is not None:
        try:
            signed_in = await sign_in.accounts.make_first_owner(
                organization_id, **owner, client=client_of(page.request)
            )
        except EmailTakenError as error:
            problems = {"email": str(error)}
        except PasskeyRefusedError as error:
            problems = {"password": str(error).rstrip(".")}
    if problems:
        people = {"name": form.name, "email": form.email}
        return _form(
            page, {**people, **texts}, problems, action=action, asks_owner=asks_owner
        )
    await sign_in.stop_asking(page.principal)
    page.site.forget(organization_id)
    if signed_in is None:
        return page.go_to(FIRST_PAGE)
    return await sign_in.enter(page.request, signed_in, form.email, FIRST_PAGE)


async def _asks_owner(sign_in: SignIn, organization_id: UUID) -> bool:
    """Tell whether the owner is asked for, who gets a password then."""
    if not sign_in.ways.passwords:
        return False
    return not await sign_in.accounts.has_owner(organization_id)


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


def _form(
    page: PageContext,
    texts: Mapping[str, str],
    problems: Mapping[str, str],
    *,
    asks_owner: bool,
    action: str = FIRST_START,
    is_first: bool = False,
) -> Template:
    """Return the form without the navigation, which is for after the answer.

    The browser's time zone is proposed when the form is shown for the first time.
    """
    return page.site.render(
        "first_start.html",
        {
            "action": action,
            "asks_owner": asks_owner,
            "csrf": page.csrf,
            "flash": None,
            "form": {"name": "", "email": "", **texts},
            "is_first": is_first,
            "page": None,
            "problems": problems,
            "time_zones": sorted(time_zones()),
        },
        # The address of a link is a secret.
        headers={"Vary": "Cookie, HX-Request", **SECRET},
        status=_INVALID if problems else 200,
    )

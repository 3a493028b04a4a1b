"""/operations/organization: usage against limits, and the settings."""

from typing import Annotated
from zoneinfo import available_timezones

from litestar import Controller
from litestar.di import NamedDependency
from litestar.response import Template
from msgspec import Struct

from api.http.bodies.form_body import typed
from api.http.error_codes import Code
from api.routes.organization import Organization
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.operations.layout import show_operations
from domain.organization.retention import LEAST_DAYS, MOST_DAYS
from domain.scrape.intervals import DEFAULT_HOURS, LEAST_HOURS, MOST_HOURS

PATH = "/operations/organization"

_KINDS = (
    ("creator_profiles", "Profiles"),
    ("discover_videos", "New videos"),
    ("video_stats", "Figures of videos"),
)
_USAGE = (
    ("creators", "Active creators"),
    ("projects", "Projects"),
    ("campaigns_per_project", "Campaigns in one project"),
    ("items_per_campaign", "Items in one campaign"),
    ("api_keys", "API keys"),
    ("manual_scrapes_today", "Scrapes by hand today"),
    ("api_requests_today", "API requests today"),
)


class SettingsForm(Struct, frozen=True, forbid_unknown_fields=True):
    """The settings as typed; an empty interval means the default.

    Without days, creators who were removed are never erased.
    """

    version: str
    name: Annotated[str, typed("Name")] = ""
    time_zone: Annotated[str, typed("Time zone")] = ""
    creator_profiles_hours: Annotated[
        str, typed("Hours between scrapes of profiles")
    ] = ""
    discover_videos_hours: Annotated[
        str, typed("Hours between scrapes of new videos")
    ] = ""
    video_stats_hours: Annotated[str, typed("Hours between scrapes of figures")] = ""
    erase_removed_after_days: Annotated[
        str, typed("Days until removed creators are erased")
    ] = ""


class OrganizationPages(Controller):
    """The organization that is signed in."""

    path = PATH

    @page_route()
    async def organization(self, page: NamedDependency[PageContext]) -> Template:
        """Show usage and settings."""
        return await _show(page)

    @form_route(form=SettingsForm, scope="admin")
    async def change(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Change the settings, unless another person changed them meanwhile."""
        form = page.form(SettingsForm)
        body = {
            "name": form.name.strip(),
            "time_zone": form.time_zone.strip(),
            **{f"{kind}_hours": _number(form, f"{kind}_hours") for kind, _ in _KINDS},
            "erase_removed_after_days": _number(form, "erase_removed_after_days"),
        }
        version = int(form.version) if form.version.isdecimal() else 0
        try:
            await page.send(
                "PATCH", "/organization", Organization, body, version=version
            )
        except ApiRefusedError as error:
            if error.code not in {Code.INVALID_BODY, Code.VERSION_CONFLICT}:
                raise
            return await _show(page, form=form, error=error)
        page.site.forget(page.principal.organization_id)
        page.flash("The settings were saved.")
        return page.go_to(PATH)


async def _show(
    page: PageContext,
    *,
    form: SettingsForm | None = None,
    error: ApiRefusedError | None = None,
) -> Template:
    got = await page.get("/organization", Organization)
    now = _as_form(got.data)
    context = {
        "default_hours": DEFAULT_HOURS,
        "form": form or now,
        "has_conflict": error is not None and error.code is Code.VERSION_CONFLICT,
        "kinds": _KINDS,
        "least_hours": LEAST_HOURS,
        "most_hours": MOST_HOURS,
        "least_days": LEAST_DAYS,
        "most_days": MOST_DAYS,
        "now": now,
        "organization": got.data,
        "time_zones": sorted(available_timezones()),
        "usage": [(label, getattr(got.data.usage, key)) for key, label in _USAGE],
    }
    return await show_operations(
        page, "operations/organization.html", context, tab=PATH, error=error
    )


def _as_form(organization: Organization) -> SettingsForm:
    names = (*(f"{kind}_hours" for kind, _ in _KINDS), "erase_removed_after_days")
    numbers = {name: _typed(organization, name) for name in names}
    return SettingsForm(
        version=str(organization.version),
        name=organization.name,
        time_zone=organization.time_zone,
        **numbers,
    )


def _typed(organization: Organization, name: str) -> str:
    number = getattr(organization, name)
    return "" if number is None else str(number)


def _number(form: SettingsForm, name: str) -> int | str | None:
    """Return the text as a number if it is one; the API refuses other text."""
    text: str = getattr(form, name).strip()
    if not text:
        return None
    return int(text) if text.isascii() and text.isdecimal() else text

"""/settings/organization: usage against limits, and the settings."""

from collections.abc import Mapping

from litestar import Controller
from litestar.di import NamedDependency
from litestar.response import Template
from msgspec import Struct
from msgspec.structs import asdict

from api.http.error_codes import Code
from api.routes.organization import Organization
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.forms.fields import Fields, FormField, VersionedForm
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.settings.layout import show_settings
from domain.days import time_zones
from domain.organization.retention import LEAST_DAYS, MOST_DAYS
from domain.scrape.intervals import DEFAULT_HOURS, LEAST_HOURS, MOST_HOURS

PATH = "/settings/organization"

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
    ("members", "Members and open invitations"),
    ("api_keys", "API keys"),
    ("views", "Saved views"),
    ("manual_scrapes_today", "Scrapes by hand today"),
    ("api_requests_today", "API requests today"),
)


def _hours_between(scrapes_of: str) -> FormField:
    label = f"Hours between scrapes of {scrapes_of}"
    return FormField(label=label, type="number", nothing="the default")


ORGANIZATION = Fields(
    Organization,
    "/organization",
    {
        "name": FormField(label="Name", is_trimmed=True, is_required=True),
        "time_zone": FormField(label="Time zone", is_trimmed=True, is_required=True),
        "creator_profiles_hours": _hours_between("profiles"),
        "discover_videos_hours": _hours_between("new videos"),
        "video_stats_hours": _hours_between("figures"),
        "erase_removed_after_days": FormField(
            label="Days until removed creators are erased",
            type="number",
            nothing="never",
        ),
    },
)
SettingsForm = ORGANIZATION.form("SettingsForm", ORGANIZATION.by_name, VersionedForm)


class SecondFactorForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The choice to require a second factor of all members."""

    requires_second_factor: bool = False


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
        texts = asdict(form)
        body = ORGANIZATION.read(texts)
        try:
            await page.send(
                "PATCH", "/organization", Organization, body, version=form.made_from
            )
        except ApiRefusedError as error:
            if error.code not in {Code.INVALID_BODY, Code.VERSION_CONFLICT}:
                raise
            return await _show(page, texts, error=error)
        page.site.forget(page.principal.organization_id)
        page.flash("The settings were saved.")
        return page.go_to(PATH)

    @form_route(
        "/second-factor", form=SecondFactorForm, scope="admin", recent_proof=True
    )
    async def require_second_factor(
        self, page: NamedDependency[PageContext]
    ) -> PageResponse:
        """Require a second factor of all members, or of none."""
        body = asdict(page.form(SecondFactorForm))
        try:
            await page.send("PATCH", "/organization", Organization, body)
        except ApiRefusedError as error:
            if error.code is not Code.SECOND_FACTOR_REQUIRED:
                raise
            return await _show(page, error=error)
        page.site.people.forget_all()
        page.flash("The settings were saved.")
        return page.go_to(PATH)


async def _show(
    page: PageContext,
    texts: Mapping[str, str] | None = None,
    *,
    error: ApiRefusedError | None = None,
) -> Template:
    got = await page.get("/organization", Organization)
    now = ORGANIZATION.texts(got.data)
    context = {
        "default_hours": DEFAULT_HOURS,
        "fields": ORGANIZATION.by_name,
        "form": texts or now,
        "has_conflict": error is not None and error.code is Code.VERSION_CONFLICT,
        "kinds": _KINDS,
        "least_hours": LEAST_HOURS,
        "most_hours": MOST_HOURS,
        "least_days": LEAST_DAYS,
        "most_days": MOST_DAYS,
        "now": now,
        "organization": got.data,
        "time_zones": sorted(time_zones()),
        "usage": []
        if got.data.usage is None
        else [(label, getattr(got.data.usage, key)) for key, label in _USAGE],
    }
    return await show_settings(
        page, "settings/organization.html", context, tab=PATH, error=error
    )

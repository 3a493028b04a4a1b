"""/settings/webhooks: endpoints that get public events, and what was sent to them."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template
from msgspec import Struct, field

from api.http.bodies.form_body import typed
from api.http.error_codes import Code
from api.http.errors import ApiError, field_error
from api.routes.webhooks.schemas import (
    CreatedWebhook,
    RemovedWebhook,
    WebhookReplay,
    WebhookSecret,
)
from api.web.kit.forms.creator_handle import creator_with
from api.web.kit.forms.fields import VersionedForm
from api.web.kit.forms.project_choices import all_projects, some_campaigns
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.settings.layout import ADMIN, PROVED, show_settings
from domain.feed.types import ALL, TYPES
from projections.creators.creator import Creator
from projections.webhooks.queries import Webhook, WebhookDelivery

PATH: Final = "/settings/webhooks"

_PER_PAGE = 50
_DELIVERIES = 20
_CREATED = 201
_SHOWN_ERRORS = {
    Code.INVALID_BODY,
    Code.LIMIT_REACHED,
    Code.NOT_FOUND,
    Code.VERSION_CONFLICT,
}
# The types that all events do not include.
_FREQUENT = frozenset(type_.name for type_ in TYPES if not type_.in_wildcard)
# The words for the groups of types, by the part of the name before the dot.
_GROUPS = {
    "creator": "Creators",
    "video": "Videos",
    "scrape": "Scrapes",
    "source": "Sources",
    "import": "Imports",
    "campaign": "Campaigns",
    "member": "People",
    "subject": "Erasures",
    "alert": "Alerts",
    "report": "Reports",
}


class WebhookForm(VersionedForm, frozen=True, kw_only=True):
    """A webhook as people type it; ``choice`` is ``all`` or only these types."""

    url: Annotated[str, typed("Address")] = ""
    description: Annotated[str, typed("Description")] = ""
    choice: str = "all"
    types: list[str] = field(default_factory=list[str])
    project_id: str = ""
    creator: Annotated[str, typed("Creator")] = ""
    campaign_id: Annotated[str, typed("Campaign")] = ""
    tag: Annotated[str, typed("Tag")] = ""
    min_milestone: Annotated[str, typed("Least milestone")] = ""
    payload: str = "full"
    key: bool = False

    def body(self, creator_id: UUID | None) -> dict[str, Any]:
        """Return the body of the request, for the creator that the form names.

        Raises:
            ApiError: ``invalid_body``, if single types were to be chosen and none was,
                or the least milestone is no number.
        """
        if self.choice != "all" and not self.types:
            message = "choose at least one kind of event"
            raise field_error(Code.INVALID_BODY, "/types", message)
        milestone = self.min_milestone.replace(",", "").strip()
        if milestone and not milestone.isdecimal():
            message = "must be a whole number"
            raise field_error(Code.INVALID_BODY, "/filters/min_milestone", message)
        filters = {
            "creator_id": creator_id,
            "campaign_id": self.campaign_id or None,
            "tag": self.tag.strip() or None,
            "min_milestone": int(milestone[:12]) if milestone else None,
        }
        return {
            "url": self.url.strip(),
            "description": self.description.strip() or None,
            "types": self._types(),
            "project_id": self.project_id or None,
            "filters": filters,
            "payload": self.payload,
            "signatures": ["v1", "v1a"] if self.key else ["v1"],
        }

    def _types(self) -> list[str]:
        """Return the names; with all events only the frequent ones need names."""
        if self.choice != "all":
            return self.types
        named = [name for name in self.types if name in _FREQUENT]
        return [ALL, *named]


class ReplayForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The part of the past to send again, from a position on."""

    first: Annotated[str, typed("From position")] = ""


class TypeGroup(Struct, frozen=True, kw_only=True):
    """Types of events with one beginning: their names and summaries."""

    label: str
    types: Sequence[tuple[str, str]]


class WebhookPages(Controller):
    """The webhooks of the organization."""

    path = PATH

    @page_route(**ADMIN)
    async def webhooks(
        self, page: NamedDependency[PageContext], cursor: FromQuery[str] = ""
    ) -> Template:
        """List the webhooks, newest first, with the form for another one."""
        return await _show_all(page, cursor=cursor)

    @form_route(form=WebhookForm, **PROVED)
    async def create(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Create a webhook, and show its secret in this answer only."""
        form = page.form(WebhookForm)
        try:
            body = form.body(await _creator_of(page, form))
            got = await page.send("POST", "/webhooks", CreatedWebhook, body)
        except ApiError as error:
            if error.code not in _SHOWN_ERRORS:
                raise
            return await _show_all(page, form=form, error=error)
        return await _show_secret(page, got.data.id, got.data.url, got.data.secret)

    @page_route("/{webhook_id:uuid}", **ADMIN)
    async def webhook(
        self,
        page: NamedDependency[PageContext],
        webhook_id: FromPath[UUID],
        cursor: FromQuery[str] = "",
    ) -> Template:
        """Show a webhook with its form and its newest deliveries."""
        return await _show_one(page, webhook_id, cursor=cursor)

    @form_route("/{webhook_id:uuid}", form=WebhookForm, **PROVED)
    async def change(
        self, page: NamedDependency[PageContext], webhook_id: FromPath[UUID]
    ) -> PageResponse:
        """Change a webhook."""
        form, path = page.form(WebhookForm), f"/webhooks/{webhook_id}"
        try:
            body = form.body(await _creator_of(page, form))
            await page.send("PATCH", path, Webhook, body, version=form.made_from)
        except ApiError as error:
            if error.code not in _SHOWN_ERRORS:
                raise
            return await _show_one(page, webhook_id, form=form, error=error)
        page.flash("The webhook was saved.")
        return page.go_to(f"{PATH}/{webhook_id}")

    @form_route("/{webhook_id:uuid}/enable", **PROVED)
    async def enable(
        self, page: NamedDependency[PageContext], webhook_id: FromPath[UUID]
    ) -> PageResponse:
        """Enable a webhook, which gets what it missed."""
        await page.send("PATCH", f"/webhooks/{webhook_id}", Webhook, {"enabled": True})
        page.flash("The webhook is enabled, and gets what it missed.")
        return page.go_to(f"{PATH}/{webhook_id}")

    @form_route("/{webhook_id:uuid}/enable-from-now", **PROVED)
    async def enable_from_now(
        self, page: NamedDependency[PageContext], webhook_id: FromPath[UUID]
    ) -> PageResponse:
        """Enable a webhook without what it missed."""
        body = {"enabled": True, "from": "now"}
        await page.send("PATCH", f"/webhooks/{webhook_id}", Webhook, body)
        page.flash("The webhook is enabled from now on.")
        return page.go_to(f"{PATH}/{webhook_id}")

    @form_route("/{webhook_id:uuid}/disable", **PROVED)
    async def disable(
        self, page: NamedDependency[PageContext], webhook_id: FromPath[UUID]
    ) -> PageResponse:
        """Disable a webhook."""
        await page.send("PATCH", f"/webhooks/{webhook_id}", Webhook, {"enabled": False})
        page.flash("The webhook is disabled.")
        return page.go_to(f"{PATH}/{webhook_id}")

    @form_route("/{webhook_id:uuid}/remove", **PROVED)
    async def remove(
        self, page: NamedDependency[PageContext], webhook_id: FromPath[UUID]
    ) -> PageResponse:
        """Remove a webhook and its deliveries."""
        await page.send("DELETE", f"/webhooks/{webhook_id}", RemovedWebhook)
        page.flash("The webhook was removed.")
        return page.go_to(PATH)

    @form_route("/{webhook_id:uuid}/secret", **PROVED)
    async def rotate_secret(
        self, page: NamedDependency[PageContext], webhook_id: FromPath[UUID]
    ) -> PageResponse:
        """Make a new secret, and show it in this answer only."""
        path = f"/webhooks/{webhook_id}"
        webhook = (await page.get(path, Webhook)).data
        got = await page.send("POST", f"{path}/rotate-secret", WebhookSecret)
        secret = got.data.secret
        return await _show_secret(page, webhook_id, webhook.url, secret, is_new=False)

    @form_route("/{webhook_id:uuid}/test", **ADMIN)
    async def test(
        self, page: NamedDependency[PageContext], webhook_id: FromPath[UUID]
    ) -> PageResponse:
        """Send a test, and say what came back."""
        got = await page.send("POST", f"/webhooks/{webhook_id}/test", WebhookDelivery)
        page.flash(_came_back(got.data, "The test"))
        return page.go_to(f"{PATH}/{webhook_id}")

    @form_route("/{webhook_id:uuid}/replay", form=ReplayForm, **PROVED)
    async def replay(
        self, page: NamedDependency[PageContext], webhook_id: FromPath[UUID]
    ) -> PageResponse:
        """Send the past again, from a position on."""
        first = page.form(ReplayForm).first.replace(",", "").strip()
        path = f"/webhooks/{webhook_id}/replay"
        try:
            await page.send("POST", path, WebhookReplay, {"from": first or 1})
        except ApiError as error:
            if error.code not in _SHOWN_ERRORS:
                raise
            return await _show_one(page, webhook_id, error=error)
        page.flash("The past is sent again, behind everything that is new.")
        return page.go_to(f"{PATH}/{webhook_id}")

    @form_route("/{webhook_id:uuid}/deliveries/{delivery_id:uuid}/retry", **ADMIN)
    async def retry(
        self,
        page: NamedDependency[PageContext],
        webhook_id: FromPath[UUID],
        delivery_id: FromPath[UUID],
    ) -> PageResponse:
        """Send the event of a delivery again, and say what came back."""
        path = f"/webhooks/{webhook_id}/deliveries/{delivery_id}/retry"
        got = await page.send("POST", path, WebhookDelivery)
        page.flash(_came_back(got.data, "The event"))
        return page.go_to(f"{PATH}/{webhook_id}")


async def _creator_of(page: PageContext, form: WebhookForm) -> UUID | None:
    """Return the creator that a form names by the handle, None if it names none.

    Raises:
        ApiError: ``invalid_body``, if the organization has no such creator.
    """
    typed = form.creator.strip()
    if not typed:
        return None
    with suppress(ValueError):
        # The field has the id of a creator that is gone.
        return UUID(typed)
    unknown = "must be the handle of a creator that you track"
    return await creator_with(page, typed, field="/creator", unknown=unknown)


def type_groups() -> list[TypeGroup]:
    """Return the types of public events in groups, for the boxes of a form."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for type_ in TYPES:
        kind = type_.name.partition(".")[0]
        label = _GROUPS.get(kind, kind.capitalize())
        groups.setdefault(label, []).append((type_.name, type_.summary))
    return [TypeGroup(label=label, types=types) for label, types in groups.items()]


async def _show_all(
    page: PageContext,
    *,
    cursor: str = "",
    form: WebhookForm | None = None,
    error: ApiError | None = None,
) -> Template:
    got, projects, campaigns = await asyncio.gather(
        page.get("/webhooks", list[Webhook], limit=_PER_PAGE, cursor=cursor or None),
        all_projects(page),
        some_campaigns(page),
    )
    context = {
        "campaigns": campaigns,
        "form": form or WebhookForm(),
        "groups": type_groups(),
        "more_url": got.next_url(PATH),
        "projects": projects,
        "webhooks": got.data,
    }
    return await show_settings(
        page, "settings/webhooks.html", context, tab=PATH, error=error
    )


async def _show_one(
    page: PageContext,
    webhook_id: UUID,
    *,
    cursor: str = "",
    form: WebhookForm | None = None,
    error: ApiError | None = None,
) -> Template:
    path = f"/webhooks/{webhook_id}"
    got, deliveries, projects, campaigns = await asyncio.gather(
        page.get(path, Webhook),
        page.get(
            f"{path}/deliveries",
            list[WebhookDelivery],
            limit=_DELIVERIES,
            cursor=cursor or None,
        ),
        all_projects(page),
        some_campaigns(page),
    )
    webhook = got.data
    context = {
        "campaigns": campaigns,
        "deliveries": deliveries.data,
        "form": form or await _form_of(page, webhook),
        "groups": type_groups(),
        "more_url": deliveries.next_url(f"{PATH}/{webhook_id}"),
        "projects": projects,
        "webhook": webhook,
    }
    return await show_settings(
        page, "settings/webhook.html", context, tab=PATH, error=error
    )


async def _show_secret(
    page: PageContext, webhook_id: UUID, url: str, secret: str, *, is_new: bool = True
) -> Template:
    context = {
        "id": webhook_id,
        "url": url,
        "secret": secret,
        "is_new": is_new,
        "organization_id": page.principal.organization_id,
    }
    return await show_settings(
        page,
        "settings/webhook_made.html",
        context,
        tab=PATH,
        status=_CREATED,
        is_secret=True,
    )


async def _form_of(page: PageContext, webhook: Webhook) -> WebhookForm:
    filters = webhook.filters
    handle, campaign_id = "", None
    if filters is not None:
        campaign_id = filters.campaign_id
        if filters.creator_id is not None:
            handle = str(filters.creator_id)
            with suppress(ApiError):
                got = await page.get(f"/creators/{filters.creator_id}", Creator)
                handle = got.data.tiktok_handle or handle
    is_all = ALL in webhook.types
    milestone = None if filters is None else filters.min_milestone
    return WebhookForm(
        url=webhook.url,
        description=webhook.description or "",
        choice="all" if is_all else "some",
        types=[name for name in webhook.types if name != ALL],
        project_id="" if webhook.project_id is None else str(webhook.project_id),
        creator=handle,
        campaign_id="" if campaign_id is None else str(campaign_id),
        tag="" if filters is None else filters.tag or "",
        min_milestone="" if milestone is None else str(milestone),
        payload=webhook.payload,
        key="v1a" in webhook.signatures,
        version=str(webhook.version),
    )


def _came_back(delivery: WebhookDelivery, what: str) -> str:
    if delivery.delivered:
        return f"{what} was taken in {delivery.duration_ms:,} ms."
    if delivery.failed is not None:
        return f"{what} was not taken. {delivery.failed}"
    return f"{what} was not taken: the answer was {delivery.status}."

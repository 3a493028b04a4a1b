"""/settings/channels: the services that get messages about alerts."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template
from msgspec import Struct

from api.http.bodies.form_body import typed
from api.http.error_codes import Code
from api.http.errors import ApiError, field_error
from api.routes.channels.schemas import AddedChannel, RemovedChannel
from api.web.kit.forms.creator_handle import creator_with
from api.web.kit.forms.fields import VersionedForm
from api.web.kit.forms.project_choices import all_projects, names_of
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.settings.layout import ADMIN, PROVED, show_settings
from api.web.sign_in.page import SignIn
from application.channels.by_hand import ChannelTest
from application.channels.forms import ChannelForm
from application.channels.kinds import KINDS
from domain.channel.errors import MailNotSetUpError
from projections.channels.queries import Channel

PATH: Final = "/settings/channels"

_PER_PAGE = 50
_SHOWN_ERRORS = {
    Code.INVALID_BODY,
    Code.LIMIT_REACHED,
    Code.MAIL_NOT_SET_UP,
    Code.NO_CONTACT_ADDRESS,
    Code.NOT_FOUND,
    Code.OPTED_OUT,
    Code.RATE_LIMIT_EXCEEDED,
    Code.VERSION_CONFLICT,
}
_FORMS: Final[Mapping[str, ChannelForm]] = {name: k.form for name, k in KINDS.items()}
_MAILS: Final = frozenset({"email", "creator_email"})


class TypedChannel(VersionedForm, frozen=True, kw_only=True):
    """A channel as people type it; ``to`` is its URL or its address."""

    kind: str = ""
    name: Annotated[str, typed("Name")] = ""
    to: Annotated[str, typed("Address")] = ""
    project_id: str = ""

    def body(self, kind: str) -> dict[str, Any]:
        """Return the fields of the request that are the same for new and changed."""
        to = self.to.strip()
        form = _FORMS.get(kind)
        address = {form.field: to} if form is not None and form.field and to else {}
        return {
            "name": self.name.strip() or (form.label if form else ""),
            "project_id": self.project_id or None,
            **address,
        }


class TypedTest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The creator who gets a test of a channel for mails to creators, by the handle."""

    creator: Annotated[str, typed("Creator")] = ""


class ChannelPages(Controller):
    """The channels of the organization."""

    path = PATH

    @page_route(**ADMIN)
    async def channels(
        self,
        page: NamedDependency[PageContext],
        sign_in: NamedDependency[SignIn],
        cursor: FromQuery[str] = "",
        kind: FromQuery[str] = "",
    ) -> Template:
        """List the channels, newest first, with the form for another one."""
        return await _show_all(page, sign_in, cursor=cursor, kind=kind)

    @form_route(form=TypedChannel, **PROVED)
    async def add(
        self, page: NamedDependency[PageContext], sign_in: NamedDependency[SignIn]
    ) -> PageResponse:
        """Add a channel, and show the secret of a webhook in this answer only."""
        form = page.form(TypedChannel)
        body = {"kind": form.kind, **form.body(form.kind)}
        try:
            got = await page.send("POST", "/channels", AddedChannel, body)
        except ApiError as error:
            if error.code not in _SHOWN_ERRORS:
                raise
            return await _show_all(
                page, sign_in, kind=form.kind, form=form, error=error
            )
        channel = got.data
        if channel.secret is None:
            page.flash("The channel was added. Send a test to try it.")
            return page.go_to(f"{PATH}/{channel.id}")
        context = {"channel": channel}
        return await show_settings(
            page,
            "settings/channel_added.html",
            context,
            tab=PATH,
            status=201,
            is_secret=True,
        )

    @page_route("/{channel_id:uuid}", **ADMIN)
    async def channel(
        self,
        page: NamedDependency[PageContext],
        sign_in: NamedDependency[SignIn],
        channel_id: FromPath[UUID],
    ) -> Template:
        """Show a channel with its form."""
        return await _show_one(page, sign_in, channel_id)

    @form_route("/{channel_id:uuid}", form=TypedChannel, **PROVED)
    async def change(
        self,
        page: NamedDependency[PageContext],
        sign_in: NamedDependency[SignIn],
        channel_id: FromPath[UUID],
    ) -> PageResponse:
        """Change a channel; an empty address stays as it was."""
        form, path = page.form(TypedChannel), f"/channels/{channel_id}"
        channel = (await page.get(path, Channel)).data
        body = form.body(channel.kind)
        try:
            await page.send("PATCH", path, Channel, body, version=form.made_from)
        except ApiError as error:
            if error.code not in _SHOWN_ERRORS:
                raise
            return await _show_one(page, sign_in, channel_id, form=form, error=error)
        page.flash("The channel was saved.")
        return page.go_to(f"{PATH}/{channel_id}")

    @form_route("/{channel_id:uuid}/enable", **PROVED)
    async def enable(
        self, page: NamedDependency[PageContext], channel_id: FromPath[UUID]
    ) -> PageResponse:
        """Switch a channel on."""
        await page.send("PATCH", f"/channels/{channel_id}", Channel, {"enabled": True})
        page.flash("The channel is on.")
        return page.go_to(f"{PATH}/{channel_id}")

    @form_route("/{channel_id:uuid}/disable", **PROVED)
    async def disable(
        self, page: NamedDependency[PageContext], channel_id: FromPath[UUID]
    ) -> PageResponse:
        """Switch a channel off."""
        await page.send("PATCH", f"/channels/{channel_id}", Channel, {"enabled": False})
        page.flash("The channel is off.")
        return page.go_to(f"{PATH}/{channel_id}")

    @form_route("/{channel_id:uuid}/remove", **PROVED)
    async def remove(
        self, page: NamedDependency[PageContext], channel_id: FromPath[UUID]
    ) -> PageResponse:
        """Remove a channel and its address."""
        await page.send("DELETE", f"/channels/{channel_id}", RemovedChannel)
        page.flash("The channel was removed.")
        return page.go_to(PATH)

    @form_route("/{channel_id:uuid}/test", form=TypedTest, **ADMIN)
    async def test(
        self,
        page: NamedDependency[PageContext],
        sign_in: NamedDependency[SignIn],
        channel_id: FromPath[UUID],
    ) -> PageResponse:
        """Send a test, and show what came back."""
        handle, path = page.form(TypedTest).creator.strip(), f"/channels/{channel_id}"
        try:
            body = await _test_of(page, path, handle)
            got = await page.send("POST", f"{path}/test", ChannelTest, body)
        except ApiError as error:
            if error.code not in _SHOWN_ERRORS:
                raise
            return await _show_one(
                page, sign_in, channel_id, error=error, handle=handle
            )
        return await _show_one(page, sign_in, channel_id, test=got.data, handle=handle)


async def _test_of(page: PageContext, path: str, handle: str) -> dict[str, Any] | None:
    """Return the body of a test: the creator with the handle, None for the team's."""
    if not handle:
        return None
    channel = (await page.get(path, Channel)).data
    creator_id = await creator_with(
        page,
        handle,
        field="/creator_id",
        unknown="is no creator of the channel's project",
        project_id=channel.project_id,
    )
    return {"creator_id": str(creator_id)}


async def _show_all(
    page: PageContext,
    sign_in: SignIn,
    *,
    cursor: str = "",
    kind: str = "",
    form: TypedChannel | None = None,
    error: ApiError | None = None,
) -> Template:
    got, projects = await asyncio.gather(
        page.get("/channels", list[Channel], limit=_PER_PAGE, cursor=cursor or None),
        all_projects(page),
    )
    chosen = kind if kind in _FORMS else ""
    context = {
        "channels": got.data,
        "chosen": chosen,
        "form": form or TypedChannel(),
        "forms": _FORMS,
        "mail_problem": _mail_problem(sign_in),
        "more_url": got.next_url(PATH),
        "project_names": names_of(projects),
        "projects": projects,
    }
    return await show_settings(
        page, "settings/channels.html", context, tab=PATH, error=_on_to(error)
    )


async def _show_one(
    page: PageContext,
    sign_in: SignIn,
    channel_id: UUID,
    *,
    form: TypedChannel | None = None,
    test: ChannelTest | None = None,
    handle: str = "",
    error: ApiError | None = None,
) -> Template:
    got, projects = await asyncio.gather(
        page.get(f"/channels/{channel_id}", Channel), all_projects(page)
    )
    channel = got.data
    typed_now = TypedChannel(
        name=channel.name,
        project_id="" if channel.project_id is None else str(channel.project_id),
        version=str(channel.version),
    )
    context = {
        "channel": channel,
        "form": form or typed_now,
        "handle": handle,
        "kind": _FORMS[channel.kind],
        "mail_problem": _mail_problem(sign_in) if channel.kind in _MAILS else "",
        "projects": projects,
        "test": test,
    }
    return await show_settings(
        page, "settings/channel.html", context, tab=PATH, error=_on_to(error)
    )


def _mail_problem(sign_in: SignIn) -> str:
    """Return the reason why no mail can be sent, empty if it can."""
    return "" if sign_in.accounts.can_mail else str(MailNotSetUpError())


def _on_to(error: ApiError | None) -> ApiError | None:
    """Return an error about an address as one about the field ``to`` of the form."""
    if error is None:
        return None
    for form in _FORMS.values():
        if form.field is not None and form.field in error.problems:
            return field_error(error.code, "/to", error.problems[form.field])
    return error

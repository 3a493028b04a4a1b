"""The connected account of a creator: links to send, and the connection."""

from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct

from api.routes.connections.links import ConnectLinkShown
from api.routes.connections.routes import CreatorConnection
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.handlers import form_route
from api.web.kit.page import PageContext, PageResponse
from projections.creators.creator import Creator

REASONS = {
    "expired": "TikTok does not accept the stored consent any more. An answer may have "
    "been lost on the way.",
    "revoked_there": "The creator withdrew their consent at TikTok.",
    "revoked_here": "It was ended here.",
    "scope_missing": "The creator allows too little now.",
}


class LinkForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The link to revoke."""

    link_id: str


class ConnectionCard(Struct, frozen=True, kw_only=True):
    """The connection and the newest open link, for the settings of a creator.

    With ``is_local`` the link has an address that only this machine can open.
    """

    connection: CreatorConnection
    link: ConnectLinkShown | None
    is_local: bool
    reason: str | None


async def connection_card(page: PageContext, creator: Creator) -> ConnectionCard | None:
    """Return the card of a creator's connection, None for a removed creator."""
    if creator.status in {"removed", "erased"}:
        return None
    path = f"/creators/{creator.id}"
    got = await page.get(f"{path}/connection", CreatorConnection)
    links: list[ConnectLinkShown] = []
    if page.may("write"):
        listed = await page.get(f"{path}/connect-links", list[ConnectLinkShown])
        links = [link for link in listed.data if link.is_open]
    reason = got.data.reason
    link = next(iter(links), None)
    return ConnectionCard(
        connection=got.data,
        link=link,
        is_local=link is not None and is_local(link.url or ""),
        reason=None if reason is None else REASONS[reason],
    )


def is_local(url: str) -> bool:
    """Return whether an address leads to the machine of whoever opens it."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class ConnectionForms(Controller):
    """The forms of a creator's connection."""

    path = "/creators/{creator_id:uuid}/settings/connection"

    @form_route("/links")
    async def make_link(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        path = f"/creators/{creator_id}/connect-links"
        await page.send("POST", path, ConnectLinkShown)
        page.flash("The link is made: copy it, and send it to the creator.")
        return _back(page, creator_id)

    @form_route("/revoke-link", form=LinkForm)
    async def revoke_link(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        link_id = page.form(LinkForm).link_id
        path = f"/creators/{creator_id}/connect-links/{link_id}"
        await page.send("DELETE", path, ConnectLinkShown)
        page.flash("The link does not work any more.")
        return _back(page, creator_id)

    @form_route("/accept")
    async def accept(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        """Accept that an account with another handle is the creator's."""
        path = f"/creators/{creator_id}/connection/accept"
        try:
            await page.send("POST", path, CreatorConnection)
        except ApiRefusedError as error:
            page.flash(f"Nothing was connected. {error.message}")
        else:
            page.flash("The creator is renamed and connected.")
        return _back(page, creator_id)

    @form_route("/end")
    async def end(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        """End the connection, or refuse an account that waits."""
        path = f"/creators/{creator_id}/connection"
        await page.send("DELETE", path, CreatorConnection)
        page.flash("Ended. The consent is given back to TikTok.")
        return _back(page, creator_id)


def _back(page: PageContext, creator_id: UUID) -> PageResponse:
    return page.go_to(f"/creators/{creator_id}/settings#t-connection")

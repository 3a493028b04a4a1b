"""The services that connect creators, made once for each process."""

import threading
from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct

from application.connect.consent import Consents
from application.connect.links import add_link, find_link
from application.connect.revocation import Revoker
from application.connect.sealing import ConnectionSeal
from application.connect.tiktok import TikTokLogin, app_of
from domain.connection.links import ConnectLink, new_link
from domain.creator.decider import CreatorState, creator_of
from domain.creator.handlers.change import own_creator
from domain.errors import CreatorRemovedError
from domain.organization.decider import organization_of
from infra.database import run_read
from infra.eventstore.store import Store, plain_events
from infra.http_out.outbound import OutboundCalls
from infra.settings import Settings

CALLBACK_PATH = "/connect/callback"


class LinkParties(Struct, frozen=True, kw_only=True):
    """The name of the organization that made a link, and the creator it is for."""

    organization: str
    creator: CreatorState | None


class Connections:
    """Links, consents and tokens of one installation.

    ``consents`` and ``base_address`` are None if the settings have no app at TikTok:
    then nobody can connect. ``outbound`` runs functions that wait for TikTok or another
    host.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self.seal = ConnectionSeal(store.pool, settings)
        self.outbound = OutboundCalls()
        app = app_of(settings)
        self.login = None if app is None else TikTokLogin(app)
        self.consents = (
            None if self.login is None else Consents(store, self.login, self.seal)
        )
        self.base_address = (
            None if app is None else app.redirect_url.removesuffix(CALLBACK_PATH)
        )

    def address(self, link: ConnectLink, *, own_address: str) -> str:
        """Return a link's whole address; ``own_address`` is that of the request."""
        token = self.seal.link_token(link.id)
        return f"{self.base_address or own_address}/connect/{token}"

    def make_link(
        self, creator_id: UUID, *, link_id: UUID, organization_id: UUID
    ) -> ConnectLink:
        """Store a link for a creator of the organization, which works from now on.

        Raises:
            NotFoundError: the organization has no creator with this id.
            CreatorRemovedError: the creator is not tracked any more.
            CreatorErasedError: the creator was erased.
        """
        history = plain_events(self._store.load(creator_id)[creator_id])
        if own_creator(history, organization_id, None).is_gone:
            raise CreatorRemovedError
        link = new_link(
            link_id,
            organization_id=organization_id,
            creator_id=creator_id,
            now=datetime.now(UTC),
        )
        with self._store.pool.connection() as connection:
            add_link(connection.cursor(), link)
        return link

    def link_at(self, token: str) -> ConnectLink | None:
        """Return the link with this secret, None if there is none."""
        link_id = self.seal.link_of(token)
        if link_id is None:
            return None
        return run_read(
            self._store.pool,
            lambda connection: find_link(connection.cursor(), link_id),
        )

    def parties_of(self, link: ConnectLink) -> LinkParties:
        """Return the organization and the creator of a link."""
        organization_id, creator_id = link.organization_id, link.creator_id
        histories = self._store.load(organization_id, creator_id)
        organization = organization_of(plain_events(histories[organization_id]))
        return LinkParties(
            organization="" if organization is None else organization.name,
            creator=creator_of(plain_events(histories[creator_id])),
        )


def revoke_until_stopped(
    store: Store, settings: Settings, stop: threading.Event, wake_up: threading.Event
) -> None:
    """Give tokens of ended connections back to TikTok until ``stop`` is set."""
    connections = Connections(store, settings)
    Revoker(store.pool, connections.login, connections.seal).run(stop, wake_up)

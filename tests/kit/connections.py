"""A pretended TikTok for tests, and creators that consent there."""

import socket
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
from msgspec.structs import replace

from application.connect import rows
from application.connect.consent import Arrival
from application.connect.links import add_link
from application.connect.outcomes import ConsentOutcome
from application.connect.sealing import ConnectionSeal, Tokens
from application.connect.service import Connections
from application.connect.tiktok import TokenGrant
from domain.connection.consent import SCOPES
from domain.connection.links import new_link
from domain.creator.decider import creator_of
from infra.eventstore.store import Store, plain_events
from infra.ids import new_id
from infra.settings import Settings
from tests.kit.controlled_tiktok import ControlledConsents, RecordedTikTok
from tests.tools.fake_tiktok.accounts import FakeAccount, FakeVideo
from tests.tools.fake_tiktok.consents import FakeApp
from tests.tools.fake_tiktok.server import AUTH_PATH

if TYPE_CHECKING:
    from tests.kit.application import Tenant

CALLBACK = "https://goatherd.example/connect/callback"
APP = FakeApp(
    client_key="key",
    client_secret="of the app at TikTok",  # noqa: S106
    redirect_url=CALLBACK,
)


def account(username: str, *, videos: int = 3, **numbers: Any) -> FakeAccount:  # noqa: ANN401
    """An account of that name, with exact numbers and some videos."""
    given: dict[str, Any] = {
        "display_name": f"Name of {username}",
        "follower_count": 12_345,
        "following_count": 67,
        "likes_count": 890_123,
        "video_count": videos,
        **numbers,
    }
    listed = [
        FakeVideo(
            id=str(7_500_000_000_000_000_000 + n),
            title=f"Video {n}",
            create_time=1_780_000_000 + n * 60,
            view_count=1_000 + n,
            like_count=100 + n,
            comment_count=10 + n,
            share_count=n,
        )
        for n in range(videos)
    ]
    return FakeAccount(username=username, videos=listed, **given)


class Fake:
    """A pretended TikTok that runs in a thread; ``accounts`` may be changed."""

    def __init__(self, *accounts: FakeAccount, app: FakeApp = APP) -> None:
        self.accounts: dict[str, FakeAccount] = {a.username: a for a in accounts}
        self.consents = ControlledConsents(app)
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.tiktok = RecordedTikTok(lambda: self.accounts, self.consents, listener)
        self.url = self.tiktok.url

    def settings(self, settings: Settings) -> Settings:
        """The settings with this app, at this TikTok."""
        app = self.consents.app
        return replace(
            settings,
            display_client_key=app.client_key,
            display_client_secret=app.client_secret,
            display_base_url=self.url,
            display_auth_url=f"{self.url}{AUTH_PATH}",
            display_redirect_url=app.redirect_url,
        )

    def consent(
        self,
        address: str,
        username: str,
        *,
        answer: str = "allow",
        scopes: tuple[str, ...] = tuple(SCOPES),
    ) -> dict[str, str]:
        """Answer TikTok's consent page at an address; return the query sent back."""
        shown = httpx.get(address)
        assert shown.status_code == 200, shown.text
        query = {k: v[0] for k, v in parse_qs(urlsplit(address).query).items()}
        form: Mapping[str, Any] = {
            "state": query["state"],
            "code_challenge": query["code_challenge"],
            "username": username,
            "scope": list(scopes),
            "answer": answer,
        }
        answered = httpx.post(f"{self.url}/consent", data=form)
        assert answered.status_code == 303, answered.text
        back = urlsplit(answered.headers["Location"])
        return {k: v[0] for k, v in parse_qs(back.query).items()}


def connect(
    store: Store,
    fake: Fake,
    creator_id: UUID,
    username: str,
    **answer: Any,  # noqa: ANN401
) -> ConsentOutcome:
    """Let an account consent for a creator, from the link to the outcome."""
    connections = Connections(store, fake.settings(store.settings))
    consents = connections.consents
    assert consents is not None
    creator = creator_of(plain_events(store.load(creator_id)[creator_id]))
    assert creator is not None
    link = new_link(
        new_id(),
        organization_id=creator.organization_id,
        creator_id=creator_id,
        now=datetime.now(UTC),
    )
    with store.pool.connection() as connection:
        add_link(connection.cursor(), link)
    way = consents.depart(link)
    assert way is not None
    back = fake.consent(way.url, username, **answer)
    arrived = consents.arrive(
        state=back["state"],
        browser=way.browser,
        code=back.get("code"),
        error=back.get("error"),
    )
    return consents.take(arrived) if isinstance(arrived, Arrival) else arrived


@contextmanager
def fake_tiktok(*accounts: FakeAccount) -> Generator[Fake]:
    """A pretended TikTok with these accounts, for as long as the block takes."""
    fake = Fake(*accounts)
    thread = threading.Thread(target=fake.tiktok.serve, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.tiktok.close()
        thread.join()


def grant(open_id: str, **given: Any) -> TokenGrant:  # noqa: ANN401 - fields of a grant
    """Tokens that nobody knows."""
    values: dict[str, Any] = {
        "access": "act.none",
        "refresh": "rft.none",
        "scopes": tuple(SCOPES),
        "access_seconds": 7_200.0,
        "refresh_seconds": 15_552_000.0,
        **given,
    }
    return TokenGrant(open_id=open_id, **values)


def waiting_consent(
    tenant: "Tenant", creator_id: str, username: str, open_id: str | None = None
) -> None:
    """Let an account have said that it is the creator, under another handle."""
    store = tenant.goatherd.store
    seal = ConnectionSeal(store.pool, store.settings)
    granted = grant(open_id or str(uuid4()))
    id_ = new_id()
    consent = rows.Consent(
        id=id_,
        organization_id=tenant.organization_id,
        creator_id=UUID(creator_id),
        provider="display",
        account=seal.account("display", granted.open_id),
        sealed=seal.seal(
            id_,
            Tokens(
                access=granted.access,
                refresh=granted.refresh,
                open_id=granted.open_id,
                username=username,
            ),
        ),
        link_id=new_id(),
    )
    with store.pool.connection() as connection, connection.transaction():
        cursor = connection.cursor()
        rows.add_consent(cursor, consent, granted)
        assert rows.wait_for_member(cursor, id_)

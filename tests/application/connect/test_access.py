"""Tokens are refreshed before they end, by one at a time, and their loss is noticed."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from application.connect.access import Access, AccessTokens, NotConnectedError
from application.connect.endings import ConnectionEndings
from application.connect.outcomes import Connected
from application.connect.revocation import Revoker
from application.connect.rows import times_of
from application.connect.sealing import ConnectionSeal
from application.connect.tiktok import TikTokLogin, app_of
from domain import events as e
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store, plain_events
from infra.http_out.refusals import RefusedError
from infra.http_out.tiktok_api import Deadline
from tests.kit.builders import Home
from tests.kit.connections import Fake, account, connect, fake_tiktok, grant
from tests.kit.paths import ROOT

REFRESH = """
import sys
from uuid import UUID
from infra.eventstore.store import open_store
from infra.settings import Settings
from application.connect.access import AccessTokens
from infra.http_out.tiktok_api import Deadline
from application.connect.sealing import ConnectionSeal
from application.connect.tiktok import TikTokLogin, app_of

import os
settings = Settings.from_environment(os.environ)
store = open_store(settings.database_url, pool_size=1, settings=settings)
tokens = AccessTokens(
    store, TikTokLogin(app_of(settings)), ConnectionSeal(store.pool, settings)
)
print("ready", flush=True)
tokens.current(UUID(sys.argv[1]), Deadline(20))
"""


@pytest.fixture
def fake() -> Iterator[Fake]:
    with fake_tiktok(account("billie"), account("berta")) as fake:
        yield fake


@pytest.fixture
def billie(home: Home, fake: Fake) -> UUID:
    """A creator that is connected."""
    creator_id = home.creator("billie")
    assert isinstance(connect(home.store, fake, creator_id, "billie"), Connected)
    return creator_id


def tokens_of(store: Store, fake: Fake) -> AccessTokens:
    app = app_of(fake.settings(store.settings))
    assert app is not None
    return AccessTokens(
        store, TikTokLogin(app), ConnectionSeal(store.pool, store.settings)
    )


def revoker_of(store: Store, fake: Fake) -> Revoker:
    app = app_of(fake.settings(store.settings))
    assert app is not None
    return Revoker(
        store.pool, TikTokLogin(app), ConnectionSeal(store.pool, store.settings)
    )


def current(tokens: AccessTokens, creator_id: UUID) -> Access:
    return tokens.current(creator_id, Deadline(20))


def execute(store: Store, statement: str) -> list[Any]:
    with store.pool.connection() as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def let_end(store: Store) -> None:
    """Let the time come at which tokens are refreshed."""
    execute(store, "UPDATE creator_connections SET refresh_at = now()")


def ends(store: Store, creator_id: UUID) -> list[str]:
    return [
        event.reason
        for event in plain_events(store.load(creator_id)[creator_id])
        if isinstance(event, e.CreatorConnectionLost)
    ]


def test_a_token_is_used_until_shortly_before_its_end(
    home: Home, fake: Fake, billie: UUID
):
    tokens = tokens_of(home.store, fake)

    first, second = current(tokens, billie), current(tokens, billie)
    let_end(home.store)
    third = current(tokens, billie)

    assert first.token == second.token
    assert fake.consents.refreshes == 1
    assert fake.consents.account_of(third.token) == fake.accounts["billie"].open_id
    assert current(tokens, billie).token == third.token


@pytest.mark.parametrize("seconds", (7_200.0, 86_400.0))
def test_clocks_that_differ_by_ten_minutes_cost_no_token(seconds: float):
    early = times_of(grant("a", access_seconds=seconds))["early"]

    assert seconds - early > 600
    assert early > seconds / 2 or early == seconds / 2


def test_eight_workers_refresh_a_token_once(home: Home, fake: Fake, billie: UUID):
    let_end(home.store)
    fake.consents.answers_after = 0.3
    workers = [tokens_of(home.store, fake) for _ in range(8)]

    with ThreadPoolExecutor(8) as threads:
        found = [*threads.map(lambda tokens: current(tokens, billie), workers)]

    assert fake.consents.refreshes == 1
    assert {one.token for one in found} == {found[0].token}
    assert fake.consents.account_of(found[0].token) is not None
    assert ends(home.store, billie) == []


def test_eight_workers_whose_token_was_refused_refresh_it_once(
    home: Home, fake: Fake, billie: UUID
):
    workers = [tokens_of(home.store, fake) for _ in range(8)]
    refused = current(workers[0], billie)
    fake.consents.end_access()

    with ThreadPoolExecutor(8) as threads:
        found = [
            *threads.map(lambda one: one.after_refusal(refused, Deadline(20)), workers)
        ]

    assert fake.consents.refreshes == 1
    assert {one.token for one in found} == {found[0].token} != {refused.token}


def test_a_killed_worker_stops_nobody_and_its_lost_answer_is_noticed_as_expired(
    home: Home, fake: Fake, billie: UUID, database_url: str
):
    let_end(home.store)
    fake.consents.answers_after = 30.0
    settings = fake.settings(home.store.settings)
    worker = subprocess.Popen(
        [sys.executable, "-c", REFRESH, str(billie)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env={
            "GOATHERD_DATABASE_URL": database_url,
            "GOATHERD_MASTER_KEY": settings.master_key or "",
            "GOATHERD_DISPLAY_CLIENT_KEY": settings.display_client_key or "",
            "GOATHERD_DISPLAY_CLIENT_SECRET": settings.display_client_secret or "",
            "GOATHERD_DISPLAY_REDIRECT_URL": settings.display_redirect_url or "",
            "GOATHERD_DISPLAY_BASE_URL": fake.url,
            "PYTHONPATH": str(ROOT),
        },
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"ready\n"
    assert wait_until(lambda: fake.consents.refreshes > 0, seconds=60)
    worker.kill()
    worker.wait()
    worker.stdout.close()
    fake.consents.answers_after = 0.0

    with pytest.raises(NotConnectedError):
        current(tokens_of(home.store, fake), billie)

    assert ends(home.store, billie) == ["expired"]
    with pytest.raises(NotConnectedError):
        current(tokens_of(home.store, fake), billie)


def test_an_answer_that_is_lost_is_tried_again_and_then_noticed(
    home: Home, fake: Fake, billie: UUID
):
    tokens = tokens_of(home.store, fake)
    let_end(home.store)
    fake.consents.loses_answers = 1

    with pytest.raises(RefusedError):
        current(tokens, billie)
    assert ends(home.store, billie) == []
    with pytest.raises(NotConnectedError):
        current(tokens, billie)

    assert ends(home.store, billie) == ["expired"]


def test_a_server_that_is_away_costs_no_token(home: Home, fake: Fake, billie: UUID):
    tokens = tokens_of(home.store, fake)
    away = tokens_of(home.store, fake)
    app = app_of(fake.settings(home.store.settings))
    assert app is not None
    let_end(home.store)
    with fake_tiktok() as gone:
        nowhere = gone.url
    broken = AccessTokens(
        home.store,
        TikTokLogin(type(app)(**{**_fields(app), "base_url": nowhere})),
        ConnectionSeal(home.store.pool, home.store.settings),
    )

    with pytest.raises(RefusedError) as refused:
        current(broken, billie)

    assert not refused.value.was_sent
    assert execute(home.store, "SELECT unanswered FROM creator_connections") == [(0,)]
    assert current(tokens, billie).token == current(away, billie).token


def _fields(app: Any) -> dict[str, Any]:  # noqa: ANN401 - a struct
    return {name: getattr(app, name) for name in app.__struct_fields__}


def test_a_consent_that_was_withdrawn_there_is_noticed(
    home: Home, fake: Fake, billie: UUID
):
    fake.consents.withdraw(fake.accounts["billie"].open_id)
    let_end(home.store)

    with pytest.raises(NotConnectedError):
        current(tokens_of(home.store, fake), billie)

    assert ends(home.store, billie) == ["revoked_there"]
    assert execute(
        home.store, "SELECT state, reason, sealed FROM creator_connections"
    ) == [("ended", "revoked_there", None)]


@pytest.mark.parametrize("how", ("removed", "ended", "access_unknown"))
def test_what_ends_here_is_given_back_to_tiktok_until_it_has_it(
    home: Home, fake: Fake, billie: UUID, how: str
):
    open_id = fake.accounts["billie"].open_id
    with fake_tiktok() as gone:
        nowhere = gone
    home.remove(billie)
    _follow(home.store)
    away = revoker_of(home.store, nowhere)

    assert ends(home.store, billie) == ["revoked_here"]
    assert away.revoke_next()
    assert not away.revoke_next()
    assert fake.consents.scopes_of(open_id) is not None
    execute(home.store, "UPDATE creator_connections SET revoke_at = now()")
    if how != "removed":
        # Only a token that is valid can be revoked, so it is refreshed first.
        fake.consents.end_access()
    if how == "ended":
        execute(home.store, "UPDATE creator_connections SET access_ends_at = now()")
    assert revoker_of(home.store, fake).revoke_next()

    assert fake.consents.revoked == [open_id]
    assert execute(home.store, "SELECT sealed, revoke_at FROM creator_connections") == [
        (None, None)
    ]


def test_a_consent_that_another_creator_goes_on_with_is_not_revoked(
    home: Home, fake: Fake, billie: UUID
):
    assert isinstance(connect(home.store, fake, billie, "billie"), Connected)

    assert revoker_of(home.store, fake).revoke_next()

    assert fake.consents.revoked == []
    assert current(tokens_of(home.store, fake), billie).token


def test_no_token_is_in_any_event_or_readable_in_the_table(
    home: Home, fake: Fake, billie: UUID
):
    access = current(tokens_of(home.store, fake), billie)

    stored = repr(
        execute(home.store, "SELECT convert_from(state, 'UTF8') FROM goatherd_events")
    )
    table = repr(execute(home.store, "SELECT * FROM creator_connections"))

    for secret in (access.token, "rft.", "act."):
        assert secret not in stored
        assert secret not in table
        assert secret not in repr(access)
    assert access.open_id not in table
    assert access.open_id not in stored


def _follow(store: Store) -> None:
    """Let the projection of endings follow the log."""
    streams = execute(store, "SELECT DISTINCT originator_id FROM goatherd_events")
    histories = store.load(*(stream for (stream,) in streams))
    recorded = sorted(
        (event for history in histories.values() for event in history),
        key=lambda event: event.position,
    )
    kinds = ConnectionEndings.events
    with store.pool.connection() as connection, connection.transaction():
        ConnectionEndings().write(
            connection.cursor(),
            [each for each in recorded if each.event.stored_name in kinds],
        )


def test_a_thread_that_waits_for_another_gives_up_in_time(
    home: Home, fake: Fake, billie: UUID, monkeypatch: pytest.MonkeyPatch
):
    let_end(home.store)
    may_answer = threading.Event()

    monkeypatch.setattr(fake.consents, "wait", lambda: may_answer.wait(60))
    first = threading.Thread(target=current, args=(tokens_of(home.store, fake), billie))
    first.start()
    assert wait_until(lambda: fake.consents.refreshes > 0, seconds=60)

    with pytest.raises(RefusedError):
        tokens_of(home.store, fake).current(billie, Deadline(0.2))

    may_answer.set()
    first.join()
    assert ends(home.store, billie) == []

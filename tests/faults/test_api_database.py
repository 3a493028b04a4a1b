"""The connection to the database, cut at the worst moment of a request."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from infra.eventstore import recorder
from tests.kit.application import Goatherd, Tenant, serving, started
from tests.kit.proxy import Damage, Proxy

BODY = {"tiktok_handle": "wanted.goat"}


@pytest.fixture
def goatherd(database_url: str) -> Iterator[Goatherd]:
    with started(database_url) as goatherd:
        yield goatherd


@pytest.fixture
def proxy(database_url: str) -> Iterator[Proxy]:
    with Proxy(database_url) as proxy:
        yield proxy


def additions(home: Tenant) -> int:
    rows = home.goatherd.query(
        "SELECT count(*) FROM event_log WHERE name = 'creator_added'"
    )
    return rows[0][0]


@pytest.mark.parametrize("damage", ("cut request", "cut answer"))
def test_a_commit_that_nobody_heard_of_is_answered_as_what_it_did(
    goatherd: Goatherd, proxy: Proxy, damage: Damage
):
    home = goatherd.tenant()
    once = {"Idempotency-Key": str(uuid4())}

    with serving(proxy.url) as client:
        proxy.strike(damage, at=b"COMMIT")
        first = home.post(home.creators, BODY, headers=once, client=client)
        again = home.post(home.creators, BODY, headers=once, client=client)

    assert proxy.struck == 1
    assert first.status_code == 201
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (additions(home), home.counted) == (1, 1)
    assert home.shown(first.json()["data"]["id"]) == first.json()["data"]


def test_an_append_that_was_given_up_can_be_tried_again(
    goatherd: Goatherd, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(recorder, "_LOOK_UP_SECONDS", 0)
    home = goatherd.tenant()
    once = {"Idempotency-Key": str(uuid4())}

    with serving(proxy.url) as client:
        proxy.strike("cut request", at=b"COMMIT")
        failed = home.post(home.creators, BODY, headers=once, client=client)
        retried = home.post(home.creators, BODY, headers=once, client=client)

    assert failed.status_code == 503
    assert retried.status_code == 201
    assert "Idempotent-Replayed" not in retried.headers
    assert (additions(home), home.counted) == (1, 1)

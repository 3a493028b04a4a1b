"""``goatherd connect-links``: made, listed and revoked, with the addresses to send."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from application.connect.service import CALLBACK_PATH, Connections
from infra.eventstore.store import Store
from tests.kit.builders import Home, opened_store
from tests.kit.command_line import CommandLine
from tests.kit.connections import APP, CALLBACK

NOBODY = "00000000-0000-4000-8000-000000000009"
BASE = CALLBACK.removesuffix(CALLBACK_PATH)


@pytest.fixture
def cli(
    command_line: CommandLine,
    database_url: str,
) -> CommandLine:
    command_line.set(
        database_url=database_url,
        display_client_key=APP.client_key,
        display_client_secret=APP.client_secret,
        display_redirect_url=CALLBACK,
    )
    return command_line


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with opened_store(database_url) as store:
        yield store


@pytest.fixture
def home(cli: CommandLine, store: Store) -> Home:
    document = cli("orgs", "create", "Herd", "--json").document
    return Home(store, UUID(document["org_id"]), UUID(document["project_id"]))


def links(cli: CommandLine, creator_id: UUID) -> list[dict[str, Any]]:
    return cli("connect-links", "list", str(creator_id), "--json").document


def test_a_link_is_made_listed_and_revoked(cli: CommandLine, home: Home):
    creator_id = home.creator("billie")
    first = cli("connect-links", "make", str(creator_id), "--json").document
    second = cli("connect-links", "make", str(creator_id))

    made = links(cli, creator_id)
    revoked = cli("connect-links", "revoke", first["id"], "--json").document
    again = cli("connect-links", "revoke", first["id"], "--json").document
    table = cli("connect-links", "list", str(creator_id)).out

    assert first.keys() == {
        *("id", "url", "created_at", "expires_at", "used_at", "revoked_at")
    }
    assert [each["id"] for each in made][1:] == [first["id"]]
    assert made[1] == first
    assert f"Address {made[0]['url']}" in second.out
    assert again == revoked == {**first, "revoked_at": revoked["revoked_at"]}
    assert revoked["revoked_at"] is not None
    assert [each["revoked_at"] for each in links(cli, creator_id)] == [
        *(None, revoked["revoked_at"])
    ]
    assert ("open" in table, "revoked" in table) == (True, True)


def test_the_address_of_a_link_leads_to_it(cli: CommandLine, home: Home):
    creator_id = home.creator("billie")
    made = cli("connect-links", "make", str(creator_id), "--json").document

    token = made["url"].removeprefix(f"{BASE}/connect/")
    found = Connections(home.store, home.store.settings).link_at(token)

    assert found is not None
    assert (str(found.id), found.creator_id) == (made["id"], creator_id)


def test_where_nobody_can_connect_no_link_is_made(
    cli: CommandLine, home: Home, monkeypatch: pytest.MonkeyPatch
):
    creator_id = home.creator("billie")
    made = cli("connect-links", "make", str(creator_id), "--json").document
    monkeypatch.delenv("GOATHERD_DISPLAY_CLIENT_SECRET")

    ended = cli("connect-links", "make", str(creator_id))

    assert ended.status == 1
    assert "GOATHERD_DISPLAY_CLIENT_SECRET" in ended.complaint
    # Where it leads is not known then.
    assert links(cli, creator_id) == [{**made, "url": None}]


def test_nobodys_link_is_one_line(cli: CommandLine, home: Home):
    gone = home.creator("gone")
    home.remove(gone)

    for words in (("make", NOBODY), ("list", NOBODY), ("revoke", NOBODY)):
        ended = cli("connect-links", *words)
        assert ended.status == 1
        assert ended.complaint
    ended = cli("connect-links", "make", str(gone))
    assert ended.status == 1
    assert "removed" in ended.complaint

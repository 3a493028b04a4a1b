"""``goatherd shares``: links to read-only pages are made, listed, changed, revoked."""

import io
import re
from collections.abc import Iterator
from uuid import UUID

import pytest

from infra.eventstore.store import Store
from infra.keys.digests import digest_of
from infra.keys.share_passwords import opened_hash
from projections.engine.follower import Follower
from projections.shares import Shares
from tests.kit.builders import Home, opened_store
from tests.kit.command_line import CommandLine

NOBODY = "00000000-0000-4000-8000-000000000009"


@pytest.fixture
def cli(command_line: CommandLine, database_url: str) -> CommandLine:
    command_line.set(database_url=database_url)
    return command_line


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with opened_store(database_url) as store:
        yield store


@pytest.fixture
def home(cli: CommandLine, store: Store) -> Home:
    document = cli("orgs", "create", "Herd", "--json").document
    return Home(store, UUID(document["org_id"]), UUID(document["project_id"]))


def catch_up(store: Store) -> None:
    follower = Follower(Shares(), pool=store.pool, codec=store.codec)
    follower.register()
    follower.catch_up()


def test_a_link_is_made_listed_changed_and_revoked(
    cli: CommandLine, store: Store, home: Home, monkeypatch: pytest.MonkeyPatch
):
    creator_id = home.creator("billie")
    typed = io.StringIO("green meadow\n")
    monkeypatch.setattr("sys.stdin", typed)

    made = cli(
        *("shares", "add", "creator", str(creator_id), "--name", "For Ada"),
        *("--rolling", "7d", "--hide", "money", "--password", "--json"),
    ).document

    token = re.fullmatch(r"http://[^/]+/s/([\w-]{43})", made["url"])
    assert token is not None
    with store.pool.connection() as connection:
        rows = connection.execute(
            "SELECT digest, password FROM share_links WHERE share_id = %s",
            (made["id"],),
        ).fetchall()
        key = store.keyring.master_key(connection)
    assert rows[0][0] == digest_of(token[1])
    hashed = opened_hash(key, UUID(made["id"]), rows[0][1])
    assert hashed.startswith("$argon2id$")
    catch_up(store)
    (listed,) = cli("shares", "list", "--json").document
    assert (listed["id"], listed["name"], listed["rolling"]) == (
        made["id"],
        "For Ada",
        "7d",
    )
    assert listed["has_password"] is True
    assert "For Ada" in cli("shares", "list", "--org", "Herd").out

    cli("shares", "change", made["id"], "--from", "2026-03-01", "--no-password")
    catch_up(store)
    (listed,) = cli("shares", "list", "--json").document
    assert (listed["from"], listed["rolling"]) == ("2026-03-01", None)
    assert listed["has_password"] is False

    cli("shares", "remove", made["id"])
    catch_up(store)
    assert cli("shares", "list", "--json").document == []


def test_what_is_not_there_or_not_possible_is_said(
    cli: CommandLine, home: Home, monkeypatch: pytest.MonkeyPatch
):
    project = str(home.project_id)
    monkeypatch.setattr("sys.stdin", io.StringIO("meadows\n"))
    for given, status, words in (
        (("add", "project", project, "--to", "2026-03-01"), 2, "from is required"),
        (("add", "project", project, "--password"), 2, "at least 8 characters"),
        (("change", NOBODY, "--name", "x"), 1, f"There is no link {NOBODY}"),
        (("change", NOBODY), 2, "Name what changes"),
        (("remove", NOBODY), 1, f"There is no link {NOBODY}"),
    ):
        failed = cli("shares", *given)
        assert failed.status == status, given
        assert words in failed.err, (given, failed.err)

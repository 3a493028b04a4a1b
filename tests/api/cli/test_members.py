"""``goatherd members``, and owners of new organizations."""

import re
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from psycopg import Cursor
from psycopg.rows import TupleRow

from application.accounts.invitations import accepting, follow_members, spend_link
from application.accounts.operators import register
from domain import events as e
from infra.embedded.data_dir import address_path
from infra.eventstore.execute import Executed, execute
from infra.eventstore.store import Store
from infra.keys.person_secrets import set_password_hash
from tests.kit.builders import asking
from tests.kit.command_line import CommandLine
from tests.kit.keys import MASTER_KEY
from tests.kit.people import second_owner


@pytest.fixture
def address() -> str:
    return f"Ada.{uuid4().hex}@example.com"


@pytest.fixture
def ada(store: Store, address: str) -> UUID:
    """Somebody with an account and without a password."""
    return register(store, name="Ada", email=address, context=asking())


def test_somebody_with_an_account_is_the_owner_at_once(
    cli: CommandLine, store: Store, address: str, ada: UUID
):
    made = cli("orgs", "create", "Alps", "--owner", address, "--json").document
    again = cli("orgs", "create", "Fjords", "--owner", address.lower(), "--json")
    shown = cli("members", "list", "--org", "Alps").out
    (listed,) = cli("members", "list", "--org", "Alps", "--json").document

    assert re.search(r"/password/[\w-]{20,}$", made["link"])
    assert again.document["owner_id"] == made["owner_id"] == str(ada)
    assert address in shown
    assert "not signed in" in shown
    assert made["owner_id"] not in shown
    assert listed["id"] == made["owner_id"]
    assert (listed["role"], listed["money"], listed["project_ids"]) == (
        "owner",
        True,
        None,
    )
    assert listed["last_seen_at"] is None
    with store.pool.connection() as connection:
        owners = connection.execute(
            "SELECT count(*) FROM members WHERE person_id = %s", (made["owner_id"],)
        ).fetchone()
    assert owners == (2,)


def test_somebody_new_is_invited_to_own_a_new_organization(
    cli: CommandLine, store: Store, address: str
):
    made = cli("orgs", "create", "Valley", "--owner", address, "--json").document
    invitations = ("members", "invitations", "--org", "Valley", "--json")
    (open_one,) = cli(*invitations).document
    path = urlsplit(made["link"]).path
    token = path.rpartition("/")[2]
    person_id = register(store, name="Ada", email=address, context=asking())

    def within(cursor: Cursor[TupleRow], done: Executed[UUID]) -> None:
        spend_link(cursor, token)
        follow_members(cursor, done.events)

    execute(
        store,
        lambda: accepting(store, token, person_id),
        context=asking(),
        in_transaction=within,
    )
    (owner,) = cli("members", "list", "--org", "Valley", "--json").document
    shown = cli("members", "list", "--org", "Valley").out

    assert re.fullmatch(r"/invitations/[\w-]{40,}", path)
    assert made["owner_id"] is None
    assert open_one["role"] == "owner"
    assert (owner["id"], owner["role"], owner["money"]) == (
        str(person_id),
        "owner",
        True,
    )
    assert shown.splitlines()[0].split()[3:5] == ["projects", "payments"]
    assert re.search(r"owner +all +yes", shown)


def test_a_wrong_address_makes_no_organization(cli: CommandLine):
    refused = cli("orgs", "create", "Nowhere", "--owner", "ada")

    assert "must be an email address" in refused.err
    assert "Nowhere" not in cli("orgs", "list").out


def test_a_wrong_time_zone_registers_nobody(cli: CommandLine, address: str):
    words = ("orgs", "create", "Nowhere", "--owner", address)
    refused = cli(*words, "--time-zone", "Alps/Peak")

    assert "time zone" in refused.err
    assert "Nobody has an account" in cli("members", "reset-link", address).err
    assert cli(*words, "--json").document["link"] is not None


@pytest.mark.usefixtures("ada")
def test_an_owner_gets_a_link_until_they_have_a_password(
    cli: CommandLine, store: Store, address: str
):
    made = cli("orgs", "create", "Alps", "--owner", address, "--json").document
    again = cli("orgs", "create", "Fjords", "--owner", address, "--json").document
    with store.pool.connection() as connection:
        cursor, owner_id = connection.cursor(), UUID(made["owner_id"])
        set_password_hash(cursor, MASTER_KEY, owner_id, "a hash")
    last = cli("orgs", "create", "Hills", "--owner", address, "--json").document

    assert len({made["link"], again["link"], None}) == 3
    assert last["link"] is None


@pytest.mark.usefixtures("ada")
def test_links_lead_to_the_goatherd_up_of_the_data_directory(
    cli: CommandLine, address: str, tmp_path: Path
):
    words = ("members", "reset-link", address, "--data-dir", str(tmp_path), "--json")
    address_path(tmp_path).write_text("http://localhost:9123\n")

    assert cli(*words).document["link"].startswith("http://localhost:9123/password/")

    address_path(tmp_path).unlink()
    assert cli(*words).document["link"].startswith("http://127.0.0.1:8000/password/")


@pytest.mark.usefixtures("ada")
def test_a_link_is_made_for_somebody_who_is_there(
    cli: CommandLine, store: Store, address: str
):
    cli("orgs", "create", "Alps", "--owner", address)

    made = cli("members", "reset-link", address.upper(), "--json").document
    bare = cli("members", "reset-link", address, "--remove-second-factor", "--json")
    unknown = cli("members", "reset-link", "ben@example.com")

    assert "/password/" in made["link"]
    assert "/password/" in bare.document["link"]
    assert "Nobody has an account" in unknown.err
    with store.pool.connection() as connection:
        (left,) = connection.execute(
            "SELECT count(*) FROM password_links WHERE person_id = %s",
            (UUID(made["id"]),),
        ).fetchone() or (None,)
        (organization_id,) = connection.execute(
            "SELECT organization_id FROM members WHERE person_id = %s",
            (UUID(made["id"]),),
        ).fetchone() or (None,)
    assert left == 1
    assert organization_id is not None
    # The audit of the organization has both.
    noted = [
        (recorded.actor, recorded.event)
        for recorded in store.load(organization_id)[organization_id]
        if isinstance(recorded.event, e.PasswordLinkMade)
    ]
    assert noted == [("cli", e.PasswordLinkMade(person_id=UUID(made["id"])))] * 2


@pytest.mark.usefixtures("ada")
def test_a_person_is_erased_once_and_not_as_the_last_owner(
    cli: CommandLine, store: Store, address: str
):
    made = cli("orgs", "create", "Alps", "--owner", address, "--json").document
    other = cli("members", "erase", address, "--confirm", f"x{address}")
    last = cli("members", "erase", address, "--confirm", address)

    assert "must be the same address" in other.err
    assert "needs an owner" in last.err
    assert address in cli("members", "list").out
    second_owner(store, UUID(made["org_id"]))
    done = cli("members", "erase", address, "--confirm", address, "--json").document
    assert done == {"id": made["owner_id"], "erased": True}
    assert address not in cli("members", "list", "--org", "Alps").out
    assert "Nobody has" in cli("members", "erase", address, "--confirm", address).err

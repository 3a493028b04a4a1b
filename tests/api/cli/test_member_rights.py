"""``goatherd members``: people are invited, added, changed and removed."""

import asyncio
import re
from uuid import UUID, uuid4

import pytest

from application.accounts.operators import register
from application.accounts.service import PersonAccounts
from domain.report.decider import report_of
from infra.database import own_pool
from infra.eventstore.store import Store, plain_events
from tests.kit.builders import asking
from tests.kit.command_line import CommandLine
from tests.kit.people import a_browser


@pytest.fixture
def made(cli: CommandLine, store: Store) -> dict[str, str]:
    """An organization with an owner."""
    owner = f"ada.{uuid4().hex}@example.com"
    register(store, name="Ada", email=owner, context=asking())
    return cli("orgs", "create", "Alps", "--owner", owner, "--json").document


@pytest.fixture
def alps(made: dict[str, str]) -> str:
    return made["org_id"]


@pytest.fixture
def project(made: dict[str, str]) -> str:
    return made["project_id"]


@pytest.fixture
def ben(cli: CommandLine, store: Store) -> str:
    """The address of somebody with an account, in another organization."""
    address = f"ben.{uuid4().hex}@example.com"
    register(store, name="Ben", email=address, context=asking())
    cli("orgs", "create", f"Fjords {uuid4().hex}", "--owner", address)
    return address


def listed(
    cli: CommandLine, org: str, email: str, *, what: str = "list"
) -> dict[str, object]:
    rows = cli("members", what, "--org", org, "--json").document
    (row,) = [row for row in rows if row["email"] == email]
    return row


def test_somebody_is_invited_with_a_link(cli: CommandLine, alps: str, project: str):
    email = f"cleo.{uuid4().hex}@example.com"
    words = ("members", "invite", email, "--org", alps, "--role", "viewer")

    sent = cli(*words, "--projects", project, "--money", "--json").document
    again = cli(*words)
    shown = cli("members", "invitations", "--org", alps).out

    assert re.search(r"/invitations/[\w-]{20,}$", sent["link"])
    row = listed(cli, alps, email, what="invitations")
    assert (row["id"], row["role"], row["money"]) == (sent["id"], "viewer", True)
    assert row["expires_at"] == sent["expires_at"]
    assert row["project_ids"] == [project]
    assert "open invitation" in again.err
    assert email in shown
    wrong = cli("members", "invite", "cleo", "--org", alps, "--role", "viewer")
    assert "EMAIL must be an email address, such as ada@example.com" in wrong.err


def test_the_operator_invites_an_owner_sends_again_and_withdraws(
    cli: CommandLine, alps: str
):
    email, to = f"cleo.{uuid4().hex}@example.com", ("--org", alps)
    sent = cli("members", "invite", email, *to, "--role", "owner", "--json").document

    again = cli("members", "resend", sent["id"], *to, "--json").document
    withdrawn = cli("members", "withdraw", sent["id"], *to)

    assert again["link"] not in {"", sent["link"]}
    assert withdrawn.out == f"Invitation {sent['id']} withdrawn\n"
    assert cli("members", "invitations", *to, "--json").document == []


def test_an_invited_address_is_sent_a_mail(cli: CommandLine, alps: str, store: Store):
    email = f"cleo.{uuid4().hex}@example.com"
    words = ("members", "invite", email, "--org", alps, "--role", "viewer")
    cli.set(smtp_url="smtp://127.0.0.1?from=goat@herd.example&tls=none")
    printed = cli(*words).out
    with store.pool.connection() as connection:
        ((sealed,),) = connection.execute("SELECT sealed FROM mails").fetchall()

    assert f"Mail  goes to {email}, with a link of its own" in printed
    assert email.encode() not in sealed


def test_somebody_with_an_account_is_added_changed_and_removed(
    cli: CommandLine, alps: str, ben: str, project: str
):
    to = ("--org", alps)

    added = cli("members", "add", ben, *to, "--role", "viewer", "--json")
    twice = cli("members", "add", ben, *to, "--role", "viewer")
    narrowed = cli("members", "change", ben, *to, "--projects", project)
    row = listed(cli, alps, ben)
    words = ("--role", "owner", "--projects", "none", "--money")
    widened = cli("members", "change", ben, *to, *words)
    owner = listed(cli, alps, ben)
    without = cli("members", "change", ben, *to, "--no-money")
    cli("channels", "create", "email", "--address", ben, "--name", "Team", *to)
    removed = cli("members", "remove", ben, *to)

    assert added.document["id"] == row["id"]
    assert "already" in twice.err
    assert narrowed.out == f"Changed {ben}\n"
    assert row["role"] == "viewer"
    assert row["project_ids"] is not None
    assert widened.out == f"Changed {ben}\n"
    assert (owner["role"], owner["project_ids"]) == ("owner", None)
    assert without.err == ""
    assert re.search(r"^channel +Team$", removed.out, re.MULTILINE)
    assert removed.out.endswith(f"Removed {row['id']}\n")
    assert ben not in cli("members", "list", *to).out


def test_a_removal_settles_what_the_person_leaves(
    cli: CommandLine, alps: str, ben: str, store: Store
):
    to = ("--org", alps)
    cli("members", "add", ben, *to, "--role", "member")
    found = cli("members", "list", *to, "--json").document
    owner_id, owner = next(
        (row["id"], row["email"]) for row in found if row["role"] == "owner"
    )
    channel = cli(
        "channels", "create", "email", "--address", ben, "--name", "Team", *to, "--json"
    )
    created = cli("reports", "create", "Monday", "--recipients", ben, *to, "--json")
    report, channel_id = created.document["id"], channel.document["id"]

    listed_things = cli("members", "leaves", ben, *to, "--json").document
    shown = cli("members", "leaves", ben, *to).out
    wrong = cli("members", "remove", ben, *to, "--end", report)
    nobody = cli("members", "remove", ben, *to, "--hand-over", report)
    settled = ("--hand-over", report, "--to", owner_id, "--end", channel_id)
    removed = cli("members", "remove", ben, *to, *settled)

    assert [(one["kind"], one["id"]) for one in listed_things["things"]] == [
        ("channel", channel_id)
    ]
    assert re.search(r"channel +Team +end +" + channel_id, shown)
    assert "--end must be a link, a view, a rule or an email channel" in wrong.err
    assert "--to is required with hand_over" in nobody.err
    assert removed.out.startswith("Removed ")
    mailed = report_of(plain_events(store.load(UUID(report))[UUID(report)]))
    assert mailed is not None
    assert mailed.recipients == (owner,)
    assert cli("channels", "list", *to, "--json").document == []


def test_a_member_who_got_an_invited_address_is_not_added_again(
    cli: CommandLine, alps: str, ben: str, store: Store, database_url: str
):
    invited = f"cleo.{uuid4().hex}@example.com"
    cli("members", "invite", invited, "--org", alps, "--role", "admin")
    words = ("--org", alps, "--role", "viewer")
    added = cli("members", "add", ben, *words, "--json").document

    async def move() -> None:
        async with own_pool(database_url, size=1) as own:
            await PersonAccounts(store, own).change_email(
                UUID(added["id"]), invited, kept=None, client=a_browser()
            )

    asyncio.run(move())
    again = cli("members", "add", invited, *words)

    assert (again.out, "already" in again.err) == ("", True)
    assert listed(cli, alps, invited)["role"] == "viewer"


def test_wrong_changes_are_refused(cli: CommandLine, alps: str, ben: str, project: str):
    to = ("--org", alps)
    owner = str(cli("members", "list", *to, "--json").document[0]["email"])

    for words, message in (
        (("remove", owner, *to), "needs an owner"),
        (("change", owner, *to, "--role", "viewer"), "needs an owner"),
        (("change", owner, *to), "at least one of role"),
        (("change", ben, *to, "--money"), "There is no person"),
        (("remove", ben, *to), "There is no person"),
        (("add", "nobody@example.com", *to, "--role", "viewer"), "members invite"),
        (
            ("add", ben, *to, "--role", "admin", "--projects", project),
            "--projects must be left out for the role admin, which sees all projects. ",
        ),
        (("add", ben, *to, "--role", "viewer", "--projects", "Nowhere"), "Nowhere"),
    ):
        assert message in cli("members", *words).err, words


def test_an_invited_address_is_erased(cli: CommandLine, alps: str):
    email = f"cleo.{uuid4().hex}@example.com"
    cli("members", "invite", email, "--org", alps, "--role", "viewer")

    erased = cli("members", "erase", email, "--confirm", email.upper())

    assert erased.out == "Erased the address.\n"
    assert email not in cli("members", "list").out
    assert "Nobody has" in cli("members", "erase", email, "--confirm", email).err

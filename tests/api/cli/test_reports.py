"""``goatherd reports``: reports are made, listed, switched and sent."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from infra.eventstore.store import Store
from projections.engine.follower import Follower
from projections.registry import PROJECTIONS
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
    for projection in PROJECTIONS:
        follower = Follower(projection, pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()


def test_a_report_is_made_listed_and_sent(cli: CommandLine, store: Store, home: Home):
    made = cli(
        *("reports", "create", "Monday", "--about", "project"),
        *("--about-id", str(home.project_id), "--hour", "7"),
        *("--recipient", "ada@example.com", "--json"),
    ).document
    catch_up(store)

    (listed,) = cli("reports", "list", "--json").document
    assert (listed["id"], listed["name"], listed["hour"]) == (made["id"], "Monday", 7)
    assert "monday 07:00" in cli("reports", "list").out

    sent = cli("reports", "send", made["id"], "--json").document
    catch_up(store)
    assert (sent["number"], sent["mailed"]) == (1, 0)
    again = cli("reports", "send", made["id"]).out
    assert "GOATHERD_SMTP_URL" in again
    catch_up(store)
    issues = cli("reports", "issues", made["id"], "--json").document
    assert [issue["number"] for issue in issues] == [2, 1]
    assert issues[1]["from"] == sent["from"]
    tail = ("tail", "--from", "0", "--types", "report.ready", "--no-follow")
    first = cli(*tail).out.splitlines()[0]
    assert "report.ready" in first
    assert "scope=type:project period=weekly" in first


def test_a_report_that_a_move_stopped_is_switched_on_again(
    cli: CommandLine, store: Store, home: Home
):
    summer = cli("projects", "create", "Summer", "--json").document["id"]
    billy = home.creator("billy")
    report = cli(
        *("reports", "create", "Billy", "--about", "creator"),
        *("--about-id", str(billy), "--json"),
    ).document["id"]
    catch_up(store)
    assert cli("creators", "move", str(billy), "--project", summer).status == 0
    catch_up(store)
    assert "stopped: its creator moved" in cli("reports", "list").out
    assert cli("reports", "send", report).status == 1

    assert report in cli("reports", "change", report, "--enabled").out
    catch_up(store)
    (listed,) = cli("reports", "list", "--json").document
    assert (listed["enabled"], listed["stopped_because"]) == (True, None)
    off = cli("reports", "change", report, "--disabled", "--json").document
    assert off == {"id": report, "enabled": False}
    catch_up(store)
    assert cli("reports", "list", "--json").document[0]["enabled"] is False


def test_what_is_not_possible_changes_nothing(
    cli: CommandLine, store: Store, home: Home
):
    for status, *given in (
        (2, "create", "Monday", "--recipient", "ada"),
        (2, "create", "Monday", "--hour", "24"),
        (1, "create", "Monday", "--about", "project", "--about-id", NOBODY),
        (1, "send", NOBODY),
        (1, "change", NOBODY, "--enabled"),
    ):
        failed = cli("reports", *given)
        assert failed.status == status, given
        assert "Nothing was" in failed.err
    catch_up(store)
    assert cli("reports", "list", "--org", str(home.organization_id)).status == 0

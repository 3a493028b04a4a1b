"""``goatherd creators add``, and the organization of new things."""

from typing import TypeVar

import pytest

from domain import events as e
from infra.eventstore.store import Store
from projections.engine.follower import Follower
from projections.registry import PROJECTIONS
from tests.kit.builders import log_of
from tests.kit.command_line import CommandLine

E = TypeVar("E", bound=e.Event)


def catch_up(store: Store) -> None:
    for projection in PROJECTIONS:
        follower = Follower(projection, pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()


@pytest.fixture
def organization_id(cli: CommandLine, store: Store) -> str:
    """The id of the only organization."""
    made = cli("orgs", "create", "Herd", "--json").document
    catch_up(store)
    return made["org_id"]


def test_among_several_organizations_one_has_to_be_chosen(
    cli: CommandLine, store: Store, organization_id: str
):
    cli("orgs", "create", "Other")
    head = store.head()

    refused = cli("projects", "create", "Spring")
    blank = cli("projects", "create", "", "--org", organization_id)

    assert (refused.status, blank.status) == (1, 2)
    assert refused.complaint == "Choose an organization with --org: 'Herd', 'Other'."
    assert "NAME" in blank.complaint
    assert store.head() == head


def test_creators_are_added_by_handle_and_address(
    cli: CommandLine, store: Store, organization_id: str
):
    assert cli("projects", "create", "Spring", "--org", organization_id).status == 0
    catch_up(store)
    words = ("creators", "add", "Spring")

    first = cli(
        *(*words, "@Old.Billy", "https://www.tiktok.com/@alp", "--tags", "Tier A"),
        *("--tracking-start-date", "", "--tracking-mode", "selective"),
    )
    catch_up(store)
    second = cli(*words, "alp", "new", "no handle", "--json")

    assert (first.status, first.err) == (0, "")
    assert [line.split() for line in first.out.splitlines()[1:]] == [
        ["@old.billy", "added"],
        ["@alp", "added"],
    ]
    assert second.status == 1
    assert '"code":"handle_taken"' in second.out
    assert '"code":"invalid_handle"' in second.out
    added = {event.handle: event for event in _events(store, e.CreatorAdded)}
    assert set(added) == {"old.billy", "alp", "new"}
    assert added["alp"].tracking_start_date is None
    assert added["alp"].tracking_mode == "selective"
    assert added["alp"].tags == ["Tier A"]
    assert added["new"].tracking_start_date is not None
    assert len(_events(store, e.ScrapeRequested)) == 6


def test_creators_that_cannot_be_added_are_told_why(
    cli: CommandLine, store: Store, organization_id: str
):
    head = store.head()
    words = ("creators", "add", "First project")

    none, many = cli(*words), cli(*words, *(f"goat{n}" for n in range(51)))
    day = cli(*words, "goat", "--tracking-start-date", "soon")
    wrong = cli(*words, "no handle")

    assert organization_id
    assert "tiktok-handle requires an argument" in none.complaint
    assert many.complaint == "creators must have at most 50 entries"
    assert "--tracking-start-date" in day.complaint
    assert wrong.status == 1
    assert "not added" in wrong.out
    assert store.head() == head


def _events(store: Store, kind: type[E]) -> list[E]:
    events = [recorded.event for recorded in log_of(store, kind)]
    return [event for event in events if isinstance(event, kind)]

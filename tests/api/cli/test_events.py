"""``goatherd events``: an operator lists events and their types, and reads one."""

import json

import pytest

from domain import events as e
from domain.events import STORED_NAMES
from infra.eventstore import log_page
from infra.eventstore.store import Store
from infra.keys.keyring import destroy
from tests.kit.builders import Home, asking, log_of, make_home, next_events
from tests.kit.command_line import CommandLine


@pytest.fixture
def home(store: Store) -> Home:
    return make_home(store)


@pytest.fixture
def position(home: Home) -> int:
    home.add("heidi")
    return log_of(home.store, e.CreatorAdded)[0].position


def test_an_event_is_shown_opened(cli: CommandLine, home: Home, position: int) -> None:
    recorded = log_of(home.store, e.CreatorAdded)[0]

    shown = cli("events", "show", str(position))
    as_json = json.loads(cli("events", "show", str(position), "--json").out)

    assert shown.status == 0
    assert '"handle": "heidi"' in shown.out
    assert "sealed:" not in shown.out
    assert as_json["payload"]["handle"] == "heidi"
    assert as_json["subject"] == as_json["stream"] == str(recorded.stream)
    assert (as_json["name"], as_json["is_erased"]) == ("creator_added", False)
    assert as_json["actor"] == recorded.actor


def test_an_event_of_an_erased_creator_says_so(
    cli: CommandLine, home: Home, position: int
) -> None:
    stream = log_of(home.store, e.CreatorAdded)[0].stream
    erased = e.SubjectErased(
        organization_id=home.organization_id, number=1, figures="anonymous"
    )
    history = home.store.load(stream)[stream]
    home.store.append(next_events(stream, history, [erased]), context=asking())
    with home.store.pool.connection() as connection, connection.transaction():
        destroy(connection.cursor(), [stream])

    shown = cli("events", "show", str(position))
    as_json = json.loads(cli("events", "show", str(position), "--json").out)

    assert "heidi" not in shown.out
    assert "Its subject was erased" in shown.out
    assert as_json["is_erased"]
    assert as_json["payload"]["handle"] == "erased"


def test_an_event_in_the_clear_has_no_subject(
    cli: CommandLine, home: Home, position: int
) -> None:
    home.remove(log_of(home.store, e.CreatorAdded)[0].stream)
    removed = log_of(home.store, e.CreatorRemoved)[0].position

    as_json = json.loads(cli("events", "show", str(removed), "--json").out)

    assert position < removed
    assert as_json["subject"] is None
    assert as_json["payload"]["organization_id"] == str(home.organization_id)


@pytest.mark.parametrize("missing", ("0", "-5", "999999"))
def test_a_position_without_an_event_is_an_error(
    cli: CommandLine, missing: str
) -> None:
    outcome = cli("events", "show", "--", missing)

    assert outcome.status == 1
    assert f"no event at position {missing}" in outcome.err


def test_events_are_listed_newest_first_however_far_a_page_looks(
    cli: CommandLine, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_page, "MOST_EXAMINED", 2)
    for handle in ("heidi", "bella", "clara"):
        home.add(handle)
    recorded = log_of(home.store, e.CreatorAdded)
    newest = [each.position for each in reversed(recorded)]
    stream = str(recorded[0].stream)

    def positions(*options: str) -> list[int]:
        found = cli("events", "list", *options, "--json").document
        return [each["position"] for each in found]

    assert positions("--type", "creator_added") == newest
    assert positions("--type", "creator_added", "--limit", "2") == newest[:2]
    between = ("--after", str(newest[2]), "--before", str(newest[0]))
    assert positions("--type", "creator_added", *between) == newest[1:2]
    assert positions("--stream", stream)[-1] == newest[2]
    assert positions("--actor", recorded[0].actor, "--limit", "1")
    assert positions("--correlation", "no-request-of-ours") == []
    assert positions("--after", "2999-01-01") == []
    table = cli("events", "list", "--stream", stream).out
    assert stream in table
    assert "creator_added" in table
    assert "heidi" not in table


@pytest.mark.parametrize(
    ("option", "value"),
    (
        ("--type", "goat_milked"),
        ("--after", "soon"),
        ("--before", "2026-11-24T10:00"),
        ("--limit", "0"),
        ("--stream", "heidi"),
    ),
)
def test_a_wrong_filter_of_events_is_named(
    cli: CommandLine, option: str, value: str
) -> None:
    outcome = cli("events", "list", option, value)

    assert outcome.status == 2
    assert (value if option == "--type" else option) in outcome.complaint


def test_types_of_events_are_listed_without_a_database(cli: CommandLine) -> None:
    types = {each["name"]: each for each in cli("events", "types", "--json").document}
    one = cli("events", "types", "creator_added", "--json").document
    table = cli("events", "types", "creator_added").out

    assert types.keys() == STORED_NAMES.keys()
    assert types["creator_added"] == one
    assert "Tracking of a creator began." in table
    assert [field["path"] for field in one["fields"]][:2] == [
        "organization_id",
        "project_id",
    ]
    assert "tracking_start_date" in table
    assert "creator_added" in cli("events", "types").out
    assert cli("events", "types", "goat_milked").status == 2

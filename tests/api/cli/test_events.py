"""``goatherd events show``: an operator reads an event, with what is sealed opened."""

import json

import pytest

from domain import events as e
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

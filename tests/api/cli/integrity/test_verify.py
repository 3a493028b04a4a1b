"""``goatherd verify``: what it prints, and its exit status."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from application.integrity.make_root import make_root
from application.integrity.signing import InstallationSigner
from infra.eventstore.store import Store
from infra.settings import Settings
from tests.application.integrity.test_verify import read_log, store_log
from tests.kit.builders import ADA, BERTA, asking, events_for, make_home
from tests.kit.command_line import CommandLine
from tests.kit.keys import MASTER_KEY_TEXT
from tests.kit.tampered_log import chained


def tamper(store: Store, statement: str) -> None:
    with store.pool.connection() as connection, connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(statement.encode())


def test_an_untouched_log_is_fine(cli: CommandLine, store: Store):
    store.append(events_for(ADA, "a", "b"), context=asking())
    before = cli("verify")
    cli("roots", "make")
    after = cli("verify")
    document = msgspec.json.decode(cli("verify", "--json").out)

    assert (before.status, after.status) == (0, 0)
    assert "No root was signed yet" in before.out
    assert after.out.splitlines()[:2] == [
        "Checked 3 events up to position 3, and 1 root.",
        "The log up to position 2 is as it was signed.",
    ]
    assert document == {
        "ok": True,
        "after": 0,
        "head": 3,
        "under_root": 2,
        "events": 3,
        "roots": 1,
        "misfits": [],
    }


def test_the_first_event_that_does_not_fit_is_named(cli: CommandLine, store: Store):
    store.append(events_for(ADA, "a", "b", "c"), context=asking())
    store.append(events_for(BERTA, "a", "b"), context=asking())
    cli("roots", "make")
    tamper(store, "UPDATE goatherd_events SET state = '{}' WHERE notification_id = 2")
    tamper(store, "DELETE FROM goatherd_events WHERE notification_id = 5")

    text, document = cli("verify"), cli("verify", "--json")

    assert (text.status, document.status) == (1, 1)
    first, second, *_ = text.out.splitlines()
    assert first.startswith(f"changed    position 2 (version 2 of stream {ADA}): ")
    assert second == "cut off    position 5: The event at position 5 is gone."
    assert text.out.splitlines()[-1] == "The event log is not what was recorded."
    found = msgspec.json.decode(document.out)["misfits"]
    assert [(each["position"], each["how"]) for each in found[:2]] == [
        (2, "changed"),
        (5, "cut off"),
    ]


def test_an_event_in_the_clear_is_named_even_if_its_chain_is_right(
    cli: CommandLine, store: Store, database_url: str
):
    creator = make_home(store).creator("ada")
    fine = cli("verify")
    log = read_log(database_url)
    row = next(row for row in log if (row.stream, row.version) == (creator, 1))
    row.body = store.codec.encode(store.load(creator)[creator][0].event)
    store_log(database_url, chained(log))

    found, by_doctor = cli("verify"), cli("doctor", "--at-rest")

    assert fine.status == 0
    assert found.status == 1
    (line,) = [each for each in found.out.splitlines() if f"{creator}" in each]
    assert line.startswith(f"unsealed   position {row.position} (version 1 of ")
    assert "in the clear" in line
    assert f"position {row.position}." in by_doctor.out


@pytest.mark.parametrize("form", ("printed", "answered"))
def test_history_that_was_signed_anew_is_found_with_a_root_kept_elsewhere(
    cli: CommandLine, store: Store, tmp_path: Path, form: str
):
    store.append(events_for(ADA, "a"), context=asking())
    kept = tmp_path / "kept.json"
    root: dict[str, Any] = msgspec.json.decode(cli("roots", "make", "--json").out)
    kept.write_bytes(msgspec.json.encode(root if form == "printed" else {"data": root}))
    well = cli("verify", "--against", str(kept))
    # A person with all keys writes the log anew, and signs that.
    tamper(store, "DELETE FROM goatherd_events WHERE topic = 'root_signed'")
    tamper(store, "UPDATE goatherd_events SET actor = 'another'")
    tamper(
        store,
        "UPDATE goatherd_events SET digest = goatherd_link('', "
        "goatherd_moment(recorded_at), goatherd_ask(actor, correlation_id, "
        "causation_id), originator_id, originator_version, topic, state)",
    )
    signer = InstallationSigner(store.pool, Settings(master_key=MASTER_KEY_TEXT))
    make_root(store, signer.open(), context=asking())

    unnoticed, noticed = cli("verify"), cli("verify", "--against", str(kept))

    assert well.status == 0
    assert f"The root in {kept} is in the log." in well.out
    assert unnoticed.status == 0
    assert noticed.status == 1
    assert "history was signed anew" in noticed.out
    assert "The streams as of position 1 are not those of the root" in noticed.out


def test_what_cannot_be_checked_is_neither_well_nor_wrong(
    cli: CommandLine, tmp_path: Path
):
    none = tmp_path / "none.json"
    root = {
        "position": 1,
        "streams": 1,
        "tree": "",
        "events": "",
        "key": "",
        "signature": "",
        "signed_at": "9999-12-31T23:59:59-14:00",
    }
    absurd = msgspec.json.encode(root).decode()
    for text in ("no JSON", "[]", "{}", '{"position": 1}', absurd):
        none.write_text(text)
        outcome = cli("verify", "--against", str(none))
        assert outcome.status == 2
        assert "holds no root" in outcome.complaint
    none.unlink()
    assert cli("verify", "--against", str(none)).status == 2
    cli.set(database_url="postgresql://nobody@127.0.0.1:1/none")
    assert cli("verify").status == 2


def test_only_what_is_new_is_checked_if_that_is_asked(cli: CommandLine, store: Store):
    store.append(events_for(ADA, "a", "b", "c"), context=asking())
    tamper(store, "UPDATE goatherd_events SET actor = 'x' WHERE notification_id = 1")

    since = cli("verify", "--since", "1")

    assert since.status == 0
    assert "Checked 2 events after position 1 up to position 3" in since.out
    assert cli("verify").status == 1

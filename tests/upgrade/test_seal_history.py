"""The clear events of commit 46ccd1a are sealed once, and read as before."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest
from msgspec.structs import replace

from api.system.all_projections import ALL_PROJECTIONS
from application.erase import erase as erasing
from application.integrity.progress_file import ProgressFile
from application.integrity.signing import is_signed
from domain.events import Event, VideoAdded, VideoDiscovered
from domain.integrity.events import HistorySealed
from domain.integrity.sealing_note import note_text
from domain.subjects import personal_fields
from infra.database import migrate
from projections.rebuild.rebuild import CONNECTIONS, rebuild
from projections.registry import PROJECTIONS
from tests.kit.builders import opened_store
from tests.kit.command_line import CommandLine, running
from tests.upgrade.test_from_46ccd1a import start

_ALL = """
SELECT notification_id, originator_id, originator_version, topic, state
FROM goatherd_events ORDER BY notification_id
"""
# Texts so short that they may be part of anything.
_SHORTEST = 6


def events_of(url: str) -> dict[int, Event]:
    """All events, opened, by position."""
    with opened_store(url, pool_size=2) as store, store.pool.connection() as connection:
        rows = connection.execute(_ALL).fetchall()
        return {row[0]: store.codec.decode(row[3], row[4]) for row in rows}


def clear_text(url: str) -> str:
    """All that the log shows without a key."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT convert_from(state, 'UTF8') FROM goatherd_events"
        )
        return "\n".join(text for (text,) in rows)


def personal_texts(events: dict[int, Event]) -> set[str]:
    def texts(value: object) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | tuple):
            for one in value:
                yield from texts(one)
        elif isinstance(value, dict):
            yield from texts([*value, *value.values()])

    return {
        msgspec.json.encode(text).decode()[1:-1]
        for event in events.values()
        for name in personal_fields(type(event))
        for text in texts(getattr(event, name))
        # Snapshots of before name videos by TikTok's ids, as long as they are there.
        if len(text) >= _SHORTEST and not text.isdigit()
    }


def with_pseudonyms(events: dict[int, Event]) -> dict[int, Event]:
    """The events as they are sealed, with the names of their videos in snapshots."""
    return {
        position: replace(event, pseudonym=event.pseudonym or event.tiktok_video_id)
        if isinstance(event, VideoAdded | VideoDiscovered)
        else event
        for position, event in events.items()
    }


def sealed(cli: CommandLine) -> int:
    return cli("seal-history", "--json").document["events"]


def chain_state(cli: CommandLine) -> str:
    found = cli("doctor", "--at-rest", "--json")
    findings = msgspec.json.decode(found.out)["findings"]
    (state,) = [f["state"] for f in findings if f["check"] == "event log"]
    return state


def test_what_was_in_the_clear_is_sealed_and_reads_as_before(
    cli: CommandLine, old_database_url: str
):
    migrated = cli("migrate")
    before = events_of(old_database_url)
    personal = personal_texts(before)
    shown = {text for text in personal if text in clear_text(old_database_url)}

    rewritten = sealed(cli)

    after = events_of(old_database_url)
    note = after.pop(max(after))
    assert "goatherd seal-history" in migrated.out
    assert len(shown) > 10
    assert rewritten > 10
    assert after == with_pseudonyms(before)
    left = clear_text(old_database_url)
    assert {text for text in shown if text in left} == set()
    assert chain_state(cli) == "ok"
    assert isinstance(note, HistorySealed)
    assert (note.position, note.events) == (max(before), rewritten)
    assert is_signed(note_text(note), note.signature, note.key)
    assert note.tree_before != note.tree_after
    assert "seal-history" not in cli("migrate").out
    assert sealed(cli) == 0
    assert events_of(old_database_url) == after | {max(before) + 1: note}


def test_the_log_is_verified_against_the_note_and_roots_of_before_and_since(
    cli: CommandLine,
    old_database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    cli("migrate")
    kept = tmp_path / "root.json"
    kept.write_text(cli("roots", "make", "--json").out)
    with monkeypatch.context() as killed_at_the_end:
        killed_at_the_end.setattr(ProgressFile, "remove", lambda _: None)
        assert cli("verify").status == 0
    note = cli("seal-history", "--json").document["hash"]
    alone = cli("verify", "--json").document
    plain = cli("verify")
    since = tmp_path / "since.json"
    since.write_text(cli("roots", "make", "--json").out)
    whole = cli("verify", "--json").document
    against = cli("verify", "--against", str(kept))
    document = cli("verify", "--against", str(kept), "--json")
    accepted = cli("verify", "--against", str(kept), "--accept-sealing", note.upper())
    another = cli("verify", "--against", str(kept), "--accept-sealing", "00" * 32)
    later = cli("verify", "--against", str(since))

    assert alone["sealed_up_to"] == whole["sealed_up_to"] > 0
    assert [each["hash"] for each in whole["sealings"]] == [note]
    assert alone["ok"]
    assert whole["ok"]
    assert plain.status == 0
    assert "as it was signed" not in plain.out
    assert "was rewritten by the sealing of 20" in plain.out
    assert (against.status, document.status) == (3, 3)
    assert "--accept-sealing HASH" in against.out
    assert note in against.out
    assert "as it was signed" in against.out
    assert f"The log after position {whole['sealed_up_to']} and up to" in against.out
    found = msgspec.json.decode(document.out)
    assert not found["ok"]
    assert found["kept"]["state"] == "not_comparable"
    assert (accepted.status, another.status, later.status) == (0, 1, 0)
    assert "cannot be compared any more" in accepted.out
    assert "the log still held this root" in accepted.out
    assert "is not in the log" in another.out
    assert f"The root in {since} is in the log" in later.out

    with psycopg.connect(old_database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE goatherd_events DISABLE TRIGGER USER")
        connection.execute(
            "UPDATE goatherd_events SET state = overlay(state PLACING '{ ' "
            "FROM 1 FOR 1) WHERE topic = 'history_sealed'"
        )
    broken = cli("verify", "--json")
    assert broken.status == 1


def test_an_event_that_was_changed_stops_it_and_is_named(
    cli: CommandLine, old_database_url: str
):
    cli("migrate")
    with psycopg.connect(old_database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE goatherd_events DISABLE TRIGGER USER")
        row = connection.execute(
            "UPDATE goatherd_events SET actor = 'nobody' WHERE notification_id = ("
            "SELECT max(notification_id) FROM goatherd_events "
            "WHERE topic = 'creator_added') RETURNING notification_id"
        ).fetchone()
        connection.execute("ALTER TABLE goatherd_events ENABLE TRIGGER USER")
    assert row is not None

    assert f"at position {row[0]}" in cli("seal-history").complaint


def test_a_root_that_the_log_does_not_hold_any_more_stops_it(
    cli: CommandLine, old_database_url: str
):
    cli("migrate")
    cli("roots", "make")
    with psycopg.connect(old_database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE goatherd_events DISABLE TRIGGER USER")
        # The newest of a stream, so that every chain fits.
        connection.execute(
            "DELETE FROM goatherd_events WHERE notification_id = ("
            "SELECT max(notification_id) FROM goatherd_events "
            "WHERE topic <> 'root_signed')"
        )
        connection.execute("ALTER TABLE goatherd_events ENABLE TRIGGER USER")

    assert "is not what the root of" in cli("seal-history").complaint


def test_it_is_not_begun_while_goatherd_runs(cli: CommandLine, old_database_url: str):
    cli("migrate")
    with psycopg.connect(old_database_url, application_name="goatherd"):
        assert "stop it first" in cli("seal-history").complaint


@pytest.mark.parametrize("seed", range(2))
def test_killed_anywhere_it_goes_on_and_finishes(
    cli: CommandLine, old_database_url: str, tmp_path: Path, seed: int
):
    migrate(old_database_url)
    before = events_of(old_database_url)
    slow = (
        "import time, application.integrity.seal_history as s\n"
        "s._AT_ONCE = 7\n"
        "whole = s._seal_part\n"
        "def slowly(*given):\n"
        "    time.sleep(0.02)\n"
        "    return whole(*given)\n"
        "s._seal_part = slowly\n"
        "print('ready', flush=True)\n"
    )
    rng = random.Random(seed)  # noqa: S311
    kills = 0
    while kills < 6:
        with running(
            "seal-history",
            settings={"database_url": old_database_url},
            folder=tmp_path,
            before=slow,
        ) as process:
            assert process.says("ready")
            time.sleep(rng.uniform(0.2, 1.2))
            process.process.kill()
            process.process.wait()
        kills += 1

    cli("seal-history")

    after = events_of(old_database_url)
    notes = [event for event in after.values() if isinstance(event, HistorySealed)]
    assert len(notes) == 1
    assert {n: event for n, event in after.items() if n <= max(before)} == (
        with_pseudonyms(before)
    )
    assert chain_state(cli) == "ok"


@pytest.mark.parametrize("is_begun", (False, True), ids=("first", "later"))
def test_figures_of_who_is_erased_from_sealed_history_are_rebuilt_as_they_were(
    cli: CommandLine, old_database_url: str, *, is_begun: bool
):
    cli("migrate")
    if is_begun:
        # The read models have what the log said before it was sealed.
        start(old_database_url, ALL_PROJECTIONS)
    sealed(cli)
    start(old_database_url, ALL_PROJECTIONS)
    with psycopg.connect(old_database_url) as connection:
        row = connection.execute(
            "SELECT id, tiktok_handle FROM creator_list JOIN (SELECT creator_id AS id "
            "FROM analytics_videos WHERE number IS NOT NULL) v USING (id) "
            "ORDER BY id LIMIT 1"
        ).fetchone()
    assert row is not None
    erased = cli("erase", str(row[0]), "--confirm", row[1], "--json")
    start(old_database_url, ALL_PROJECTIONS)

    with opened_store(old_database_url, pool_size=CONNECTIONS) as store:
        rebuilt = [rebuild(store, one, by="test") for one in PROJECTIONS]

    assert erased.status == 0, erased.err
    assert [one.name for one in rebuilt if not one.comparison.is_equal] == []


def test_exports_of_history_in_the_clear_have_nothing_of_who_is_erased(
    cli: CommandLine, old_database_url: str, monkeypatch: pytest.MonkeyPatch
):
    # As the first releases with erasures did.
    monkeypatch.setattr(erasing, "check_sealed", lambda *_: None)
    cli("migrate")
    start(old_database_url, ALL_PROJECTIONS)
    with psycopg.connect(old_database_url) as connection:
        row = connection.execute(
            "SELECT organization_id::text, id::text, tiktok_handle FROM creator_list l "
            "WHERE status = 'active' AND display_name IS NULL "
            "AND scraped_display_name IS NOT NULL AND NOT EXISTS ("
            "    SELECT FROM creator_list o WHERE o.tiktok_handle = l.tiktok_handle "
            "    AND o.id <> l.id) ORDER BY id LIMIT 1"
        ).fetchone()
    assert row is not None
    organization_id, creator_id, handle = row

    def exported() -> str:
        kinds = ("observations", "events")
        return "".join(
            cli("export", kind, "--org", organization_id).out for kind in kinds
        )

    before = exported()
    assert cli("erase", creator_id, "--confirm", handle).status == 0
    start(old_database_url, ALL_PROJECTIONS)

    assert before.count(handle) > 5
    assert handle not in exported()

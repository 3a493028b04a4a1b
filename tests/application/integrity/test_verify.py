"""The check of a real log: the same as in memory, in parts, in processes, resumed."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from multiprocessing import active_children
from pathlib import Path
from random import Random
from uuid import UUID

import psycopg
import pytest
from msgspec.structs import asdict, replace

from application.integrity import verify as verifying
from application.integrity.make_root import make_root
from application.integrity.verify import verify
from domain.integrity import roots
from infra.eventstore.store import Store
from infra.organizations import make_organization
from tests.kit.builders import asking, events_for, make_home
from tests.kit.paths import ROOT
from tests.kit.tampered_log import (
    SIGNER,
    TAMPERINGS,
    Log,
    StoredRow,
    make_log,
    roots_of,
    verify_in_memory,
)

ROUNDS = 6
_READ = """
SELECT notification_id, originator_id, originator_version, topic, state, recorded_at,
       actor, correlation_id, causation_id, digest FROM goatherd_events
ORDER BY notification_id
"""
_WRITE = """
INSERT INTO goatherd_events (notification_id, originator_id, originator_version, topic,
    state, recorded_at, actor, correlation_id, causation_id, digest)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def store_log(url: str, log: Log) -> None:
    """Put this log in place of the one there is, behind everybody's back."""
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM goatherd_events")
        rows = [tuple(asdict(row).values()) for row in log]
        connection.cursor().executemany(_WRITE, rows)


def read_log(url: str) -> Log:
    with psycopg.connect(url) as connection:
        rows = connection.cursor(binary=True).execute(_READ).fetchall()
    names = StoredRow.__struct_fields__
    return [StoredRow(**dict(zip(names, row, strict=True))) for row in rows]


@pytest.fixture
def one_connection(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """One connection for all checks, which take less time than a connection."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        monkeypatch.setattr(verifying, "_connected", lambda _: nullcontext(connection))
        yield


@pytest.mark.usefixtures("one_connection")
def test_a_tampered_log_is_found_out_as_in_memory(
    database_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(roots, "BLOCK", 8)
    monkeypatch.setattr(verifying, "RANGE", 16)
    random = Random(3)  # noqa: S311
    whole: Log = []
    for number, tampering in enumerate(TAMPERINGS * ROUNDS):
        if number % len(TAMPERINGS) == 0:
            whole = make_log(random, is_rotated=True)
            store_log(database_url, whole)
            assert verify(database_url, key=SIGNER.key, processes=1).misfits == []
        log, kept = [replace(row) for row in whole], roots_of(whole)[-1].root
        tampering(log, random)
        store_log(database_url, log)

        verdict = verify(database_url, key=SIGNER.key, kept=kept, processes=1)

        assert verdict.misfits, tampering.__name__
        assert verdict == verify_in_memory(log, kept=kept), tampering.__name__


def test_what_goatherd_itself_appends_in_any_way_is_fine(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("infra.eventstore.append.COPY_FROM", 50)
    monkeypatch.setattr(roots, "BLOCK", 8)
    home = make_home(store)
    home.creator("ada")
    make_organization(
        store, name="Other", plan="free", time_zone="UTC", context=asking()
    )
    store.append(
        events_for(UUID(int=1 << 127), *map(str, range(120))), context=asking()
    )
    make_root(store, SIGNER, context=asking())
    home.rename(home.creator("berta"), "cora")
    make_root(store, SIGNER, context=asking())

    verdict = verify(database_url, key=SIGNER.key, processes=1)

    assert verdict.misfits == []
    assert (verdict.events, verdict.roots) == (len(read_log(database_url)), 2)
    assert verdict == verify_in_memory(read_log(database_url))


def long_log(store: Store, *, events: int) -> None:
    for _ in range(events // 4_000):
        handles = [str(number) for number in range(4_000)]
        entries = [
            events_for(UUID(int=number << 64 | _), h)[0]
            for number, h in enumerate(handles)
        ]
        store.append(entries, context=asking())
    make_root(store, SIGNER, context=asking())


def test_processes_find_what_one_finds_in_any_number_of_parts(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    long_log(store, events=12_000)
    monkeypatch.setattr(verifying, "RANGE", roots.BLOCK)
    done: list[tuple[int, int]] = []
    started: set[int | None] = set()

    def report(part: int, of: int) -> None:
        done.append((part, of))
        started.update(process.pid for process in active_children())

    in_processes = verify(database_url, key=SIGNER.key, processes=2, report=report)

    assert in_processes == verify(database_url, key=SIGNER.key, processes=1)
    assert in_processes.misfits == []
    assert in_processes.events == 12_001
    assert done == [(number, 4) for number in (1, 2, 3, 4)]
    assert len(started) == 2


def test_a_short_log_is_checked_without_other_processes_however_many_roots_it_has(
    store: Store, database_url: str
):
    for number in range(4):
        store.append(events_for(UUID(int=number + 1), "a"), context=asking())
        make_root(store, SIGNER, context=asking())
    started: list[object] = []

    verdict = verify(
        database_url,
        key=SIGNER.key,
        processes=2,
        report=lambda *_: started.extend(active_children()),
    )

    assert (verdict.events, verdict.roots, verdict.misfits) == (8, 4, [])
    assert started == []


_KILLED = """
import os, signal, sys
from pathlib import Path
from application.integrity import verify as verifying
verifying.RANGE = 4096
def report(done, total):
    if done == 2:
        os.kill(os.getpid(), signal.SIGKILL)
verifying.verify(sys.argv[1], key=sys.argv[2], processes=1, progress=Path(sys.argv[3]),
                 report=report)
"""


def test_a_killed_check_goes_on_where_it_was(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    long_log(store, events=12_000)
    progress = tmp_path / "progress"
    words = [sys.executable, "-c", _KILLED, database_url, SIGNER.key, str(progress)]
    killed = subprocess.run(words, cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    with progress.open("ab") as file:
        file.write(b'{"first":1,"torn')
    monkeypatch.setattr(verifying, "RANGE", roots.BLOCK)
    checked: list[tuple[int, int]] = []
    check = verifying.check_positions

    def count(connection: object, first: int, last: int, **given: object) -> object:
        checked.append((first, last))
        return check(connection, first, last, **given)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(verifying, "check_positions", count)
    verdict = verify(database_url, key=SIGNER.key, processes=1, progress=progress)

    assert verdict.misfits == []
    assert verdict.events == 12_001
    assert len(checked) == 2
    assert not progress.exists()


def test_what_was_checked_a_day_ago_or_of_another_log_is_checked_again(
    store: Store, database_url: str, tmp_path: Path
):
    store.append(events_for(UUID(int=1), "a", "b"), context=asking())
    progress = tmp_path / "progress"
    for header in (
        f'{{"name":"another","began_at":{time.time()}}}',
        '{"name":"goatherd","began_at":1}',
        "no JSON",
        "",
    ):
        lie = '{"first":1,"last":2,"events":7,"misfits":[],"gaps":[],"blocks":[]}'
        progress.write_text(f"{header}\n{lie}\n")

        verdict = verify(database_url, key=SIGNER.key, progress=progress)

        assert verdict.events == 2

"""``goatherd keys rotate-master``: all keys get another master key, or none does."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from msgspec.structs import replace

from application.mail.outbox import claim_mail, send_mail
from application.mail.server import Mail
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.keys.installation_keys import open_installation_keys
from infra.keys.keyring import Keyring
from infra.keys.master_key import (
    MasterKey,
    MasterKeyError,
    master_key_path,
    new_master_key,
)
from infra.keys.person_secrets import opened_password_hash, set_password_hash
from infra.keys.rotation import change_master_key
from tests.kit.builders import log_of, make_home, opened_store
from tests.kit.command_line import CommandLine
from tests.kit.keys import MASTER_KEY, MASTER_KEY_TEXT
from tests.kit.paths import ROOT
from tests.kit.patience import PATIENTLY

NEW_TEXT = new_master_key()
NEW = MasterKey.from_text(NEW_TEXT, source="the test")


OF_PROCESSES = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND application_name LIKE 'goatherd%'"
)


@pytest.fixture
def filled_url(database_url: str) -> str:
    """A database with sealed events and no process that uses it."""
    with opened_store(database_url) as store:
        make_home(store).add("heidi", "peter")
    # The server ends a connection a moment after its client has closed it.
    with psycopg.connect(database_url, autocommit=True) as connection:
        assert wait_until(
            lambda: connection.execute(OF_PROCESSES).fetchone() == (0,),
            seconds=PATIENTLY,
        )
    return database_url


@pytest.fixture
def new_key_file(tmp_path: Path) -> Path:
    path = tmp_path / "new"
    path.write_text(NEW_TEXT)
    return path


def read_with(url: str, key: MasterKey) -> str:
    """Everything in the log, opened with this master key."""
    with opened_store(url) as store:
        own = Store(store.pool, store.settings)
        own.keyring = own.codec.keyring = Keyring(store.pool, lambda _: key)
        return repr([recorded.event for recorded in log_of(own)])


def test_passwords_get_the_new_master_key(
    cli: CommandLine, filled_url: str, new_key_file: Path
) -> None:
    person_id = new_id()
    with psycopg.connect(filled_url, autocommit=True) as connection:
        set_password_hash(connection.cursor(), MASTER_KEY, person_id, "$argon2id$x")

    cli("keys", "rotate-master", "--new-key-file", str(new_key_file))

    with psycopg.connect(filled_url) as connection:
        row = connection.execute("SELECT sealed FROM person_secrets").fetchone()
    assert row is not None
    assert opened_password_hash(NEW, person_id, row[0]) == "$argon2id$x"
    for key, of in ((MASTER_KEY, person_id), (NEW, new_id())):
        with pytest.raises(MasterKeyError):
            opened_password_hash(key, of, row[0])


def test_waiting_mails_get_the_new_master_key(
    cli: CommandLine, filled_url: str, new_key_file: Path
) -> None:
    mail = Mail(to="ada@example.com", subject="Goats", text="Seven.")
    with opened_store(filled_url) as opened:
        url = "smtp://127.0.0.1?from=goat@example.com"
        store = Store(opened.pool, replace(opened.settings, smtp_url=url))
        with store.pool.connection() as connection:
            assert send_mail(connection.cursor(), store, mail)

    cli("keys", "rotate-master", "--new-key-file", str(new_key_file))

    with opened_store(filled_url) as store:
        due = claim_mail(store.pool)
        assert due is not None
        assert due.opened(NEW) == mail


def test_all_keys_get_the_new_master_key_and_the_log_stays(
    cli: CommandLine, filled_url: str, new_key_file: Path
) -> None:
    events = read_with(filled_url, MASTER_KEY)
    with psycopg.connect(filled_url, autocommit=True) as connection:
        secrets = open_installation_keys(connection, MASTER_KEY)
        digests = connection.execute("SELECT digest FROM goatherd_events").fetchall()

    outcome = cli("keys", "rotate-master", "--new-key-file", str(new_key_file))

    assert outcome.err == ""
    assert "keys with the new master key" in outcome.out
    assert "Set GOATHERD_MASTER_KEY" in outcome.out
    assert read_with(filled_url, NEW) == events
    assert "heidi" in events
    with psycopg.connect(filled_url, autocommit=True) as connection:
        assert open_installation_keys(connection, NEW) == secrets
        with pytest.raises(MasterKeyError):
            open_installation_keys(connection, MASTER_KEY)
        assert (
            digests
            == connection.execute("SELECT digest FROM goatherd_events").fetchall()
        )
    with pytest.raises(MasterKeyError):
        read_with(filled_url, MASTER_KEY)

    again = cli("keys", "rotate-master", "--new-key-file", str(new_key_file))

    assert "already" in again.out


def test_one_that_is_killed_changes_nothing_and_the_next_finishes(
    cli: CommandLine, filled_url: str, new_key_file: Path
) -> None:
    with psycopg.connect(filled_url, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$"
        )
        connection.execute(
            "CREATE TRIGGER dawdle AFTER UPDATE ON subject_keys "
            "FOR EACH STATEMENT EXECUTE FUNCTION dawdle()"
        )
        words = ("keys", "rotate-master", "--new-key-file", str(new_key_file))
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", *words],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=new_key_file.parent,
        )
        sleeping = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' "
            "AND datname = current_database()"
        )
        assert wait_until(
            lambda: connection.execute(sleeping).fetchone() == (1,), seconds=PATIENTLY
        )
        process.kill()
        process.wait()
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE wait_event = 'PgSleep' AND datname = current_database()"
        )
        connection.execute("DROP TRIGGER dawdle ON subject_keys")

    assert "heidi" in read_with(filled_url, MASTER_KEY)
    outcome = cli("keys", "rotate-master", "--new-key-file", str(new_key_file))
    assert (outcome.status, outcome.err) == (0, "")
    assert "heidi" in read_with(filled_url, NEW)


def test_one_that_died_before_it_wrote_the_file_is_finished_by_the_next(
    cli: CommandLine,
    filled_url: str,
    new_key_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GOATHERD_MASTER_KEY", "")
    cli_dir = tmp_path / "data"
    cli_dir.mkdir()
    master_key_path(cli_dir).write_text(MASTER_KEY_TEXT)
    with psycopg.connect(filled_url, autocommit=True) as connection:
        change_master_key(connection, MASTER_KEY, NEW)

    words = ("--new-key-file", str(new_key_file), "--data-dir", str(cli_dir))
    outcome = cli("keys", "rotate-master", *words)

    assert outcome.err == ""
    assert master_key_path(cli_dir).read_text().strip() == NEW_TEXT
    assert master_key_path(cli_dir).stat().st_mode & 0o777 == 0o600


def test_while_a_process_uses_the_database_nothing_is_changed(
    cli: CommandLine, filled_url: str, new_key_file: Path
) -> None:
    with opened_store(filled_url) as store:
        store.head()

        outcome = cli("keys", "rotate-master", "--new-key-file", str(new_key_file))

    assert outcome.status == 1
    assert "stop all of its processes" in outcome.err
    assert "heidi" in read_with(filled_url, MASTER_KEY)


@pytest.mark.parametrize("text", ("", "short", "=" * 44))
def test_a_file_without_a_key_is_refused(
    cli: CommandLine, new_key_file: Path, text: str
) -> None:
    new_key_file.write_text(text)

    outcome = cli("keys", "rotate-master", "--new-key-file", str(new_key_file))

    assert outcome.status == 1
    assert f"{new_key_file} does not hold a master key" in outcome.err


def test_a_file_that_is_not_there_is_named(cli: CommandLine, tmp_path: Path) -> None:
    outcome = cli("keys", "rotate-master", "--new-key-file", str(tmp_path / "none"))

    assert outcome.status == 1
    assert "none cannot be read" in outcome.err


def test_with_the_wrong_old_key_nothing_is_changed(
    cli: CommandLine,
    filled_url: str,
    new_key_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GOATHERD_MASTER_KEY", new_master_key())

    outcome = cli("keys", "rotate-master", "--new-key-file", str(new_key_file))

    assert outcome.status == 1
    assert "not the one that this database was used with" in outcome.err
    assert "heidi" in read_with(filled_url, MASTER_KEY)

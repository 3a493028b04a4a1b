"""The master key: a wrapped key opens with it alone, and a wrong one is noticed."""

from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from infra.database import migrate
from infra.keys.installation_keys import open_installation_keys
from infra.keys.master_key import (
    MasterKey,
    MasterKeyError,
    master_key_path,
    new_master_key,
)
from infra.keys.opened import master_key_text, opened_keys
from tests.kit.application import settings_for
from tests.kit.builders import Home
from tests.kit.keys import MASTER_KEY, MASTER_KEY_TEXT

ANOTHER = MasterKey(bytes(32))


@given(st.text(), st.binary(max_size=64))
def test_what_is_wrapped_opens_under_its_name_with_its_key_alone(
    name: str, secret: bytes
) -> None:
    wrapped = MASTER_KEY.wrap(name, secret)

    assert MASTER_KEY.unwrap(name, wrapped) == secret
    for key, other_name, changed in (
        (ANOTHER, name, wrapped),
        (MASTER_KEY, f"{name}x", wrapped),
        (MASTER_KEY, name, wrapped[:-1] + bytes([wrapped[-1] ^ 1])),
        (MASTER_KEY, name, b""),
    ):
        with pytest.raises(MasterKeyError):
            key.unwrap(other_name, changed)


def test_a_secret_is_never_wrapped_alike_twice() -> None:
    assert MASTER_KEY.wrap("names", b"x") != MASTER_KEY.wrap("names", b"x")


@pytest.mark.parametrize("text", ("", "abc", "=" * 44, "QUJD" * 10, "é" * 44))
def test_a_text_that_is_no_key_is_refused_by_its_place(text: str) -> None:
    with pytest.raises(MasterKeyError, match="the file does not hold a master key"):
        MasterKey.from_text(text, source="the file")


def test_an_empty_installation_gets_its_keys_once(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        first = open_installation_keys(connection, MASTER_KEY)
        again = open_installation_keys(connection, MASTER_KEY)

    assert first == again
    assert first.names is not None
    assert first.names != first.signing
    assert "***" in repr(first)


def test_a_log_from_before_goes_on_without_a_key_for_names(
    home: Home, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM installation_keys")
        # Nothing was sealed then; triggers refuse such a change otherwise.
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE goatherd_events SET state = '{}'")

        assert home.organization_id
        assert open_installation_keys(connection, MASTER_KEY).names is None


def test_a_sealed_log_gets_no_other_keys(home: Home, database_url: str) -> None:
    home.add("ada")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM installation_keys")

        with pytest.raises(MasterKeyError, match="keys that open it are not"):
            open_installation_keys(connection, MASTER_KEY)
        rows = connection.execute("SELECT name FROM installation_keys")
        assert rows.fetchall() == []


def test_a_wrong_master_key_is_noticed_and_nothing_is_written(
    database_url: str,
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM installation_keys WHERE name = 'signing'")
        with pytest.raises(MasterKeyError, match="not the one that this database"):
            open_installation_keys(connection, ANOTHER)

        rows = connection.execute("SELECT name FROM installation_keys ORDER BY 1")
        assert [name for (name,) in rows] == ["check", "names"]


def test_a_data_directory_gets_a_private_master_key_once(
    empty_database_url: str, tmp_path: Path
) -> None:
    settings = replace(settings_for("postgresql://x"), master_key=None)
    settings = replace(settings, data_dir=tmp_path)
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        with pytest.raises(MasterKeyError, match="set GOATHERD_MASTER_KEY to 32"):
            master_key_text(settings, connection)
        made = master_key_text(settings, connection, make=True)
        migrate(empty_database_url)
        _, keys = opened_keys(settings, connection)

        path = master_key_path(tmp_path)
        assert path.read_text().strip() == made
        assert path.stat().st_mode & 0o777 == 0o600
        assert opened_keys(settings, connection)[1] == keys

        path.unlink()
        with pytest.raises(MasterKeyError, match="no handle, name, title or note"):
            master_key_text(settings, connection, make=True)
        assert not path.exists()


def test_the_setting_comes_before_the_data_directory(
    database_url: str, tmp_path: Path
) -> None:
    master_key_path(tmp_path).write_text(new_master_key())
    settings = replace(settings_for(database_url), data_dir=tmp_path)
    with psycopg.connect(database_url, autocommit=True) as connection:
        assert master_key_text(settings, connection) == MASTER_KEY_TEXT
        with pytest.raises(MasterKeyError, match="not the one that this database"):
            master_key_text(replace(settings, master_key=None), connection)

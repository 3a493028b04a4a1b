"""Keys are compared with the log in both directions, and every one is opened."""

import os
from uuid import UUID

import psycopg

from application.integrity.kept_keys import key_faults
from infra.keys.keyring import wrapping_name
from tests.kit.builders import Home
from tests.kit.erasing import erase
from tests.kit.keys import MASTER_KEY
from tests.workers.policies.test_retention import catch_up

_DESTROY = "UPDATE subject_keys SET wrapped = NULL, destroyed_at = now(), erasure = 9"
_SET = "UPDATE subject_keys SET wrapped = %s"


def test_each_key_that_is_not_as_the_log_says_is_found(home: Home, database_url: str):
    ada, berta, gone = (home.creator(f"goat.{name}") for name in ("ada", "berta", "x"))
    catch_up(home.store)
    erase(
        home.store,
        gone,
        organization_id=home.organization_id,
        confirm="goat.x",
        figures="drop",
    )
    with psycopg.connect(database_url, autocommit=True) as connection:
        kept = dict(
            connection.execute("SELECT subject, wrapped FROM subject_keys").fetchall()
        )
        another = MASTER_KEY.wrap(wrapping_name(ada), os.urandom(32))
        short = MASTER_KEY.wrap(wrapping_name(ada), b"short")
        changes: dict[str, tuple[str, object, UUID]] = {
            "lacking": ("DELETE FROM subject_keys WHERE %s::bytea IS NULL", None, ada),
            "lost": (f"{_DESTROY} WHERE %s::bytea IS NULL", None, ada),
            "unwrapped": (f"{_SET} WHERE true", kept[berta], ada),
            "unwrapped short": (f"{_SET} WHERE true", short, ada),
            "unwrapped garbage": (f"{_SET} WHERE true", b"garbage", ada),
            "unfit": (f"{_SET} WHERE true", another, ada),
            "back": (
                f"{_SET}, destroyed_at = NULL, erasure = NULL WHERE true",
                MASTER_KEY.wrap(wrapping_name(gone), os.urandom(32)),
                gone,
            ),
        }
        found: dict[str, list[tuple[str, list[UUID]]]] = {}
        for name, (statement, value, subject) in changes.items():
            row = connection.execute(
                "SELECT k::text FROM subject_keys k WHERE subject = %s", (subject,)
            ).fetchone()
            assert row is not None
            connection.execute(
                f"{statement} AND subject = %s".encode(), (value, subject)
            )
            found[name] = [
                (each.fault, list(each.subjects))
                for each in key_faults(connection, MASTER_KEY)
            ]
            connection.execute(
                "DELETE FROM subject_keys WHERE subject = %s", (subject,)
            )
            connection.execute(
                "INSERT INTO subject_keys SELECT (%s::subject_keys).*", (row[0],)
            )

        assert found == {
            name: [(name.split()[0], [gone if name == "back" else ada])]
            if name != "back"
            else [("back", [gone]), ("unfit", [gone])]
            for name in changes
        }
        assert key_faults(connection, MASTER_KEY) == []

"""Table installation_keys: secrets of the installation, wrapped by the master key."""

import secrets
from collections.abc import Collection
from typing import Any, LiteralString

import msgspec
from psycopg import Connection, Cursor

from infra.keys.master_key import KEY_BYTES, MasterKey, MasterKeyError
from infra.locks import AdvisoryLock

# This text is public: if it can be unwrapped, the master key is the right one.
_CHECK, _CHECKED = "check", b"goatherd"
_SIGNING = "signing"
_READ = "SELECT name, wrapped FROM installation_keys"
_ADD = "INSERT INTO installation_keys (name, wrapped) VALUES (%s, %s)"
_HAS_EVENTS = "SELECT EXISTS (SELECT FROM goatherd_events)"
# The newest events of a log in use contain sealed ones.
_HAS_SEALED = """
SELECT EXISTS (
    SELECT FROM (SELECT state FROM goatherd_events
                 ORDER BY notification_id DESC LIMIT 10000) AS newest
    WHERE substring(state FROM 1 FOR 11) = convert_to('{"sealed":"', 'UTF8')
)
"""

WRONG = (
    "The master key is not the one that this database was used with. Nothing was "
    "changed. Put the right one into GOATHERD_MASTER_KEY, or into the file master-key "
    "of the data directory."
)

KEYS_GONE = (
    "The event log is sealed, and the keys that open it are not in the database. "
    "Nothing was changed. Restore both: `goatherd restore FILE --keys FILE`, into an "
    "empty data directory or database. Without the keys figures, times and ids can be "
    "read with SQL, but no names, and nothing new can be stored."
)


class InstallationKeys(msgspec.Struct, frozen=True, kw_only=True):
    """The secrets of an installation.

    ``signing`` is the private half of the Ed25519 key that signs roots, as 32 bytes.
    ``names`` is the key of ids that are computed from handles and videos, None in an
    installation whose log began before this key. It has
    ``later_names`` instead, for videos that are observed again after an erasure.
    """

    signing: bytes
    names: bytes | None = None
    later_names: bytes | None = None

    def __repr__(self) -> str:
        return "InstallationKeys(***)"


def is_initialized(connection: Connection[Any]) -> bool:
    """Tell whether the database was used with a master key before."""
    return _check_value(connection) is not None


def check_keys_there(connection: Connection[Any]) -> None:
    """Check that the keys of a sealed log exist.

    Raises:
        MasterKeyError: they are gone.
    """
    if not is_initialized(connection) and _has(connection, _HAS_SEALED):
        raise MasterKeyError(KEYS_GONE)


def check_master_key(connection: Connection[Any], master_key: MasterKey) -> None:
    """Check that the database was used with this master key, or with none yet.

    Raises:
        MasterKeyError: the database was used with another one.
    """
    wrapped = _check_value(connection)
    if wrapped is not None:
        _check(wrapped, master_key)


def open_installation_keys(
    connection: Connection[Any], master_key: MasterKey
) -> InstallationKeys:
    """Return the installation's secrets; make the missing ones.

    Raises:
        MasterKeyError: the database was used with another master key, or its keys are
            gone.
    """
    kept = _kept(connection, master_key)
    if _is_complete(kept):
        return _opened(kept, master_key)
    with connection.transaction():
        connection.execute(
            "SELECT pg_advisory_xact_lock(%s)", (AdvisoryLock.OPEN_KEYS,)
        )
        kept = _kept(connection, master_key)
        fresh: dict[str, bytes] = {}
        if _CHECK not in kept:
            if _has(connection, _HAS_SEALED):
                raise MasterKeyError(KEYS_GONE)
            fresh[_CHECK] = _CHECKED
            if not _has(connection, _HAS_EVENTS):
                fresh["names"] = secrets.token_bytes(KEY_BYTES)
        if "signing" not in kept:
            fresh["signing"] = secrets.token_bytes(KEY_BYTES)
        if not {"names", "later_names"} & {*kept, *fresh}:
            fresh["later_names"] = secrets.token_bytes(KEY_BYTES)
        for name, secret in fresh.items():
            kept[name] = master_key.wrap(name, secret)
            connection.execute(_ADD, (name, kept[name]))
    return _opened(kept, master_key)


def wrapped_signing_key(connection: Connection[Any]) -> bytes | None:
    """Return the stored form of the signing key; None if there is none yet."""
    row = connection.execute(
        "SELECT wrapped FROM installation_keys WHERE name = %s", (_SIGNING,)
    ).fetchone()
    return None if row is None else row[0]


def replace_signing_key(
    cursor: Cursor[Any], master_key: MasterKey, secret: bytes
) -> None:
    """Store another signing key; the present one is gone then."""
    wrapped = master_key.wrap(_SIGNING, secret)
    cursor.execute(
        "UPDATE installation_keys SET wrapped = %s WHERE name = %s",
        (wrapped, _SIGNING),
    )


def _kept(connection: Connection[Any], master_key: MasterKey) -> dict[str, bytes]:
    kept: dict[str, bytes] = dict(connection.execute(_READ).fetchall())
    if _CHECK in kept:
        _check(kept[_CHECK], master_key)
    return kept


def _opened(kept: dict[str, bytes], master_key: MasterKey) -> InstallationKeys:
    found = {
        name: master_key.unwrap(name, wrapped)
        for name, wrapped in kept.items()
        if name in {"names", "later_names", "signing"}
    }
    return InstallationKeys(
        signing=found["signing"],
        names=found.get("names"),
        later_names=found.get("later_names"),
    )


def _is_complete(kept: Collection[str]) -> bool:
    return {_CHECK, "signing"} <= {*kept} and bool({"names", "later_names"} & {*kept})


def _has(connection: Connection[Any], query: LiteralString) -> bool:
    row = connection.execute(query).fetchone()
    return row is not None and row[0]


def _check_value(connection: Connection[Any]) -> bytes | None:
    # The table does not exist before the schema is upgraded.
    row = connection.execute("SELECT to_regclass('installation_keys')").fetchone()
    if row is None or row[0] is None:
        return None
    row = connection.execute(
        "SELECT wrapped FROM installation_keys WHERE name = %s", (_CHECK,)
    ).fetchone()
    return None if row is None else row[0]


def _check(wrapped: bytes, master_key: MasterKey) -> None:
    try:
        is_right = master_key.unwrap(_CHECK, wrapped) == _CHECKED
    except MasterKeyError:
        is_right = False
    if not is_right:
        raise MasterKeyError(WRONG)

"""Changes the key that signs roots, by an event that both keys sign."""

import secrets
from datetime import datetime, timedelta

from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from application.integrity.log import newest_recorded, recorded_rotations
from application.integrity.make_root import make_root
from application.integrity.signing import Signer, check_newest
from domain.integrity.events import SigningKeyRotated
from domain.integrity.handlers import record_rotation
from domain.integrity.signing_keys import rotation_text
from infra.eventstore.append import Context
from infra.eventstore.execute import Executed, execute
from infra.eventstore.store import BusyError, Store
from infra.keys.installation_keys import replace_signing_key
from infra.keys.master_key import KEY_BYTES, MasterKey


def rotate_signing_key(
    store: Store, signer: Signer, master_key: MasterKey, *, context: Context
) -> SigningKeyRotated:
    """Replace the key of ``signer`` by a new one, and sign a root with the new key.

    The private half of the old key is not kept.

    Raises:
        BusyError: a root or another key is being made.
    """
    secret = secrets.token_bytes(KEY_BYTES)
    new = Signer(secret)
    with store.pool.connection() as connection:
        at = _time_of_change(connection, signer)
    text = rotation_text(at, signer.key, new.key)
    rotation = SigningKeyRotated(
        rotated_at=at,
        old_key=signer.key,
        new_key=new.key,
        signatures=(signer.sign(text), new.sign(text)),
    )

    def replace(cursor: Cursor[TupleRow], done: Executed[bool]) -> None:
        if done.result:
            replace_signing_key(cursor, master_key, secret)

    done = execute(
        store,
        lambda: record_rotation(rotation),
        context=context,
        in_transaction=replace,
    )
    if not done.result:
        raise BusyError("A root or another key is made just now; try again.")
    # Proofs need a root that is signed with the present key.
    make_root(store, new, context=context)
    return rotation


def _time_of_change(connection: Connection[TupleRow], signer: Signer) -> datetime:
    """Return the time of the change, which is after all signatures of the old key."""
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    earliest = [row[0]]
    root = newest_recorded(connection)
    if root is not None:
        earliest.append(root.signed_at + timedelta(microseconds=1))
    rotations = recorded_rotations(connection)
    if rotations:
        check_newest(rotations[-1].rotation, signer)
        earliest.append(rotations[-1].rotation.rotated_at + timedelta(microseconds=1))
    return max(earliest)

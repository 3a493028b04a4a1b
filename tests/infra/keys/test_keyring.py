"""The keyring: one key a subject, held for a while, and gone soon after an erasure."""

import threading
import time
from collections.abc import Iterator
from typing import Any, cast
from uuid import UUID

import psycopg
import pytest

from domain.subjects import SubjectErasedError
from infra.database import Pool, writing_pool
from infra.embedded.processes import wait_until
from infra.ids import new_id
from infra.keys.keyring import Keyring, destroy
from infra.keys.master_key import MasterKey, MasterKeyError
from infra.keys.subject_text import subject_id, subject_text
from tests.kit.keys import MASTER_KEY
from tests.kit.patience import PATIENTLY, at_most

SOON_SECONDS = 1.0


@pytest.fixture
def pool(database_url: str) -> Iterator[Pool]:
    with writing_pool(database_url, size=3) as pool:
        pool.wait()
        yield pool


@pytest.fixture
def keyring(pool: Pool) -> Keyring:
    return a_keyring(pool)


def a_keyring(pool: Pool, *, most: int = 100, key: MasterKey = MASTER_KEY) -> Keyring:
    return Keyring(pool, lambda _: key, most=most)


def erase(pool: Pool, *subjects: UUID) -> None:
    with pool.connection() as connection, connection.transaction():
        destroy(connection.cursor(), subjects)


def can_open(keyring: Keyring, subject: UUID) -> bool:
    text = subject_text(subject)
    return keyring.keys([text]).cipher(text) is not None


def test_a_subject_has_one_text_of_22_characters() -> None:
    ids = [UUID(int=0), UUID(int=2**128 - 1), *(new_id() for _ in range(50))]

    assert [subject_id(subject_text(each)) for each in ids] == ids
    assert {len(subject_text(each)) for each in ids} == {22}


def test_a_stored_key_is_the_same_for_every_process(pool: Pool) -> None:
    subject, first, second = new_id(), a_keyring(pool), a_keyring(pool)
    text = subject_text(subject)

    sealing = first.stored_key(subject).cipher
    opening = second.keys([text]).cipher(text)

    assert opening is not None
    encrypted = sealing.encrypt(bytes(12), b"goat", None)
    assert opening.decrypt(bytes(12), encrypted, None) == b"goat"


def test_two_at_once_store_one_key(pool: Pool) -> None:
    subject = new_id()
    ciphers: list[bytes] = []

    def work() -> None:
        cipher = a_keyring(pool).stored_key(subject).cipher
        ciphers.append(cipher.encrypt(bytes(12), b"goat", None))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(ciphers) == 3
    assert len(set(ciphers)) == 1


def test_a_key_is_not_stored_before_something_is_sealed_with_it(
    pool: Pool, keyring: Keyring
) -> None:
    subject = new_id()

    sealing = keyring.for_sealing([subject])

    assert [new.subject for new in sealing.new] == [subject]
    assert not can_open(a_keyring(pool), subject)


def test_a_key_is_wrapped_for_its_subject_alone(pool: Pool, keyring: Keyring) -> None:
    one, another = new_id(), new_id()
    keyring.stored_key(one)
    with pool.connection() as connection:
        connection.execute(
            "INSERT INTO subject_keys (subject, wrapped) SELECT %s, wrapped "
            "FROM subject_keys",
            (another,),
        )

    with pytest.raises(MasterKeyError):
        can_open(keyring, another)
    with pytest.raises(MasterKeyError):
        can_open(a_keyring(pool, key=MasterKey(bytes(32))), one)


def test_an_erased_subject_has_no_key_and_gets_none(
    pool: Pool, keyring: Keyring
) -> None:
    erased, unknown, other = new_id(), new_id(), new_id()
    keyring.stored_key(erased)
    keyring.stored_key(other)

    erase(pool, erased, unknown)

    fresh = a_keyring(pool)
    for subject in (erased, unknown):
        assert not can_open(fresh, subject)
        with pytest.raises(SubjectErasedError):
            fresh.for_sealing([subject])
        with pytest.raises(SubjectErasedError):
            fresh.stored_key(subject)
    assert can_open(fresh, other)


def test_an_erased_key_leaves_the_table_and_its_row_stays(
    pool: Pool, keyring: Keyring
) -> None:
    subject = new_id()
    keyring.stored_key(subject)

    erase(pool, subject)
    erase(pool, subject, subject)

    with pool.connection() as connection:
        rows = connection.execute(
            "SELECT wrapped, erasure, destroyed_at IS NULL FROM subject_keys"
        ).fetchall()
    assert rows == [(None, 1, False)]


def test_an_erasure_that_is_rolled_back_destroys_nothing(
    pool: Pool, keyring: Keyring
) -> None:
    subject = new_id()
    keyring.stored_key(subject)

    with pool.connection() as connection, connection.transaction(force_rollback=True):
        destroy(connection.cursor(), [subject])

    assert can_open(a_keyring(pool), subject)


def test_every_process_drops_a_destroyed_key_within_a_second(pool: Pool) -> None:
    subject = new_id()
    rings = [a_keyring(pool), a_keyring(pool)]
    for ring in rings:
        ring.stored_key(subject)
    assert [ring.held for ring in rings] == [1, 1]

    erase(pool, subject)
    erased_at = time.monotonic()
    while any(
        ring.held for ring in rings
    ):  # as long as one holds a key, though nobody uses it
        assert time.monotonic() - erased_at < at_most(SOON_SECONDS)
        time.sleep(0.01)

    assert not any(can_open(ring, subject) for ring in rings)


def test_a_process_that_uses_no_key_for_a_while_holds_none_and_can_use_it_again(
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.keys.keyring.IDLE_SECONDS", 0.5)
    subject = new_id()
    keyring.stored_key(subject)
    held = keyring.held

    assert wait_until(lambda: keyring.held == 0, seconds=PATIENTLY)
    assert held == 1
    assert can_open(keyring, subject)
    assert keyring.held == 1


def test_a_process_that_slept_through_an_erasure_uses_no_key_from_before(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.keys.keyring.CHECK_SECONDS", 60)
    subject, keyring = new_id(), a_keyring(pool)
    keyring.stored_key(subject)

    erase(pool, subject)
    time.sleep(SOON_SECONDS)

    assert not can_open(keyring, subject)


def test_a_read_that_learns_of_an_erasure_uses_no_key_from_before(
    pool: Pool, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.keys.keyring.CHECK_SECONDS", 60)
    monkeypatch.setattr("infra.keys.keyring._FRESH_SECONDS", 60)
    erased, kept, other = new_id(), new_id(), new_id()
    keyring.stored_key(erased)
    keyring.stored_key(kept)
    a_keyring(pool).stored_key(other)

    erase(pool, erased)
    keys = keyring.keys([subject_text(each) for each in (erased, kept, other)])

    assert keys.cipher(subject_text(erased)) is None
    assert keys.cipher(subject_text(kept)) is not None
    assert keys.cipher(subject_text(other)) is not None


def test_a_key_read_before_an_erasure_is_not_held_after_it(
    pool: Pool, keyring: Keyring, database_url: str
) -> None:
    erased, other = new_id(), new_id()
    keyring.stored_key(erased)
    with psycopg.connect(database_url) as old:
        old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT 1")
        erase(pool, erased)
        assert not can_open(keyring, other)  # by which it knows of the erasure

        keyring.keys([subject_text(erased)], old)

    assert not can_open(keyring, erased)


def test_without_a_database_no_key_is_held(pool: Pool, keyring: Keyring) -> None:
    keyring.stored_key(new_id())

    pool.close()

    deadline = time.monotonic() + PATIENTLY
    while keyring.held:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_no_more_keys_are_held_than_the_most(pool: Pool) -> None:
    subjects = [new_id() for _ in range(5)]
    keyring = a_keyring(pool, most=3)

    for subject in subjects:
        keyring.stored_key(subject)

    assert keyring.held == 3
    assert all(can_open(keyring, subject) for subject in subjects)


class CountingConnection:
    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.queries = 0
        self._connection = connection

    def cursor(self, *, binary: bool) -> psycopg.Cursor[Any]:
        self.queries += 1
        return self._connection.cursor(binary=binary)


def test_the_keys_of_a_batch_take_one_query(pool: Pool, keyring: Keyring) -> None:
    subjects = [new_id() for _ in range(20)]
    for subject in subjects:
        a_keyring(pool).stored_key(subject)
    texts = [subject_text(subject) for subject in subjects]

    with pool.connection() as connection:
        counting = CountingConnection(connection)
        both = [
            keyring.keys(texts, cast("psycopg.Connection[Any]", counting))
            for _ in range(2)
        ]

    assert counting.queries == 1
    assert all(keys.cipher(text) for keys in both for text in texts)

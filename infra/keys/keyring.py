"""The keyring: the keys of subjects, read from table subject_keys and held in memory.

A process drops all keys within a second after a subject is erased, and then reads again
the keys that it needs.
"""

import os
import threading
import time
import weakref
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import Connection, Cursor

from domain.subjects import SubjectErasedError
from infra.database import Pool
from infra.keys.master_key import KEY_BYTES, MasterKey
from infra.keys.seals import NewKey, Seal, SealingKeys
from infra.keys.subject_text import SubjectText, subject_id, subject_text
from infra.locks import AdvisoryLock

# An installation may have 100,000 creators, whose keys take about 17 MB.
MOST_KEYS = 100_000

CHECK_SECONDS = 0.4
# A held key is used only if the last check for erasures is at most this old.
_FRESH_SECONDS = 0.9
_WAIT_SECONDS = 0.3
# Checks cost an idle process more than reading its keys again.
IDLE_SECONDS = 20.0

_ERASURE = "SELECT coalesce(max(erasure), 0) FROM subject_keys"
_READ = """
SELECT e.number, subject, wrapped
FROM (SELECT coalesce(max(erasure), 0) AS number FROM subject_keys) AS e
LEFT JOIN subject_keys ON subject = ANY(%s::uuid[])
"""
_ADD = """
INSERT INTO subject_keys (subject, wrapped) VALUES (%s, %s)
ON CONFLICT (subject) DO NOTHING
"""
_DESTROY = """
INSERT INTO subject_keys AS k (subject, destroyed_at, erasure)
SELECT DISTINCT subject, clock_timestamp(),
       (SELECT coalesce(max(erasure), 0) + 1 FROM subject_keys)
FROM unnest(%s::uuid[]) AS u (subject)
ON CONFLICT (subject) DO UPDATE SET wrapped = NULL,
    destroyed_at = excluded.destroyed_at, erasure = excluded.erasure
WHERE k.wrapped IS NOT NULL
"""


class Keys:
    """The keys of the events of a batch, by subject."""

    def __init__(self, keys: Mapping[SubjectText, bytes | None]) -> None:
        self._keys = keys
        self._ciphers: dict[SubjectText, AESGCM] = {}

    def cipher(self, subject: SubjectText) -> AESGCM | None:
        """Return the cipher of the subject's events, None if its key is gone.

        Making a cipher takes longer than opening a value.
        """
        cipher = self._ciphers.get(subject)
        if cipher is None:
            key = self._keys.get(subject)
            if key is None:
                return None
            cipher = self._ciphers[subject] = AESGCM(key)
        return cipher


def destroy(cursor: Cursor[Any], subjects: Collection[UUID]) -> None:
    """Destroy the keys of these subjects, in the cursor's transaction.

    From its commit on, no event that is sealed for one of them can be appended or read,
    here or in another process, and none of them gets another key. It takes the append
    lock.
    """
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (AdvisoryLock.APPEND,))
    cursor.execute(_DESTROY, (list(subjects),))


class Keyring:
    """The subjects' keys of one database. Threads may share it.

    ``open_master_key`` is called once, when the first key is needed, because a server
    may start before its database.
    """

    def __init__(
        self,
        pool: Pool,
        open_master_key: Callable[[Connection[Any]], MasterKey],
        *,
        most: int = MOST_KEYS,
    ) -> None:
        self._pool = pool
        self._open_master_key = open_master_key
        self._master_key: MasterKey | None = None
        self._most = most
        self._lock = threading.Lock()
        self._held: dict[SubjectText, bytes | None] = {}
        self._erasure = 0
        self._checked_at = -_FRESH_SECONDS
        self._used_at = time.monotonic()
        self._is_watched = False

    @property
    def held(self) -> int:
        """The number of keys that this process holds."""
        return len(self._held)

    def master_key(self, connection: Connection[Any] | None = None) -> MasterKey:
        """Return the master key; ``connection`` is as in ``keys``.

        Raises:
            MasterKeyError: the key is missing, unreadable, or not the database's.
        """
        if self._master_key is None:
            if connection is None:
                with self._pool.connection() as pooled:
                    return self.master_key(pooled)
            self._master_key = self._open_master_key(connection)
        return self._master_key

    def keys(
        self,
        subjects: Iterable[SubjectText],
        connection: Connection[Any] | None = None,
    ) -> Keys:
        """Return the key of each subject; missing ones take one query.

        ``connection`` is used for the query, by default one of the pool. A caller that
        holds a connection of the pool must pass it, because waiting for another one
        could take forever.
        """
        needed = set(subjects)
        return Keys(self._found(needed, connection) if needed else {})

    def _found(
        self, needed: Collection[SubjectText], connection: Connection[Any] | None
    ) -> dict[SubjectText, bytes | None]:
        self._used_at = time.monotonic()
        if self._used_at - self._checked_at > _FRESH_SECONDS:
            self._drop()
        with self._lock:
            erasure = self._erasure
            found = {each: self._held[each] for each in needed if each in self._held}
        missing = [each for each in needed if each not in found]
        if not missing:
            return found
        read = self._read(missing, connection)
        if found and self._erasure != erasure:
            # One of the keys that were held may be destroyed.
            read |= self._read(found, connection)
        return found | read

    def for_sealing(
        self, subjects: Collection[UUID], *, begun: Collection[UUID] = ()
    ) -> SealingKeys:
        """Return the ciphers of these subjects, with new keys for new subjects.

        The subjects in ``begun`` are assumed to be new, without a query: their first
        event is being stored. If one has a key, storing the new key fails.

        Raises:
            SubjectErasedError: a subject's key was destroyed.
        """
        erasure = self._erasure
        # The subjects are compared by number, because a UUID is hashed in Python.
        assumed = {subject.int for subject in begun}
        texts = {subject_text(subject): subject for subject in subjects}
        unknown = [text for text, each in texts.items() if each.int not in assumed]
        found = self._found(unknown, None) if unknown else {}
        seals: dict[int, Seal] = {}
        stored: list[UUID] = []
        new: list[NewKey] = []
        for text, subject in texts.items():
            if text not in found:
                key = os.urandom(KEY_BYTES)
                new.append(NewKey(subject, text, key, self._wrap(subject, key)))
            elif (key := found[text]) is not None:
                stored.append(subject)
            else:
                raise SubjectErasedError
            seals[subject.int] = Seal(text, AESGCM(key))
        return SealingKeys(seals, stored, new, erasure)

    def hold(self, sealing: SealingKeys) -> None:
        """Hold the new keys, which are stored now."""
        with self._lock:
            if sealing.new and sealing.erasure == self._erasure:
                self._put({each.text: each.key for each in sealing.new})

    def stored_key(self, subject: UUID) -> Seal:
        """Return the seal of a subject; store a new key if it has none.

        Raises:
            SubjectErasedError: its key was destroyed.
        """
        sealing = self.for_sealing([subject])
        if sealing.new:
            with self._pool.connection() as connection:
                connection.execute(_ADD, (subject, sealing.new[0].wrapped))
            sealing = self.for_sealing([subject])
        return sealing.seals[subject.int]

    def _read(
        self, subjects: Collection[SubjectText], connection: Connection[Any] | None
    ) -> dict[SubjectText, bytes | None]:
        since = time.monotonic()
        values = ([subject_id(text) for text in subjects],)
        if connection is None:
            with self._pool.connection() as pooled:
                return self._read(subjects, pooled)
        rows = connection.cursor(binary=True).execute(_READ, values).fetchall()
        master_key = self.master_key(connection)
        found = {
            subject_text(subject): None
            if wrapped is None
            else master_key.unwrap(wrapping_name(subject), wrapped)
            for _, subject, wrapped in rows
            if subject is not None
        }
        with self._lock:
            if self._note(rows[0][0], since):
                self._put(found)
        return found

    def _note(self, erasure: int, since: float) -> bool:
        """Note the newest erasure at a read; tell whether the read is as new."""
        if erasure > self._erasure:
            self._held.clear()
            self._erasure = erasure
        if erasure == self._erasure:
            self._checked_at = max(self._checked_at, since)
        return erasure == self._erasure

    def _put(self, found: Mapping[SubjectText, bytes | None]) -> None:
        self._used_at = time.monotonic()
        self._held.update(found)
        while len(self._held) > self._most:
            del self._held[next(iter(self._held))]
        if self._held and not self._is_watched:
            self._is_watched = True
            threading.Thread(
                target=_watch, args=(weakref.ref(self),), name="keyring", daemon=True
            ).start()

    def _drop(self) -> None:
        with self._lock:
            self._held.clear()

    def _wrap(self, subject: UUID, key: bytes) -> bytes:
        return self.master_key().wrap(wrapping_name(subject), key)

    def check(self) -> bool:
        """Drop the keys if one was destroyed or none was used for a while.

        Returns whether any is still held.
        """
        since = time.monotonic()
        with self._lock:
            if since - self._used_at > IDLE_SECONDS:
                self._held.clear()
                self._is_watched = False
                return False
        try:
            with self._pool.connection(timeout=_WAIT_SECONDS) as connection:
                row = connection.execute(_ERASURE).fetchone()
        except psycopg.Error:
            # It is unknown now whether a key was destroyed.
            row = None
        with self._lock:
            if row is None:
                self._held.clear()
            else:
                self._note(row[0], since)
            self._is_watched = bool(self._held)
            return self._is_watched


def _watch(keyring: "weakref.ref[Keyring]") -> None:
    while True:
        time.sleep(CHECK_SECONDS)
        held = keyring()
        if held is None or not held.check():
            return
        del held


def wrapping_name(subject: UUID) -> str:
    """Return the name under which a subject's key is wrapped."""
    return f"subject {subject}"

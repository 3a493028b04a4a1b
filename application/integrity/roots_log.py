"""The log of roots: all roots as leaves of a tree, and the path to each of them."""

from threading import Lock
from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import TupleRow

from application.integrity.log import recorded_roots, recorded_rotations
from domain.errors import InvalidQuestionError, NotFoundError
from domain.integrity.check import RecordedRoot
from domain.integrity.proofs import ConsistencyProof, KeptRoot, kept_root
from domain.integrity.roots import PublicRoot, leaf_of, text_hash
from domain.integrity.signing_keys import SigningKey, signing_keys

_NAMES_NONE = "the newest root names none of those before it yet: have one signed"


class KnownRoots(NamedTuple):
    """All roots of a log, in their order, with their hashes as leaves and as texts."""

    roots: list[RecordedRoot]
    leaves: list[bytes]
    numbers: dict[str, int]

    def newest(self) -> int:
        """Return the number of the newest root, from 0.

        Raises:
            NotFoundError: there is no root.
        """
        if not self.roots:
            raise NotFoundError("root")
        return len(self.roots) - 1

    def number_of(self, name: str) -> int:
        """Return the number of the root with this hash.

        Raises:
            NotFoundError: there is no root with this hash.
        """
        number = self.numbers.get(name)
        if number is None:
            raise NotFoundError("root")
        return number

    def public(self, number: int) -> PublicRoot:
        return PublicRoot.of(self.roots[number].root)


def known_roots(
    connection: Connection[TupleRow], known: KnownRoots | None = None
) -> KnownRoots:
    """Return all roots of the log; known ones are not read again."""
    old = KnownRoots([], [], {}) if known is None else known
    new = recorded_roots(connection, after=old.roots[-1].at if old.roots else 0)
    if not new:
        return old
    return KnownRoots(
        old.roots + new,
        old.leaves + [leaf_of(each.root) for each in new],
        old.numbers
        | {text_hash(each.root): n for n, each in enumerate(new, len(old.roots))},
    )


def way_to(known: KnownRoots, *, index: int, newest: int) -> KeptRoot:
    """Return the path from a root to an earlier one, or to itself.

    Raises:
        InvalidQuestionError: the newer root names no earlier ones.
    """
    if index < newest and known.roots[newest].root.roots is None:
        raise InvalidQuestionError("root", _NAMES_NONE)
    return kept_root(known.public(index), known.leaves, index=index, newest=newest)


def keys_of(connection: Connection[TupleRow], key: str) -> list[SigningKey]:
    """Return all keys that signed roots, only ``key`` if it was never changed."""
    changes = [each.rotation for each in recorded_rotations(connection)]
    return signing_keys(changes, key=key)


class RootsLog:
    """The roots of a log for many requests: a process reads each of them once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: KnownRoots | None = None

    def known(self, connection: Connection[TupleRow]) -> KnownRoots:
        with self._lock:
            self._known = known_roots(connection, self._known)
            return self._known

    def proof(
        self, connection: Connection[TupleRow], *, index: int, newest: int
    ) -> ConsistencyProof:
        """Return the proof that a root continues an earlier one.

        Raises:
            InvalidQuestionError: the newer root names no earlier ones.
        """
        known = self.known(connection)
        return ConsistencyProof(
            root=known.public(newest),
            kept=way_to(known, index=index, newest=newest),
            keys=tuple(keys_of(connection, known.roots[newest].root.key)),
        )

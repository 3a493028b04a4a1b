"""Proofs: a creator's events as stored, and the paths from them to a signed root."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final
from uuid import UUID

import msgspec

from domain.integrity.merkle import Step, consistency_path, inclusion_path
from domain.integrity.roots import PublicRoot, WrittenTime, text_hash
from domain.integrity.signing_keys import SigningKey

FORMAT: Final = "goatherd proof 2"
CONSISTENCY_FORMAT: Final = "goatherd consistency 1"


class ProvenEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it is stored; times are in UTC, with microseconds, digests in hex."""

    position: int
    version: int
    name: str
    body: str
    recorded_at: WrittenTime
    actor: str
    correlation_id: UUID | None
    causation_id: UUID | None
    digest: str


class KeptRoot(msgspec.Struct, frozen=True, kw_only=True):
    """A root that somebody kept, and the paths between it and the newest root.

    ``inclusion`` leads from the kept root, which is the leaf ``index``, to the tree
    over roots that the newest root names. ``consistency`` shows that this tree
    continues the one that the kept root names. Both are as in RFC 9162, and empty where
    there is nothing to show: for the newest root itself and for the first one, and
    ``consistency`` for a root of older releases, which names no tree.
    """

    root: PublicRoot
    index: int
    inclusion: tuple[str, ...]
    consistency: tuple[str, ...]


class ConsistencyProof(msgspec.Struct, frozen=True, kw_only=True):
    """The proof that a root continues the roots before it: the paths to a kept one."""

    format: str = CONSISTENCY_FORMAT
    root: PublicRoot
    kept: KeptRoot
    keys: tuple[SigningKey, ...]


class ProvenStream(msgspec.Struct, frozen=True, kw_only=True):
    """All events of a stream.

    The root holds the events up to ``version``, 0 if the root is older than all of
    them. ``path`` leads from the digest of that event to the root: each step is the
    hash to join, after ``L`` if it is on the left, else after ``R``. ``kept_version``
    and ``kept_path`` are the same for the kept root, 0 and empty if no path leads
    there.
    """

    stream: UUID
    version: int
    path: tuple[str, ...]
    kept_version: int = 0
    kept_path: tuple[str, ...] = ()
    events: tuple[ProvenEvent, ...]


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A creator's own stream first, then the streams of their videos and scrapes.

    ``signature`` is the installation's, over ``proof_text``: it states which events
    exist, also the newest ones, which no root holds yet. ``kept`` is the root that the
    proof was requested for, null if none was named. ``keys`` are all keys that signed
    roots; each change of the key is signed with the key before.
    """

    format: str = FORMAT
    creator_id: UUID
    made_at: WrittenTime
    root: PublicRoot
    kept: KeptRoot | None = None
    keys: tuple[SigningKey, ...] = ()
    streams: tuple[ProvenStream, ...]
    signature: str


def proof_text(
    creator_id: UUID,
    made_at: str,
    root: PublicRoot,
    streams: Iterable[ProvenStream],
) -> bytes:
    """Return the text that the signature of a proof signs."""
    lines = [FORMAT, f"{creator_id}", made_at]
    lines += [text_hash(root), *map(_line_of, streams)]
    return "".join(f"{line}\n" for line in lines).encode()


def kept_root(
    root: PublicRoot,
    leaves: Sequence[bytes],
    *,
    index: int,
    newest: int,
) -> KeptRoot:
    """Return the paths from a kept root to a root at least as new.

    ``leaves`` are the hashes of all roots as leaves. ``index`` is the number of the
    kept root among them, and ``newest`` that of the other root.
    """
    inclusion: list[bytes] = []
    consistency: list[bytes] = []
    if index < newest:
        before = leaves[:newest]
        inclusion = inclusion_path(before, index)
        if index and root.roots is not None:
            consistency = consistency_path(before, index)
    return KeptRoot(
        root=root,
        index=index,
        inclusion=tuple(each.hex() for each in inclusion),
        consistency=tuple(each.hex() for each in consistency),
    )


def steps_of(path: Sequence[Step]) -> tuple[str, ...]:
    """Return a path in the form that proofs have."""
    return tuple(f"{'L' if step.is_left else 'R'}{step.hash.hex()}" for step in path)


def _line_of(stream: ProvenStream) -> str:
    digest = sha256()
    for event in stream.events:
        position = event.position.to_bytes(8, "big", signed=True)
        digest.update(position + bytes.fromhex(event.digest))
    return f"{stream.stream} {stream.version} {digest.hexdigest()}"

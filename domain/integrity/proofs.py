"""Proofs: a creator's events as stored, and the way from them to a signed root."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final
from uuid import UUID

import msgspec

from domain.integrity.merkle import Step, consistency_path, inclusion_path
from domain.integrity.roots import PublicRoot, text_hash
from domain.integrity.signing_keys import SigningKey

FORMAT: Final = "goatherd proof 2"
CONSISTENCY_FORMAT: Final = "goatherd consistency 1"


class ProvenEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it is stored; times are in UTC, with microseconds, digests in hex."""

    position: int
    version: int
    name: str
    body: str
    recorded_at: str
    actor: str
    correlation_id: UUID | None
    causation_id: UUID | None
    digest: str


class KeptRoot(msgspec.Struct, frozen=True, kw_only=True):
    """A root that somebody kept, and the way to it from the newest one.

    ``inclusion`` leads from the kept root, which is the leaf ``index``, to the tree
    over roots that the newest root names, and ``consistency`` shows that this tree
    continues the one that the kept root names; both are as in RFC 9162. They are empty
    where there is nothing to show: for the newest root itself, the first one, and
    ``consistency`` for a root of older releases, which names none. ``sealings`` are the
    hashes of the notes of history that was sealed since: the log cannot be compared
    with what the root says of it any more.
    """

    root: PublicRoot
    index: int
    inclusion: tuple[str, ...]
    consistency: tuple[str, ...]
    sealings: tuple[str, ...] = ()


class ConsistencyProof(msgspec.Struct, frozen=True, kw_only=True):
    """The proof that a root continues those before it: the way to a kept one."""

    format: str = CONSISTENCY_FORMAT
    root: PublicRoot
    kept: KeptRoot
    keys: tuple[SigningKey, ...]


class ProvenStream(msgspec.Struct, frozen=True, kw_only=True):
    """All events of a stream.

    The root holds those up to ``version``, 0 if it is older than all of them. ``path``
    leads from that event's digest to the root: each step is the hash that is joined,
    after ``L`` if it is on the left, else after ``R``. ``kept_version`` and
    ``kept_path`` are the same of the kept root, 0 and empty if nothing leads to it.
    """

    stream: UUID
    version: int
    path: tuple[str, ...]
    kept_version: int = 0
    kept_path: tuple[str, ...] = ()
    events: tuple[ProvenEvent, ...]


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A creator's own stream first, then those of its videos and its scrapes.

    ``signature`` is the installation's, of ``proof_text``: which events it says there
    are, the newest included that are not under a root yet. ``kept`` is the root that
    the proof was requested for, null if none was named. ``keys`` are all that signed
    roots, each signed by the one before it.
    """

    format: str = FORMAT
    creator_id: UUID
    made_at: str
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
    """Return the text that the signature of a proof is over."""
    lines = [FORMAT, f"{creator_id}", made_at]
    lines += [text_hash(root), *map(_line_of, streams)]
    return "".join(f"{line}\n" for line in lines).encode()


def kept_root(
    root: PublicRoot,
    leaves: Sequence[bytes],
    *,
    index: int,
    newest: int,
    sealings: Sequence[str] = (),
) -> KeptRoot:
    """Return the way to a kept root from the newest one that somebody asks about.

    ``leaves`` are the hashes of all roots as leaves, of which the kept root is the one
    with the number ``index``, and the newest that with the number ``newest``.
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
        sealings=tuple(sealings),
    )


def steps_of(path: Sequence[Step]) -> tuple[str, ...]:
    """Return a path as a proof has it."""
    return tuple(f"{'L' if step.is_left else 'R'}{step.hash.hex()}" for step in path)


def _line_of(stream: ProvenStream) -> str:
    digest = sha256()
    for event in stream.events:
        position = event.position.to_bytes(8, "big", signed=True)
        digest.update(position + bytes.fromhex(event.digest))
    return f"{stream.stream} {stream.version} {digest.hexdigest()}"

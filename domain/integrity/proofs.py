"""Proofs: a creator's events as stored, and the way from them to a signed root."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final
from uuid import UUID

import msgspec

from domain.integrity.merkle import Step
from domain.integrity.roots import PublicRoot, text_hash

FORMAT: Final = "goatherd proof 1"


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


class ProvenStream(msgspec.Struct, frozen=True, kw_only=True):
    """All events of a stream.

    The root holds those up to ``version``, 0 if it is older than all of them. ``path``
    leads from that event's digest to the root: each step is the hash that is joined,
    after ``L`` if it is on the left, else after ``R``.
    """

    stream: UUID
    version: int
    path: tuple[str, ...]
    events: tuple[ProvenEvent, ...]


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A creator's own stream first, then those of its videos and its scrapes.

    ``signature`` is the installation's, of ``proof_text``: which events it says there
    are, the newest included that are not under a root yet.
    """

    format: str = FORMAT
    creator_id: UUID
    made_at: str
    root: PublicRoot
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


def steps_of(path: Sequence[Step]) -> tuple[str, ...]:
    """Return a path as a proof has it."""
    return tuple(f"{'L' if step.is_left else 'R'}{step.hash.hex()}" for step in path)


def _line_of(stream: ProvenStream) -> str:
    digest = sha256()
    for event in stream.events:
        position = event.position.to_bytes(8, "big", signed=True)
        digest.update(position + bytes.fromhex(event.digest))
    return f"{stream.stream} {stream.version} {digest.hexdigest()}"

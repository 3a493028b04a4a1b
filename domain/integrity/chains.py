"""The check of digest chains: the events that do not fit, and the reasons."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Literal
from uuid import UUID

import msgspec

from domain.integrity.roots import LogPart, Positions, joined_gaps

How = Literal[
    "changed",
    "removed",
    "inserted",
    "reordered",
    "cut off",
    "root",
    "key",
    "signature",
    "unsealed",
]

# Position, digest, and the message: the time, the stream, the version and the rest. The
# digest is over the previous digest and the message.
LinkedEvent = tuple[int, bytes, bytes]
# The 16 bytes of a stream's id and the 8 bytes of a version.
Place = bytes

_TIME = slice(0, 8)
_PLACE = slice(8, 32)
_VERSION = slice(24, 32)
_FIRST = (1).to_bytes(8, "big")

_FOLLOWS_NOTHING = "The event before it in its stream, version {before}, is gone."
_CHANGED = "Its digest does not match the stored event."
_TOO_EARLY = "It stands before version {before} of its stream, its predecessor."
_GOES_BACK = "Its time is earlier than that of the event before it."


class Misfit(msgspec.Struct, frozen=True, kw_only=True):
    """A fault in the log: its place, its kind, and a sentence.

    ``position`` is that of the event. If no single event is at fault, it is the end of
    the part of the log that a root adds.
    """

    position: int
    how: How
    text: str
    stream: UUID | None = None
    version: int | None = None


class CheckedRange(msgspec.Struct, frozen=True, kw_only=True):
    """The result of the check of the events from ``first`` to ``last``.

    ``blocks`` are the hashes of the blocks of events, which roots are compared with.
    """

    first: int
    last: int
    events: int
    misfits: list[Misfit]
    gaps: list[Positions]
    blocks: list[bytes]


def missing_predecessors(events: Sequence[LinkedEvent]) -> list[Place]:
    """Return the places of the direct predecessors that are not among these events."""
    own = {message[_PLACE] for _, _, message in events}
    before = (
        _place_before(message)
        for _, _, message in events
        if message[_VERSION] != _FIRST
    )
    return [place for place in before if place not in own]


def check_range(
    events: Sequence[LinkedEvent],
    predecessors: Mapping[Place, tuple[int, bytes]],
    *,
    first: int,
    last: int,
    time_before: bytes | None,
) -> CheckedRange:
    """Check the events at the positions from ``first`` to ``last``, in their order.

    ``predecessors`` has the position and the digest at the places that
    ``missing_predecessors`` names, as far as there are events. ``time_before`` is the
    time of the event before the first one, None if times may go back.
    """
    known = dict(predecessors)
    for position, digest, message in events:
        known[message[_PLACE]] = position, digest
    misfits: list[Misfit] = []
    time = time_before
    for position, digest, message in events:
        if message[_VERSION] == _FIRST:
            before = 0, b""
        else:
            before = known.get(_place_before(message))
            if before is None:
                misfits.append(
                    misfit_of(position, message, "removed", _FOLLOWS_NOTHING)
                )
                continue
        if sha256(before[1] + message).digest() != digest:
            misfits.append(misfit_of(position, message, "changed", _CHANGED))
        elif before[0] >= position:
            misfits.append(misfit_of(position, message, "reordered", _TOO_EARLY))
        elif time is not None:
            if message[_TIME] < time:
                misfits.append(misfit_of(position, message, "reordered", _GOES_BACK))
            time = message[_TIME]
    part = LogPart(first)
    part.add((position, digest) for position, digest, _ in events)
    part.end(last)
    return CheckedRange(
        first=first,
        last=last,
        events=len(events),
        misfits=misfits,
        gaps=part.gaps,
        blocks=part.blocks,
    )


def all_gaps(ranges: Sequence[CheckedRange], first: int, last: int) -> list[Positions]:
    """Return the gaps in and between ranges, which are in order of position."""
    gaps: list[Positions] = []
    end = first - 1
    for each in ranges:
        if end + 1 < each.first:
            gaps.append((end + 1, each.first - 1))
        gaps.extend(each.gaps)
        end = each.last
    if end < last:
        gaps.append((end + 1, last))
    return joined_gaps(gaps)


def without(gaps: Sequence[Positions], others: Sequence[Positions]) -> list[Positions]:
    """Return the positions in ``gaps`` that are in none of ``others``."""
    left: list[Positions] = []
    for first, last in gaps:
        inside = [(a, b) for a, b in others if a <= last and b >= first]
        edges = [(first - 1, first - 1), *sorted(inside), (last + 1, last + 1)]
        left.extend((a + 1, b - 1) for (_, a), (b, _) in pairwise(edges) if a + 1 < b)
    return left


def place_of(message: bytes) -> tuple[UUID, int]:
    """Return the stream and the version of an event."""
    place = message[_PLACE]
    return UUID(bytes=place[:16]), int.from_bytes(place[16:], "big", signed=True)


def name_and_body_of(message: bytes) -> tuple[str, bytes]:
    """Return the stored name and the body of an event."""
    _, _, _, name, body = message[_PLACE.stop :].split(b"\n", 4)
    return name.decode(), body


def misfit_of(position: int, message: bytes, how: How, text: str) -> Misfit:
    """Return a misfit of an event; {before} in the text is the previous version."""
    stream, version = place_of(message)
    return Misfit(
        position=position,
        how=how,
        text=text.format(before=version - 1),
        stream=stream,
        version=version,
    )


def _place_before(message: bytes) -> Place:
    version = int.from_bytes(message[_VERSION], "big", signed=True)
    return message[8:24] + (version - 1).to_bytes(8, "big", signed=True)

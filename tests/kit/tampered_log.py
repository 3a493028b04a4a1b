"""A small log in memory, as it is stored, and every way of tampering with it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from uuid import UUID

import msgspec
from msgspec.structs import replace

from application.integrity.log import decoded
from application.integrity.plan import make_plan, ranges_of
from application.integrity.signing import Signer
from application.integrity.verify import CheckedLog, check_events, verdict_on
from domain.integrity.chains import LinkedEvent, missing_predecessors
from domain.integrity.check import RecordedRoot
from domain.integrity.events import (
    PositionGap,
    RootSigned,
    SigningKeyRotated,
)
from domain.integrity.roots import (
    HeadTrees,
    LogContent,
    LogPart,
    PublicRoot,
    events_hash,
    signed_text,
    unsigned_root,
)
from domain.integrity.signing_keys import RecordedRotation, rotation_text
from domain.messages import Event
from domain.streams import INSTALLATION
from infra.eventstore.append import Context, describe_context, link
from infra.eventstore.codec import Codec

SIGNER, FORGER = Signer(b"\x07" * 32), Signer(b"\x08" * 32)
# The one before, in logs whose key was changed.
BEFORE = Signer(b"\x06" * 32)
_PART = 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_START = datetime(2026, 11, 1, 12, tzinfo=UTC)
_CODEC = Codec()


class StoredRow(msgspec.Struct, kw_only=True):
    """An event as it lies in the table."""

    position: int
    stream: UUID
    version: int
    name: str
    body: bytes
    at: datetime
    actor: str
    correlation: UUID | None
    causation: UUID
    digest: bytes = b""

    def linked(self) -> LinkedEvent:
        """The event as the check reads it."""
        moment = (self.at - _EPOCH) // timedelta(microseconds=1)
        words = (
            f"{self.actor}\n{self.correlation or ''}\n{self.causation}\n{self.name}\n"
        )
        message = (
            moment.to_bytes(8, "big", signed=True)
            + self.stream.bytes
            + self.version.to_bytes(8, "big", signed=True)
            + words.encode()
            + self.body
        )
        return self.position, self.digest, message


Log = list[StoredRow]


def chained(rows: Log) -> Log:
    """The log with all digests computed anew, as an attacker can compute them."""
    before: dict[tuple[UUID, int], bytes] = {}
    for row in sorted(rows, key=lambda each: each.version):
        row.digest = before[row.stream, row.version] = link(
            before.get((row.stream, row.version - 1), b""),
            at=row.at,
            context=describe_context(
                Context(
                    actor=row.actor,
                    command_id=row.causation,
                    correlation_id=row.correlation,
                )
            ),
            stream=row.stream,
            version=row.version,
            name=row.name,
            body=row.body,
        )
    return rows


def make_log(
    random: Random,
    *,
    appends: int = 14,
    roots: int = 3,
    is_rotated: bool = False,
) -> Log:
    """A log with some streams, appends of several events, gaps and roots.

    Its key may have been changed after the first root.
    """
    signer = BEFORE if is_rotated else SIGNER
    streams = [UUID(int=random.getrandbits(128), version=4) for _ in range(6)]
    versions = dict.fromkeys([*streams, INSTALLATION], 0)
    log: Log = []
    position, at = 0, _START
    signed_after = {(n + 1) * appends // roots - 1 for n in range(roots)}
    for number in range(appends):
        if is_rotated and number == min(signed_after) + 1:
            log, signer = rotated(log, at=at), SIGNER
            position, versions[INSTALLATION] = position + 1, versions[INSTALLATION] + 1
        at += timedelta(seconds=random.randint(1, 5_000))
        if random.random() < 0.25:  # an append failed
            position += random.randint(1, 3)
        context = {
            "actor": random.choice(["cli", "key:1", "schedule"]),
            "correlation": random.choice(
                [None, UUID(int=random.getrandbits(128), version=4)]
            ),
            "causation": UUID(int=random.getrandbits(128), version=4),
        }
        for _ in range(random.randint(1, 4)):
            stream = random.choice(streams)
            position, versions[stream] = position + 1, versions[stream] + 1
            body = b'{"sealed":"%022d:","handle":"sealed:"}' % random.randint(10, 99)
            log.append(
                StoredRow(
                    position=position,
                    stream=stream,
                    version=versions[stream],
                    name="handle_banned",
                    body=body,
                    at=at,
                    **context,
                )
            )
        if number in signed_after:
            at += timedelta(seconds=1)
            position, versions[INSTALLATION] = position + 1, versions[INSTALLATION] + 1
            root = next_root(chained(log), at=at, signer=signer)
            log.append(
                StoredRow(
                    position=position,
                    stream=INSTALLATION,
                    version=versions[INSTALLATION],
                    name=RootSigned.stored_name,
                    body=_CODEC.encode(root),
                    at=at,
                    **context,
                )
            )
    return chained(log)


def next_rows(log: Log, *, amount: int) -> Log:
    """Events after all of a log, each in an append and a stream of its own."""
    return chained(
        [
            replace(
                log[-1],
                stream=UUID(int=number),
                version=1,
                position=log[-1].position + number,
                name="handle_banned",
                at=log[-1].at + timedelta(seconds=number),
            )
            for number in range(1, amount + 1)
        ]
    )


def next_root(log: Log, *, at: datetime, signer: Signer = SIGNER) -> RootSigned:
    """The root of a log, which contains its newest one."""
    before = [each.root for each in roots_of(log)]
    content = content_of(log, after=before[-1].position if before else 0)
    return signed(unsigned_root(content, before, key=signer.key, at=at), signer)


def content_of(log: Log, *, after: int) -> LogContent:
    """Return the content of a log for a root, with the events after a position."""
    head = log[-1].position
    part = LogPart(after + 1)
    part.add((row.position, row.digest) for row in log if row.position > after)
    part.end(head)
    (tree,) = trees_of(log, [head])
    return LogContent(
        position=head,
        streams=tree.size,
        tree=tree.root_hash().hex(),
        events=events_hash(part.blocks),
        gaps=tuple(PositionGap(*gap) for gap in part.gaps),
    )


def rotated(log: Log, *, at: datetime) -> Log:
    """The log with a change of its key at the end."""
    return with_event(log, rotation_of(BEFORE, SIGNER, at=at), at=at)


def rotation_of(old: Signer, new: Signer, *, at: datetime) -> SigningKeyRotated:
    text = rotation_text(at, old.key, new.key)
    return SigningKeyRotated(
        rotated_at=at,
        old_key=old.key,
        new_key=new.key,
        signatures=(old.sign(text), new.sign(text)),
    )


def with_event(log: Log, event: Event, *, at: datetime) -> Log:
    """The log with another event of the installation at its end."""
    row = replace(
        log[-1],
        position=log[-1].position + 1,
        stream=INSTALLATION,
        version=sum(row.stream == INSTALLATION for row in log) + 1,
        name=event.stored_name,
        body=_CODEC.encode(event),
        at=at,
    )
    return chained([*log, row])


def signed(root: RootSigned, signer: Signer = SIGNER) -> RootSigned:
    return replace(root, signature=signer.sign(signed_text(root)))


def roots_of(log: Log) -> list[RecordedRoot]:
    read = ((at, decoded(RootSigned, body)) for at, body in _bodies(log, RootSigned))
    return [RecordedRoot(at, root) for at, root in read if root is not None]


def rotations_of(log: Log) -> list[RecordedRotation]:
    bodies = _bodies(log, SigningKeyRotated)
    read = ((at, decoded(SigningKeyRotated, body)) for at, body in bodies)
    return [RecordedRotation(at, change) for at, change in read if change is not None]


def _bodies(
    log: Log, kind: type[RootSigned | SigningKeyRotated]
) -> list[tuple[int, bytes]]:
    return [
        (row.position, row.body)
        for row in sorted(log, key=lambda each: each.version)
        if row.stream == INSTALLATION and row.name == kind.stored_name
    ]


def trees_of(log: Log, positions: Sequence[int]):
    heads: dict[tuple[bytes, int], tuple[int, bytes]] = {}
    for row in sorted(log, key=lambda each: each.version):
        first = sum(position < row.position for position in positions)
        if first < len(positions):
            version = row.version.to_bytes(8, "big", signed=True)
            head = row.stream.bytes + version + row.digest
            heads[row.stream.bytes, first] = first, head
    trees = HeadTrees(len(positions))
    trees.add(heads[key] for key in sorted(heads))
    return trees.trees()


def verify_in_memory(
    rows: Log,
    *,
    since: int = 0,
    kept: RootSigned | PublicRoot | None = None,
) -> CheckedLog:
    """The findings of ``verify`` in this log, without a database."""
    log = sorted(rows, key=lambda row: row.position)
    head = max((row.position for row in log), default=0)
    plan = make_plan(
        roots_of(log),
        head=head,
        since=since,
        kept=kept,
        rotations=rotations_of(log),
    )
    places = {
        row.stream.bytes + row.version.to_bytes(8, "big", signed=True): row
        for row in log
    }
    parts = sorted({row.position // _PART for row in log if row.position > plan.after})
    checked = []
    for first, last in ranges_of(plan, parts, length=_PART):
        events = [row.linked() for row in log if first <= row.position <= last]
        before = [row.linked()[2][:8] for row in log if row.position < first][-1:]
        checked.append(
            check_events(
                events,
                {
                    place: (places[place].position, places[place].digest)
                    for place in missing_predecessors(events)
                    if place in places
                },
                first=first,
                last=last,
                time_before=(before or [b""])[0] if first > plan.times_from else None,
            )
        )
    trees = trees_of(log, [root.position for root in plan.contents])
    roots = _bodies(log, RootSigned)
    return verdict_on(
        *(plan, checked, trees),
        key=SIGNER.key,
        kept=kept,
        unreadable=[at for at, body in roots if decoded(RootSigned, body) is None],
    )


# Things an attacker may do: each changes the log and returns where it must be noticed,
# as positions (none: anywhere), and how.
Tampering = Callable[[Log, Random], tuple[set[int], set[str]]]

CHANGED = {"changed", "signature", "root"}
ANYHOW = {*CHANGED, "removed", "cut off", "inserted", "reordered"}


def change_body(log: Log, random: Random) -> tuple[set[int], set[str]]:
    row = random.choice(log)
    row.body = _flipped(row.body, random)
    return {row.position}, {"changed"}


def change_metadata(log: Log, random: Random) -> tuple[set[int], set[str]]:
    row = random.choice(log)
    match random.randrange(6):
        case 0:
            row.actor += "x"
        case 1:
            row.at += timedelta(microseconds=random.choice([-1, 1, 10**9]))
        case 2:
            row.causation = UUID(bytes=_flipped(row.causation.bytes, random))
        case 3:
            row.correlation = None if row.correlation else UUID(int=1)
        case 4:
            row.name = "handle_unbanned"
        case _:
            row.digest = _flipped(row.digest, random)
    return {row.position}, {"changed"}


def change_place(log: Log, random: Random) -> tuple[set[int], set[str]]:
    # But the newest, whose position no root holds yet.
    row = random.choice(log[:-1])
    places, at = {row.position}, {each.position for each in log}
    match random.randrange(3):
        case 0:
            row.stream = UUID(bytes=_flipped(row.stream.bytes, random))
        case 1:
            row.version += 100
        case _:
            free = set(range(1, max(at) + 5)) - at
            row.position = random.choice(sorted(free))
            places = {min(places), row.position, *at}
    return places, ANYHOW


def remove_row(log: Log, random: Random) -> tuple[set[int], set[str]]:
    row = random.choice(log)
    is_newest = row is _newest(log, row)
    log.remove(row)
    if not is_newest:
        return {row.position}, {"removed", "cut off"}
    # Only the root that was kept tells of the newest one.
    is_root = row.stream == INSTALLATION
    return (set(), {"root"}) if is_root else ({row.position}, {"cut off"})


def insert_row(log: Log, random: Random) -> tuple[set[int], set[str]]:
    """An inserted event with a right chain, at a position that an append left free."""
    at = {row.position for row in log}
    free = sorted(set(range(1, max(at))) - at)
    stream = UUID(int=random.getrandbits(128), version=4)
    if not free:
        return change_body(log, random)
    before = random.choice(log)
    new = replace(before, stream=stream, version=1, position=random.choice(free))
    chained([new])
    log.append(new)
    return {new.position}, {"inserted"}


def insert_in_stream(log: Log, random: Random) -> tuple[set[int], set[str]]:
    """An event between two of a stream; later ones get higher versions."""
    row = random.choice(log)
    new = replace(row, position=max(each.position for each in log) + 1)
    for each in log:
        if each.stream == row.stream and each.version >= row.version:
            each.version += 1
    log.append(new)
    # The copy is unchanged; the events that were moved on are not.
    return {each.position for each in log if each.stream == row.stream}, ANYHOW


def swap_positions(log: Log, random: Random) -> tuple[set[int], set[str]]:
    a, b = random.sample(log, 2)
    a.position, b.position = b.position, a.position
    return set(), ANYHOW


def swap_bodies(log: Log, random: Random) -> tuple[set[int], set[str]]:
    a, b = random.sample(log, 2)
    if a.body == b.body:
        return change_body(log, random)
    a.body, b.body = b.body, a.body
    return {a.position, b.position}, {"changed"}


def swap_versions(log: Log, random: Random) -> tuple[set[int], set[str]]:
    pairs = [
        (a, b) for a, b in pairwise(sorted(log, key=_place)) if a.stream == b.stream
    ]
    a, b = random.choice(pairs)
    a.version, b.version = b.version, a.version
    return {a.position, b.position}, ANYHOW


def cut_stream(log: Log, random: Random) -> tuple[set[int], set[str]]:
    row = random.choice(log)
    cut = [r for r in log if r.stream == row.stream and r.version >= row.version]
    for each in cut:
        log.remove(each)
    if row.stream == INSTALLATION:
        return set(), {"root"}
    return {each.position for each in cut}, {"cut off"}


def cut_log(log: Log, random: Random) -> tuple[set[int], set[str]]:
    keep = random.randrange(len(log))
    cut = sorted(log, key=lambda row: row.position)[keep:]
    for each in cut:
        log.remove(each)
    return set(), {"cut off", "root"}


def change_root(log: Log, random: Random) -> tuple[set[int], set[str]]:
    """A root with another text, in a right chain."""
    row, root = _some_root(log, random)
    match random.randrange(7):
        case 6:
            assert root.roots is not None
            root = replace(root, roots=_flipped_text(root.roots, random))
        case 0:
            root = replace(root, tree=_flipped_text(root.tree, random))
        case 1:
            root = replace(root, position=max(root.position - 1, 0))
        case 2:
            root = replace(root, events=_flipped_text(root.events, random))
        case 3:
            root = replace(root, streams=root.streams + 1)
        case 4:
            root = replace(root, gaps=(*root.gaps, PositionGap(1, 1)))
        case _:
            root = replace(root, before="00" * 32)
    row.body = _CODEC.encode(root)
    chained(log)
    return {row.position}, {"signature"}


def name_other_roots(log: Log, random: Random) -> tuple[set[int], set[str]]:
    """A root that names other roots before it, by an attacker with all keys."""
    row, root = _some_root(log, random)
    match random.randrange(3 if root.size else 2):
        case 0:
            assert root.roots is not None
            root = replace(root, roots=_flipped_text(root.roots, random))
        case 1:
            root = replace(root, size=root.size + 1)
        case _:
            root = replace(root, size=0, roots=None)
    row.body = _CODEC.encode(signed(root))
    chained(log)
    return {row.position}, {"root"}


def spoil_root(log: Log, random: Random) -> tuple[set[int], set[str]]:
    """An unreadable root, in a right chain."""
    row, _ = _some_root(log, random)
    row.body = b"{}"
    chained(log)
    return {row.position}, {"root"}


def change_signature(log: Log, random: Random) -> tuple[set[int], set[str]]:
    row, root = _some_root(log, random)
    root = replace(root, signature=_flipped_text(root.signature, random))
    row.body = _CODEC.encode(root)
    chained(log)
    return {row.position}, {"signature"}


def sign_with_another_key(log: Log, random: Random) -> tuple[set[int], set[str]]:
    row, root = _some_root(log, random)
    root = signed(replace(root, key=FORGER.key), FORGER)
    row.body = _CODEC.encode(root)
    chained(log)
    return {row.position}, {"signature"}


def remove_root(log: Log, random: Random) -> tuple[set[int], set[str]]:
    """A removed root; later events have adjusted versions and right chains."""
    row, _ = _some_root(log, random)
    log.remove(row)
    for each in log:
        if each.stream == row.stream and each.version > row.version:
            each.version -= 1
    chained(log)
    return set(), ANYHOW


def change_rotation(log: Log, random: Random) -> tuple[set[int], set[str]]:
    """A change of the key with other keys, in a right chain."""
    row = _row_of(log, random, SigningKeyRotated)
    change = decoded(SigningKeyRotated, row.body)
    assert change is not None
    match random.randrange(5):
        case 0:
            change = replace(change, new_key=FORGER.key)
        case 1:
            change = replace(change, old_key=FORGER.key)
        case 2:
            change = replace(change, rotated_at=change.rotated_at + timedelta(1))
        case 3:
            change = replace(change, signatures=change.signatures[::-1])
        case _:
            change = rotation_of(FORGER, SIGNER, at=change.rotated_at)
    row.body = _CODEC.encode(change)
    chained(log)
    # With another key in the place of the old one it is the roots before it, too.
    return set(), {"signature"}


def spoil_rotation(log: Log, random: Random) -> tuple[set[int], set[str]]:
    """An unreadable change of the key: roots of the old key belong to no key now."""
    row = _row_of(log, random, SigningKeyRotated)
    row.body = b"{}"
    chained(log)
    return set(), {"signature"}


def rotate_to_another_key(log: Log, random: Random) -> tuple[set[int], set[str]]:
    """A change to another key by an attacker with the old key alone."""
    change = rotation_of(random.choice([BEFORE, FORGER]), FORGER, at=log[-1].at)
    log[:] = with_event(log, change, at=log[-1].at)
    return {log[-1].position}, {"signature"}


def sign_with_ended_rotation_key(log: Log, random: Random) -> tuple[set[int], set[str]]:
    """A root of the time of the new key, signed with the old one."""
    begins = _row_of(log, random, SigningKeyRotated).position
    rows = [row for row in log if row.name == RootSigned.stored_name]
    row = random.choice([row for row in rows if row.position > begins])
    root = decoded(RootSigned, row.body)
    assert root is not None
    row.body = _CODEC.encode(signed(replace(root, key=BEFORE.key), BEFORE))
    chained(log)
    return {row.position}, {"signature"}


def store_in_clear(log: Log, random: Random) -> tuple[set[int], set[str]]:
    """An event that is not sealed, in a right chain."""
    row = random.choice([row for row in log if row.stream != INSTALLATION])
    row.body = b'{"handle":"ada"}'
    chained(log)
    return {row.position}, {"unsealed"}


def rewrite(log: Log, random: Random) -> tuple[set[int], set[str]]:
    """Change an event, and compute all chains anew."""
    row = random.choice([row for row in log if row.stream != INSTALLATION])
    row.body = _flipped(row.body, random)
    chained(log)
    return set(), CHANGED


TAMPERINGS: tuple[Tampering, ...] = (
    *(change_body, change_metadata, change_place, remove_row, insert_row),
    *(insert_in_stream, swap_positions, swap_bodies, swap_versions, cut_stream),
    *(cut_log, change_root, spoil_root, change_signature, sign_with_another_key),
    *(change_rotation, spoil_rotation, rotate_to_another_key),
    *(
        sign_with_ended_rotation_key,
        remove_root,
        name_other_roots,
        rewrite,
        store_in_clear,
    ),
)


def _some_root(log: Log, random: Random) -> tuple[StoredRow, RootSigned]:
    row = _row_of(log, random, RootSigned)
    root = decoded(RootSigned, row.body)
    assert root is not None
    return row, root


def _row_of(
    log: Log,
    random: Random,
    kind: type[RootSigned | SigningKeyRotated],
) -> StoredRow:
    return random.choice([row for row in log if row.name == kind.stored_name])


def _place(row: StoredRow) -> tuple[UUID, int]:
    return row.stream, row.version


def _newest(log: Log, row: StoredRow) -> StoredRow:
    of_stream = [each for each in log if each.stream == row.stream]
    return max([*of_stream, row], key=lambda each: each.version)


def _flipped(text: bytes, random: Random) -> bytes:
    at = random.randrange(len(text))
    return text[:at] + bytes([text[at] ^ (1 << random.randrange(7))]) + text[at + 1 :]


def _flipped_text(text: str, random: Random) -> str:
    return _flipped(bytes.fromhex(text), random).hex()

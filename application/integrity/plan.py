"""The plan of a check of the log: its positions, and the signed parts of the log."""

from collections.abc import Iterable, Sequence

import msgspec

from application.integrity.signing import is_signed
from domain.integrity.check import RecordedRoot
from domain.integrity.events import RootSigned
from domain.integrity.roots import Positions, PublicRoot, signed_text, text_hash
from domain.integrity.signing_keys import RecordedRotation


class Plan(msgspec.Struct, frozen=True):
    """The work of a check after a position: its last position, and the roots.

    ``recorded`` are the roots of the log that are checked, and ``every`` are all roots.
    ``known`` are the hashes of all roots. ``contents`` are the roots whose contents are
    compared, in order. ``ends`` are positions at which signed parts of the log end, and
    ``rotations`` the changes of the signing key.
    """

    after: int
    head: int
    recorded: list[RecordedRoot]
    every: Sequence[RecordedRoot]
    known: frozenset[str]
    contents: list[RootSigned]
    times_from: int
    ends: set[int]
    rotations: Sequence[RecordedRotation] = ()


def make_plan(
    every: Sequence[RecordedRoot],
    *,
    head: int,
    since: int = 0,
    kept: RootSigned | PublicRoot | None = None,
    rotations: Sequence[RecordedRotation] = (),
) -> Plan:
    """Return the work of a check of a log with these roots."""
    recorded = [each for each in every if not since or each.root.position > since]
    contents = [each.root for each in recorded]
    known = frozenset(text_hash(each.root) for each in every)
    ends = {position for each in every for position in _ends_of(each.root)}
    if (
        isinstance(kept, RootSigned)
        and text_hash(kept) not in known
        and is_signed(signed_text(kept), kept.signature, kept.key)
    ):
        contents.append(kept)
    times_from = every[0].root.position if every else head
    return Plan(
        after=min([since, *(root.before_position for root in contents)]),
        head=head,
        recorded=recorded,
        every=every,
        known=known,
        rotations=rotations,
        contents=sorted(contents, key=lambda root: root.position),
        times_from=times_from,
        ends=ends | {times_from},
    )


def _ends_of(root: RootSigned) -> tuple[int, int]:
    return root.before_position, root.position


def ranges_of(plan: Plan, parts: Iterable[int], *, length: int) -> list[Positions]:
    """Return the ranges to check; no range crosses the end of a root's part of the log.

    ``parts`` are the parts with events, each of ``length`` positions.
    """
    ranges: list[Positions] = []
    for part in parts:
        first = max(part * length, plan.after + 1)
        last = min((part + 1) * length - 1, plan.head)
        for end in (*sorted(end for end in plan.ends if first <= end < last), last):
            ranges.append((first, end))
            first = end + 1
    return ranges

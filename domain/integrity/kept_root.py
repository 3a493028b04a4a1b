"""The verdict on a root that was kept elsewhere: whether the log is still what it says.

History that was sealed since can't be compared with it. The note of a sealing is signed
by whoever has the keys, so it proves nothing to somebody who does not trust them.
"""

from collections.abc import Collection, Sequence
from typing import Literal

import msgspec

from domain.integrity.chains import Misfit
from domain.integrity.events import RootSigned
from domain.integrity.roots import PublicRoot
from domain.integrity.sealing_note import RecordedNote, Sealing, note_hash

KeptState = Literal["held", "accepted", "not_comparable"]

_HELD = "The root that was kept is in the log, and the log is what it says."
_REWRITTEN = (
    "The root that was kept, of {signed_at}, is from before the sealing of "
    "{sealed_at}, which rewrote the history up to position {position} (note {hash}). "
    "The root says what that history was before, and that cannot be compared any more."
)
_STILL_HELD = (
    " The note says that the log still held this root when it was sealed, which is "
    "worth as much as whoever wrote the note."
)
_SAYS_NOTHING = (
    " The note does not say whether the log still held this root when it was sealed."
)
_ACCEPTED = " The root counts because you named the hash of the note."
_NOT_ACCEPTED = (
    " Whoever has the database and the master key can write such a note, so the root "
    "does not count. If somebody whom you trust gave you the hash of the note, name "
    "the one that they gave you: --accept-sealing HASH{for_each}."
)
_REPLACED_ANOTHER = (
    "The note of the sealing up to position {position} says that it replaced another "
    "log than the one of the root that was kept."
)
_NOT_THERE = (
    "The sealing that you named, {hash}, is not in the log: its note was removed or "
    "replaced."
)


class KeptVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on a kept root: held by the log or not, and a text that says why.

    The root is ``held`` if the log is still what it says, ``not_comparable`` if history
    was sealed since, and ``accepted`` if the notes of all sealings since were named.
    """

    state: KeptState
    text: str


def sealings_of(
    notes: Sequence[RecordedNote], accepted: Collection[str]
) -> list[Sealing]:
    """Return the sealings of these notes, of which those with these hashes count."""
    return [
        Sealing(
            position=each.note.position,
            events=each.note.events,
            signed_at=each.note.signed_at,
            hash=note_hash(each.note),
            is_accepted=note_hash(each.note) in accepted,
        )
        for each in notes
    ]


def missing_sealings(
    sealings: Sequence[Sealing], accepted: Collection[str], *, head: int
) -> list[Misfit]:
    """Name the notes that were named and are not in the log, whose end is ``head``."""
    return [
        Misfit(position=head, how="root", text=_NOT_THERE.format(hash=each))
        for each in sorted(set(accepted) - {sealing.hash for sealing in sealings})
    ]


def judge_kept(
    kept: RootSigned | PublicRoot,
    at: int,
    sealings: Sequence[Sealing],
    notes: Sequence[RecordedNote],
) -> tuple[KeptVerdict, list[Misfit]]:
    """Judge a root that is in the log, with its own event at the position ``at``.

    ``sealings`` are those of all ``notes``, in their order.
    """
    since = [
        (sealing, each)
        for sealing, each in zip(sealings, notes, strict=True)
        if each.at > at
    ]
    if not since:
        return KeptVerdict(state="held", text=_HELD), []
    # The first sealing since replaced what the root holds.
    sealing, first = since[0]
    public = PublicRoot.of(kept) if isinstance(kept, RootSigned) else kept
    text = _REWRITTEN.format(
        signed_at=public.signed_at,
        sealed_at=f"{sealing.signed_at:%Y-%m-%d}",
        position=sealing.position,
        hash=sealing.hash,
    )
    is_named = first.note.roots is not None and at <= first.note.position
    text += _STILL_HELD if is_named else _SAYS_NOTHING
    if not all(each.is_accepted for each, _ in since):
        for_each = f", for each of {len(since)} sealings" if len(since) > 1 else ""
        text += _NOT_ACCEPTED.format(for_each=for_each)
        verdict = KeptVerdict(state="not_comparable", text=text)
    else:
        verdict = KeptVerdict(state="accepted", text=text + _ACCEPTED)
    return verdict, _contradiction(kept, first)


def _contradiction(kept: RootSigned | PublicRoot, first: RecordedNote) -> list[Misfit]:
    """Name the note if it says that another log was at the position of the root."""
    note = first.note
    if not isinstance(kept, RootSigned) or kept.position != note.position:
        return []
    if kept.tree == note.tree_before:
        return []
    text = _REPLACED_ANOTHER.format(position=note.position)
    return [Misfit(position=first.at, how="root", text=text)]

"""The verdict on a root that somebody kept elsewhere: whether the log still matches.

After a sealing of history, an older root can't be compared with the log. The note of a
sealing proves nothing to somebody who does not trust the holders of the installation's
keys, because they signed it.
"""

from collections.abc import Collection, Sequence
from typing import Literal

import msgspec

from domain.integrity.chains import Misfit
from domain.integrity.events import RootSigned
from domain.integrity.roots import PublicRoot
from domain.integrity.sealing_note import RecordedNote, Sealing, note_hash

KeptState = Literal["held", "accepted", "not_comparable"]

_HELD = "The kept root is in the log, and the log matches it."
_REWRITTEN = (
    "The kept root, of {signed_at}, is from before the sealing of {sealed_at}, which "
    "rewrote the history up to position {position} (note {hash}). The root describes "
    "the history before the sealing, so it cannot be compared any more."
)
_STILL_HELD = (
    " The note says that the log still held this root at the sealing; trust that as "
    "much as you trust the author of the note."
)
_SAYS_NOTHING = (
    " The note does not say whether the log still held this root at the sealing."
)
_ACCEPTED = " The root counts because you named the hash of the note."
_NOT_ACCEPTED = (
    " Anybody with the database and the master key can write such a note, so the root "
    "does not count. If somebody whom you trust gave you the hash of the note, name "
    "that hash: --accept-sealing HASH{for_each}."
)
_REPLACED_ANOTHER = (
    "The note of the sealing up to position {position} says that the sealing replaced "
    "another log than the one of the kept root."
)
_NOT_THERE = (
    "The sealing that you named, {hash}, is not in the log: its note was removed or "
    "replaced."
)


class KeptVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on a kept root, with a text that explains it.

    The root is ``held`` if the log still matches it, ``not_comparable`` if history was
    sealed since, and ``accepted`` if somebody named the notes of all sealings since.
    """

    state: KeptState
    text: str


def sealings_of(
    notes: Sequence[RecordedNote], accepted: Collection[str]
) -> list[Sealing]:
    """Return the sealings of these notes; those with an ``accepted`` hash count."""
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
    """Return a misfit for each accepted note that is not in the log.

    ``head`` is the position of the log's end.
    """
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
    # The first sealing since then replaced the history that the root describes.
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
    """Return a misfit if the note says that the root's position had another log."""
    note = first.note
    if not isinstance(kept, RootSigned) or kept.position != note.position:
        return []
    if kept.tree == note.tree_before:
        return []
    text = _REPLACED_ANOTHER.format(position=note.position)
    return [Misfit(position=first.at, how="root", text=text)]

"""The note of a sealing of history: its signed text, and its form as a root."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

import msgspec

from domain.integrity.events import HistorySealed, RootSigned
from domain.integrity.roots import LogContent, roots_hash, time_text


class RecordedNote(msgspec.Struct, frozen=True):
    """A note as found in the log, with the position of its own event."""

    at: int
    note: HistorySealed


class Sealing(msgspec.Struct, frozen=True, kw_only=True):
    """A sealing that rewrote the history up to ``position``, by its note.

    ``events`` is the number of rewritten events. ``hash`` is that of the note, and
    ``is_accepted`` says that somebody named this hash.
    """

    position: int
    events: int
    signed_at: datetime
    hash: str
    is_accepted: bool = False


def unsigned_note(
    before: LogContent,
    after: LogContent,
    *,
    events: int,
    roots: Sequence[RootSigned],
    key: str,
    at: datetime,
) -> HistorySealed:
    """Return the note of a sealing that rewrote so many events, without signature.

    Both contents are of all events up to the same position, and ``roots`` are all that
    were in the log then.
    """
    return HistorySealed(
        position=before.position,
        events=events,
        streams=before.streams,
        gaps=before.gaps,
        tree_before=before.tree,
        events_before=before.events,
        tree_after=after.tree,
        events_after=after.events,
        size=len(roots),
        roots=roots_hash(roots),
        signed_at=at,
        key=key,
        signature="",
    )


def note_text(note: HistorySealed) -> bytes:
    """Return the text that the signature of a note signs."""
    gaps = " ".join(f"{gap.first}-{gap.last}" for gap in note.gaps)
    roots = "" if note.roots is None else f"roots {note.size} {note.roots}\n"
    return (
        f"goatherd history sealed {2 if roots else 1}\n"
        f"{time_text(note.signed_at)}\n"
        f"position {note.position}\n"
        f"events {note.events}\n"
        f"streams {note.streams}\n"
        f"gaps {gaps}\n"
        f"before {note.tree_before} {note.events_before}\n"
        f"after {note.tree_after} {note.events_after}\n"
        f"{roots}"
        f"{note.key}\n"
    ).encode()


def note_hash(note: HistorySealed) -> str:
    """Return the SHA-256 of a note's signed text, by which people name the note."""
    return sha256(note_text(note)).hexdigest()


def as_root(note: HistorySealed) -> RootSigned:
    """Return the log after the sealing as a root without a previous one."""
    return RootSigned(
        position=note.position,
        streams=note.streams,
        tree=note.tree_after,
        events=note.events_after,
        gaps=note.gaps,
        signed_at=note.signed_at,
        key=note.key,
        signature=note.signature,
    )

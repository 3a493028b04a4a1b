"""The note that history was sealed: as the text that is signed, and as a root."""

from datetime import UTC, datetime

import msgspec

from domain.integrity.events import HistorySealed, RootSigned
from domain.integrity.roots import LogContent


class RecordedNote(msgspec.Struct, frozen=True):
    """The note as found in the log, with the position of its own event."""

    at: int
    note: HistorySealed


def unsigned_note(
    before: LogContent, after: LogContent, *, events: int, key: str, at: datetime
) -> HistorySealed:
    """Return the note that so many events were rewritten, without signature.

    Both contents are of all events up to the same position.
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
        signed_at=at,
        key=key,
        signature="",
    )


def note_text(note: HistorySealed) -> bytes:
    """Return the text that the signature of a note is over."""
    at = note.signed_at.astimezone(UTC)
    gaps = " ".join(f"{gap.first}-{gap.last}" for gap in note.gaps)
    return (
        "goatherd history sealed 1\n"
        f"{at:%Y-%m-%dT%H:%M:%S.%fZ}\n"
        f"position {note.position}\n"
        f"events {note.events}\n"
        f"streams {note.streams}\n"
        f"gaps {gaps}\n"
        f"before {note.tree_before} {note.events_before}\n"
        f"after {note.tree_after} {note.events_after}\n"
        f"{note.key}\n"
    ).encode()


def as_root(note: HistorySealed) -> RootSigned:
    """Return what the note says of the log since, as a root without one before it."""
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

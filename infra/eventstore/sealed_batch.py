"""The batch of an append, in which personal data are sealed."""

from collections.abc import Sequence
from uuid import UUID

from domain.subjects import subject_of
from infra.eventstore.append import Batch
from infra.eventstore.codec import Codec, NewEvent
from infra.eventstore.sealing import sealed
from infra.keys.keyring import Keyring
from infra.keys.seals import SealingKeys


def sealed_batch(
    entries: Sequence[NewEvent],
    codec: Codec,
    keyring: Keyring,
    *,
    assume_new: bool = True,
) -> tuple[Batch, SealingKeys]:
    """Return the entries as stored, and the keys that seal them.

    With ``assume_new``, a subject whose own stream begins in the batch gets a new key
    without a look for an old one; ``KeyConflictError`` then reports an old one.

    Raises:
        SubjectErasedError: a subject's key was destroyed.
    """
    events = [codec.parted(entry.event) for entry in entries]
    # Subjects are compared by their numbers, because a UUID is hashed in Python.
    subjects = [
        _subject(entries, place) if event.personal else None
        for place, event in enumerate(events)
    ]
    needed = {subject.int: subject for subject in subjects if subject is not None}
    begun = [
        entry.originator_id
        for entry in entries
        if entry.originator_version == 1 and entry.originator_id.int in needed
    ]
    sealing = keyring.for_sealing(
        list(needed.values()), begun=begun if assume_new else ()
    )
    batch = Batch(
        [entry.originator_id for entry in entries],
        [entry.originator_version for entry in entries],
        [event.name for event in events],
        [
            event.rest if subject is None else sealed(event, sealing.seals[subject.int])
            for event, subject in zip(events, subjects, strict=True)
        ],
        sealing.stored,
        [(new.subject, new.wrapped) for new in sealing.new],
    )
    return batch, sealing


def _subject(entries: Sequence[NewEvent], place: int) -> UUID:
    entry = entries[place]
    if entry.subject is not None:
        return entry.subject
    # A nested function would make its types anew for each event.
    return subject_of(
        entry.originator_id,
        entry.event,
        lambda stream: (
            each.event for each in entries[:place] if each.originator_id == stream
        ),
    )

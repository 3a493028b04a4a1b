"""Makes the batch that an append stores, with what is personal in it sealed."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from domain.events import Event
from domain.subjects import subject_of
from infra.eventstore.append import Batch
from infra.eventstore.codec import Codec, NewEvent
from infra.keys.keyring import Keyring, SealingKeys
from infra.keys.subject_text import subject_text


def sealed_batch(
    entries: Sequence[NewEvent],
    codec: Codec,
    keyring: Keyring,
    *,
    assume_new: bool = True,
) -> tuple[Batch, SealingKeys]:
    """Return the entries as they are stored, and the keys that they are sealed with.

    With ``assume_new`` a subject whose own stream begins with the batch gets a new key
    without looking for one; ``KeyConflictError`` then says that it has one.

    Raises:
        SubjectErasedError: a subject's key was destroyed.
    """
    subjects = list(_subjects(entries, codec))
    needed = {subject.int: subject for subject in subjects if subject is not None}
    begun = [
        entry.originator_id
        for entry in entries
        if entry.originator_version == 1 and entry.originator_id.int in needed
    ]
    sealing = keyring.for_sealing(
        list(needed.values()), begun=begun if assume_new else ()
    )
    texts = {number: subject_text(subject) for number, subject in needed.items()}
    batch = Batch(
        [entry.originator_id for entry in entries],
        [entry.originator_version for entry in entries],
        [codec.name_of(entry.event) for entry in entries],
        [
            codec.encode(entry.event)
            if subject is None
            else codec.seal(entry.event, subject=texts[subject.int], keys=sealing.keys)
            for entry, subject in zip(entries, subjects, strict=True)
        ],
        [(new.subject, new.wrapped) for new in sealing.new],
    )
    return batch, sealing


def _subjects(entries: Sequence[NewEvent], codec: Codec) -> Iterator[UUID | None]:
    """Yield the subject of each event, None for one that has nothing to seal."""
    for number, entry in enumerate(entries):
        if not codec.is_sealed(entry.event):
            yield None
            continue
        if entry.subject is not None:
            yield entry.subject
            continue

        def earlier(stream: UUID, end: int = number) -> Iterator[Event]:
            before = entries[:end]
            return (each.event for each in before if each.originator_id == stream)

        yield subject_of(entry.originator_id, entry.event, earlier)

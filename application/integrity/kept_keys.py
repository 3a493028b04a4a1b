"""The check that the stored keys and the subjects of the log agree, both ways.

An erasure destroys a key, and so does the end of an invitation or a webhook; nothing
else may. Every other key must open with the master key, and must open the fields that
were sealed with it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg import Connection
from psycopg.rows import TupleRow

from application.integrity.verify import CheckedLog
from domain.integrity.chains import Misfit
from domain.phrases import counted
from infra.eventstore.codec import Codec, UnknownEventError
from infra.eventstore.sealing import SUBJECT
from infra.keys.erasures import unapplied_erasures
from infra.keys.installation_keys import is_initialized
from infra.keys.keyring import Keys, wrapping_name
from infra.keys.master_key import KEY_BYTES, MasterKey, MasterKeyError
from infra.keys.subject_text import SubjectText, subject_id

_AT_ONCE = 2_000

# The first event of each subject is enough, because one key opens all of them.
_SUBJECTS = """
SELECT substring(state FROM %s FOR %s), min(notification_id) FROM goatherd_events
WHERE substring(state FROM 1 FOR 11) = '{"sealed":"' GROUP BY 1
"""
_EVENTS = """
SELECT notification_id, topic, state FROM goatherd_events
WHERE notification_id = ANY(%s)
"""
_KEPT = "SELECT subject, wrapped FROM subject_keys"
_INSTALLATION = "SELECT name, wrapped FROM installation_keys"
_ERASED = """
SELECT originator_id FROM goatherd_events WHERE topic = 'subject_erased'
UNION
SELECT jsonb_array_elements_text(
    convert_from(state, 'UTF8')::jsonb -> 'video_ids')::uuid
FROM goatherd_events WHERE topic = 'subject_erased'
UNION
SELECT (convert_from(state, 'UTF8')::jsonb ->> 'subject')::uuid
FROM goatherd_events WHERE topic = 'earlier_texts_forgotten'
UNION
SELECT originator_id FROM goatherd_events
WHERE topic IN ('person_erased', 'webhook_removed', 'channel_removed')
UNION
SELECT (convert_from(state, 'UTF8')::jsonb ->> 'id')::uuid
FROM goatherd_events WHERE topic IN (
    'invitation_accepted', 'invitation_declined', 'invitation_withdrawn')
"""

Fault = Literal["back", "lacking", "lost", "unwrapped", "unfit"]

_PUT_BACK = (
    "Put the right rows back from a file of keys, and find out who can write there."
)


class _Words(NamedTuple):
    """The fault as a sentence, and advice on it."""

    text: str
    advice: str


_WORDS: Mapping[Fault, _Words] = {
    "back": _Words(
        "{who} who had been erased can be read again, such as {first}: somebody put "
        "old keys into table subject_keys.",
        "Set wrapped to null, and destroyed_at and erasure, in their rows; find out "
        "who can write there.",
    ),
    "lacking": _Words(
        "Table subject_keys lacks {who} of the log, such as {first}: what is sealed of "
        "them cannot be read.",
        "Stop Goatherd before it makes new keys for them, and restore a backup with "
        "its keys.",
    ),
    "lost": _Words(
        "The key of {who} of the log, such as {first}, is destroyed, and the log has "
        "no erasure of them, nor that texts of theirs were forgotten.",
        "Put the key back from a file of keys, and find out who can write there. If "
        "older data were restored after an erasure, or after texts were forgotten: "
        "`goatherd restore --finish`.",
    ),
    "unwrapped": _Words(
        "The key of {who}, such as {first}, does not open with the master key.",
        _PUT_BACK,
    ),
    "unfit": _Words(
        "The key of {who}, such as {first}, does not open what the log has of them: it "
        "is not the one that sealed it.",
        _PUT_BACK,
    ),
}


class KeyFault(msgspec.Struct, frozen=True, kw_only=True):
    """Keys that disagree with the log: the difference, and their subjects."""

    fault: Fault
    subjects: Sequence[UUID]

    @property
    def text(self) -> str:
        who = counted(len(self.subjects), "person")
        return _WORDS[self.fault].text.format(who=who, first=self.subjects[0])

    @property
    def advice(self) -> str:
        return _WORDS[self.fault].advice


def erased_subjects(connection: Connection[TupleRow]) -> set[UUID]:
    """Return all subjects whose keys were destroyed by the events of the log."""
    return {subject for (subject,) in connection.execute(_ERASED)}


def key_faults(
    connection: Connection[TupleRow], master_key: MasterKey | None
) -> list[KeyFault]:
    """Compare keys and log in both directions, and open every key.

    Without ``master_key`` no key is opened. The whole log is read once.

    Raises:
        MasterKeyError: a secret of the installation does not open.
    """
    with connection.transaction():
        # The check sees one moment, because a person may be erased meanwhile.
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return _faults(connection, master_key)


def _faults(
    connection: Connection[TupleRow], master_key: MasterKey | None
) -> list[KeyFault]:
    if master_key is not None:
        for name, wrapped in connection.execute(_INSTALLATION):
            master_key.unwrap(name, wrapped)
    kept: dict[UUID, bytes | None] = dict(connection.execute(_KEPT).fetchall())
    erased = erased_subjects(connection)
    sealed = _first_events(connection)
    unapplied = {
        subject
        for erasure in unapplied_erasures(connection)
        for subject in erasure.subjects
    }
    destroyed = {subject for subject, wrapped in kept.items() if wrapped is None}
    opened, unwrapped = _unwrapped(kept, master_key)
    found: dict[Fault, Collection[UUID]] = {
        "back": erased & (kept.keys() - destroyed),
        "lacking": sealed.keys() - kept.keys(),
        "lost": (destroyed & (sealed.keys() | unapplied)) - erased,
        "unwrapped": unwrapped,
        "unfit": _unfit(connection, opened, sealed),
    }
    return [
        KeyFault(fault=fault, subjects=sorted(subjects))
        for fault, subjects in found.items()
        if subjects
    ]


def with_keys(
    checked: CheckedLog, connection: Connection[TupleRow], master_key: MasterKey | None
) -> CheckedLog:
    """Add the faults that ``key_faults`` finds to a check of the log, as misfits.

    A copy of the log without any keys has nothing to compare.

    Raises:
        MasterKeyError: a secret of the installation does not open.
    """
    if not is_initialized(connection):
        return checked
    misfits = [
        Misfit(
            position=checked.head, how="key", text=fault.text, stream=fault.subjects[0]
        )
        for fault in key_faults(connection, master_key)
    ]
    return replace(checked, misfits=[*checked.misfits, *misfits])


def _first_events(connection: Connection[TupleRow]) -> dict[UUID, int]:
    length = SUBJECT.stop - SUBJECT.start
    rows = connection.execute(_SUBJECTS, (SUBJECT.start + 1, length))
    return {subject_id(text): position for text, position in rows}


def _unwrapped(
    kept: Mapping[UUID, bytes | None], master_key: MasterKey | None
) -> tuple[dict[UUID, bytes], set[UUID]]:
    """Return the keys that open, and the subjects of those that do not."""
    opened: dict[UUID, bytes] = {}
    failed: set[UUID] = set()
    if master_key is None:
        return opened, failed
    for subject, wrapped in kept.items():
        if wrapped is None:
            continue
        try:
            key = master_key.unwrap(wrapping_name(subject), wrapped)
        except MasterKeyError:
            key = b""
        if len(key) == KEY_BYTES:
            opened[subject] = key
        else:
            failed.add(subject)
    return opened, failed


def _unfit(
    connection: Connection[TupleRow],
    opened: Mapping[UUID, bytes],
    sealed: Mapping[UUID, int],
) -> set[UUID]:
    """Return the subjects whose keys do not open their first events."""
    codec = Codec()
    subjects = {sealed[subject]: subject for subject in opened.keys() & sealed.keys()}
    unfit: set[UUID] = set()
    for positions in _parts(sorted(subjects)):
        for position, name, body in connection.execute(_EVENTS, (positions,)):
            subject = subjects[position]
            keys = Keys({_text_in(body): opened[subject]})
            try:
                codec.decode(name, body, keys)
            except UnknownEventError:
                # Another check finds events of a newer release.
                if codec.knows(name):
                    unfit.add(subject)
    return unfit


def _text_in(body: bytes) -> SubjectText:
    return body[SUBJECT]


def _parts(positions: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(positions), _AT_ONCE):
        yield list(positions[start : start + _AT_ONCE])

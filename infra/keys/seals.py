"""What seals events: a cipher for each subject of a batch, and keys that are new."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.keys.subject_text import SubjectText


class Seal(msgspec.Struct, frozen=True, gc=False):
    """What seals events for a subject."""

    subject: SubjectText
    cipher: AESGCM


class NewKey(msgspec.Struct, frozen=True, gc=False):
    """A key that is stored with the first event that is sealed with it."""

    subject: UUID
    text: SubjectText
    key: bytes
    wrapped: bytes


class SealingKeys(NamedTuple):
    """What seals the events of a batch: ``seals``, by the numbers of subjects.

    ``stored`` are the subjects whose keys are stored, ``new`` the keys of the others.
    ``erasure`` is the newest erasure known when they were read.
    """

    seals: Mapping[int, Seal]
    stored: Sequence[UUID]
    new: Sequence[NewKey]
    erasure: int

"""Seals: the ciphers for the subjects of a batch, and keys that are new."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.keys.subject_text import SubjectText


class Seal(msgspec.Struct, frozen=True, gc=False):
    """The cipher with which events of a subject are sealed."""

    subject: SubjectText
    cipher: AESGCM


class NewKey(msgspec.Struct, frozen=True, gc=False):
    """A key that is stored with the first event that is sealed with it."""

    subject: UUID
    text: SubjectText
    key: bytes
    wrapped: bytes


class SealingKeys(NamedTuple):
    """The seals of the events of a batch, by the numbers of their subjects.

    ``stored`` are the subjects whose keys are stored, ``new`` the keys of the others.
    ``erasure`` is the newest erasure at the time when the keys were read.
    """

    seals: Mapping[int, Seal]
    stored: Sequence[UUID]
    new: Sequence[NewKey]
    erasure: int

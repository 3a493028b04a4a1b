"""A subject's id in stored events: 22 characters of base64 for URLs."""

import binascii
from uuid import UUID

SubjectText = bytes

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")


def subject_text(subject: UUID) -> SubjectText:
    encoded = binascii.b2a_base64(subject.bytes, newline=False)[:22]
    return encoded.translate(_TO_URL)


def subject_id(text: SubjectText) -> UUID:
    return UUID(bytes=binascii.a2b_base64(text.translate(_FROM_URL) + b"=="))

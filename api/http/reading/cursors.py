"""Cursors: the place at which the next page of a list begins, signed against forgery.

A cursor is base64url of a version byte, the sort key of the last row (MessagePack) and
an HMAC. The HMAC includes the organization and the filters, so that a cursor is invalid
in another list, with other filters or for another organization.
"""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from api.http.errors import ApiError, Code

T = TypeVar("T")

_VERSION = b"\x01"
_MAC_BYTES = 16
_MAX_LENGTH = 1024
_ALPHABET = re.compile(r"[A-Za-z0-9_-]+\Z")


def encode(
    secret: str, *, organization_id: UUID, filters: Mapping[str, Any], after: object
) -> str:
    """Return the cursor of the page that begins after a row.

    ``filters`` include the name and order of the list; ``after`` is the row's sort
    key, ending in its id.
    """
    payload = _VERSION + msgspec.msgpack.encode(after)
    mac = _mac(secret, organization_id, filters, payload)
    return urlsafe_b64encode(payload + mac).rstrip(b"=").decode()


def decode(
    secret: str,
    cursor: str,
    *,
    organization_id: UUID,
    filters: Mapping[str, Any],
    after: type[T],
) -> T:
    """Return the sort key in the cursor, as the type from which the cursor was made.

    Raises:
        ApiError: ``invalid_cursor``, unless the cursor was made here for this list.
    """
    signed = _bytes(cursor)
    payload, mac = signed[:-_MAC_BYTES], signed[-_MAC_BYTES:]
    expected = _mac(secret, organization_id, filters, payload)
    if not hmac.compare_digest(mac, expected) or payload[:1] != _VERSION:
        raise ApiError(Code.INVALID_CURSOR)
    try:
        return msgspec.msgpack.decode(payload[1:], type=after)
    except msgspec.DecodeError:
        # An older release signed the cursor for this list, in another form.
        raise ApiError(Code.INVALID_CURSOR) from None


def _bytes(cursor: str) -> bytes:
    if len(cursor) > _MAX_LENGTH or not _ALPHABET.match(cursor):
        raise ApiError(Code.INVALID_CURSOR)
    try:
        signed = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except Base64Error:
        raise ApiError(Code.INVALID_CURSOR) from None
    # A cursor has one spelling: unused bits at the end must be zero.
    if urlsafe_b64encode(signed).rstrip(b"=").decode() != cursor:
        raise ApiError(Code.INVALID_CURSOR)
    return signed


def _mac(
    secret: str, organization_id: UUID, filters: Mapping[str, Any], payload: bytes
) -> bytes:
    listed = msgspec.json.encode(filters, order="sorted")
    # The parts need no separators: two have a fixed length, one is a JSON object.
    message = b"goatherd cursor" + organization_id.bytes + listed + payload
    return hmac.digest(secret.encode(), message, "sha256")[:_MAC_BYTES]

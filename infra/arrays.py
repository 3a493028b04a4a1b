"""PostgreSQL arrays, encoded in one step.

psycopg's own dumper for lists took a tenth of the time of an append.
"""

import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format
from psycopg.types.array import ListDumper
from psycopg.types.uuid import UUIDDumper

_HEADER = struct.Struct(">5i")
_LENGTH = struct.Struct(">i").pack
_LONG = struct.Struct(">iq").pack

_UUID_PREFIX = _LENGTH(16)
_DAWN = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Packed(bytes):
    """The binary form of a one-dimensional array; the query casts it to its type."""


def uuids(items: Sequence[UUID]) -> Packed:
    return uuid_numbers([item.int for item in items])


def uuid_numbers(items: Sequence[int]) -> Packed:
    """Return UUIDs, given as their numbers, as a binary uuid[]."""
    return _packed(
        2950, len(items), [_UUID_PREFIX + item.to_bytes(16, "big") for item in items]
    )


def bigints(items: Sequence[int]) -> Packed:
    return _packed(20, len(items), [_LONG(8, item) for item in items])


def sized_bigints(sized: bytes, amount: int) -> Packed:
    """Return numbers that are encoded already as a binary bigint[].

    Each of the ``amount`` numbers in ``sized`` follows its length in bytes.
    """
    return _packed(20, amount, [sized])


def uuids_repeated(items: Sequence[UUID], times: Sequence[int]) -> Packed:
    """Return each item as often as ``times`` says, in order, as a binary uuid[]."""
    pairs = zip(items, times, strict=True)
    return _packed(2950, sum(times), [(_UUID_PREFIX + i.bytes) * n for i, n in pairs])


def timestamps(items: Sequence[datetime]) -> Packed:
    """Return times with a time zone as a binary timestamptz[]."""
    since = [(item - _DAWN) // _MICROSECOND for item in items]
    return _packed(1184, len(items), [_LONG(8, item) for item in since])


def texts(items: Sequence[str]) -> Packed:
    return _packed(25, len(items), _sized([item.encode() for item in items]))


def blobs(items: Sequence[bytes]) -> Packed:
    return _packed(17, len(items), _sized(items))


class PackedDumper(Dumper):
    """Passes a Packed value on unchanged; the query's cast gives its type."""

    format = Format.BINARY
    oid = 0

    def dump(self, obj: Packed) -> Buffer:
        return obj


class UuidListDumper(ListDumper):
    """psycopg's dumper of lists, which writes a list of UUIDs in one step.

    Reads name up to thousands of rows by their ids, and psycopg looks at each id by
    itself.
    """

    def dump(self, obj: list[Any]) -> Buffer | None:
        if isinstance(self.sub_dumper, UUIDDumper):
            with suppress(AttributeError):
                # None and nested lists have no such attribute.
                return f"{{{','.join([item.hex for item in obj])}}}".encode()
        return super().dump(obj)


def _sized(items: Sequence[bytes]) -> Iterable[bytes]:
    return [part for item in items for part in (_LENGTH(len(item)), item)]


def _packed(oid: int, amount: int, parts: Iterable[bytes]) -> Packed:
    if amount == 0:
        return Packed(_HEADER.pack(0, 0, oid, 0, 0)[:12])
    return Packed(_HEADER.pack(1, 0, oid, amount, 1) + b"".join(parts))

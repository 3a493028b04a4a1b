"""Logos of projects: pictures for the head of printed reports, and their rules."""

import hashlib
import zlib
from collections.abc import Iterator
from typing import Literal

import msgspec

from domain.errors import DomainError

LogoType = Literal["image/png", "image/jpeg", "image/webp"]

MOST_BYTES = 1_000_000
_TAG_DIGITS = 16
MOST_PIXELS_A_SIDE = 4_000

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_FORMATS = "a logo is a PNG, JPEG or WebP picture"
# Markers of JPEG without a length, and those that begin a frame.
_BARE_MARKERS = {0x01, *range(0xD0, 0xD8)}
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_SCAN, _END = 0xDA, 0xD9


class Logo(msgspec.Struct, frozen=True, kw_only=True):
    """A logo without its content: type, length in bytes, size in pixels, SHA-256."""

    media_type: LogoType
    bytes: int
    width: int
    height: int
    digest: str

    @property
    def tag(self) -> str:
        """The beginning of the digest, which another picture does not have."""
        return self.digest[:_TAG_DIGITS]


class InvalidLogoError(DomainError):
    """The content is no picture that reports can print."""

    code = "invalid_logo"
    field = "logo"

    def __init__(self, reason: str) -> None:
        super().__init__(f"logo: {reason}.")
        self._reason = reason

    @property
    def reason(self) -> str:
        return self._reason


def logo_type_of(content: bytes) -> LogoType | None:
    """Return the type of a PNG, JPEG or WebP picture by its first bytes."""
    if content.startswith(_PNG):
        return "image/png"
    if content.startswith(_JPEG):
        return "image/jpeg"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return None


def logo_of(content: bytes) -> Logo:
    """Return the logo with this content, which alone says what it is.

    The structure is read to its end, without decoding a pixel.

    Raises:
        InvalidLogoError: it is no PNG, JPEG or WebP picture, or one that is too large,
            animated or broken.
    """
    if len(content) > MOST_BYTES:
        raise InvalidLogoError("the picture is larger than 1 MB")
    try:
        media_type, width, height = _read(content)
    except (IndexError, zlib.error):
        raise InvalidLogoError("the picture is broken") from None
    if not (1 <= width <= MOST_PIXELS_A_SIDE and 1 <= height <= MOST_PIXELS_A_SIDE):
        raise InvalidLogoError(
            f"the picture has {width} x {height} pixels, and may have "
            f"{MOST_PIXELS_A_SIDE:,} a side"
        )
    return Logo(
        media_type=media_type,
        bytes=len(content),
        width=width,
        height=height,
        digest=hashlib.sha256(content).hexdigest(),
    )


def _read(content: bytes) -> tuple[LogoType, int, int]:
    match logo_type_of(content):
        case "image/png" as media_type:
            return media_type, *_size_of_png(content)
        case "image/jpeg" as media_type:
            return media_type, *_size_of_jpeg(content)
        case "image/webp" as media_type:
            return media_type, *_size_of_webp(content)
        case None:
            raise InvalidLogoError(_FORMATS)


def _size_of_png(content: bytes) -> tuple[int, int]:
    """Return width and height; source: the PNG specification, 3rd edition, section 5.

    Every chunk must be whole and have its checksum.
    """
    at, width, height, has_pixels = len(_PNG), 0, 0, False
    while True:
        length = _number(content, at, 4)
        kind = content[at + 4 : at + 8]
        data = content[at + 8 : at + 8 + length]
        if zlib.crc32(kind + data) != _number(content, at + 8 + length, 4):
            raise InvalidLogoError("the picture is broken")
        if kind == b"IHDR":
            width, height = _number(data, 0, 4), _number(data, 4, 4)
        elif kind == b"acTL":
            raise InvalidLogoError("the picture is animated")
        elif kind == b"IDAT":
            has_pixels = True
        elif kind == b"IEND":
            break
        at += 12 + length
    if not has_pixels:
        raise InvalidLogoError("the picture is broken")
    return width, height


def _size_of_jpeg(content: bytes) -> tuple[int, int]:
    """Return width and height; source: ITU-T T.81, annex B.

    The frame, at least one scan and the end of the picture must be there.
    """
    at, width, height, has_scan = 2, 0, 0, False
    while True:
        if content[at] != 0xFF:
            raise InvalidLogoError("the picture is broken")
        marker = content[at + 1]
        if marker == 0xFF:  # filling
            at += 1
            continue
        if marker == _END:
            break
        if marker in _BARE_MARKERS:
            at += 2
            continue
        length = _number(content, at + 2, 2)
        if marker in _FRAMES:
            height, width = _number(content, at + 5, 2), _number(content, at + 7, 2)
        at += 2 + length
        if marker == _SCAN:
            has_scan = True
            at = _end_of_scan(content, at)
    if not has_scan or not width:
        raise InvalidLogoError("the picture is broken")
    return width, height


def _end_of_scan(content: bytes, at: int) -> int:
    """Return the place of the marker after compressed data."""
    while True:
        at = content.find(b"\xff", at)
        if at < 0:
            raise InvalidLogoError("the picture is broken")
        after = content[at + 1]
        if after and after not in _BARE_MARKERS:
            return at
        at += 2


def _size_of_webp(content: bytes) -> tuple[int, int]:
    """Return width and height; source: RFC 9649, sections 2 and 3."""
    if 8 + _number(content, 4, 4, "little") > len(content):
        raise InvalidLogoError("the picture is broken")
    size: tuple[int, int] | None = None
    for kind, data in _chunks(content):
        if kind in {b"ANIM", b"ANMF"}:
            raise InvalidLogoError("the picture is animated")
        if kind == b"VP8 " and data[3:6] == b"\x9d\x01\x2a":
            size = (
                _number(data, 6, 2, "little") & 0x3FFF,
                _number(data, 8, 2, "little") & 0x3FFF,
            )
        elif kind == b"VP8L" and data[:1] == b"\x2f":
            bits = _number(data, 1, 4, "little")
            size = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if size is None:
        raise InvalidLogoError("the picture is broken")
    return size


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at, end = 12, 8 + _number(content, 4, 4, "little")
    while at < end:
        length = _number(content, at + 4, 4, "little")
        if at + 8 + length > end:
            raise InvalidLogoError("the picture is broken")
        yield content[at : at + 4], content[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _number(
    content: bytes, at: int, length: int, order: Literal["big", "little"] = "big"
) -> int:
    """Return the number in some bytes, which must be there."""
    found = content[at : at + length]
    if len(found) < length:
        raise IndexError
    return int.from_bytes(found, order)

"""Small pictures of each format, made without a library."""

import base64
import struct
import zlib

_PNG = b"\x89PNG\r\n\x1a\n"
# A grey square, as encoders of JPEG and of WebP write it.
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEAYABgAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkK"
    "DA8MCgsOCwkJDRENDg8QEBEQCgwSExIQEw8QEBD/yQALCAABAAEBAREA/8wABgAQEAX/2gAIAQEAAD8A"
    "0s8g/9k="
)
WEBP = base64.b64decode("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG, with its length and its checksum."""
    return (
        struct.pack(">I", len(data))
        + kind
        + data
        + struct.pack(">I", zlib.crc32(kind + data))
    )


def png(width: int = 2, height: int = 1, *, more: bytes = b"") -> bytes:
    """A violet PNG; ``more`` are chunks before the pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = (b"\0" + b"\x5a\x3f\xc0" * width) * height
    return b"".join(
        (
            _PNG,
            chunk(b"IHDR", head),
            more,
            chunk(b"IDAT", zlib.compress(pixels)),
            chunk(b"IEND", b""),
        )
    )


LOGO = png()

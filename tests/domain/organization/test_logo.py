"""Logos: pictures that are read by their content, and contents that are refused."""

import hashlib
import struct
from base64 import b64decode

import pytest

from domain.organization.logo import MOST_BYTES, InvalidLogoError, Logo, logo_of
from tests.kit.pictures import JPEG, LOGO, WEBP, chunk, png

GIF = b64decode("R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs=")
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
BROKEN = "the picture is broken"


def webp(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
        for kind, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def why_refused(content: bytes) -> str:
    with pytest.raises(InvalidLogoError) as refused:
        logo_of(content)
    return refused.value.reason


def test_a_picture_is_known_by_its_content(subtests: pytest.Subtests):
    lossy = b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 0x4000 | 300, 200)
    pictures = {
        "PNG": (png(7, 3), "image/png", 7, 3),
        "JPEG": (JPEG, "image/jpeg", 1, 1),
        "lossless WebP": (WEBP, "image/webp", 1, 1),
        "lossy WebP": (webp((b"VP8 ", lossy)), "image/webp", 300, 200),
        "extended WebP": (
            webp((b"VP8X", b"\0" * 10), (b"ALPH", b"\0"), (b"VP8 ", lossy)),
            "image/webp",
            300,
            200,
        ),
    }
    for name, (content, media_type, width, height) in pictures.items():
        with subtests.test(name):
            assert logo_of(content) == Logo(
                media_type=media_type,  # type: ignore[arg-type]
                bytes=len(content),
                width=width,
                height=height,
                digest=hashlib.sha256(content).hexdigest(),
            )


def test_anything_else_is_refused(subtests: pytest.Subtests):
    others = {"nothing": b"", "GIF": GIF, "SVG": SVG, "text": b"\x89PNG", "zip": b"PK"}
    for name, content in others.items():
        with subtests.test(name):
            assert why_refused(content) == "a logo is a PNG, JPEG or WebP picture"


def test_an_animated_picture_is_refused():
    moving = png(more=chunk(b"acTL", b"\0" * 8))

    assert why_refused(moving) == "the picture is animated"
    assert why_refused(webp((b"ANIM", b"\0" * 6))) == "the picture is animated"


def test_a_picture_that_ends_early_is_refused_wherever_it_ends():
    starts = {"PNG": 8, "JPEG": 3, "WebP": 12}
    for name, content in {"PNG": LOGO, "JPEG": JPEG, "WebP": WEBP}.items():
        reasons = {why_refused(content[:n]) for n in range(starts[name], len(content))}
        assert reasons == {BROKEN}, name


def test_a_damaged_png_is_refused():
    at = LOGO.index(b"IDAT") + 6
    damaged = LOGO[:at] + bytes([LOGO[at] ^ 1]) + LOGO[at + 1 :]

    assert why_refused(damaged) == BROKEN


def test_a_picture_without_pixels_is_refused():
    at = LOGO.index(b"IDAT") - 4
    end = LOGO.index(b"IEND") - 4
    without_scan = JPEG[: JPEG.index(b"\xff\xda")] + b"\xff\xd9"

    assert why_refused(LOGO[:at] + LOGO[end:]) == BROKEN
    assert why_refused(without_scan) == BROKEN
    assert why_refused(webp((b"EXIF", b"x"))) == BROKEN


def test_a_picture_may_have_a_megabyte_and_4000_pixels_a_side():
    def sized(length: int) -> bytes:
        return png(more=chunk(b"tEXt", b"x" * (length - len(LOGO) - 12)))

    assert logo_of(sized(MOST_BYTES)).bytes == MOST_BYTES == 1_000_000
    assert why_refused(sized(MOST_BYTES + 1)) == "the picture is larger than 1 MB"
    assert logo_of(png(4_000, 1)).width == 4_000
    assert "4001 x 1 pixels" in why_refused(png(4_001, 1))
    assert "1 x 4001 pixels" in why_refused(png(1, 4_001))

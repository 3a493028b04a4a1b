"""PNG pictures of SVG drawings, for mails, whose readers show no SVG."""

from functools import cache
from pathlib import Path
from typing import Final

import resvg_py

FONTS: Final = Path(__file__).parent / "vendor"
"""Inter as TrueType, in two weights."""

# The name of the family in those files.
_INTER: Final = "Inter Variable"
# Screens of phones have two pixels or more for one of a page.
_SCALE: Final = 2


def png_of(svg: str) -> bytes:
    """Return a picture with twice the pixels of a drawing, on white.

    A mail program that turns a mail dark leaves it readable.
    """
    return resvg_py.svg_to_bytes(
        svg_string=svg,
        zoom=_SCALE,
        background="#ffffff",
        skip_system_fonts=True,
        font_files=_fonts(),
        sans_serif_family=_INTER,
    )


@cache
def _fonts() -> list[str]:
    return [str(file) for file in sorted(FONTS.glob("*.ttf"))]

"""Colours of projects on paper and on screens: what is drawn in one can be read.

Contrasts are those of WCAG 2.2. A colour that has too little of it is mixed with black
or white until it has enough, and so keeps its hue.
"""

from typing import Final

# White paper, and the cards of pages in the dark, as in tokens.css.
PAPER: Final = "#ffffff"
DARK_CARD: Final = "#1a1f27"
# The contrast that text needs, and drawings that mean something.
OF_TEXT: Final = 4.5
OF_DRAWINGS: Final = 3.0
_INK: Final = "#1b2130"
_STEPS: Final = 50
# The straight part of sRGB's curve.
_STRAIGHT, _SLOPE = 0.03928, 12.92


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (#RRGGBB), from 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def readable(color: str, ground: str, least: float) -> str:
    """Return the colour with at least this contrast to white or to a dark ground."""
    to = "#000000" if _luminance(ground) > _luminance(DARK_CARD) else "#ffffff"
    for step in range(_STEPS + 1):
        mixed = _mixed(color, to, step / _STEPS)
        if contrast(mixed, ground) >= least:
            return mixed
    return to


def on_color(ground: str) -> str | None:
    """Return the colour of text on a ground, white if possible; None if none is."""
    for text in (PAPER, _INK):
        if contrast(text, ground) >= OF_TEXT:
            return text
    return None


def _mixed(color: str, to: str, part: float) -> str:
    if not part:
        return color
    pairs = zip(_parts(color), _parts(to), strict=True)
    return f"#{''.join(f'{round(a + (b - a) * part):02x}' for a, b in pairs)}"


def _luminance(color: str) -> float:
    red, green, blue = (_linear(part / 255) for part in _parts(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _parts(color: str) -> list[int]:
    return [int(color[at : at + 2], 16) for at in (1, 3, 5)]


def _linear(part: float) -> float:
    if part <= _STRAIGHT:
        return part / _SLOPE
    return ((part + 0.055) / 1.055) ** 2.4

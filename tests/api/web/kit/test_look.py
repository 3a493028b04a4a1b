"""The design's values: contrasts, colours for the colour-blind, names that exist."""

import re
from collections.abc import Iterator
from itertools import combinations
from math import dist
from pathlib import Path

import pytest

from api.web.kit.parts.pictures import TONES, initials, tone

WEB = Path(__file__).parents[4] / "api/web"
CSS = WEB / "static/css"
SCHEMES = ("light", "dark")
TEXTS = 4.5
SHAPES = 3.0
# Squared differences of about 2 of a hundred steps are just seen.
APART = 10.0

Rgb = tuple[float, float, float]

# Remaining parts of linear red, green and blue: Machado, Oliveira, Fernandes 2009.
EYES: dict[str, tuple[Rgb, Rgb, Rgb]] = {
    "all colours": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "no green": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "no blue": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def colours(scheme: str, *, within: str = ":root") -> dict[str, str]:
    """The colours of a rule of tokens.css by name."""
    text = (CSS / "tokens.css").read_text()
    rule = text[text.index(f"{within} {{") :].partition("}")[0]
    found = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", rule)
    which = 1 + SCHEMES.index(scheme)
    return {row[0]: row[which] for row in found}


def linear(colour: str) -> Rgb:
    values = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values
    )
    return red, green, blue


def contrast(one: str, other: str) -> float:
    """The contrast of WCAG 2."""
    weights = (0.2126, 0.7152, 0.0722)
    dark, light = sorted(
        sum(w * part for w, part in zip(weights, linear(colour), strict=True))
        for colour in (one, other)
    )
    return (light + 0.05) / (dark + 0.05)


def oklab(rgb: Rgb) -> Rgb:
    """A colour where distances are as large as they look; lightness is up to 100."""
    red, green, blue = rgb
    long, middle, short = (
        max(0.0, a * red + b * green + c * blue) ** (1 / 3)
        for a, b, c in (
            (0.4122214708, 0.5363325363, 0.0514459929),
            (0.2119034982, 0.6806995451, 0.1073969566),
            (0.0883024619, 0.2817188376, 0.6299787005),
        )
    )
    lightness, a, b = (
        100 * (x * long + y * middle + z * short)
        for x, y, z in (
            (0.2104542553, 0.7936177850, -0.0040720468),
            (1.9779984951, -2.4285922050, 0.4505937099),
            (0.0259040371, 0.7827717662, -0.8086757660),
        )
    )
    return lightness, a, b


def seen(colour: str, eye: str) -> Rgb:
    rgb = linear(colour)
    red, green, blue = (
        min(1.0, max(0.0, sum(a * b for a, b in zip(row, rgb, strict=True))))
        for row in EYES[eye]
    )
    return oklab((red, green, blue))


def pairs(of: dict[str, str]) -> Iterator[tuple[str, str, float]]:
    """Each colour on each ground, with the least contrast."""
    for text in ("text", "muted", "brand", "good", "bad", "warn"):
        for ground in ("ground", "card", "sunk"):
            yield text, ground, TEXTS
    for kind in ("brand", "good", "bad", "warn"):
        yield kind, f"{kind}-ground", TEXTS
    yield "on-brand", "brand", TEXTS
    yield "line-strong", "card", SHAPES
    for name in of:
        if name.startswith("series-"):
            yield name, "card", SHAPES


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_text_and_line_can_be_read_on_what_it_stands_on(scheme: str):
    named = colours(scheme)

    weak = [
        f"{front} on {back}: {contrast(named[front], named[back]):.2f}"
        for front, back, least in pairs(named)
        if contrast(named[front], named[back]) < least
    ]

    assert weak == []


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_lines_of_a_chart_are_told_apart_by_everybody(scheme: str, eye: str):
    named = colours(scheme)
    lines = {name: c for name, c in named.items() if name.startswith("series-")}
    assert len(lines) == 5

    close = [
        f"{one} and {other}"
        for one, other in combinations(lines, 2)
        if dist(seen(lines[one], eye), seen(lines[other], eye)) < APART
    ]

    assert close == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_initials_can_be_read_in_every_tone(scheme: str):
    for number in range(TONES):
        named = colours(scheme, within=f".tone-{number}")

        assert contrast(named["on-tone"], named["tone"]) >= TEXTS
        assert contrast(named["on-tone"], named["tone-deep"]) >= TEXTS


def test_style_sheets_use_values_that_exist():
    sheets = {sheet.name: sheet.read_text() for sheet in CSS.glob("*.css")}
    defined = set(re.findall(r"(--[\w-]+):", "".join(sheets.values())))

    missing = {
        (name, used)
        for name, text in sheets.items()
        for used in re.findall(r"var\((--[\w-]+)", text)
        if used not in defined
    }

    assert len(sheets) > 5
    assert missing == set()


@pytest.mark.parametrize(
    ("name", "short_name"),
    (
        ("mount-goatlympus", "mg"),
        ("goat", "go"),
        ("_.x", "x"),
        ("山羊 2", "山2"),
        ("", "?"),
    ),
)
def test_a_placeholder_has_the_initials_of_a_name(name: str, short_name: str):
    assert initials(name) == short_name


def test_a_name_has_the_same_tone_wherever_it_is_computed():
    assert [tone(name) for name in ("goat", "kid", "ewe")] == [0, 4, 7]
    assert {tone(str(number)) for number in range(200)} == set(range(TONES))

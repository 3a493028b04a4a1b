"""Colours of projects: text and drawings in them can be read on every ground."""

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from application.rendering.colors import contrast
from application.rendering.sheet import SheetColors, sheet_of
from tests.kit.reports import EXAMPLE

WHITE, DARK_CARD = "#ffffff", "#1a1f27"


def colors_of(color: str | None) -> SheetColors:
    return sheet_of(replace(EXAMPLE, color=color)).colors


def test_contrasts_are_those_of_wcag():
    for one, other, ratio in (
        ("#000000", WHITE, 21),
        (WHITE, WHITE, 1),
        ("#767676", WHITE, 4.54),
        ("#777777", WHITE, 4.48),
        ("#FF0000", WHITE, 4.0),
    ):
        assert round(contrast(one, other), 2) == ratio
        assert contrast(one, other) == contrast(other, one)


@given(st.integers(0, 0xFFFFFF).map("#{:06X}".format))
@example("#FFFFFF")
@example("#000000")
@example("#FFE14D")
# Neither white nor dark letters can be read on it.
@example("#EB3A00")
def test_every_colour_can_be_read_in_light_dark_and_print(color: str):
    colors = colors_of(color)

    assert contrast(colors.ink, WHITE) >= 3
    assert contrast(colors.dark_ink, DARK_CARD) >= 3
    assert contrast(colors.link, WHITE) >= 4.5
    assert contrast(colors.on_button, colors.button) >= 4.5
    assert contrast(colors.button, WHITE) >= 1.3
    assert contrast(colors.accent, WHITE) >= 1.3


def test_a_colour_stays_as_it_is_where_it_can_be_read():
    teal, yellow = colors_of("#0f766e"), colors_of("#ffd400")

    assert {teal.accent, teal.ink, teal.link, teal.button} == {"#0f766e"}
    assert (teal.on_button, yellow.on_button) == (WHITE, "#1b2130")
    assert {yellow.accent, yellow.button, yellow.dark_ink} == {"#ffd400"}
    # The hue stays where the colour is too light.
    assert (yellow.ink, yellow.link) == ("#ad9000", "#8a7200")


def test_a_project_without_a_colour_has_those_of_goatherd():
    colors = colors_of(None)

    assert (colors.accent, colors.ink, colors.button) == (
        *("#1d56c2", "#1d56c2", "#5a3fc0"),
    )

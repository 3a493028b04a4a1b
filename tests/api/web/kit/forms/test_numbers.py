"""Numbers as people type them."""

from decimal import Decimal

import pytest

from api.web.kit.forms.numbers import read_number


@pytest.mark.parametrize(
    ("text", "number"),
    (
        ("2000000", 2_000_000),
        ("2,000,000", 2_000_000),
        ("2.000.000", 2_000_000),
        ("2 000 000", 2_000_000),
        ("2'000'000", 2_000_000),
        ("2m", 2_000_000),
        ("2 M", 2_000_000),
        ("2.5k", 2_500),
        ("2,5k", 2_500),
        ("1.500k", 1_500),
        ("1.500", 1_500),
        ("1,500", 1_500),
        ("0.25b", 250_000_000),
        ("0", 0),
        # A number of videos has no half.
        ("1.5", None),
        ("1.2345k", None),
        ("", None),
        ("m", None),
        ("many", None),
        ("-5", None),
        ("1,5,0", None),
        ("1..5", None),
        ("\N{ARABIC-INDIC DIGIT ONE}", None),
        ("1" * 31, None),
    ),
)
def test_a_whole_number_is_read(text: str, number: int | None):
    assert read_number(text) == number


@pytest.mark.parametrize(
    ("text", "decimals", "number"),
    (
        ("1,200.50", 2, "1200.50"),
        ("1.200,50", 2, "1200.50"),
        ("1200,5", 2, "1200.5"),
        ("1.2k", 2, "1200"),
        ("12.345", 2, "12345"),
        ("12.345", 3, "12.345"),
        ("12.3456", 3, None),
    ),
)
def test_an_amount_is_read_with_its_decimals(
    text: str, decimals: int, number: str | None
):
    found = read_number(text, decimals=decimals)
    assert found == (None if number is None else Decimal(number))

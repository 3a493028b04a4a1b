"""Money: currencies have their own numbers of digits."""

from decimal import Decimal

import pytest

from domain.money import CURRENCIES, digits_of, money


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    (
        (120_050, "EUR", "1,200.50 EUR"),
        (5, "USD", "0.05 USD"),
        (1_200, "JPY", "1,200 JPY"),
        (1_234_567, "KWD", "1,234.567 KWD"),
        (0, "EUR", "0.00 EUR"),
        (2**53 - 1, "EUR", "90,071,992,547,409.91 EUR"),
        (Decimal("250.4"), "EUR", "2.50 EUR"),
        (Decimal("250.5"), "EUR", "2.51 EUR"),
    ),
)
def test_an_amount_is_written_with_its_digits(
    minor: int | Decimal, currency: str, text: str
):
    assert money(minor, currency) == text


def test_every_currency_has_up_to_three_digits():
    assert {digits_of(code) for code in CURRENCIES} == {0, 2, 3}
    assert all(len(code) == 3 and code.isupper() for code in CURRENCIES)

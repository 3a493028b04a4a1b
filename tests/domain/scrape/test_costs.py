"""The exact cost of requests, and the end of a budget."""

from decimal import Decimal

import pytest

from domain.scrape.costs import Price, amount_of, is_nearly_spent, why_spent


@pytest.mark.parametrize(
    ("text", "millionths"),
    (("0.002 USD", 2_000), ("1 USD", 1_000_000), ("0.000001 EUR", 1), ("0 USD", 0)),
)
def test_a_price_is_a_whole_number_of_millionths(text: str, millionths: int):
    assert Price.of(text) == Price(millionths, text[-3:])


def test_a_thousand_tenths_of_cents_are_exactly_a_unit():
    price = Price.of("0.001 USD")

    assert amount_of(1_000 * price.millionths) == Decimal(1)
    assert str(amount_of(0)) == "0.000000"
    assert str(amount_of(7)) == "0.000007"


def test_a_budget_is_nearly_spent_from_eighty_percent_on():
    assert not is_nearly_spent(79, 100)
    assert is_nearly_spent(80, 100)
    assert not is_nearly_spent(10**9, None)


def test_a_budget_is_spent_with_its_last_request():
    assert why_spent(99, 100) is None
    assert why_spent(0, 0) is not None
    assert why_spent(1_000, 1_000) == (
        "Its daily budget of 1,000 requests is used up until midnight (UTC)."
    )

"""How people read numbers."""

from decimal import Decimal
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.written import UNKNOWN, number, percent_shortly, short, signed
from tests.kit.short_numbers import PERCENT, SHORT


@pytest.mark.parametrize(("value", "shown"), ((None, UNKNOWN), *SHORT))
def test_a_number_in_short_has_three_digits_rounded_half_up(
    value: float | None, shown: str
):
    assert short(value) == shown


@given(st.integers(-(10**16), 10**16))
def test_a_whole_number_in_short_is_as_any_number(value: int):
    assert short(value) == short(cast("float", Decimal(value)))


@pytest.mark.parametrize(("value", "shown"), ((None, UNKNOWN), *PERCENT))
def test_a_percentage_under_ten_has_one_digit_after_the_point(
    value: float | None, shown: str
):
    assert percent_shortly(value) == shown


def test_a_number_in_full_has_commas_and_no_zeros_at_its_end():
    numbers = (1_234_567, 1_234.5, 12.0, 0.125, -1_000)

    assert [number(one) for one in numbers] == [
        "1,234,567",
        "1,234.5",
        "12",
        "0.13",
        "-1,000",
    ]


def test_a_change_has_its_sign():
    assert [signed(value) for value in (4_110, 0, -4_110)] == ["+4.11K", "0", "-4.11K"]

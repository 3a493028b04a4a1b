"""Costs: what the requests of a source cost, in whole numbers of millionths."""

from decimal import Decimal
from typing import Self

import msgspec

MILLIONTHS = 1_000_000


class Price(msgspec.Struct, frozen=True):
    """The price of one request, in millionths of a currency, such as USD."""

    millionths: int
    currency: str

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the price that a text like ``0.002 USD`` says, exactly."""
        amount, currency = text.split(" ")
        return cls(int(Decimal(amount) * MILLIONTHS), currency)


def amount_of(millionths: int) -> Decimal:
    """Return the amount of money, with six decimals."""
    return Decimal(millionths).scaleb(-6)

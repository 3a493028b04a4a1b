"""Costs of a source's requests, in whole millionths of a currency."""

from decimal import Decimal
from typing import Self

import msgspec

from domain.phrases import counted

MILLIONTHS = 1_000_000


class Price(msgspec.Struct, frozen=True):
    """The price of one request, in millionths of a currency, such as USD."""

    millionths: int
    currency: str

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the exact price in a text like ``0.002 USD``."""
        amount, currency = text.split(" ")
        return cls(int(Decimal(amount) * MILLIONTHS), currency)


def why_spent(requests: int, budget: int) -> str | None:
    """Return a sentence if a day's budget of requests is used up, and None if not."""
    if requests < budget:
        return None
    return (
        f"Its daily budget of {counted(budget, 'request')} is used up until midnight "
        "(UTC)."
    )


def is_nearly_spent(requests: int, budget: int | None) -> bool:
    """Tell whether at least 80 % of a day's budget of requests is used up."""
    return budget is not None and requests * 5 >= budget * 4


def amount_of(millionths: int) -> Decimal:
    """Return the amount of money, with six decimals."""
    return Decimal(millionths).scaleb(-6)

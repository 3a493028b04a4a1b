"""Money: whole numbers of a currency's smallest unit, and how they are written."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from domain.errors import DomainError

_CODES = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN
BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD
FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY
KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP
MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR
RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT
TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR
ZMW ZWG
"""
CURRENCIES: Final = frozenset(_CODES.split())
"""The codes of ISO 4217 that people pay with; funds and metals are left out."""

# ISO 4217: all other currencies have two digits behind the point.
_NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_WITHOUT_DIGITS = frozenset(_NO_DIGITS.split())
_WITH_THREE_DIGITS = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))


class UnknownCurrencyError(DomainError):
    """No currency has this code."""

    field = "currency"

    def __init__(self) -> None:
        super().__init__(f"currency {self.reason}.")

    @property
    def reason(self) -> str:
        return "must be a code of ISO 4217, such as EUR"


class CurrencyMissingError(DomainError):
    """A cost would have no currency."""

    field = "currency"

    def __init__(self) -> None:
        super().__init__(f"currency {self.reason}.")

    @property
    def reason(self) -> str:
        return "is required with a cost"


def check_price(cost_minor: int | None, currency: str | None) -> None:
    """Check that a cost has a currency, and that the currency exists.

    Raises:
        UnknownCurrencyError: it does not exist.
        CurrencyMissingError: there is a cost, and no currency.
    """
    if currency is not None and currency not in CURRENCIES:
        raise UnknownCurrencyError
    if cost_minor is not None and currency is None:
        raise CurrencyMissingError


def digits_of(currency: str) -> int:
    """Return the digits behind the point: a dollar has 100 cents, so it has two."""
    if currency in _WITHOUT_DIGITS:
        return 0
    return 3 if currency in _WITH_THREE_DIGITS else 2


def money(minor: Decimal | int, currency: str) -> str:
    """Return an amount with its currency, such as "1,200.50 EUR"."""
    digits = digits_of(currency)
    amount = Decimal(minor).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return f"{amount.scaleb(-digits):,.{digits}f} {currency}"

"""The rules of passwords: long ones, and neither common nor easily guessed."""

import unicodedata
from collections.abc import Container

from domain.email import name_in
from domain.person.errors import WeakPasswordError

LEAST_LENGTH = 12
# The hash takes any length; the limit keeps a form from being a burden.
MOST_LENGTH = 1_000

# A shorter name is in too many good passwords.
_SHORTEST_NAME = 3


def prepared(password: str) -> str:
    """Return a password as it is hashed, in the form NFC, as RFC 8265 recommends.

    Two keyboards may write one letter in two ways.
    """
    return unicodedata.normalize("NFC", password)


def check_password(password: str, *, email: str, common: Container[str]) -> None:
    """Refuse a password that is easily guessed; there are no rules of composition.

    ``common`` has the most common passwords, with their letters case-folded.

    Raises:
        WeakPasswordError: the password is too short or too long, among the most common
            ones, or contains the name in the address.
    """
    if len(password) < LEAST_LENGTH:
        raise WeakPasswordError(f"must have at least {LEAST_LENGTH} characters")
    if len(password) > MOST_LENGTH:
        raise WeakPasswordError(f"must have at most {MOST_LENGTH:,} characters")
    folded = password.casefold()
    if folded in common:
        raise WeakPasswordError("must be another one: it is among the most common ones")
    name = name_in(email).casefold()
    if len(name) >= _SHORTEST_NAME and name in folded:
        raise WeakPasswordError("must not contain the name in your email address")

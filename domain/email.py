"""Email addresses: which texts are addresses, and which two are the same one."""

import re
import unicodedata

from domain.errors import InvalidEmailError

# RFC 5321 allows 254 characters. The form is checked loosely: only a mail that arrives
# proves an address.
_LONGEST = 254
_FORM = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]+\Z")


def checked_email(text: str) -> str:
    """Return an address without the blanks around it.

    Raises:
        InvalidEmailError: the text is no email address.
    """
    email = text.strip()
    if len(email) > _LONGEST or _FORM.match(email) is None:
        raise InvalidEmailError
    return email


def same_email(email: str) -> str:
    """Return the text that two spellings of one address have in common."""
    return unicodedata.normalize("NFC", email.strip()).casefold()


def name_in(email: str) -> str:
    """Return the part of an address before the sign @."""
    return email.partition("@")[0]

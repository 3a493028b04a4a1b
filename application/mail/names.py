"""Names of people and things in mails, which carry no link and no markup."""

import re
import unicodedata
from typing import Final

# Everybody who can name an organization could write to strangers otherwise.
_LONGEST: Final = 60
_ALLOWED_SIGNS: Final = frozenset("&'\u2019,()+.!?-_")
# Mail programs make a link of a word with a dot inside.
_INNER_DOT: Final = re.compile(r"\.(?=\S)")

_LINKING: Final = re.compile(r"(?<=\w)([.:/@])(?=[\w/])")
_WORD_JOINER: Final = "\N{WORD JOINER}"


def unlinked(text: str) -> str:
    """Return a text of strangers that looks alike, and has no address to click."""
    return _LINKING.sub(rf"\1{_WORD_JOINER}", " ".join(text.split()))


def name_in_mail(name: str, *, longest: int = _LONGEST) -> str:
    """Return a name as a mail can have it: short, on one line, and nothing to click.

    The result is empty if nothing readable is left.
    """
    kept = "".join(sign if _is_allowed(sign) else " " for sign in name)
    words = " ".join(_INNER_DOT.sub(". ", kept).split())
    if not any(sign.isalnum() for sign in words):
        return ""
    return words if len(words) <= longest else f"{words[: longest - 1].rstrip()}…"


def _is_allowed(sign: str) -> bool:
    # Letters, their marks, and numbers, of any script.
    return sign in _ALLOWED_SIGNS or unicodedata.category(sign)[0] in "LMN"

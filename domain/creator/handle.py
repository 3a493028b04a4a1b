"""TikTok handles: the allowed texts, and the spellings that people use."""

import re

from domain.errors import InvalidHandleError

MAX_HANDLE_LENGTH = 30

_HANDLE = re.compile(rf"[a-z0-9._-]{{1,{MAX_HANDLE_LENGTH}}}", re.ASCII)
_PROFILE_URL = re.compile(
    r"https?://(?:www\.|m\.)?tiktok\.com/@([^/?#]*)/?(?:[?#].*)?",
    re.ASCII | re.IGNORECASE,
)
_LONGEST_TEXT = 2_048


def normalize_handle(text: str) -> str:
    """Return the plain, lower-case handle that ``text`` names.

    The text may have blanks around it, one leading ``@``, capital letters, or be the
    URL of a TikTok profile. Handles with two dots in a row are rare, but exist; by
    TikTok's own rules no handle ends with a dot. Any other text is refused, so that no
    unchecked character ever reaches SQL or a URL.

    Raises:
        InvalidHandleError: the text is not a handle.
    """
    if len(text) > _LONGEST_TEXT:
        raise InvalidHandleError(text)
    plain = text.strip(" \t\r\n")
    if url := _PROFILE_URL.fullmatch(plain):
        plain = url.group(1)
    else:
        plain = plain.removeprefix("@")
    # A table maps capital letters, because str.lower() turns the Kelvin sign and the
    # dotted capital I into ASCII letters.
    if not plain.isascii():
        raise InvalidHandleError(text)
    plain = plain.lower()
    if not _HANDLE.fullmatch(plain):
        raise InvalidHandleError(text)
    if plain.endswith("."):
        raise InvalidHandleError(text, ends_with_dot=True)
    return plain

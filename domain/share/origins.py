"""Origins: the sites that may show a shared page in a frame."""

import re

from domain.share.errors import InvalidShareError

MOST_ORIGINS = 20
# A semicolon, comma or blank would begin another directive or source of the policy.
_ORIGIN = re.compile(
    r"https?://(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*"
    r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?::\d{1,5})?\Z"
)


def checked_origins(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return origins as a browser writes them, each once.

    Raises:
        InvalidShareError: a text is no origin, or there are too many.
    """
    found = tuple(dict.fromkeys(text.strip().lower().rstrip("/") for text in texts))
    if len(found) > MOST_ORIGINS:
        raise InvalidShareError("origins", f"must be at most {MOST_ORIGINS}")
    for origin in found:
        if not _ORIGIN.match(origin):
            reason = "must be addresses of sites, such as https://www.example.com"
            raise InvalidShareError("origins", reason)
    return found

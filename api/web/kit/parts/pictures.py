"""Pictures of creators and posts, over initials or a sign where there is none."""

import re
from collections.abc import Callable
from zlib import crc32

from markupsafe import Markup

from api.web.kit.parts.markup import html

_IMAGE = '<img src="{}" alt="" loading="lazy" decoding="async">'
_PICTURE = '<span class="{} tone-{}{}" aria-hidden="true">{}{}</span>'

# tokens.css has as many.
TONES = 8
_TWO = 2


class Pictures:
    """Draws pictures of creators and posts.

    ``address`` returns the address of the picture at a URL, and ``drawn`` that of the
    drawn goat or meadow that belongs to a name; both may have none.
    """

    def __init__(
        self,
        address: Callable[[str | None], str | None],
        drawn: Callable[[str, str], str | None],
    ) -> None:
        self._address = address
        self._drawn = drawn

    def avatar(self, handle: str, url: str | None = None, size: str = "") -> Markup:
        """Return a creator's picture over initials in a colour of the handle.

        ``size`` is empty, small or large.
        """
        source = self._address(url) or self._drawn("goat", handle)
        return _picture("avatar", handle, initials(handle), source, size)

    def thumb(
        self,
        video_id: str,
        url: str | None,
        kind: str | None = "video",
        size: str = "",
    ) -> Markup:
        """Return a post's picture over a sign; ``video_id`` is its id on TikTok.

        ``size`` is empty or large.
        """
        source = self._address(url) or self._drawn("meadow", video_id)
        sign = "▦" if kind == "photo" else "▶"
        return _picture("thumb", video_id, sign, source, size)


def initials(name: str) -> str:
    """Return two letters for a placeholder: of two words, or the first two."""
    words = [word for word in re.split(r"[\W_]+", name) if word]
    if len(words) < _TWO:
        return (words[0] if words else "?")[:_TWO]
    return words[0][0] + words[1][0]


def tone(name: str) -> int:
    """Return the number of the colour of a name, the same everywhere."""
    return crc32(name.encode()) % TONES


def _picture(kind: str, name: str, sign: str, source: str | None, size: str) -> Markup:
    image = html(_IMAGE, source) if source else ""
    its_size = f" {size}" if size else ""
    return html(_PICTURE, kind, tone(name), its_size, sign, image)

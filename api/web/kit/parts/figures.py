"""Numbers in short, with the full number next to them, and badges."""

from typing import Final

from markupsafe import Markup

from api.web.kit.parts.markup import html
from domain.written import UNKNOWN, number, short, with_about

ROUNDED_WHY: Final = "Rounded by the source: the exact number is not known."
NOTHING: Final = html('<span class="muted">{}</span>', UNKNOWN)
_SHARPENED_WHY = (
    "A rounded number became exact in these days; that is not counted as a change."
)
_PLAIN = '<span data-exact title="{}">{}</span>'
_OF_KIND = '<span class="{}" data-exact title="{}">{}</span>'
_STOPPING = '<span class="{}" data-exact title="{}" tabindex="0">{}</span>'
_HINTED = (
    '<span class="{} hinted" tabindex="0" data-why="{}. {}">{}'
    '<span class="visually-hidden"> {}</span></span>'
)


def badge(text: str, kind: str = "") -> Markup:
    """Return a status as a word on a colour; the word alone is enough."""
    return html('<span class="badge {}">{}</span>', kind, text)


def figure(
    text: str,
    full: str,
    is_rounded: bool = False,  # noqa: FBT001, FBT002 - templates give it by its place
    is_sharpened: bool = False,  # noqa: FBT001, FBT002 - likewise
    kind: str = "",
    *,
    stops: bool = False,
) -> Markup:
    """Return a number in short, in full on hover, focus and a long touch.

    One that its source rounds has "about" before it, and the reason next to the full
    number.
    ``kind`` is its class. ``stops`` says that the keyboard stops at it, which is for
    the few large numbers of a page.
    """
    if not is_rounded and not is_sharpened:
        if stops and text != full:
            return html(_STOPPING, kind, full, text)
        if kind:
            return html(_OF_KIND, kind, full, text)
        return html(_PLAIN, full, text)
    reasons = ((is_rounded, ROUNDED_WHY), (is_sharpened, _SHARPENED_WHY))
    why = " ".join(reason for holds, reason in reasons if holds)
    said, shown = (with_about(one, is_rounded=is_rounded) for one in (full, text))
    return html(_HINTED, kind, said, why, shown, why)


def level(value: int | None, *, is_rounded: bool = False) -> Markup:
    """Return a number that was reached, or a dash."""
    return NOTHING if value is None else figure(short(value), number(value), is_rounded)


def direction(value: float) -> str:
    """Return the class of a change: up, down or muted."""
    return "up" if value > 0 else "down" if value < 0 else "muted"

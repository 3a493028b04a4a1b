"""Rendering of Markdown notes as safe HTML.

HTML in notes is shown as text. The rendered HTML is sanitized by a list of allowed tags
and attributes, so that an error in the renderer or in the sanitizer is caught by the
other.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup, escape

from api.web.kit.parts.drawn import kept_drawn

_TAGS = {
    *("a", "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr"),
    *("img", "li", "ol", "p", "pre", "s", "strong"),
    *("table", "tbody", "td", "th", "thead", "tr", "ul"),
}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "ol": {"start"},
}
_SCHEMES = {"http", "https", "mailto"}
_LINKS = tuple(f"{scheme}:" for scheme in sorted(_SCHEMES))
_REL = "noopener noreferrer nofollow ugc"

ImageURL = Callable[[str], str | None]

_MAX_BYTES = 64_000
# Unclosed brackets take the renderer quadratic time; no real note has so many.
_MAX_BRACKETS = 5_000
# Headings are below the h1 of the page and the h2 of the card.
_FIRST_HEADING, _LAST_HEADING = 3, 6


async def render_markdown(text: str, *, image_url: ImageURL) -> Markup:
    """Return notes as HTML; ``image_url`` returns the address of an image."""
    # A long note takes part of a second, which must not block other requests.
    return await asyncio.to_thread(to_html, text, image_url=image_url)


@kept_drawn(most=256)
def to_html(text: str, *, image_url: ImageURL) -> Markup:
    """Return notes as HTML; notes that are too large to render are shown as typed."""
    if len(text.encode()) > _MAX_BYTES or text.count("[") > _MAX_BRACKETS:
        return Markup("<pre>{}</pre>").format(escape(text))
    renderer = _Renderer(image_url)
    tokens = _PARSER.parse(text)
    _lower_headings(tokens)
    html = renderer.render(tokens, _PARSER.options, {})
    return Markup(_clean(html))  # noqa: S704 - sanitized


def _clean(html: str) -> str:
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_allowed,
        set_tag_attribute_values={
            "a": {"target": "_blank"},
            "img": {"loading": "lazy", "referrerpolicy": "no-referrer"},
        },
        link_rel=_REL,
        url_schemes=_SCHEMES,
    )


def _allowed(tag: str, attribute: str, value: str) -> str | None:
    """Return an attribute's value; None removes it, as for URLs without a scheme.

    A URL without a scheme would lead to our own pages, or with ``//`` to another site.
    """
    if attribute == "href":
        return value if value.lower().startswith(_LINKS) else None
    if (tag, attribute) == ("img", "src"):
        return value if value.startswith("/images/") else None
    return value


def _lower_headings(tokens: Sequence[Token]) -> None:
    """Lower headings below the card's, without skipping a level."""
    above: list[str] = []
    tag = ""
    for token in tokens:
        if token.type == "heading_open":
            while above and above[-1] >= token.tag:
                above.pop()
            above.append(token.tag)
            tag = f"h{min(_FIRST_HEADING - 1 + len(above), _LAST_HEADING)}"
        if token.type in {"heading_open", "heading_close"}:
            token.tag = tag


class _Renderer(RendererHTML):
    """Shows images as links, unless the server passes them on."""

    def __init__(self, image_url: ImageURL) -> None:
        super().__init__()
        self._image_url = image_url

    def image(
        self,
        tokens: Sequence[Token],
        idx: int,
        options: OptionsDict,
        env: EnvType,
    ) -> str:
        token = tokens[idx]
        source = str(token.attrGet("src") or "")
        address = self._image_url(source)
        if address is not None:
            token.attrSet("src", address)
            return super().image(tokens, idx, options, env)
        words = self.renderInlineAsText(token.children, options, env) or "image"
        if _is_within_link(tokens[:idx]):
            return escapeHtml(words)
        return f'<a href="{escapeHtml(source)}">{escapeHtml(words)}</a>'


def _is_within_link(before: Sequence[Token]) -> bool:
    kinds = [token.type for token in before]
    return kinds.count("link_open") > kinds.count("link_close")


class _FoundUrl(NamedTuple):
    url: str


class _BareUrls:
    """Finds URLs for the renderer's option ``linkify``: those with http or https.

    Names such as example.com are no URLs; the full stop after a URL is not a part of
    it.
    """

    def pretest(self, text: str) -> bool:  # noqa: ARG002 - a name could be anywhere
        return False

    def match_at_start(self, text: str) -> _FoundUrl | None:
        found = _URL.match(text)
        if found is None:
            return None
        url = found[0].rstrip(_ENDS)
        if "(" not in url:
            url = url.rstrip(f"){_ENDS}")
        return _FoundUrl(url)


_URL = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_ENDS = ".,;:!?'*_]"
_PARSER: Any = MarkdownIt("js-default", {"linkify": True})
_PARSER.linkify = _BareUrls()

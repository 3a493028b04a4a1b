"""Mails as people see them: HTML that mail programs show, next to its plain twin."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from css_inline import CSSInliner
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from msgspec import Struct

from application.mail.names import unlinked
from application.mail.server import Mail

_TEMPLATES: Final = Path(__file__).parent / "templates"
_LINK: Final = re.compile(r"https?://\S+")


class _Paragraph(Struct, frozen=True):
    text: str
    link: str


def letter(
    to: str,
    subject: str,
    text: str,
    *,
    action: str = "",
    unsubscribe_url: str = "",
) -> Mail:
    """Return a mail whose HTML has the paragraphs of a plain text.

    A link that is a line of its own becomes a button that says ``action``, or stays a
    link without it. No other word becomes a link. The first paragraph is what a mailbox
    shows next to the subject.
    """
    paragraphs = [_paragraph(one) for one in text.strip().split("\n\n")]
    links = [one.link for one in paragraphs if one.link]
    html = mail_html(
        "letter.html",
        {
            # The heading may have a name with dots, such as a handle.
            "subject": unlinked(subject),
            "preheader": paragraphs[0].text,
            "paragraphs": paragraphs,
            "action": action,
            "host": urlsplit(links[0]).netloc if links else "",
            "unsubscribe_url": unsubscribe_url,
        },
    )
    if unsubscribe_url:
        text = f"{text.rstrip()}\n\nGet no more mails like this:\n{unsubscribe_url}\n"
    return Mail(
        to=to,
        subject=subject,
        text=text,
        html=html,
        unsubscribe_url=unsubscribe_url,
    )


def mail_html(
    template: str, context: Mapping[str, object], *, folder: Path = _TEMPLATES
) -> str:
    """Return the HTML of a mail, whose styles are in its elements.

    Its template is in ``folder`` and extends ``layout.html``, which needs ``subject``
    and ``preheader``, and shows a line in the colour ``accent`` above if it has one.
    The styles are those of mail.css, and of a style sheet with the name of the
    template. All texts in the context are escaped; ``unlinked`` keeps mail programs
    from making links of them.
    """
    html = (
        _environment(folder)
        .get_template(template)
        .render({"accent": "", "unlinked": unlinked, **context})
    )
    return _inliner(folder / Path(template).with_suffix(".css")).inline(html)


@cache
def _environment(folder: Path) -> Environment:
    return Environment(
        loader=ChoiceLoader([FileSystemLoader(folder), FileSystemLoader(_TEMPLATES)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _inliner(own: Path) -> CSSInliner:
    styles = (_TEMPLATES / "mail.css").read_text()
    if own.exists():
        styles += own.read_text()
    return CSSInliner(extra_css=styles, load_remote_stylesheets=False)


def _paragraph(text: str) -> _Paragraph:
    lines = text.split("\n")
    links = [line for line in lines if _LINK.fullmatch(line)]
    words = " ".join(line for line in lines if line not in links)
    return _Paragraph(words, links[0] if links else "")

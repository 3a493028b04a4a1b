"""HTML from a pattern and texts, in a fraction of the time of a template."""

import re
from collections.abc import Iterable
from typing import LiteralString

from markupsafe import Markup, escape

_is_special = re.compile("[&<>'\"]").search


def html(pattern: LiteralString, *values: object) -> Markup:
    """Return a pattern with values in place of its ``{}``, escaped if they are text.

    The pattern stands in the code, so that nobody else writes any of it.
    """
    # Markup.format takes five times as long: lists fill hundreds of patterns. Most
    # texts are numbers and handles, and escaping takes longer than looking at them.
    return Markup(pattern.format(*[_escaped(value) for value in values]))  # noqa: S704


def joined(parts: Iterable[Markup]) -> Markup:
    """Return pieces of HTML as one."""
    return Markup("".join(parts))  # noqa: S704


def _escaped(value: object) -> str:
    if type(value) is Markup:
        return value
    text = str(value)
    return escape(text) if _is_special(text) else text

"""Answers as text that can be read and compared line by line."""

import json
import re
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from hashlib import sha256
from itertools import groupby
from typing import Any

from tests.kit.markup import Element
from tests.walls.volatile import without_volatile

# Lines of JSON are at most so wide; an object without others inside may be wider.
_WIDTH = 110
_FLAT_WIDTH = 170
# Columns are as wide as their widest cell, which may be of another row.
_GAP = re.compile(" {2,}")
# Rows of a list that are shown; the rest has a hash, so that each change is seen.
_SHOWN = 6
_SHOWN_ELEMENTS = {"details": _SHOWN, "li": _SHOWN, "option": 24, "tr": _SHOWN}
_TOKEN = re.compile("input name=(csrf|idempotency_key) ")
# Attributes of looks, which mean nothing else.
_LOOKS = {"class", "style", "nonce"}
_WITHOUT_CONTENT = {"svg", "script", "style"}
# The machine says which time zones there are.
_OF_THE_MACHINE = "time-zones"


def json_lines(value: object, *, shown: int | None = _SHOWN) -> list[str]:
    """Return JSON as lines: what is short on one, and the first items of long lists."""
    return [*_json(value, "", "", shown)]


def _json(value: Any, name: str, indent: str, shown: int | None) -> Iterator[str]:  # noqa: ANN401
    whole = json.dumps(value, ensure_ascii=False, sort_keys=True)
    width = _FLAT_WIDTH if _is_flat(value) else _WIDTH
    if len(indent) + len(name) + len(whole) <= width or not value:
        yield f"{indent}{name}{whole}"
    elif isinstance(value, dict):
        yield f"{indent}{name}{{"
        for key in sorted(value):
            yield from _json(value[key], f"{key}: ", f"{indent} ", shown)
    elif isinstance(value, list):
        yield f"{indent}{name}["
        items = (list(_json(item, "- ", f"{indent} ", shown)) for item in value)
        yield from _first([*items], f"{indent} ", shown)
    else:
        yield f"{indent}{name}{whole}"


def _is_flat(value: object) -> bool:
    return isinstance(value, dict) and not any(
        isinstance(each, dict | list) for each in value.values()
    )


def body_lines(text: str) -> list[str]:
    """Return JSON as lines of JSON, and another text by its first lines."""
    try:
        return json_lines(json.loads(text))
    except json.JSONDecodeError:
        return text_lines(text)


def text_lines(text: str, *, shown: int = 12) -> list[str]:
    """Return the first lines of a text, and a hash of the rest."""
    lines = (_GAP.sub("  ", line).rstrip() for line in text.splitlines())
    return [*_first([[line] for line in lines], "", shown)]


def _first(
    parts: Sequence[Sequence[str]], indent: str, shown: int | None
) -> Iterator[str]:
    kept = len(parts) if shown is None or len(parts) <= shown + 1 else shown
    for part in parts[:kept]:
        yield from part
    if rest := parts[kept:]:
        text = without_volatile("\n".join("\n".join(part) for part in rest))
        digest = sha256(text.encode())
        yield f"{indent}… {len(rest)} more, {digest.hexdigest()[:12]}"


def differing_lines(before: Sequence[str], now: Sequence[str]) -> list[str]:
    """Return the lines that only one has, with a minus for those from before."""
    said = (
        line
        for line in unified_diff(before, now, lineterm="", n=0)
        if not line.startswith(("---", "+++", "@@"))
    )
    # Each form has tokens of its own.
    return [line for line in said if not _TOKEN.search(line)]


def html_lines(element: Element) -> list[str]:
    """Return an element as lines: each element inside on one of its own, with its text.

    Attributes are sorted. Drawings and classes are left out, and so are elements that
    without their classes say nothing.
    """
    return [*_html(element, "")]


def _html(element: Element, indent: str) -> Iterator[str]:
    attributes = {
        name: value
        for name, value in sorted(element.attributes.items())
        if name not in _LOOKS
    }
    words = [element.tag, *(_attribute(*each) for each in attributes.items())]
    children = [*_pieces(element)] if _has_content(element) else []
    if len(children) == 1 and isinstance(children[0], str):
        yield f"{indent}{' '.join(words)} | {children[0]}"
        return
    yield f"{indent}{' '.join(words)}"
    inside = f"{indent} "
    for tag, alike in groupby(children, key=_tag):
        parts = [
            [f"{inside}| {each}"] if isinstance(each, str) else [*_html(each, inside)]
            for each in alike
        ]
        yield from _first(parts, inside, _SHOWN_ELEMENTS.get(tag))


def _tag(child: Element | str) -> str:
    return child.tag if isinstance(child, Element) else ""


def _has_content(element: Element) -> bool:
    is_of_machine = element.attributes.get("id") == _OF_THE_MACHINE
    return element.tag not in _WITHOUT_CONTENT and not is_of_machine


def _pieces(element: Element) -> Iterator[Element | str]:
    """Yield elements and texts; texts that only looks parted are one."""
    text: list[str] = []
    for child in _flat(element):
        if isinstance(child, str):
            text.append(child)
            continue
        if said := " ".join("".join(text).split()):
            yield said
        text.clear()
        yield child
    if said := " ".join("".join(text).split()):
        yield said


def _flat(element: Element) -> Iterator[Element | str]:
    for child in element.children:
        if (
            isinstance(child, Element)
            and child.tag == "span"
            and not child.attributes.keys() - _LOOKS
        ):
            yield " "
            yield from _flat(child)
            yield " "
        else:
            yield child


def _attribute(name: str, value: str) -> str:
    if not value:
        return name
    value = " ".join(value.split())
    return f'{name}="{value}"' if set(value) & set(" |") else f"{name}={value}"

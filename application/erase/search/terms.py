"""Finds erased values in texts: whole words, and short words only as whole values."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import unquote_plus, urlsplit

import msgspec

from application.erase.values import ErasedValue
from domain.creator.decider import CreatorState
from domain.events import STORED_NAMES
from domain.letter_case import folded

# Separates the cells of a row, which never contain it.
CELL_END = "\x1f"

# Kinds that identify a person. Other short texts may belong to anybody.
_NAMING = frozenset(
    {"handle", "user id", "sec_uid", "video id", "picture", "given value"}
)
# A handle of this length or more is recognizable in any text.
LONG_NAME = 6
_LONG_NUMBER, _LONG_TEXT = 8, 12
_SHORTEST_NAME, _SHORTEST_TEXT = 2, 3
# More words of a text do not make it easier to find.
_MOST_WORDS = 40

_word = re.compile(r"\w+")
# Escapes of JSON, which would otherwise be part of the word after them.
_escape = re.compile(r"\\(?:[nrtbf]|u([0-9a-fA-F]{4})|(\\))")
# The places of a whole value: a cell, a text of JSON, a member of a list or of an
# address, after the sign of a field or of a handle.
_AS_A_VALUE = (
    rf"(?:(?:(?<=[\"'/{{,{CELL_END}])|^){{0}}(?=[\"'/?&,}}{CELL_END}]|$)"
    rf"|(?<=[=@]){{0}}(?=[\s\"'/?&,}}]|$))"
)

Unsearched = Literal["too short", "a word that Goatherd uses itself"]


class SearchTerm(msgspec.Struct, frozen=True, gc=False):
    """A value to find: ``anchor`` is one of its words, ``matches`` checks all."""

    value: ErasedValue
    anchor: str
    matches: Callable[[str], object]


class SearchTerms:
    """All values to find at once.

    ``unsearched`` counts, by kind and reason, the values that look like other words.
    """

    def __init__(self, values: Iterable[ErasedValue]) -> None:
        self.searched: Counter[str] = Counter()
        self.unsearched: Counter[tuple[str, Unsearched]] = Counter()
        self._of_anchor: dict[str, list[SearchTerm]] = defaultdict(list)
        for value in sorted({*values}):
            term = _term(value)
            if isinstance(term, SearchTerm):
                self._of_anchor[term.anchor].append(term)
                self.searched[value.kind] += 1
            else:
                self.unsearched[value.kind, term] += 1

    def found_in(self, text: str) -> set[ErasedValue]:
        """Return the values in a text, in which ``CELL_END`` separates cells."""
        found = self._found_in(folded(text))
        if "\\" in text:
            found |= self._found_in(folded(_escape.sub(_unescaped, text)))
        if "%" in text:
            # The text may contain an address in an address, or a form as it was sent.
            found |= self._found_in(folded(unquote_plus(text)))
        return found

    def _found_in(self, text: str) -> set[ErasedValue]:
        words = self._of_anchor.keys() & set(_word.findall(text))
        return {
            term.value
            for word in words
            for term in self._of_anchor[word]
            if term.matches(text)
        }


def _term(value: ErasedValue) -> SearchTerm | Unsearched:
    text = folded(value.text)
    if value.kind == "picture":
        # The rest of an address is signed anew each time, and the host changes.
        text = urlsplit(text).path
    words = _word.findall(text)
    anchor = max(words, key=len, default="")
    is_name = value.kind in _NAMING and " " not in text
    if len(text) < (_SHORTEST_NAME if is_name else _SHORTEST_TEXT) or not anchor:
        return "too short"
    if text in own_words():
        return "a word that Goatherd uses itself"
    least = _LONG_TEXT
    if is_name:
        least = _LONG_NUMBER if text.isdecimal() else LONG_NAME
    if len(text) < least:
        pattern = _AS_A_VALUE.replace("{0}", rf"\s*{re.escape(text)}\s*")
    elif is_name:
        # A handle has dots and underscores; a dot that ends a sentence does not belong
        # to it.
        begin = r"(?<!\w)(?<!\w\.)" if _word.match(text) else ""
        end = r"(?!\w)(?!\.\w)" if _word.match(text[-1]) else ""
        pattern = f"{begin}{re.escape(text)}{end}"
    else:
        # The text between words may be written in several ways.
        words = words[:_MOST_WORDS]
        anchor = max(words, key=len)
        pattern = r"\b" + r"\W+".join(map(re.escape, words)) + r"\b"
    return SearchTerm(value, anchor, re.compile(pattern).search)


def _unescaped(escape: re.Match[str]) -> str:
    number, backslash = escape.groups()
    return backslash or (" " if number is None else chr(int(number, 16)))


@cache
def own_words() -> Collection[str]:
    """Return words that Goatherd stores itself, such as states and names of fields.

    A handle that is one of these words would be found in every row.
    """
    words = {"true", "false", "null", "none", "goatherd", "creator", *STORED_NAMES}
    for kind in (CreatorState, *STORED_NAMES.values()):
        words |= {*kind.__struct_encode_fields__}
        for hint in get_type_hints(kind).values():
            words |= {*_literals(hint)}
    return frozenset(words)


def _literals(hint: Any) -> Iterable[str]:  # noqa: ANN401
    for each in get_args(hint):
        if get_origin(hint) is Literal:
            yield str(each)
        else:
            yield from _literals(each)

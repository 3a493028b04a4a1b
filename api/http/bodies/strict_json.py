"""Checks of JSON bodies that msgspec does not make.

msgspec has no limit on depth, keeps the last of two equal keys, and accepts characters
that PostgreSQL refuses. These checks run before msgspec decodes a body.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import accumulate, islice
from typing import Any, cast

from api.http.errors import ApiError, Code, FieldProblem, field_error, fields_error
from domain.letter_case import FORBIDDEN

MAX_DEPTH = 64
_MAX_PROBLEMS = 20

FORBIDDEN_MESSAGE = "must not contain NUL, lone surrogates or bidirectional controls"

# A whole string, or an unfinished one up to the end. The pattern matches from any quote
# and never goes back, so the time is linear in the length of any body.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_STEP = {**dict.fromkeys(b"[{", 1), **dict.fromkeys(b"]}", -1)}


def check(body: bytes) -> None:
    """Refuse JSON that is not UTF-8, too deep, ambiguous, or has forbidden characters.

    Raises:
        ApiError: ``body_too_deep`` or ``invalid_body``, naming the field.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise field_error(Code.INVALID_BODY, "", "must be valid UTF-8") from None
    if _is_too_deep(body):
        raise ApiError(Code.BODY_TOO_DEEP)
    try:
        tree = _parse(text, _object)
    except _RepeatedKeyError:
        tree = _parse(text, _Ambiguous)
    else:
        # An escape can hide any character, so the decoded strings are checked.
        if "\\u" not in text and not FORBIDDEN.search(text):
            return
    problems = list(islice(_problems(tree), _MAX_PROBLEMS))
    if problems:
        raise fields_error(Code.INVALID_BODY, problems)


def without_forbidden(text: str) -> str:
    """Return text without forbidden characters.

    Forms need this: people copy these characters along with names and numbers, cannot
    see them, and so could not remove them.
    """
    return FORBIDDEN.sub("", text)


def pointer(path: tuple[str | int, ...]) -> str:
    """Return the JSON Pointer of a path of keys and indexes."""
    return "".join(
        "/" + str(part).replace("~", "~0").replace("/", "~1") for part in path
    )


def _is_too_deep(body: bytes) -> bool:
    # Most bodies have too few brackets to be deep, in whatever order.
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False
    brackets = _STRING.sub(b"", body).translate(None, _NOT_BRACKETS)
    depths = accumulate(map(_STEP.__getitem__, brackets))
    return max(depths, default=0) > MAX_DEPTH


class _RepeatedKeyError(Exception):
    """An object has a key twice."""


class _Ambiguous(dict[str, Any]):
    """An object that records the keys it has more than once."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        counts = Counter(key for key, _ in pairs)
        self.repeated = [key for key, count in counts.items() if count > 1]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _RepeatedKeyError
    return found


def _refuse_constant(name: str) -> None:
    raise field_error(Code.INVALID_BODY, "", f"must be JSON, which has no {name}")


def _parse(text: str, make: Callable[[list[tuple[str, Any]]], object]) -> object:
    try:
        return json.loads(text, object_pairs_hook=make, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        message = f"must be JSON: {error.msg} at line {error.lineno}, "
        message += f"column {error.colno}"
        raise field_error(Code.INVALID_BODY, "", message) from None
    except ValueError:  # Python's own limit on the digits of a number
        message = "must not hold a number of more than 4300 digits"
        raise field_error(Code.INVALID_BODY, "", message) from None


def _problems(tree: object) -> Iterator[FieldProblem]:
    waiting: list[tuple[object, tuple[str | int, ...]]] = [(tree, ())]
    while waiting:
        value, path = waiting.pop()
        if isinstance(value, str):
            if FORBIDDEN.search(value):
                yield FieldProblem(pointer(path), FORBIDDEN_MESSAGE)
            continue
        if isinstance(value, _Ambiguous):
            for key in value.repeated:
                yield FieldProblem(pointer((*path, key)), "must be given only once")
        if isinstance(value, dict):
            for key, inner in cast("dict[str, object]", value).items():
                if FORBIDDEN.search(key):
                    name = FORBIDDEN.sub("\ufffd", key)
                    yield FieldProblem(
                        pointer((*path, name)), f"a name {FORBIDDEN_MESSAGE}"
                    )
                waiting.append((inner, (*path, key)))
        elif isinstance(value, list):
            items = enumerate(cast("list[object]", value))
            waiting.extend((inner, (*path, index)) for index, inner in items)

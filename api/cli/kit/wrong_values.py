"""Wrong values on command lines, explained in plain words."""

from datetime import date, datetime
from typing import get_args
from uuid import UUID

from cyclopts import CoercionError

_EXPECTED: dict[object, str] = {
    UUID: "an id; lists show ids with --ids",
    int: "a whole number",
    float: "a number",
    date: "a day, such as 2026-11-29",
    datetime: "a time, such as 2026-11-29T12:00",
}


def in_plain_words(error: CoercionError) -> str:
    """Return the reason why a value is wrong.

    The library names types of Python, such as UUID, for values that it cannot convert.
    """
    if error.msg is None and error.token:
        # An option may be of the type, or none.
        types = (error.target_type, *get_args(error.target_type))
        expected = next((_EXPECTED[each] for each in types if each in _EXPECTED), None)
        if expected is not None:
            name = error.token.keyword
            if name is None and error.argument is not None:
                name = error.argument.name.lstrip("-").upper()
            begin = "" if name is None else f"{name}: "
            return f'{begin}"{error.token.value}" is not {expected}.'
    return str(error)

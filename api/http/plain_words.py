"""msgspec's messages about values, in plain words for people who send JSON or forms."""

import re

_KINDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "date": "a date",
    "datetime": "a time",
    "uuid": "a UUID",
}
_UNITS = {"str": "characters", "array": "entries", "object": "fields"}
_SHORTEST = {"<=": "at most", ">=": "at least"}
_BOUNDS = {**_SHORTEST, "<": "less than", ">": "more than"}
_INVALID = {
    "RFC3339 encoded date": "must be a date, such as 2026-11-24",
    "RFC3339 encoded datetime": "must be a time, such as 2026-11-24T09:30:00Z",
    "UUID": "must be a UUID",
}

_LENGTH = re.compile(r"Expected (\w+) of length (<=|>=) (\d+)\Z")
_BOUND = re.compile(r"Expected (?:int|float)(?: \| \w+)* (<=|>=|<|>) (\S+)\Z")
_KIND = re.compile(r"Expected (.+), got (\w+)\Z")


def plain(message: str) -> str:
    """Return msgspec's message about a value in the style of our messages."""
    message = message.replace("`", "")
    if message.startswith("Invalid "):
        what = message.removeprefix("Invalid ")
        return _INVALID.get(what, f"is not a valid {what}")
    if length := _LENGTH.match(message):
        return _length(*length.groups())
    if bound := _BOUND.match(message):
        return f"must be {_BOUNDS[bound[1]]} {bound[2]}"
    if kind := _KIND.match(message):
        expected = [_in_words(word) for word in kind[1].split(" | ") if word != "null"]
        return f"must be {' or '.join(expected)}, not {_in_words(kind[2])}"
    return message.replace("Expected ", "must be ", 1)


def _length(kind: str, bound: str, limit: str) -> str:
    if (bound, limit) == (">=", "1"):
        return "must not be empty"
    verb = "must be" if kind == "str" else "must have"
    units = _UNITS.get(kind, "entries")
    if limit == "1":
        units = {"entries": "entry"}.get(units, units.removesuffix("s"))
    long = " long" if kind == "str" else ""
    return f"{verb} {_SHORTEST[bound]} {limit} {units}{long}"


def _in_words(kind: str) -> str:
    return _KINDS.get(kind, kind)

"""Query parameters: only known ones, each once, in valid UTF-8 and in range.

Pages ignore unknown parameters, because people and programs add their own when they
share an address.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from api.http.bodies.json_body import not_allowed
from api.http.bodies.strict_json import FORBIDDEN_MESSAGE, without_forbidden
from api.http.errors import ApiError, Code, field_error
from domain.letter_case import FORBIDDEN

N = TypeVar("N", bound=str)

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}\Z")
_MAX_SHOWN = 60


class QueryRules(Struct, frozen=True, kw_only=True):
    """The query parameters of one operation.

    ``names`` are its parameters, ``numbers`` the parameters with whole numbers,
    ``texts`` the parameters with any text, and ``required`` the parameters without a
    default. ``choices`` are the values of enumerations. ``lists`` take several values
    with commas between. ``for_people`` is true for pages: unknown parameters are
    ignored, and characters that no text may have are removed, since the person who
    typed them cannot see them.
    """

    names: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    choices: Mapping[str, tuple[str, ...]] = {}
    lists: frozenset[str] = frozenset()
    for_people: bool = False

    def read(self, raw: bytes) -> tuple[tuple[str, str], ...]:
        """Return the parameters of a raw query string, one pair for each value.

        Raises:
            ApiError: ``invalid_query``, naming the parameter.
        """
        found: dict[str, list[str]] = {}
        for pair in raw.split(b"&") if raw else ():
            if not pair:
                continue
            raw_name, _, raw_value = pair.partition(b"=")
            if self.for_people and _unescaped(raw_name) not in self._raw_names:
                continue
            name = _decode(raw_name, where=raw_name)
            if name not in self.names:
                raise invalid_query(name, _unknown(self.names))
            if name in found:
                raise invalid_query(name, "must be given only once")
            value = _decode(raw_value, where=raw_name, is_lenient=self.for_people)
            if name in self.numbers and not _WHOLE_NUMBER.match(value):
                raise invalid_query(name, "must be a whole number")
            # msgspec would read this as None, as if the parameter were missing.
            if name not in self.texts and value.lower() == "null":
                raise invalid_query(name, "must be left out instead of null")
            found[name] = values = value.split(",") if name in self.lists else [value]
            self._check(name, values)
        for name in self.required - found.keys():
            raise invalid_query(name, "is required")
        return tuple((name, value) for name in found for value in found[name])

    def _check(self, name: str, values: Sequence[str]) -> None:
        allowed = self.choices.get(name)
        for number, value in enumerate(values):
            if allowed is not None and value not in allowed:
                raise invalid_query(name, not_allowed(repr(_shown(value)), allowed))
            if value in values[:number]:
                raise invalid_query(name, f"must not name {_shown(value)} twice")

    @property
    def _raw_names(self) -> set[bytes]:
        return {name.encode() for name in self.names}


def invalid_query(name: str, message: str) -> ApiError:
    return field_error(Code.INVALID_QUERY, f"/{_shown(name)}", message)


def several_of(
    name: str, text: str, allowed: Sequence[N], *, otherwise: str = ""
) -> tuple[N, ...]:
    """Return the values between commas, in the order of ``allowed``.

    The same list then has the same cursors. ``otherwise`` is the beginning of the
    message that names another possible text.

    Raises:
        ApiError: ``invalid_query``, if a value is unknown or is there twice.
    """
    names = text.split(",")
    if not {*names} <= {*allowed} or len({*names}) < len(names):
        message = f"one or more of {', '.join(allowed)}, each once"
        raise invalid_query(name, f"must be {otherwise}{message}")
    return tuple(each for each in allowed if each in names)


def check_path(parameters: Mapping[str, object]) -> None:
    """Refuse path parameters with characters that no stored text can hold.

    Raises:
        ApiError: ``invalid_params``, naming the parameter.
    """
    for name, value in parameters.items():
        if isinstance(value, str) and (FORBIDDEN.search(value) or "\ufffd" in value):
            raise field_error(Code.INVALID_PARAMS, f"/{name}", FORBIDDEN_MESSAGE)


def _decode(raw: bytes, *, where: bytes, is_lenient: bool = False) -> str:
    try:
        text = _unescaped(raw).decode()
    except UnicodeDecodeError:
        name = where.decode("ascii", "replace")
        raise invalid_query(name, "must be valid UTF-8") from None
    if is_lenient:
        return without_forbidden(text)
    if FORBIDDEN.search(text):
        name = where.decode("ascii", "replace")
        raise invalid_query(name, FORBIDDEN_MESSAGE)
    return text


def _unescaped(raw: bytes) -> bytes:
    if b"%" in raw or b"+" in raw:
        return unquote_to_bytes(raw.replace(b"+", b" "))
    return raw


def _shown(name: str) -> str:
    return FORBIDDEN.sub("\ufffd", name)[:_MAX_SHOWN]


def _unknown(names: Collection[str]) -> str:
    if not names:
        return "is unknown; this operation has no query parameters"
    return f"is unknown; this operation has {', '.join(sorted(names))}"

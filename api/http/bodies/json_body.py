"""Reads a JSON body into the Struct that an operation declares.

A route declares ``data: JSONBody[NewProject]``, or ``data: OneOf[A | B]`` if the body
may have one of two forms. The value of ``data`` has been checked here.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from types import NoneType
from typing import Annotated, Any, TypeGuard, TypeVar, get_args

import msgspec
import msgspec.inspect
from litestar.enums import RequestEncodingType
from litestar.params import BodyKwarg, SkipValidationMarker
from msgspec import DecodeError, Struct, ValidationError
from msgspec.structs import FieldInfo, fields

from api.http.bodies import strict_json
from api.http.errors import ApiError, Code, FieldProblem, field_error
from api.http.plain_words import plain

MAX_BODY_BYTES = 1_000_000
# Above this size, checking and decoding take milliseconds and run in a thread.
LARGE_BODY_BYTES = 32_768
_MAX_SHOWN = 100

T = TypeVar("T")

# msgspec and Litestar cannot distinguish two plain Structs; BodyReader can.
OneOf = Annotated[
    T, SkipValidationMarker(), BodyKwarg(media_type=RequestEncodingType.JSON)
]


def not_allowed(given: str, allowed: Iterable[object]) -> str:
    """Return the message about a value that an enumeration does not have."""
    return f"must be one of {', '.join(map(str, allowed))}, not {given}"


class BodyReader:
    """Reads the bodies of one operation; ``is_optional`` says that there may be none.

    If there are several Structs, the body is the first one with a required field that
    the body has and no other Struct has, else the first.
    """

    def __init__(self, annotation: Any) -> None:  # noqa: ANN401 - any JSON type
        forms = forms_of(annotation)
        self.is_optional = NoneType in get_args(annotation)
        self._forms = [
            (_marks(form, forms), msgspec.json.Decoder[Any](form)) for form in forms
        ]
        self._types = {
            decoder: msgspec.inspect.type_info(form)
            for (_, decoder), form in zip(self._forms, forms, strict=True)
        }

    def read(self, body: bytes) -> object:
        """Return the decoded body.

        Raises:
            ApiError: ``invalid_body`` naming the field, or ``body_too_deep``.
        """
        strict_json.check(body)
        decoder = self._decoder(body)
        try:
            return decoder.decode(body)
        except ValidationError as error:
            problem = _problem(str(error), self._types[decoder])
        except DecodeError as error:
            problem = FieldProblem("", str(error))
        raise field_error(Code.INVALID_BODY, problem.path, problem.message)

    def _decoder(self, body: bytes) -> msgspec.json.Decoder[Any]:
        if len(self._forms) == 1:
            return self._forms[0][1]
        given = _keys(body)
        meant = (decoder for marks, decoder in self._forms if marks & given)
        return next(meant, self._forms[0][1])


def forms_of(annotation: Any) -> list[Any]:  # noqa: ANN401 - any JSON type
    """Return the Structs that a body may be if there are several, else the type."""
    structs = [form for form in get_args(annotation) if _is_struct(form)]
    return structs if len(structs) > 1 else [annotation]


def check_content_type(content_type: bytes | None) -> None:
    """Refuse a body whose Content-Type is not JSON in UTF-8.

    A form on another site's page can send text/plain without a check by the browser,
    but not JSON.

    Raises:
        ApiError: ``unsupported_media_type``.
    """
    media_type, _, parameters = (content_type or b"").lower().partition(b";")
    if media_type.strip() != b"application/json":
        raise ApiError(Code.UNSUPPORTED_MEDIA_TYPE)
    name, _, charset = parameters.strip().partition(b"=")
    if name == b"charset" and charset.strip(b'" ') not in {b"utf-8", b"utf8"}:
        raise ApiError(Code.UNSUPPORTED_MEDIA_TYPE, "The body must be sent as UTF-8.")


def _is_struct(type_: object) -> TypeGuard[type[Struct]]:
    return isinstance(type_, type) and issubclass(type_, Struct)


def _marks(form: object, forms: list[Any]) -> frozenset[str]:
    if len(forms) == 1 or not _is_struct(form):
        return frozenset()
    others = (fields(other) for other in forms if other is not form)
    taken = {field.encode_name for its_fields in others for field in its_fields}
    return frozenset(
        field.encode_name
        for field in fields(form)
        if _is_required(field) and field.encode_name not in taken
    )


def _is_required(field: FieldInfo) -> bool:
    return field.default is field.default_factory is msgspec.NODEFAULT


def _keys(body: bytes) -> frozenset[str]:
    try:
        return frozenset(msgspec.json.decode(body, type=dict[str, msgspec.Raw]))
    except ValidationError:
        return frozenset()


# The form of msgspec's messages: Expected `str`, got `int` - at
# `$.creators[3].tiktok_handle`
_PLACE = re.compile(r" - at (?:`key` in )?`\$([^`]*)`\Z")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_NAMED = re.compile(
    r"Object (contains unknown|missing required) field `(.*)`\Z", re.DOTALL
)


_NOT_ALLOWED = "Invalid enum value "


def _problem(error: str, type_: msgspec.inspect.Type) -> FieldProblem:
    place = _PLACE.search(error)
    steps = _STEP.findall(place[1]) if place else []
    path: tuple[str | int, ...] = tuple(name or int(index) for name, index in steps)
    message = error[: place.start()] if place else error
    if message.startswith(_NOT_ALLOWED):
        given = message.removeprefix(_NOT_ALLOWED)
        return FieldProblem(
            strict_json.pointer(path), not_allowed(given, _allowed_at(type_, path))
        )
    named = _NAMED.match(message)
    if named is None:
        return FieldProblem(strict_json.pointer(path), plain(message))
    path = (*path, named[2][:_MAX_SHOWN])
    is_unknown = named[1].startswith("contains")
    message = "is not a field of this operation" if is_unknown else "is required"
    return FieldProblem(strict_json.pointer(path), message)


def _allowed_at(
    type_: msgspec.inspect.Type, path: Sequence[str | int]
) -> Iterator[object]:
    """Yield the values of the enumerations at a place in a body."""
    match type_:
        case msgspec.inspect.Metadata():
            yield from _allowed_at(type_.type, path)
        case msgspec.inspect.UnionType():
            for inner in type_.types:
                yield from _allowed_at(inner, path)
        case msgspec.inspect.LiteralType() if not path:
            yield from type_.values
        case msgspec.inspect.StructType() if path:
            for field in type_.fields:
                if field.encode_name == path[0]:
                    yield from _allowed_at(field.type, path[1:])
        case msgspec.inspect.CollectionType() if path:
            yield from _allowed_at(type_.item_type, path[1:])
        case _:
            pass

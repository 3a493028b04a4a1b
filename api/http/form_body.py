"""Reading what a page's form sends into the Struct that the operation declares.

A page's route writes ``opt={"form": NewNote, ...}`` and asks for what was sent with
``request.form_as(NewNote)``. A field is text, a list of texts, or a box that is ticked
or not; what texts mean is for the API to say. Characters that no text may hold are left
out of it, since whoever typed it cannot see them.

A text that people type is declared ``Annotated[str, typed("Notes")]``, with the name it
has on the page: where a form is not carried out it is shown again under that name.
"""

import re
from typing import Any, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta, Struct, ValidationError
from msgspec.structs import fields

from api.http.errors import ApiError, Code, field_error
from api.http.strict_json import FORBIDDEN, FORBIDDEN_MESSAGE, without_forbidden

TYPE = b"application/x-www-form-urlencoded"
# What every form of ours carries beside its own fields.
CSRF, IDEMPOTENCY_KEY = "csrf", "idempotency_key"

_MAX_FIELDS = 1_000
_BAD_ESCAPE = re.compile(rb"%(?![0-9a-fA-F]{2})")


class NoFields(Struct, frozen=True, forbid_unknown_fields=True):
    """A form with nothing but a button."""


class Form(Struct, frozen=True, kw_only=True):
    """What was sent: the operation's own fields, and what every form carries.

    ``csrf`` proves that the form is one of ours. Forms that are sent with the same
    ``idempotency_key`` are carried out once.
    """

    fields: Struct
    csrf: str | None = None
    idempotency_key: str | None = None


def typed(label: str) -> Meta:
    """Return what marks a field that people type, by the name it has on the page."""
    return Meta(title=label)


class FormReader:
    """Reads the forms of one operation.

    ``labels`` are what the fields that people type are called.
    """

    def __init__(self, type_: type[Struct]) -> None:
        self._type = type_
        self._lists = {
            field.encode_name
            for field in fields(type_)
            if get_origin(field.type) in {list, tuple}
        }
        self._boxes = {f.encode_name for f in fields(type_) if f.type is bool}
        self.labels: dict[str, str] = {
            field.encode_name: note.title
            for field in fields(type_)
            for note in get_args(field.type)
            if isinstance(note, Meta) and note.title is not None
        }

    def read(self, body: bytes) -> Form:
        """Return the form in a body.

        Raises:
            ApiError: ``invalid_body``, naming the field.
        """
        found: dict[str, Any] = {}
        for name, value in _pairs(body):
            if name in self._lists:
                found.setdefault(name, []).append(value)
            elif name in found:
                raise field_error(Code.INVALID_BODY, f"/{name}", "is there twice")
            else:
                found[name] = value == "on" if name in self._boxes else value
        csrf = found.pop(CSRF, None)
        idempotency_key = found.pop(IDEMPOTENCY_KEY, None)
        try:
            own = msgspec.convert(found, self._type)
        except ValidationError as error:
            raise ApiError(Code.INVALID_BODY, str(error)) from None
        return Form(fields=own, csrf=csrf, idempotency_key=idempotency_key)


def check_form_type(content_type: bytes | None) -> None:
    """Refuse a body that is not a form.

    Raises:
        ApiError: ``unsupported_media_type``.
    """
    if (content_type or b"").lower().partition(b";")[0].strip() != TYPE:
        message = "The body must be sent as a form."
        raise ApiError(Code.UNSUPPORTED_MEDIA_TYPE, message)


def _pairs(body: bytes) -> list[tuple[str, str]]:
    if _BAD_ESCAPE.search(body):
        raise field_error(Code.INVALID_BODY, "", "is no form")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError:
        raise field_error(Code.INVALID_BODY, "", "is no form") from None
    for name, _ in pairs:
        if FORBIDDEN.search(name):
            shown = FORBIDDEN.sub("\ufffd", name)
            raise field_error(Code.INVALID_BODY, f"/{shown}", FORBIDDEN_MESSAGE)
    return [(name, _normalized(value)) for name, value in pairs]


def _normalized(value: str) -> str:
    # Browsers end lines as mail does.
    return without_forbidden(value).replace("\r\n", "\n")

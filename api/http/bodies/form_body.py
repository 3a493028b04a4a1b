"""Reads the form that a page sends into the Struct that the operation declares.

A page's route declares ``opt={"form": NewNote, ...}`` and reads the form with
``request.form_as(NewNote)``. A field is a text, a list of texts, or a check box. The
API interprets the texts. Characters that no text may have are removed, since the person
who typed the text cannot see them.

A text that people type is declared ``Annotated[str, typed("Notes")]``, with its name on
the page. If a form is refused, the text is shown again with that name.
"""

import codecs
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator, Mapping
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta, Struct, ValidationError
from msgspec.structs import fields

from api.http.bodies.strict_json import FORBIDDEN_MESSAGE, without_forbidden
from api.http.errors import ApiError, Code, field_error
from domain.letter_case import FORBIDDEN

TYPE = b"application/x-www-form-urlencoded"
# The fields that every form has besides its own.
CSRF, IDEMPOTENCY_KEY = "csrf", "idempotency_key"
# The fields with a whole form that waits for a proof, and the type of its body.
KEPT_FORM, KEPT_TYPE = "kept_form", "kept_type"

_MULTIPART = b"multipart/form-data"
_MAX_FIELDS = 1_000
_BAD_ESCAPE = re.compile(rb"%(?![0-9a-fA-F]{2})")
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_NO_TEXT = "must be text in UTF-8 or UTF-16: save the sheet as CSV UTF-8"


class NoFields(Struct, frozen=True, forbid_unknown_fields=True):
    """A form without fields, which only has a button."""


class Form(Struct, frozen=True, kw_only=True):
    """A form that was sent: the operation's own fields, and the fields of every form.

    ``csrf`` proves that a page of ours has the form. Forms with the same
    ``idempotency_key`` are executed once.
    """

    fields: Struct
    csrf: str | None = None
    idempotency_key: str | None = None


class ProvedForm(Struct, frozen=True, kw_only=True):
    """A form with a proof of its sender, which has another form inside, as it was sent.

    ``answers`` are the fields of the proof, such as the password.
    """

    body: bytes
    content_type: bytes
    answers: Mapping[str, str]
    csrf: str | None


def kept_form(content_type: bytes, body: bytes) -> dict[str, str]:
    """Return the fields that keep a form until its sender has given a proof.

    The body is kept byte for byte, so that lists and files stay as they were.
    """
    kept = urlsafe_b64encode(body).rstrip(b"=").decode()
    return {KEPT_FORM: kept, KEPT_TYPE: content_type.decode("latin-1")}


def most_kept_bytes(most_bytes: int) -> int:
    """Return the length of the longest body of a proof with a form of that length."""
    return most_bytes * 4 // 3 + 10_000


def proved_form(content_type: bytes | None, body: bytes) -> ProvedForm | None:
    """Return the form of a proof; None if the body is another form.

    Raises:
        ApiError: ``invalid_body``, if the form inside is not readable.
    """
    if not _is(TYPE, content_type or b"") or f"{KEPT_FORM}=".encode() not in body:
        return None
    fields_ = dict(_pairs(body))
    if KEPT_FORM not in fields_:
        return None
    kept, kept_type = fields_.pop(KEPT_FORM), fields_.pop(KEPT_TYPE, "")
    try:
        inside = urlsafe_b64decode(kept.encode("ascii") + b"=" * (-len(kept) % 4))
    except (Base64Error, ValueError):
        raise field_error(Code.INVALID_BODY, f"/{KEPT_FORM}", "is no form") from None
    return ProvedForm(
        body=inside,
        content_type=kept_type.encode("latin-1", "replace"),
        answers=fields_,
        csrf=fields_.pop(CSRF, None),
    )


def typed(label: str) -> Meta:
    """Return the mark of a field that people type, with its name on the page."""
    return Meta(title=label)


def uploaded(label: str) -> Meta:
    """Return the mark of a field that is the text of a file, with its name."""
    return Meta(title=label, extra={"is_file": True})


class FormReader:
    """Reads the forms of one operation.

    ``labels`` are the names of the fields that people type. Only a form with a field
    that is ``uploaded`` may be sent as multipart/form-data. The field is the text of a
    file, or its bytes if its type is bytes.
    """

    def __init__(self, type_: type[Struct]) -> None:
        self._type = type_
        self._lists = {
            field.encode_name
            for field in fields(type_)
            if get_origin(field.type) in {list, tuple}
        }
        self._boxes = {f.encode_name for f in fields(type_) if f.type is bool}
        self._files = {
            field.encode_name
            for field in fields(type_)
            if bytes in get_args(field.type)
        }
        self.labels: dict[str, str] = {
            field.encode_name: note.title
            for field in fields(type_)
            for note in get_args(field.type)
            if isinstance(note, Meta) and note.title is not None
            if field.encode_name not in self._files
        }

        self._takes_files = any(
            note.extra is not None and "is_file" in note.extra
            for field in fields(type_)
            for note in get_args(field.type)
            if isinstance(note, Meta)
        )

    def read(self, content_type: bytes | None, body: bytes) -> Form:
        """Return the form in a body.

        Raises:
            ApiError: ``invalid_body``, naming the field, or
                ``unsupported_media_type``.
        """
        if content_type and self._takes_files and _is(_MULTIPART, content_type):
            parts = list(_parts(content_type, body))
            files = {name: content for name, content in parts if name in self._files}
            texts = [
                (name, _text(name, content))
                for name, content in parts
                if name not in files
            ]
            pairs = _checked(texts)
        else:
            check_form_type(content_type)
            files, pairs = dict[str, bytes](), _pairs(body)
        found: dict[str, Any] = {**files}
        for name, value in pairs:
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
    if not _is(TYPE, content_type or b""):
        message = "The body must be sent as a form."
        raise ApiError(Code.UNSUPPORTED_MEDIA_TYPE, message)


def _is(media_type: bytes, content_type: bytes) -> bool:
    return content_type.lower().partition(b";")[0].strip() == media_type


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
    return _checked(pairs)


def _checked(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    for name, _ in pairs:
        if FORBIDDEN.search(name):
            shown = FORBIDDEN.sub("\ufffd", name)
            raise field_error(Code.INVALID_BODY, f"/{shown}", FORBIDDEN_MESSAGE)
    return [(name, _normalized(value)) for name, value in pairs]


def _normalized(value: str) -> str:
    # Browsers end lines with CR LF, as mail does.
    return without_forbidden(value).replace("\r\n", "\n")


def _parts(content_type: bytes, body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the names and contents of the fields and files of a form.

    Raises:
        ApiError: ``invalid_body``: the body is no such form.
    """
    head = b"Content-Type: " + content_type + b"\r\n\r\n"
    message = BytesParser(EmailMessage, policy=HTTP).parsebytes(head + body)
    if not message.is_multipart() or message.defects:
        raise field_error(Code.INVALID_BODY, "", "is no form")
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(content, bytes):
            raise field_error(Code.INVALID_BODY, "", "is no form")
        yield name, content


def _text(name: str, content: bytes) -> str:
    encoding = next(
        (of for mark, of in _MARKS.items() if content.startswith(mark)), "utf-8"
    )
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise field_error(Code.INVALID_BODY, f"/{name}", _NO_TEXT) from None

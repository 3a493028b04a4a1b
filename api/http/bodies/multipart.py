"""Forms with files: the fields and the texts of the files in a multipart body."""

import codecs
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP

from api.http.errors import Code, field_error

TYPE = b"multipart/form-data"

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_NO_TEXT = "must be text in UTF-8 or UTF-16: save the sheet as CSV UTF-8"


def is_multipart(content_type: bytes | None) -> bool:
    return (content_type or b"").lower().partition(b";")[0].strip() == TYPE


def pairs_in(content_type: bytes, body: bytes) -> list[tuple[str, str]]:
    """Return the names and texts of the fields of a form; a file counts as a text.

    Raises:
        ApiError: ``invalid_body``: the body is no such form, or a file is not text.
    """
    head = b"Content-Type: " + content_type + b"\r\n\r\n"
    message = BytesParser(EmailMessage, policy=HTTP).parsebytes(head + body)
    if not message.is_multipart() or message.defects:
        raise field_error(Code.INVALID_BODY, "", "is no form")
    pairs: list[tuple[str, str]] = []
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(content, bytes):
            raise field_error(Code.INVALID_BODY, "", "is no form")
        pairs.append((name, _text(name, content)))
    return pairs


def _text(name: str, content: bytes) -> str:
    encoding = next(
        (of for mark, of in _MARKS.items() if content.startswith(mark)), "utf-8"
    )
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise field_error(Code.INVALID_BODY, f"/{name}", _NO_TEXT) from None

"""Secrets in answers that are stored without them."""

from collections.abc import Callable
from uuid import UUID

import msgspec
from msgspec import Struct

_HIDDEN = b'"secret":""'


class _IdData(Struct):
    id: UUID


class _IdBody(Struct):
    data: _IdData


def with_secret(secret_of: Callable[[UUID], str | None], body: bytes) -> bytes:
    """Put the secret of the thing in ``data`` into an answer with an empty one.

    An answer without that field, or about a thing that is gone, stays as it is.
    """
    if _HIDDEN not in body:
        return body
    secret = secret_of(msgspec.json.decode(body, type=_IdBody).data.id)
    if secret is None:
        return body
    return body.replace(_HIDDEN, b'"secret":' + msgspec.json.encode(secret))

"""The Idempotency-Key of a request, and the form in which it is stored."""

import hashlib
import hmac
import re

from api.http.errors import Code, field_error
from api.http.request import Request
from infra.idempotency import IdempotentRequest

# The key is in quotes, as the draft of the standard says, or bare, as most clients send
# it.
_KEY = re.compile(rb'"([\x20\x21\x23-\x7e]{1,255})"\Z|([\x20-\x7e]{1,255})\Z')


def idempotency_request(request: Request, secret: str) -> IdempotentRequest | None:
    """Return the Idempotency-Key and fingerprint of a POST; None without a key.

    Raises:
        ApiError: the key is malformed.
    """
    header = request.raw_header(b"idempotency-key")
    if header is None or request.method != "POST":
        return None
    match = _KEY.match(header.strip(b" \t"))
    if match is None or match[0] == b'""':
        raise field_error(
            Code.INVALID_PARAMS,
            "/Idempotency-Key",
            "must be 1 to 255 printable ASCII characters",
        )
    principal = request.principal
    said = b"\n".join(
        (
            request.scope["raw_path"],
            request.scope["query_string"],
            request.body_that_was_read,
        )
    )
    return IdempotentRequest(
        organization_id=principal.organization_id,
        key_id=principal.key_id,
        idempotency_key=stored_key(match[1] or match[2], secret),
        plain_key=f"sha256:{hashlib.sha256(match[1] or match[2]).hexdigest()}",
        route=f"{request.method} {request.scope['path']}",
        # Requests name people. The hash is keyed, because anybody could try handles on
        # a plain one.
        fingerprint=hmac.digest(secret.encode(), said, "sha256"),
        plain_fingerprint=hashlib.sha256(said).digest(),
    )


def stored_key(text: bytes, secret: str) -> str:
    """Return the stored form of an Idempotency-Key, whose text may name a person."""
    return hmac.digest(secret.encode(), b"Idempotency-Key\n" + text, "sha256").hex()

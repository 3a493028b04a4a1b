"""Signatures of deliveries, as Standard Webhooks define them."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_SECRET_PREFIX = "whsec_"  # noqa: S105 - the form of a secret
_PUBLIC_PREFIX = "whpk_"


def signature_headers(
    body: bytes,
    *,
    message_id: str,
    timestamp: int,
    secrets: Sequence[str],
    signing_key: Ed25519PrivateKey | None,
) -> dict[str, str]:
    """Return the headers that sign a body.

    ``timestamp`` is in seconds since 1970. There is one signature by each secret, the
    newest first, and one by the key, if there is one.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = [f"v1,{_by_secret(secret, signed)}" for secret in secrets]
    if signing_key is not None:
        signatures.append(f"v1a,{b64encode(signing_key.sign(signed)).decode()}")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def public_key_text(public_key: bytes) -> str:
    """Return an Ed25519 public key in the form of Standard Webhooks."""
    return f"{_PUBLIC_PREFIX}{b64encode(public_key).decode()}"


def _by_secret(secret: str, signed: bytes) -> str:
    key = b64decode(secret.removeprefix(_SECRET_PREFIX))
    return b64encode(hmac.digest(key, signed, "sha256")).decode()

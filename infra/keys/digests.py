"""Digests of secrets: what is stored of a key, a link or a cookie."""

from hashlib import sha256


def digest_of(secret: str) -> bytes:
    """Return the SHA-256 digest of a random secret, by which it is found again."""
    return sha256(secret.encode()).digest()

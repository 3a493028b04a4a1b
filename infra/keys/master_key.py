"""The master key, which encrypts the keys that are stored in the database."""

import base64
import binascii
import os
import secrets
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32

_NONCE_BYTES = 12


class MasterKeyError(Exception):
    """The master key is missing, unreadable, or not the database's.

    The message says what to do.
    """


class MasterKey:
    """A key of 32 bytes that wraps other keys with AES-256-GCM."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            msg = f"A master key has {KEY_BYTES} bytes, not {len(key)}."
            raise ValueError(msg)
        self._cipher = AESGCM(key)

    @classmethod
    def from_text(cls, text: str, *, source: str) -> Self:
        """Return the key that ``text`` holds in base64; ``source`` names its place.

        Raises:
            MasterKeyError: the text does not hold 32 bytes in base64.
        """
        try:
            key = base64.b64decode(text.strip(), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise MasterKeyError(
                f"{source} does not hold a master key: it must be 32 bytes in base64, "
                "which are 44 characters."
            )
        return cls(key)

    def wrap(self, name: str, secret: bytes) -> bytes:
        """Return ``secret`` encrypted, to be unwrapped under the same name only."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, name.encode())

    def unwrap(self, name: str, wrapped: bytes) -> bytes:
        """Return the secret that was wrapped under ``name``.

        Raises:
            MasterKeyError: another key or name wrapped it, or it was changed.
        """
        nonce, sealed = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, sealed, name.encode())
        except (InvalidTag, ValueError):
            raise MasterKeyError(
                f"The key {name!r} in the database was not encrypted with this master "
                "key."
            ) from None


def new_master_key() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def master_key_path(data_dir: Path) -> Path:
    return data_dir / "master-key"

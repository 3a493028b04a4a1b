"""Signatures: Ed25519, with keys and signatures written in hex."""

from threading import Lock

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from infra.database import Pool
from infra.keys.opened import opened_keys
from infra.settings import Settings


class Signer:
    """Signs with the installation's key; ``key`` is its public half."""

    def __init__(self, secret: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(secret)
        self.key = self._private.public_key().public_bytes_raw().hex()

    def sign(self, text: bytes) -> str:
        """Return the signature of a text."""
        return self._private.sign(text).hex()


def is_signed(text: bytes, signature: str, key: str) -> bool:
    """Tell whether ``signature`` is that of the text by the public ``key``."""
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public.verify(bytes.fromhex(signature), text)
    except (InvalidSignature, ValueError):
        return False
    return True


class InstallationSigner:
    """The signer of an installation, opened when it is first needed."""

    def __init__(self, pool: Pool, settings: Settings) -> None:
        self._pool = pool
        self._settings = settings
        self._lock = Lock()
        self._signer: Signer | None = None

    def open(self) -> Signer:
        """Return the signer.

        Raises:
            MasterKeyError: the master key is missing, or not the database's.
        """
        with self._lock:
            if self._signer is None:
                with self._pool.connection() as connection:
                    _, keys = opened_keys(self._settings, connection)
                self._signer = Signer(keys.signing)
            return self._signer

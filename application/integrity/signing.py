"""Signatures by Ed25519, with keys and signatures in hex."""

from threading import Lock

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from domain.integrity.events import SigningKeyRotated
from infra.database import Pool
from infra.eventstore.store import BusyError
from infra.keys.installation_keys import wrapped_signing_key
from infra.keys.master_key import MasterKey
from infra.keys.opened import opened_keys, opened_master_key
from infra.settings import Settings


class Signer:
    """Signs with the installation's key; ``key`` is its public half."""

    def __init__(self, secret: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(secret)
        self.key = self._private.public_key().public_bytes_raw().hex()

    def sign(self, text: bytes) -> str:
        return self._private.sign(text).hex()


def is_signed(text: bytes, signature: str, key: str) -> bool:
    """Tell whether the public ``key`` made the signature of a text."""
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public.verify(bytes.fromhex(signature), text)
    except (InvalidSignature, ValueError):
        return False
    return True


def check_newest(rotation: SigningKeyRotated, signer: Signer) -> None:
    """Check that a signer has the newest key.

    Raises:
        BusyError: the signer has an older key.
    """
    if rotation.new_key != signer.key:
        raise BusyError(
            "The signing key was changed just now: try again. If it stays so, the keys "
            "of this installation are older than its log: restore newer ones."
        )


class InstallationSigner:
    """The signer of an installation, opened again after a change of its key."""

    def __init__(self, pool: Pool, settings: Settings) -> None:
        self._pool = pool
        self._settings = settings
        self._lock = Lock()
        self._signer: Signer | None = None
        self._wrapped: bytes | None = None

    def open(self) -> Signer:
        """Return the present signer.

        Raises:
            MasterKeyError: the master key is missing, or not the database's.
        """
        with self._lock:
            with self._pool.connection() as connection:
                if (
                    self._signer is None
                    or wrapped_signing_key(connection) != self._wrapped
                ):
                    _, keys = opened_keys(self._settings, connection)
                    self._wrapped = wrapped_signing_key(connection)
                    self._signer = Signer(keys.signing)
            return self._signer

    def master_key(self) -> MasterKey:
        """Return the master key that encrypts the signing key.

        Raises:
            MasterKeyError: the master key is missing, or not the database's.
        """
        with self._pool.connection() as connection:
            return opened_master_key(self._settings, connection)

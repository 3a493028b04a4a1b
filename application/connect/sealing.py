"""Seals tokens, and derives link secrets and digests from keys of the installation.

The results of this module are not stored in the clear. With the database alone nobody
gets a token or a link, or can guess an account and check it by its digest.
"""

import base64
import binascii
import hmac
from hashlib import sha256
from threading import Lock
from uuid import UUID

import msgspec
from msgspec import Struct

from infra.database import Pool
from infra.keys.master_key import MasterKey
from infra.keys.opened import opened_keys
from infra.settings import Settings

_MAC_BYTES = 16


class Tokens(Struct, frozen=True, kw_only=True):
    """TikTok's answer to a consent: tokens, and the id of their account."""

    access: str
    refresh: str
    open_id: str
    username: str

    def __repr__(self) -> str:
        return "Tokens(***)"


class _Keys(Struct, frozen=True, gc=False):
    sealing: MasterKey
    names: bytes

    def __repr__(self) -> str:
        return "_Keys(***)"


class ConnectionSeal:
    """The keys that connections use, opened at their first use.

    Every method raises MasterKeyError if the master key is missing or wrong.
    """

    def __init__(self, pool: Pool, settings: Settings) -> None:
        self._pool = pool
        self._settings = settings
        self._lock = Lock()
        self._keys: _Keys | None = None

    def make_ready(self) -> None:
        """Open the keys now; opening needs a connection, and a caller may hold one."""
        self._opened()

    def seal(self, connection_id: UUID, tokens: Tokens) -> bytes:
        """Return the tokens encrypted, to be opened for the same connection only."""
        encoded = msgspec.json.encode(tokens)
        return self._opened().sealing.wrap(_name(connection_id), encoded)

    def open(self, connection_id: UUID, sealed: bytes) -> Tokens:
        """Return the tokens that were sealed for the connection.

        Raises:
            MasterKeyError: the tokens were sealed for something else, or elsewhere.
        """
        encoded = self._opened().sealing.unwrap(_name(connection_id), sealed)
        return msgspec.json.decode(encoded, type=Tokens)

    def account(self, provider: str, open_id: str) -> bytes:
        """Return the digest of an account, by which the same account is found again."""
        return self._mac(f"account {provider} {open_id}")

    def link_token(self, link_id: UUID) -> str:
        """Return the secret part of a link's address."""
        mac = self._mac(f"link {link_id}")[:_MAC_BYTES]
        return base64.urlsafe_b64encode(link_id.bytes + mac).decode().rstrip("=")

    def link_of(self, token: str) -> UUID | None:
        """Return the id of the link with this address, None if there is none."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            return None
        if len(raw) != 16 + _MAC_BYTES:
            return None
        link_id = UUID(bytes=raw[:16])
        is_ours = hmac.compare_digest(self.link_token(link_id), token)
        return link_id if is_ours else None

    def code_verifier(self, state: str) -> str:
        """Return the proof that a browser with ``state`` began here (PKCE)."""
        return self._mac(f"verifier {state}").hex()

    def _mac(self, text: str) -> bytes:
        return hmac.digest(self._opened().names, text.encode(), "sha256")

    def _opened(self) -> _Keys:
        with self._lock:
            if self._keys is None:
                with self._pool.connection() as connection:
                    _, keys = opened_keys(self._settings, connection)
                # Each of these keys differs from the others, and from the key that
                # signs roots.
                self._keys = _Keys(
                    MasterKey(_derived(keys.signing, "tokens of connections")),
                    _derived(keys.signing, "names of connections"),
                )
            return self._keys


def code_challenge(verifier: str) -> str:
    """Return the challenge that TikTok gets first: the digest in hex."""
    return sha256(verifier.encode()).hexdigest()


def _derived(secret: bytes, purpose: str) -> bytes:
    return hmac.digest(secret, f"goatherd: {purpose}".encode(), "sha256")


def _name(connection_id: UUID) -> str:
    return f"connection {connection_id}"

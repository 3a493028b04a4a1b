"""A soft authenticator: makes and uses passkeys as a device does, and as none would."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from secrets import token_bytes
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

_PRESENT, _VERIFIED, _WITH_CREDENTIAL = 0x01, 0x04, 0x40


class Authenticator:
    """A device with one passkey; tests change what it says.

    ``origin`` is the page that the browser shows, ``count`` the counter of uses (0
    stays 0), and ``verifies`` whether the device makes sure who uses it.
    """

    def __init__(self, origin: str, *, count: int = 0) -> None:
        self.origin = origin
        self.rp_id = origin.partition("://")[2].partition(":")[0]
        self.count = count
        self.verifies = True
        self.cross_origin = False
        self.credential_id = token_bytes(32)
        self.user_handle = b""
        self._key = ec.generate_private_key(ec.SECP256R1())

    def make(self, options: dict[str, Any]) -> str:
        """The answer to the options of a registration, as JSON."""
        self.user_handle = _decoded(options["user"]["id"])
        numbers = self._key.public_key().public_numbers()
        public_key = cbor2.dumps(
            {
                1: 2,
                3: -7,
                -1: 1,
                -2: numbers.x.to_bytes(32),
                -3: numbers.y.to_bytes(32),
            }
        )
        credential = (
            bytes(16)
            + len(self.credential_id).to_bytes(2)
            + self.credential_id
            + public_key
        )
        data = self._data(_WITH_CREDENTIAL) + credential
        attestation = {"fmt": "none", "attStmt": {}, "authData": data}
        return self._answer(
            {
                "clientDataJSON": _encoded(self._client("create", options)),
                "attestationObject": _encoded(cbor2.dumps(attestation)),
            }
        )

    def use(self, options: dict[str, Any]) -> str:
        """The answer to the options of a sign-in, as JSON."""
        if self.count:
            self.count += 1
        client, data = self._client("get", options), self._data(0)
        signature = self._key.sign(
            data + sha256(client).digest(), ec.ECDSA(hashes.SHA256())
        )
        return self._answer(
            {
                "clientDataJSON": _encoded(client),
                "authenticatorData": _encoded(data),
                "signature": _encoded(signature),
                "userHandle": _encoded(self.user_handle),
            }
        )

    def _client(self, kind: str, options: dict[str, Any]) -> bytes:
        return json.dumps(
            {
                "type": f"webauthn.{kind}",
                "challenge": options["challenge"],
                "origin": self.origin,
                "crossOrigin": self.cross_origin,
            }
        ).encode()

    def _data(self, flags: int) -> bytes:
        flags |= _PRESENT | (_VERIFIED if self.verifies else 0)
        site = sha256(self.rp_id.encode()).digest()
        return site + bytes([flags]) + self.count.to_bytes(4)

    def _answer(self, response: dict[str, str]) -> str:
        id_ = _encoded(self.credential_id)
        answer = {"id": id_, "rawId": id_, "type": "public-key", "response": response}
        return json.dumps({**answer, "clientExtensionResults": {}})


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))

"""Signatures: the published vector, and the libraries of receivers."""

from base64 import b64decode

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from application.webhooks.signatures import public_key_text, signature_headers

# The vector of the specification's own tests.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - published
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_published_vector_is_signed_alike():
    headers = signature_headers(
        BODY,
        message_id=MESSAGE,
        timestamp=1_614_265_330,
        secrets=[SECRET],
        signing_key=None,
    )

    assert headers == {
        "webhook-id": MESSAGE,
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }


def test_a_key_signs_the_id_the_time_and_the_body():
    key = Ed25519PrivateKey.generate()
    headers = signature_headers(
        BODY, message_id="evt_a", timestamp=7, secrets=[], signing_key=key
    )

    version, _, signature = headers["webhook-signature"].partition(",")
    text = public_key_text(key.public_key().public_bytes_raw())
    assert version == "v1a"
    assert len(b64decode(text.removeprefix("whpk_"))) == 32
    key.public_key().verify(b64decode(signature), b"evt_a.7." + BODY)
    with pytest.raises(InvalidSignature):
        key.public_key().verify(b64decode(signature), b"evt_a.8." + BODY)

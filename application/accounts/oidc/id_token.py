"""ID tokens: the signature and each claim that decides whether a token is trusted.

The checks are those of OpenID Connect Core 1.0, section 3.1.3.7.
"""

import time
from collections.abc import Sequence
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key
from joserfc.jwt import JWTClaimsRegistry
from msgspec import Struct

from application.accounts.oidc.errors import (
    InvalidTokenError,
    TooLongAgoError,
    UnknownKeyError,
)

# Signatures with the provider's private key alone: neither ``none``, nor HMAC, whose
# key both sides know.
_KEY_TYPES = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
}
_LEEWAY_SECONDS = 60
_LONGEST_SUBJECT = 255

Claims = dict[str, Any]


class Expected(Struct, frozen=True, kw_only=True):
    """The values that a token must have; ``max_age`` is in seconds."""

    issuer: str
    client_id: str
    nonce: str
    max_age: int


def trusted_claims(
    token: str, keys: Sequence[Key], expected: Expected, *, now: float | None = None
) -> Claims:
    """Return the claims of a token that can be trusted.

    Raises:
        UnknownKeyError: none of the keys signed it.
        InvalidTokenError: another check fails.
        TooLongAgoError: the person proved who they are too long ago.
    """
    now = time.time() if now is None else now
    try:
        claims = _signed_claims(token, keys)
        JWTClaimsRegistry(
            int(now),
            _LEEWAY_SECONDS,
            iss={"essential": True, "value": expected.issuer},
            sub={"essential": True},
            aud={"essential": True, "value": expected.client_id},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": expected.nonce},
        ).validate(claims)
    except (JoseError, ValueError, RecursionError) as error:
        raise InvalidTokenError(_named(error)) from None
    if len(claims["sub"]) > _LONGEST_SUBJECT:
        msg = "The claim sub is too long."
        raise InvalidTokenError(msg)
    _check_authorized_party(claims, expected.client_id)
    _check_age(claims, now, expected.max_age)
    return claims


def _signed_claims(token: str, keys: Sequence[Key]) -> Claims:
    header = jws.extract_compact(token.encode()).headers()
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in _KEY_TYPES:
        msg = "It is signed with an algorithm that is not allowed."
        raise InvalidTokenError(msg)
    fitting = [
        key
        for key in keys
        if key.key_type == _KEY_TYPES[algorithm] and (kid is None or key.kid == kid)
    ]
    for key in fitting:
        try:
            return jwt.decode(token, key, algorithms=[algorithm]).claims
        except JoseError as error:
            # Without the name of a key, the next one may fit.
            if kid is not None:
                raise InvalidTokenError(_named(error)) from None
    msg = "None of the provider's keys signed it."
    raise UnknownKeyError(msg)


def _check_authorized_party(claims: Claims, client_id: str) -> None:
    audience, party = claims["aud"], claims.get("azp")
    is_alone = isinstance(audience, str) or len(audience) == 1
    if party != client_id and (party is not None or not is_alone):
        msg = "It was issued to another client (azp)."
        raise InvalidTokenError(msg)


def _check_age(claims: Claims, now: float, max_age: int) -> None:
    """Check the time of the proof; some providers leave it out."""
    proved_at = claims.get("auth_time")
    if proved_at is None:
        return
    if isinstance(proved_at, bool) or not isinstance(proved_at, int | float):
        msg = "The claim auth_time is no time."
        raise InvalidTokenError(msg)
    if proved_at > now + _LEEWAY_SECONDS:
        msg = "The claim auth_time is in the future."
        raise InvalidTokenError(msg)
    if proved_at < now - max_age - _LEEWAY_SECONDS:
        raise TooLongAgoError


def _named(error: Exception) -> str:
    """Return a refusal of the library without values of the token."""
    claim = getattr(error, "claim", None)
    about = f" ({claim})" if isinstance(claim, str) and claim.isidentifier() else ""
    return f"{type(error).__name__}{about}"

"""A secret that one answer shows, and that a repeated request gets again."""

import hmac
import secrets

from api.http.request import Request

_BYTES = 32


class DerivedSecret:
    """The secret of a new thing: random, or derived if the answer must be repeatable.

    The secret is derived from the requesting key, which is stored nowhere, and the
    installation's secret; the stored answer holds neither. A page has no key to derive
    a secret from, so that its repeated answer does not show the secret.
    """

    def __init__(self, request: Request, *, secret: str) -> None:
        # Only the key is used: the scheme before it may be written in several ways.
        asker = (request.raw_header(b"authorization") or b"").split()[-1:]
        is_repeated = request.raw_header(b"idempotency-key") is not None
        self._repeatable = is_repeated and asker != []
        self._seed = b"\n".join([secret.encode(), *asker])
        self._drawn = ""

    def draw(self, of: bytes) -> str:
        """Return the secret of the thing ``of``, in hex; each call returns the same."""
        if not self._drawn:
            computed = self._computed(of)
            self._drawn = computed if self._repeatable else secrets.token_hex(_BYTES)
        return self._drawn

    def again(self, of: bytes) -> str | None:
        """Return the secret for an answer, None if it can't be derived any more."""
        if self._drawn or not self._repeatable:
            return self._drawn or None
        return self._computed(of)

    def _computed(self, of: bytes) -> str:
        return hmac.digest(self._seed, of, "sha256").hex()

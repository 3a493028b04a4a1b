"""The client of an OpenID provider, as the settings describe it, and one sign-in."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from secrets import token_bytes
from typing import Self
from urllib.parse import urlsplit
from uuid import UUID

from msgspec import Struct

from domain.messages import MemberRole
from infra.settings import Settings


class OidcClient(Struct, frozen=True, kw_only=True):
    """Goatherd as a client of the provider at ``issuer``.

    ``roles`` has the role of each value of the claim ``role_claim``. Sessions last for
    ``max_age_seconds``, and belong to one organization. ``own_url`` is the address of
    this installation, None if the settings have none.
    """

    issuer: str
    client_id: str
    client_secret: str
    organization_id: UUID
    role_claim: str
    roles: Mapping[str, MemberRole]
    max_age_seconds: int
    own_url: str | None = None

    @property
    def host(self) -> str:
        """The host of the provider, by which people recognize it."""
        return urlsplit(self.issuer).netloc.rpartition("@")[2]

    @property
    def known_as(self) -> str:
        """The issuer without a slash at its end, which providers may add or drop."""
        return self.issuer.rstrip("/")

    def vouches_for_keys(
        self,
        *,
        confirmed_at: datetime | None,
        has_own_way_in: bool,
        passwords: bool,
        now: datetime,
    ) -> bool:
        """Tell whether the personal keys of somebody work.

        They do for ``max_age_seconds`` after the provider signed the person in at
        ``confirmed_at``. Somebody with a password or a passkey, or without an identity
        at a provider, does not depend on it, unless ``passwords`` are switched off.
        """
        if passwords and (has_own_way_in or confirmed_at is None):
            return True
        if confirmed_at is None:
            return False
        return now - confirmed_at < timedelta(seconds=self.max_age_seconds)

    def __repr__(self) -> str:
        return f"OidcClient({self.issuer!r})"

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """Return the client of the settings, None if they name no provider."""
        issuer, client_id = settings.oidc_issuer, settings.oidc_client_id
        secret, organization = settings.oidc_client_secret, settings.oidc_organization
        if issuer is None or client_id is None or secret is None:
            return None
        if organization is None or settings.oidc_roles is None:
            return None
        return cls(
            issuer=issuer,
            client_id=client_id,
            client_secret=secret,
            organization_id=organization,
            role_claim=settings.oidc_role_claim,
            roles=settings.oidc_roles,
            max_age_seconds=settings.oidc_max_age_seconds,
            own_url=settings.url,
        )


class SignInSecrets:
    """The secrets of one sign-in, all of them computed from the browser's own.

    The provider gets the state, the nonce and the hash of the verifier, from none of
    which the others follow.
    """

    def __init__(self, seed: bytes) -> None:
        self.seed = seed
        self.state = self._derived("state")
        self.nonce = self._derived("nonce")
        self.verifier = self._derived("verifier")

    @classmethod
    def new(cls) -> Self:
        return cls(token_bytes(32))

    def is_state(self, sent: str) -> bool:
        """Tell whether an answer of the provider belongs to this sign-in."""
        return hmac.compare_digest(sent.encode(), self.state.encode())

    def _derived(self, purpose: str) -> str:
        digest = hmac.digest(self.seed, purpose.encode(), "sha256")
        return urlsafe_b64encode(digest).rstrip(b"=").decode()

"""Authentication by API key, and what the scopes of a key or person allow."""

import re
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from api.http.access.recent_answers import RecentAnswers
from api.http.errors import ApiError, Code
from domain.errors import NotFoundError
from domain.events import MemberRole, Scope
from domain.organization.plans import Limits
from infra.keys.digests import digest_of

# A dangerous act asks again for the password if the last proof is older.
PROOF_LASTS = timedelta(minutes=10)

SCOPES: tuple[Scope, ...] = ("read", "write", "admin")

_BEARER = re.compile(rb"(?i:bearer) +(tga_[0-9a-f]{64})\Z")


class SignedInPerson(Struct, frozen=True, kw_only=True):
    """The person of a request; no time zone stands for that of the organization.

    ``session_id`` is None for a request with a personal key.
    """

    id: UUID
    name: str
    email: str
    role: MemberRole
    time_zone: str | None
    session_id: UUID | None


class Principal(Struct, frozen=True, kw_only=True):
    """The key or person of a request, their organization, and their scopes.

    ``key_id`` is the id of the key, and that of the person in a session of a person. A
    personal key has both, and ``scopes`` are those that the key and the person have.
    ``proved_at`` is the time at which the person of a session last proved who they are;
    a personal key proves nothing. ``lacks_second_factor`` is true for a person without
    the second factor that the organization requires.
    ``project_ids`` are the projects that a limited person may see, None for all.
    ``key_ends_at`` is the end of the key, None for a key without one and for people.
    ``is_host`` is true for the operator at the command line of this machine.
    """

    key_id: UUID
    organization_id: UUID
    scopes: frozenset[Scope]
    plan: str
    limits: Limits
    is_operator: bool = False
    person: SignedInPerson | None = None
    proved_at: datetime | None = None
    lacks_second_factor: bool = False
    project_ids: frozenset[UUID] | None = None
    key_ends_at: datetime | None = None
    is_host: bool = False

    @property
    def actor(self) -> str:
        """Return the name under which the log has what this principal does."""
        if self.person is not None:
            return f"person:{self.person.id}"
        if self.is_host:
            return "cli"
        return f"key:{self.key_id}"

    @property
    def person_id(self) -> UUID | None:
        """Return the id of the person, None for a key of the organization."""
        return None if self.person is None else self.person.id

    def require_person(self) -> SignedInPerson:
        """Return the person, and refuse a key that belongs to the organization.

        Raises:
            ApiError: ``person_required``.
        """
        if self.person is None:
            raise ApiError(Code.PERSON_REQUIRED)
        return self.person

    def has_recent_proof(self, now: datetime) -> bool:
        """Return whether dangerous acts may be carried out without another proof.

        A key of the organization needs none.
        """
        if self.person is None:
            return True
        return self.proved_at is not None and now - self.proved_at < PROOF_LASTS

    def require_recent_proof(self) -> None:
        """Refuse a dangerous act without a recent proof.

        Raises:
            ApiError: ``recent_proof_required``.
        """
        if not self.has_recent_proof(datetime.now(UTC)):
            raise ApiError(Code.RECENT_PROOF_REQUIRED)

    def require(self, scope: Scope) -> None:
        """Refuse a request without the scope that it needs.

        Raises:
            ApiError: ``insufficient_scope``, with the required and granted scopes.
        """
        if scope in self.scopes:
            return
        granted: list[Scope] = [name for name in SCOPES if name in self.scopes]
        raise ApiError(
            Code.INSUFFICIENT_SCOPE,
            f"This action requires the '{scope}' scope. "
            f"Granted: [{', '.join(granted)}]",
            meta={"required": scope, "granted": granted},
        )

    def may_see(self, project_id: UUID) -> bool:
        """Tell whether the principal may see a project of the organization."""
        return self.project_ids is None or project_id in self.project_ids

    def require_whole_organization(self) -> None:
        """Refuse a person who is limited to some projects, as if nothing were there.

        Raises:
            NotFoundError: the person is limited.
        """
        if self.project_ids is not None:
            raise NotFoundError("resource")

    def require_operator(self) -> None:
        """Refuse a request of an organization that does not operate the installation.

        Raises:
            ApiError: ``operator_only``.
        """
        if not self.is_operator:
            raise ApiError(Code.OPERATOR_ONLY)


PrincipalLookup = Callable[[bytes], Awaitable[Principal | None]]


class Authenticator:
    """Finds the principal of an Authorization header.

    ``lookup`` takes the SHA-256 digest of the whole key and returns None for a key that
    is unknown, expired or revoked. A revoked key stops working after half a second in
    every process.
    """

    def __init__(
        self,
        lookup: PrincipalLookup,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._recent = RecentAnswers(lookup, clock=clock)

    async def authenticate(self, authorization: bytes | None) -> Principal:
        """Return the principal of an Authorization header.

        Raises:
            ApiError: ``invalid_api_key``, for any mistake in the header or the key.
        """
        match = _BEARER.match(authorization or b"")
        if match is None:
            raise invalid_api_key(presented=authorization is not None)
        return await self.principal_of(digest_of(match[1].decode()))

    async def principal_of(self, digest: bytes) -> Principal:
        """Return the principal behind the digest of a key.

        Raises:
            ApiError: ``invalid_api_key``, if no valid key has this digest.
        """
        principal = await self._recent.of(digest)
        if principal is None:
            raise invalid_api_key(presented=True)
        return principal


def invalid_api_key(*, presented: bool) -> ApiError:
    """Return the error for a missing or invalid key, the same for any reason."""
    challenge = 'Bearer realm="goatherd"'
    if presented:
        challenge += ', error="invalid_token"'
    return ApiError(Code.INVALID_API_KEY, headers={"WWW-Authenticate": challenge})

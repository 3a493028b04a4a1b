"""API keys: their scopes, and the digest that is stored of each key."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from domain.messages import Scope
from domain.organization.commands import CreateApiKey

ALL_SCOPES: tuple[Scope, ...] = ("read", "write", "admin")
DEFAULT_SCOPES: tuple[Scope, ...] = ("read", "write")


def create_key(
    key_id: UUID,
    text: str,
    *,
    name: str,
    scopes: Sequence[Scope],
    expires_at: datetime | None = None,
    person_id: UUID | None = None,
) -> CreateApiKey:
    """Return the command that creates the key with this text, each scope once.

    Only the SHA-256 in hex and the last four characters of the text are stored.
    """
    return CreateApiKey(
        key_id=key_id,
        name=name,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        hint=text[-4:],
        scopes=tuple(dict.fromkeys(scopes)),
        expires_at=expires_at,
        person_id=person_id,
    )

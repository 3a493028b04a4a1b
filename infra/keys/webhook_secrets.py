"""Tables webhook_secrets and webhook_keys: what signs deliveries, each encrypted."""

from base64 import b64encode
from datetime import timedelta
from secrets import token_bytes
from typing import Any, Final, LiteralString
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import Connection, Cursor

from infra.ids import new_id
from infra.keys.master_key import MasterKey

# A replaced secret signs for so long, so that a receiver need not change in time.
OVERLAP: Final = timedelta(hours=24)

_SECRET_BYTES = 32

_ADD: LiteralString = """
INSERT INTO webhook_secrets (id, webhook_id, sealed) VALUES (%s, %s, %s)
"""
_END_OTHERS: LiteralString = """
UPDATE webhook_secrets SET until = now() + %s WHERE webhook_id = %s AND until IS NULL
"""
_VALID: LiteralString = """
SELECT id, sealed FROM webhook_secrets
WHERE webhook_id = %s AND (until IS NULL OR until > now())
ORDER BY until DESC NULLS FIRST, id DESC
"""
_REMOVE: LiteralString = "DELETE FROM webhook_secrets WHERE webhook_id = %s"
_PRUNE: LiteralString = "DELETE FROM webhook_secrets WHERE until <= now()"
_KEY: LiteralString = """
SELECT sealed FROM webhook_keys WHERE organization_id = %s
"""
_PUBLIC_KEY: LiteralString = """
SELECT public_key FROM webhook_keys WHERE organization_id = %s
"""
_ADD_KEY: LiteralString = """
INSERT INTO webhook_keys (organization_id, public_key, sealed) VALUES (%s, %s, %s)
ON CONFLICT DO NOTHING
"""

STORED_SECRETS: LiteralString = "SELECT id, sealed FROM webhook_secrets"
RESEAL_SECRET: LiteralString = """
UPDATE webhook_secrets SET sealed = %s WHERE id = %s
"""  # noqa: S105 - a query
STORED_KEYS: LiteralString = "SELECT organization_id, sealed FROM webhook_keys"
RESEAL_KEY: LiteralString = """
UPDATE webhook_keys SET sealed = %s WHERE organization_id = %s
"""


def webhook_secret_name(secret_id: UUID) -> str:
    """Return the name under which the master key wraps a secret of a webhook."""
    return f"webhook secret {secret_id}"


def webhook_key_name(organization_id: UUID) -> str:
    """Return the name under which the master key wraps an organization's key."""
    return f"webhook key of {organization_id}"


def draw_webhook_secret() -> str:
    """Return a new secret in the form of Standard Webhooks."""
    return f"whsec_{b64encode(token_bytes(_SECRET_BYTES)).decode()}"


def set_webhook_secret(
    cursor: Cursor[Any], master_key: MasterKey, webhook_id: UUID, secret: str
) -> None:
    """Store a secret of a webhook; an earlier one signs for 24 hours more."""
    secret_id = new_id()
    sealed = master_key.wrap(webhook_secret_name(secret_id), secret.encode())
    cursor.execute(_END_OTHERS, (OVERLAP, webhook_id))
    cursor.execute(_ADD, (secret_id, webhook_id, sealed))


def webhook_secrets(
    cursor: Cursor[Any], master_key: MasterKey, webhook_id: UUID
) -> list[str]:
    """Return the secrets that sign deliveries of a webhook, the newest first.

    Raises:
        MasterKeyError: another key encrypted them.
    """
    return [
        master_key.unwrap(webhook_secret_name(secret_id), sealed).decode()
        for secret_id, sealed in cursor.execute(_VALID, (webhook_id,)).fetchall()
    ]


def remove_webhook_secrets(cursor: Cursor[Any], webhook_id: UUID) -> None:
    cursor.execute(_REMOVE, (webhook_id,))


def prune_webhook_secrets(connection: Connection[Any]) -> int:
    """Delete the secrets that no longer sign; return their number."""
    return connection.execute(_PRUNE).rowcount


def webhook_signing_key(
    cursor: Cursor[Any], master_key: MasterKey, organization_id: UUID
) -> Ed25519PrivateKey:
    """Return the key with which an organization signs; the first use makes it.

    Raises:
        MasterKeyError: another key encrypted it.
    """
    name = webhook_key_name(organization_id)
    row = cursor.execute(_KEY, (organization_id,)).fetchone()
    if row is None:
        made = Ed25519PrivateKey.generate()
        sealed = master_key.wrap(name, made.private_bytes_raw())
        public = made.public_key().public_bytes_raw()
        cursor.execute(_ADD_KEY, (organization_id, public, sealed))
        # Another process may have been faster.
        row = cursor.execute(_KEY, (organization_id,)).fetchone()
        assert row is not None
    return Ed25519PrivateKey.from_private_bytes(master_key.unwrap(name, row[0]))


def webhook_public_key(cursor: Cursor[Any], organization_id: UUID) -> bytes | None:
    """Return the public half of an organization's key, None if it has no key."""
    row = cursor.execute(_PUBLIC_KEY, (organization_id,)).fetchone()
    return None if row is None else row[0]

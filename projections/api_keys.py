"""api_keys: what checking a key needs: the keys, and their organizations' plans.

It is also written in the append's own transaction (``alongside``), so that a new key
opens and a revoked one closes at once, however far behind the followers are. Writing a
fact twice changes nothing.
"""

from collections.abc import Sequence

from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from infra.store import Recorded

_ORGANIZATION = """
INSERT INTO organizations (organization_id, name, plan, time_zone, created_at,
                           updated_at)
VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (organization_id) DO NOTHING
"""
_PLAN = """
UPDATE organizations SET plan = %s, updated_at = %s
WHERE organization_id = %s AND updated_at < %s
"""
_KEY = """
INSERT INTO api_keys (organization_id, id, name, digest, hint, scopes, created_at,
                      expires_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (organization_id, id) DO NOTHING
"""
_REVOKE = """
UPDATE api_keys SET revoked_at = %s
WHERE organization_id = %s AND id = %s AND revoked_at IS NULL
"""


class ApiKeys:
    """Keeps the tables api_keys and organizations."""

    name = "api_keys"
    version = 1
    facts = frozenset(
        {"organization_created", "plan_changed", "api_key_created", "api_key_revoked"}
    )

    def write(self, cursor: Cursor[TupleRow], facts: Sequence[Recorded]) -> None:
        """Write each fact's row; these facts are few."""
        for recorded in facts:
            _write(cursor, recorded)


def _write(cursor: Cursor[TupleRow], recorded: Recorded) -> None:
    fact, organization, at = recorded.fact, recorded.stream, recorded.recorded_at
    match fact:
        case e.OrganizationCreated():
            cursor.execute(
                _ORGANIZATION,
                (organization, fact.name, fact.plan, fact.time_zone, at, at),
            )
        case e.PlanChanged(new=plan):
            cursor.execute(_PLAN, (plan, at, organization, at))
        case e.ApiKeyCreated():
            cursor.execute(
                _KEY,
                (
                    *(organization, fact.key_id, fact.name, fact.digest, fact.hint),
                    *(list(fact.scopes), at, fact.expires_at),
                ),
            )
        case e.ApiKeyRevoked(key_id=key_id):
            cursor.execute(_REVOKE, (at, organization, key_id))
        case _:
            pass

"""Table analytics_rule: the baseline rule by which the stored numbers were computed.

A rebuild swaps it together with the other tables of analytics, so each set of tables
(live, shadow or previous) holds the rule of its own numbers.
"""

from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.analytics.baselines import DEFAULT_RULE, BaselineRule
from projections.engine.reader import Reader

RULE_IN_FORCE = "(SELECT baseline FROM analytics_rule)"
_READ = f"SELECT {RULE_IN_FORCE}"
_PUT = """
INSERT INTO analytics_rule (baseline) VALUES (%s)
ON CONFLICT (is_only) DO UPDATE SET baseline = excluded.baseline
"""


def rule_of(cursor: Cursor[TupleRow]) -> BaselineRule:
    """Return the rule of the tables on the cursor's search path."""
    row = cursor.execute(_READ.encode(), prepare=True).fetchone()
    return DEFAULT_RULE if row is None or row[0] is None else row[0]


def put_rule(cursor: Cursor[TupleRow], rule: BaselineRule) -> None:
    """Store the rule of the tables on the cursor's search path."""
    cursor.execute(_PUT, (rule,))


async def rule_in_force(reader: Reader, organization_id: UUID) -> BaselineRule:
    """Return the rule of the live tables."""
    rows = await reader.rows(organization_id, _READ.encode())
    return rows[0][0]

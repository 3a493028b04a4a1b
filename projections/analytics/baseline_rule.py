"""analytics_rule: the rule that the numbers were worked out under, kept with them.

Its table is swapped with all others of analytics. Whoever writes to them or reads them
finds the rule that is true of them, live, beside or kept.
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
    """Return the rule of the tables that the cursor snapshots at."""
    row = cursor.execute(_READ.encode(), prepare=True).fetchone()
    return DEFAULT_RULE if row is None or row[0] is None else row[0]


def put_rule(cursor: Cursor[TupleRow], rule: BaselineRule) -> None:
    """Say under which rule the tables that the cursor snapshots at are worked out."""
    cursor.execute(_PUT, (rule,))


async def rule_in_force(reader: Reader, organization_id: UUID) -> BaselineRule:
    """Return the rule that answers are given under."""
    rows = await reader.rows(organization_id, _READ.encode(), {})
    return rows[0][0]

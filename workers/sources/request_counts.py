"""The requests of sources, counted before they are sent, and refused above a budget."""

from uuid import UUID

from domain.scrape.costs import why_spent
from infra.database import Pool, run_read
from infra.http_out.request_notes import BudgetSpentError
from infra.settings import Settings

# Longer than anybody looks back.
_KEPT_DAYS = 40

# Days are those of the database's clock in UTC, for any time zone of the workers. No
# request waits for the disk: a crash of the server may lose the last ones.
_TAKE = """
WITH quietly AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true),
           (clock_timestamp() AT TIME ZONE 'UTC')::date AS today
), spent AS MATERIALIZED (
    SELECT coalesce(sum(requests), 0) AS requests FROM source_day, quietly
    WHERE provider = %(provider)s AND day = today
), counted AS (
    INSERT INTO source_day AS d (provider, day, currency, requests, cost_millionths)
    SELECT %(provider)s, today, %(currency)s, 1, %(cost)s FROM quietly, spent
    WHERE %(budget)s::bigint IS NULL OR spent.requests < %(budget)s
    ON CONFLICT (provider, day, currency) DO UPDATE
    SET requests = d.requests + 1, cost_millionths = d.cost_millionths + %(cost)s
    WHERE %(budget)s::bigint IS NULL OR d.requests < %(budget)s
    RETURNING day, requests
)
INSERT INTO source_request AS r (day, provider, organization_id, creator_id, currency,
                                 requests, cost_millionths)
SELECT day, %(provider)s, %(organization)s, %(creator)s, %(currency)s, 1, %(cost)s
FROM counted
ON CONFLICT (day, provider, organization_id, creator_id, currency) DO UPDATE
SET requests = r.requests + 1, cost_millionths = r.cost_millionths + %(cost)s
RETURNING (SELECT requests FROM counted)
"""
_FORGET = """
DELETE FROM source_request
WHERE day < (clock_timestamp() AT TIME ZONE 'UTC')::date - %s
"""
_SPENT = """
SELECT coalesce(sum(requests), 0) FROM source_day
WHERE provider = %s AND day = (clock_timestamp() AT TIME ZONE 'UTC')::date
"""
_UNTIL_MIDNIGHT = """
SELECT extract(epoch FROM date_trunc('day', clock_timestamp(), 'UTC')
                          + interval '1 day' - clock_timestamp())::float8
"""


class RequestCounts:
    """Counts requests and their cost by source, organization and creator."""

    def __init__(self, pool: Pool, settings: Settings) -> None:
        self._pool = pool
        self._settings = settings

    def why_spent(self, provider: str) -> str | None:
        """Return a sentence if the day's budget is used up, None if not."""
        budget = self._settings.daily_budget(provider)
        if budget is None:
            return None
        row = run_read(
            self._pool,
            lambda connection: connection.execute(_SPENT, (provider,)).fetchone(),
        )
        return why_spent(0 if row is None else int(row[0]), budget)

    def take(
        self, provider: str, organization_id: UUID | None, creator_id: UUID | None
    ) -> None:
        """Count a request that is about to be sent.

        Raises:
            BudgetSpentError: the day's budget is used up, so do not send it.
        """
        price = self._settings.price(provider)
        with self._pool.connection() as connection:
            row = connection.execute(
                _TAKE,
                {
                    "provider": provider,
                    "organization": organization_id,
                    "creator": creator_id,
                    "budget": self._settings.daily_budget(provider),
                    "currency": "" if price is None else price.currency,
                    "cost": 0 if price is None else price.millionths,
                },
            ).fetchone()
            if row is None:
                left = connection.execute(_UNTIL_MIDNIGHT).fetchone()
                raise BudgetSpentError(86_400 if left is None else left[0])
            if row[0] == 1:
                connection.execute(_FORGET, (_KEPT_DAYS,))

"""How providers did: their runs of the last day, over all organizations."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.events import Outcome
from domain.scrape.sources import NEWEST, failing_with

# The index that begins with the provider is of these.
_ENDED = "r.finished_at IS NOT NULL AND r.trigger <> 'imported'"
_OUTCOMES = f"""
SELECT r.provider, coalesce(r.outcome, 'given_up'), count(*)
FROM scrape_runs r
WHERE {_ENDED} AND r.provider = ANY(%s) AND r.finished_at > now() - interval '1 day'
GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2
"""
_FIGURES = f"""
SELECT p.name,
    (SELECT r.finished_at FROM scrape_runs r
     WHERE {_ENDED} AND r.provider = p.name AND r.status = 'succeeded'
     ORDER BY r.finished_at DESC LIMIT 1),
    (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY r.duration_ms)
     FROM scrape_runs r
     WHERE {_ENDED} AND r.provider = p.name AND r.status = 'succeeded'
     AND r.finished_at > now() - interval '1 day'),
    (SELECT coalesce(sum(coalesce(r.pages, 0) + r.attempts
                         - (r.status = 'succeeded')::int), 0)
     FROM scrape_runs r
     WHERE {_ENDED} AND r.provider = p.name
     AND r.finished_at >= date_trunc('day', now(), 'UTC')),
    ARRAY(SELECT r.outcome FROM scrape_runs r
          WHERE {_ENDED} AND r.provider = p.name
          AND r.finished_at > now() - interval '1 day'
          ORDER BY r.finished_at DESC LIMIT {NEWEST})
FROM unnest(%s::text[]) AS p (name)
"""
_RETRYING = """
SELECT outcome, count(*) FROM scrape_job
WHERE state = 'ready' AND attempts > 0 AND outcome IS NOT NULL GROUP BY outcome
"""


class SourceActivity(Struct, frozen=True, kw_only=True):
    """How a provider did; ``failing_with`` is null unless it fails.

    ``outcomes_24h`` counts how its runs of the last 24 hours ended: a word of outcomes,
    or ``given_up``. ``median_duration_ms`` is of those that succeeded, in milliseconds.
    ``requests_today`` is since midnight UTC, at least: an attempt that failed is one.
    """

    provider: str
    last_success_at: datetime | None
    outcomes_24h: dict[str, int]
    median_duration_ms: int | None
    requests_today: int
    failing_with: Outcome | None


def source_activity(
    connection: Connection[TupleRow], providers: Iterable[str], *, first: str
) -> list[SourceActivity]:
    """Return how each provider did; runs that wait will ask ``first`` first."""
    names = list(providers)
    outcomes: dict[str, dict[str, int]] = {}
    for provider, outcome, amount in connection.execute(_OUTCOMES.encode(), (names,)):
        outcomes.setdefault(provider, {})[outcome] = amount
    retrying = dict(connection.execute(_RETRYING).fetchall())
    return [
        SourceActivity(
            provider=provider,
            last_success_at=last_success,
            outcomes_24h=outcomes.get(provider, {}),
            median_duration_ms=None if median is None else round(median),
            # A recording is read without a request.
            requests_today=0 if provider == "replay" else int(requests),
            failing_with=failing_with(
                newest, retrying=retrying if provider == first else {}
            ),
        )
        for provider, last_success, median, requests, newest in connection.execute(
            _FIGURES.encode(), (names,)
        )
    ]

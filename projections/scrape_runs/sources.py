"""The activity of providers: their runs of the last day, in all organizations."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.events import Outcome
from domain.scrape.sources import NEWEST, failing_with

# A run counts for the source that it ended with, and for each that it also tried. The
# first index begins with the provider, the second is of runs that tried several.
_ENDED = "r.finished_at IS NOT NULL AND r.trigger <> 'imported'"
_ANSWERS = f"""
(SELECT r.provider, r.outcome, r.finished_at FROM scrape_runs r
 WHERE {_ENDED} AND r.provider = ANY(%(names)s)
     AND r.finished_at > now() - interval '1 day'
 UNION ALL
 SELECT each ->> 'provider', each ->> 'outcome', r.finished_at
 FROM scrape_runs r, jsonb_array_elements(r.tried) AS each
 WHERE r.tried IS NOT NULL AND r.finished_at > now() - interval '1 day')
"""
_OUTCOMES = f"""
SELECT provider, coalesce(outcome, 'given_up'), count(*) FROM {_ANSWERS} AS answer
GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2
"""
_NEWEST = f"""
SELECT provider, outcome FROM (
    SELECT provider, outcome, row_number() OVER (
        PARTITION BY provider ORDER BY finished_at DESC) AS place
    FROM {_ANSWERS} AS answer
) AS numbered WHERE place <= {NEWEST}
"""
_FIGURES = f"""
SELECT p.name,
    (SELECT r.finished_at FROM scrape_runs r
     WHERE {_ENDED} AND r.provider = p.name AND r.status = 'succeeded'
     ORDER BY r.finished_at DESC LIMIT 1),
    (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY r.duration_ms)
     FROM scrape_runs r
     WHERE {_ENDED} AND r.provider = p.name AND r.status = 'succeeded'
     AND r.finished_at > now() - interval '1 day')
FROM unnest(%(names)s::text[]) AS p (name)
"""
_SPENT = """
SELECT provider, currency, requests, cost_millionths FROM source_day
WHERE day = (now() AT TIME ZONE 'UTC')::date
"""
_RETRYING = """
SELECT provider, outcome, count(*) FROM (
    SELECT coalesce(provider, %(first)s::text) AS provider, outcome FROM scrape_job
    WHERE state = 'ready' AND attempts > 0 AND outcome IS NOT NULL
    UNION ALL
    SELECT each ->> 'provider', each ->> 'outcome'
    FROM scrape_job, jsonb_array_elements(tried) AS each
    WHERE state = 'ready' AND attempts > 0 AND outcome IS NOT NULL
) AS answer GROUP BY provider, outcome
"""


# Each source has at most so many newest runs of the organization.
_OF_ORGANIZATION = f"""
SELECT p.name, ARRAY(
    SELECT outcome FROM (
        (SELECT r.outcome, r.finished_at FROM scrape_runs r
         WHERE {_ENDED} AND r.provider = p.name
             AND r.organization_id = %(organization)s
             AND r.finished_at > now() - interval '1 day'
         ORDER BY r.finished_at DESC LIMIT {NEWEST})
        UNION ALL
        (SELECT each ->> 'outcome', r.finished_at
         FROM scrape_runs r, jsonb_array_elements(r.tried) AS each
         WHERE r.tried IS NOT NULL AND r.finished_at > now() - interval '1 day'
             AND r.organization_id = %(organization)s
             AND each ->> 'provider' = p.name
         ORDER BY r.finished_at DESC LIMIT {NEWEST})
    ) AS answer ORDER BY finished_at DESC LIMIT {NEWEST})
FROM unnest(%(names)s::text[]) AS p (name)
"""
_RETRYING_OF = _RETRYING.replace(
    "WHERE state", "WHERE organization_id = %(organization)s AND state"
)


class SourceActivity(Struct, frozen=True, kw_only=True):
    """The activity of a provider; ``failing_with`` is null unless it fails.

    ``outcomes_24h`` counts its answers to the runs of the last 24 hours, by outcome or
    as ``given_up``. ``median_duration_ms`` is that of successful runs, in milliseconds.
    ``requests_today`` counts since midnight UTC, and ``costs_today`` has the cost of
    these requests by currency, in millionths.
    """

    provider: str
    last_success_at: datetime | None
    outcomes_24h: dict[str, int]
    median_duration_ms: int | None
    requests_today: int
    costs_today: dict[str, int]
    failing_with: Outcome | None


def source_activity(
    connection: Connection[TupleRow],
    providers: Iterable[str],
    *,
    in_use: Sequence[str],
) -> list[SourceActivity]:
    """Return the activity of each provider.

    Failed runs that wait and do not name their source count for the first ``in_use``.
    """
    values = {"names": list(providers), "first": _first(in_use)}
    outcomes = _counted(connection.execute(_OUTCOMES.encode(), values))
    retrying = _counted(connection.execute(_RETRYING, values))
    newest: dict[str, list[Outcome | None]] = {}
    for provider, outcome in connection.execute(_NEWEST.encode(), values):
        newest.setdefault(provider, []).append(outcome)
    requests: Counter[str] = Counter()
    costs: dict[str, dict[str, int]] = {}
    for provider, currency, amount, cost in connection.execute(_SPENT):
        requests[provider] += amount
        if currency:
            costs.setdefault(provider, {})[currency] = cost
    return [
        SourceActivity(
            provider=provider,
            last_success_at=last_success,
            outcomes_24h=outcomes.get(provider, {}),
            median_duration_ms=None if median is None else round(median),
            requests_today=requests[provider],
            costs_today=costs.get(provider, {}),
            failing_with=failing_with(
                newest.get(provider, []), retrying=retrying.get(provider, {})
            ),
        )
        for provider, last_success, median in connection.execute(
            _FIGURES.encode(), values
        )
    ]


def newest_answers(
    connection: Connection[TupleRow],
    organization_id: UUID,
    providers: Iterable[str],
    *,
    in_use: Sequence[str],
) -> list[tuple[str, list[Outcome | None], dict[Outcome, int]]]:
    """Return what each source answered to an organization in the last day.

    These are the outcomes of its newest runs, and the number of runs by outcome that
    wait for another attempt. Sources without either are left out.
    """
    values = {
        "organization": organization_id,
        "names": list(providers),
        "first": _first(in_use),
    }
    retrying = _counted(connection.execute(_RETRYING_OF.encode(), values))
    rows = connection.execute(_OF_ORGANIZATION.encode(), values).fetchall()
    return [
        (provider, newest, retrying.get(provider, {}))
        for provider, newest in rows
        if newest or provider in retrying
    ]


def _first(in_use: Sequence[str]) -> str | None:
    return in_use[0] if in_use else None


def _counted(rows: Iterable[TupleRow]) -> dict[str, dict[Any, int]]:
    counts: dict[str, dict[Any, int]] = {}
    for provider, outcome, amount in rows:
        counts.setdefault(provider, {})[outcome] = amount
    return counts

"""The load of the schedule: its scrapes by kind and size, and the oldest counts."""

from datetime import datetime

from psycopg import Connection
from psycopg.rows import TupleRow

from domain.scrape.capacity import (
    Capacity,
    ScheduledScrapes,
    capacity,
    possible_requests,
)
from domain.scrape.turns import NEWEST_PAGES, PAGE_VIDEOS
from infra.settings import Settings
from workers.sources.table import PROVIDERS

_BY_CONSENT = "display"
# Connected creators are served by the provider that reads their accounts.
_SERVED = """
s.is_active AND NOT s.is_paused AND coalesce(s.due_at < 'infinity', true)
AND NOT (%(by_consent)s AND EXISTS (
    SELECT FROM creator_connections c
    WHERE c.creator_id = s.creator_id AND c.state = 'connected'))
"""
_SCHEDULED = f"""
SELECT s.job_type, hours, s.creator_id IS NULL AS is_single,
    least(coalesce(l.video_count, %(most)s), %(most)s)::int AS videos, count(*)
FROM scrape_schedule s JOIN schedule_interval USING (organization_id, job_type)
LEFT JOIN creator_list l
    ON l.organization_id = s.organization_id AND l.id = s.creator_id
WHERE hours IS NOT NULL AND {_SERVED}
GROUP BY 1, 2, 3, 4
"""
_CREATORS = f"""
SELECT count(DISTINCT s.creator_id) FROM scrape_schedule s WHERE {_SERVED}
"""
_OLDEST = """
SELECT min(f.observed_at) FROM known_video k
JOIN video_figures f ON f.organization_id = k.organization_id AND f.id = k.id
JOIN scrape_schedule s ON s.organization_id = k.organization_id
    AND s.subject_id = k.creator_id AND s.job_type = 'video_stats'
WHERE k.tracking_enabled AND NOT k.missing_confirmed
  AND k.tracking_status IN ('auto_tracked', 'included', 'direct_add')
  AND s.is_active AND NOT s.is_paused AND coalesce(s.due_at < 'infinity', true)
"""
# One more than the newest pages have: a larger creator takes no more requests.
_MOST_VIDEOS = NEWEST_PAGES * PAGE_VIDEOS + 1


def capacities(
    connection: Connection[TupleRow], settings: Settings
) -> dict[str, Capacity]:
    """Return the capacity of the source that scrapes use first, if it has a pace.

    A source after another one gets only the scrapes at which that one failed. Only
    consent does not serve all creators.
    """
    used = settings.providers
    by_consent = used[:1] == (_BY_CONSENT,)
    for name in used[by_consent : by_consent + 1]:
        pace = PROVIDERS[name].seconds_each
        if pace is not None:
            most = possible_requests(
                seconds_each=pace, daily_budget=settings.daily_budget(name)
            )
            return {
                name: _capacity(
                    connection, by_consent=by_consent, requests_per_day=most
                )
            }
    return {}


def oldest_counts_at(connection: Connection[TupleRow]) -> datetime | None:
    """Return when the counted video that was observed longest ago was observed.

    Videos that are gone, and those of creators that are not scraped, do not matter.
    """
    row = connection.execute(_OLDEST).fetchone()
    return None if row is None else row[0]


def _capacity(
    connection: Connection[TupleRow], *, by_consent: bool, requests_per_day: int
) -> Capacity:
    values = {"by_consent": by_consent, "most": _MOST_VIDEOS}
    scheduled = [
        ScheduledScrapes(
            job_type=job_type,
            hours=hours,
            is_single=is_single,
            videos=max(videos, 0),
            subjects=subjects,
        )
        for job_type, hours, is_single, videos, subjects in connection.execute(
            _SCHEDULED.encode(), values
        )
    ]
    (creators,) = connection.execute(_CREATORS.encode(), values).fetchone() or (0,)
    return capacity(scheduled, requests_per_day=requests_per_day, creators=creators)

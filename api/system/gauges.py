"""Numbers for Prometheus: projections, jobs, schedule, sources and the database."""

from collections.abc import Callable, Iterator

import psycopg
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from infra.build import commit, version
from infra.database import Pool
from infra.settings import Settings
from projections.rebuild.state import Rebuild
from projections.status import progress
from workers.schedule.load import capacities
from workers.schedule.sql import OVERDUE

_JOBS = """
SELECT ready.amount + abandoned.amount, running.amount, quarantined.amount,
       coalesce(greatest(ready.seconds, 0), 0)::float8
FROM (SELECT count(*) AS amount, extract(epoch FROM now() - min(due_at)) AS seconds
      FROM scrape_job WHERE state = 'ready') AS ready,
     (SELECT count(*) AS amount FROM scrape_job
      WHERE state = 'leased' AND lease_until < now()) AS abandoned,
     (SELECT count(*) AS amount FROM scrape_job
      WHERE state = 'leased' AND lease_until >= now()) AS running,
     (SELECT count(*) AS amount FROM scrape_job
      WHERE state = 'quarantined') AS quarantined
"""
# The fields of ProjectionProgress, and their meanings.
_BY_PROJECTION = {
    "lag_events": "Events that the projection has not applied yet",
    "lag_seconds": "Age of the first event that the projection has not applied yet",
    "dead_letters": "Events that the projection could not apply",
}
# The numbers of a Rebuild, and their meanings.
_BY_REBUILD: dict[str, tuple[str, Callable[[Rebuild], float]]] = {
    "running": ("1 while a rebuild runs, else 0", lambda rebuild: rebuild.is_running),
    "stopped": (
        "1 if a rebuild failed or was refused and waits for a person, else 0",
        lambda rebuild: rebuild.is_unfinished and not rebuild.is_running,
    ),
    "part_done": (
        "Part of the rebuild that is done, from 0 to 1",
        lambda rebuild: rebuild.part_done,
    ),
    "events_per_second": (
        "Events of the log that one builder applies in a second of work",
        lambda rebuild: rebuild.events_per_second or 0,
    ),
}


class Gauges(Collector):
    """Queries the database for each request of Prometheus.

    All processes answer the same.
    """

    def __init__(self, pool: Pool, settings: Settings) -> None:
        self._pool = pool
        self._settings = settings
        # Each answer has the commit of the start: a checkout may move on meanwhile, and
        # the process does not.
        self._build = InfoMetricFamily("goatherd_build", "The version and the commit")
        self._build.add_metric([], {"version": version(), "commit": commit()})

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges; without a database only those that need none."""
        yield self._build
        up = GaugeMetricFamily(
            "goatherd_database_up", "1 if the database answers, else 0"
        )
        try:
            found = list(self._ask())
        except psycopg.Error:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from found

    def describe(self) -> Iterator[Metric]:
        """Return no metric in advance, so that registering needs no database."""
        return iter(())

    def _ask(self) -> Iterator[Metric]:
        with self._pool.connection() as connection:
            known = progress(connection)
            row = connection.execute(_JOBS).fetchone()
            overdue, _ = connection.execute(OVERDUE).fetchone() or (0, 0.0)
            possible = capacities(connection, self._settings)
        for name, meaning in _BY_PROJECTION.items():
            gauge = GaugeMetricFamily(
                f"goatherd_projection_{name}", meaning, labels=["projection"]
            )
            for each in known:
                gauge.add_metric([each.name], getattr(each, name))
            yield gauge
        for name, (meaning, number) in _BY_REBUILD.items():
            gauge = GaugeMetricFamily(
                f"goatherd_rebuild_{name}", meaning, labels=["projection"]
            )
            for each in known:
                if each.rebuild is not None:
                    gauge.add_metric([each.name], number(each.rebuild))
            yield gauge
        waiting, running, quarantined, oldest = row or (0, 0, 0, 0.0)
        jobs = GaugeMetricFamily("goatherd_jobs", "Scrape jobs", labels=["state"])
        jobs.add_metric(["waiting"], waiting)
        jobs.add_metric(["running"], running)
        jobs.add_metric(["quarantined"], quarantined)
        yield jobs
        yield GaugeMetricFamily(
            "goatherd_jobs_oldest_due_seconds",
            "Seconds that the longest waiting scrape is overdue",
            value=oldest,
        )
        yield GaugeMetricFamily(
            "goatherd_schedule_overdue",
            "Scheduled scrapes that are late by more than their interval",
            value=overdue,
        )
        load = GaugeMetricFamily(
            "goatherd_source_load",
            "Part of a source's possible requests that the schedule needs",
            labels=["provider"],
        )
        for name, one in possible.items():
            load.add_metric([name], one.load)
        yield load

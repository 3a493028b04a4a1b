"""Processes that follow the log and are killed while they do it."""

import threading

from domain import events as e
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from projections.activity.projection import Activity
from projections.alerts.projection import Alerts
from projections.annotations.projection import Annotations
from projections.audit import Audit
from projections.campaigns.projection import Campaigns
from projections.creator_history.projection import CreatorHistory
from projections.creators.projection import CreatorList
from projections.engine import follower_group as following
from projections.engine.follower import Follower
from projections.feed.projection import Feed
from projections.organizations.projection import ApiKeys
from projections.projects import Projects
from projections.reports.projection import Reports
from projections.scrape_runs.projection import ScrapeRuns
from projections.shares import Shares
from projections.videos.projection import Videos
from projections.views import Views
from tests.kit.builders import opened_store
from tests.kit.expected import expected, stored
from tests.kit.faults import victim
from tests.kit.histories import log, many_events
from tests.kit.patience import PATIENTLY
from workers.scraping.jobs import ScrapeJobs

PROJECTIONS = (
    *(ApiKeys(), Campaigns(), CreatorList(), Projects(), ScrapeRuns(), Videos()),
    *(Activity(), Annotations(), Audit(), CreatorHistory(), ScrapeJobs(), Views()),
    *(Alerts(), Feed(), Reports(), Shares()),
)


def follow(url: str) -> None:
    """Follow the log for every projection, until killed."""
    # Small batches, so that there are many moments to be killed at.
    following.CATCHING_UP_BATCH = 60
    with opened_store(url, pool_size=following.CONNECTIONS) as store:
        following.FollowerGroup(store, PROJECTIONS).run(threading.Event())


def followers(store: Store) -> list[Follower]:
    return [
        Follower(projection, pool=store.pool, codec=store.codec)
        for projection in PROJECTIONS
    ]


def positions(store: Store) -> list[int]:
    with store.pool.connection() as connection:
        rows = connection.execute("SELECT position FROM projection")
        return [row[0] for row in rows]


def test_killed_followers_leave_the_rows_that_one_fold_over_all_events_gives(
    database_url: str,
):
    with opened_store(database_url) as store:
        events = log(store, many_events(5_000))
        head = events[-1].position
        for follower in followers(store):
            follower.register()

        killed_at: list[list[int]] = []
        for part in (0.05, 0.4, 0.7):
            with victim(follow, database_url) as process:
                assert wait_until(
                    lambda part=part: max(positions(store)) > part * head,
                    seconds=PATIENTLY,
                )
                process.kill()
            killed_at.append(positions(store))
        with victim(follow, database_url):
            level = wait_until(lambda: min(positions(store)) == head, seconds=PATIENTLY)

        with store.pool.connection() as connection:
            rows = stored(connection)
            jobs = connection.execute("SELECT scrape_id FROM scrape_job").fetchall()
            dead_letters = connection.execute("SELECT FROM dead_letter").fetchall()
    assert level
    assert all(min(reached) < head for reached in killed_at)
    assert rows == expected(events)
    assert sorted(job for (job,) in jobs) == sorted(
        event.stream for event in events if isinstance(event.event, e.ScrapeRequested)
    )
    assert dead_letters == []

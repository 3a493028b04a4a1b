"""A provider that answers garbage for an hour: nothing is learned, nothing is lost."""

from datetime import UTC, datetime
from uuid import UUID

from domain import events as e
from domain.organization.plans import DEFAULT_PLANS
from domain.scrape.observations import ProfileObservation
from domain.scrape.verdicts import (
    Blocked,
    Ok,
    RateLimited,
    SchemaChanged,
    Transient,
)
from infra.eventstore.store import Store
from projections.creators.projection import CreatorList
from tests.kit.builders import NOON, Home, asking
from tests.kit.commands import request_scrape
from tests.kit.expected import rows_of
from tests.kit.jobs import Scripted, derive_jobs, ends_of, jobs_in, let_time_pass
from tests.projections.analytics.ledger import registered
from workers.policies.auto_disable import VerdictStreaks, disable_due
from workers.scraping.scrape import ScrapeDependencies, scrape_creator
from workers.sources.chain import Chain

GOOD = Ok(
    observed_at=datetime(2026, 2, 2, tzinfo=UTC),
    profile=ProfileObservation(display_name="Billie", follower_count=4_711),
)
GARBAGE = (
    SchemaChanged("HTML where JSON should be."),
    Transient("An empty body."),
    Blocked("A captcha."),
    ValueError("Extra data"),
    RateLimited(5, "Too many questions."),
    KeyError("userInfo"),
    Transient("Half a document."),
)


def ask_and_wait(home: Home, creator_id: UUID, provider: Scripted) -> UUID:
    """Ask for a run by hand, and let it be tried until it ends."""
    requested = request_scrape(
        home.store,
        creator_id,
        job_type="creator_profiles",
        organization_id=home.organization_id,
        plans=DEFAULT_PLANS,
        now=NOON,
        context=asking(),
    )
    derive_jobs(home.store)
    for _ in range(10):
        scrape_creator(
            ScrapeDependencies(store=home.store, chain=Chain(provider)),
            requested.result.scrape_id,
        )
        let_time_pass(home.store)
    return requested.result.scrape_id


def listed(store: Store) -> dict[str, object]:
    registered(store, CreatorList()).catch_up()
    with store.pool.connection() as connection:
        (row,) = rows_of(connection, "creator_list")
    names = ("status", "follower_count", "scraped_display_name", "last_scraped_at")
    return {name: row[name] for name in names}


def test_after_an_hour_of_garbage_the_last_good_figures_stand_with_their_time(
    home: Home,
):
    creator_id = home.creator("billie")
    good = ask_and_wait(home, creator_id, Scripted(GOOD))
    before = listed(home.store)

    runs = [
        ask_and_wait(home, creator_id, Scripted(*(GARBAGE[n:] + GARBAGE[:n])))
        for n in range(len(GARBAGE))
    ]
    registered(home.store, VerdictStreaks()).catch_up()
    disabled = disable_due(home.store, home.store.pool)

    assert listed(home.store) == before
    assert (before["status"], before["follower_count"]) == ("active", 4_711)
    assert before["last_scraped_at"] is not None
    assert disabled == 0
    histories = home.store.load(*runs)
    for run in runs:
        requested, end = (recorded.event for recorded in histories[run])
        assert isinstance(requested, e.ScrapeRequested)
        assert isinstance(end, e.ScrapeFailed)
        assert end.outcome in {"schema_changed", "transient", "blocked", "rate_limited"}
    assert len(ends_of(home.store, [good])[good]) == 1
    assert {
        job["state"] for job in jobs_in(home.store) if job["scrape_id"] in runs
    } == {"done"}

"""The cost of a chain of three sources for a run, when the first one answers."""

from uuid import UUID

from domain import events as e
from domain.scrape.observations import ProfileObservation
from domain.scrape.verdicts import (
    Ok,
    Verdict,
)
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import Store
from infra.http_out.request_notes import noted
from infra.ids import new_id
from infra.settings import Settings
from tests.benchmarks.harness import Report, Row, interleaved, seconds
from tests.kit.builders import NOON, Home, asking, make_home
from tests.kit.jobs import Scripted, derive_jobs
from workers.scraping.scrape import ScrapeDependencies, scrape_creator
from workers.sources.chain import Chain
from workers.sources.port import Target
from workers.sources.request_counts import RequestCounts

RUNS = 100
ROUNDS = 7
MOST_MS = 2

_SEEN = Ok(observed_at=NOON, profile=ProfileObservation(follower_count=7))
_HOW = (
    f"A chain: {RUNS} runs of a profile, one after the other, by a provider that "
    "answers at once, and by it as the first of three with daily budgets and prices: "
    "the budget is looked up, and its request is counted before it is sent."
)


class Sending(Scripted):
    """A provider that sends one request for each answer, to nobody."""

    def __init__(self, name: str) -> None:
        super().__init__(_SEEN)
        self.name = name

    def creator_profiles(self, target: Target) -> Verdict:
        with noted("GET /"):
            return super().creator_profiles(target)


def test_a_chain_of_three_when_the_first_answers(store: Store, report: Report):
    home = make_home(store)
    creator_id = home.creator("billie")
    budgets = Settings(
        web_daily_budget=10**9,
        web_price="0.002 USD",
        scrapecreators_daily_budget=10**9,
        ensembledata_daily_budget=10**9,
    )
    one = Chain(Sending("web"))
    three = Chain(
        *map(Sending, ("web", "scrapecreators", "ensembledata")),
        counts=RequestCounts(store.pool, budgets),
    )

    alone, chained = interleaved(
        lambda: a_run_ms(home, creator_id, one),
        lambda: a_run_ms(home, creator_id, three),
        rounds=ROUNDS,
    )

    more = chained.median - alone.median
    report.add(
        Row(
            what="A run by the first of three sources, over one by a single source",
            ours=chained.written("ms"),
            floor=alone.written("ms"),
            ratio=f"{more:.2f} ms more",
            bar=(f"at most {MOST_MS} ms more", more <= MOST_MS),
            how=_HOW,
        )
    )


def a_run_ms(home: Home, creator_id: UUID, chain: Chain) -> float:
    """Return how many milliseconds one run takes, of many."""
    requested = e.ScrapeRequested(
        organization_id=home.organization_id,
        project_id=home.project_id,
        creator_id=creator_id,
        handle="billie",
        job_type="creator_profiles",
        trigger="scheduled",
    )
    runs = [new_id() for _ in range(RUNS)]
    home.store.append(
        [NewEvent(run, 1, requested) for run in runs], context=asking("policy:schedule")
    )
    derive_jobs(home.store)
    at = ScrapeDependencies(store=home.store, chain=chain)

    def work() -> None:
        for run in runs:
            scrape_creator(at, run)

    return seconds(work) / RUNS * 1_000

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest

from domain import commands as c
from domain import events as e
from domain.errors import CreatorRemovedError, LimitReachedError, NotFoundError
from domain.organization.plans import DEFAULT_PLANS
from domain.scrape.handlers.scrapes import RequestedRun
from domain.streams import scrape_stream
from infra.eventstore.append import Context
from infra.eventstore.execute import Executed
from infra.eventstore.store import Store
from infra.ids import new_id
from tests.kit.builders import NOON, Home, asking, make_home
from tests.kit.commands import end_scrape, request_scrape

RESULT = c.RecordResult(
    provider="replay",
    observed_at=NOON,
    attempts=1,
    duration_ms=20,
    profile=c.ProfileSnapshot(follower_count=7),
)
FAILURE = c.RecordFailure(
    provider="replay", attempts=1, error="gone", outcome="not_found"
)


def test_a_run_is_asked_for_by_hand(store: Store, home: Home):
    ada = home.creator("ada")
    context = asking()

    query = _ask(home, ada, context=context)

    run = scrape_stream(context.command_id, ada, "video_stats")
    (requested,) = store.load(run)[run]
    assert query.result == RequestedRun(
        scrape_id=run, creator_id=ada, job_type="video_stats"
    )
    assert query.position == requested.position
    assert requested.event == e.ScrapeRequested(
        organization_id=home.organization_id,
        project_id=home.project_id,
        creator_id=ada,
        handle="ada",
        job_type="video_stats",
        trigger="manual",
    )
    assert store.head() == requested.position


def test_a_renamed_creator_is_asked_for_by_its_present_handle(store: Store, home: Home):
    ada = home.creator("ada")
    home.rename(ada, "lovelace")

    run = _ask(home, ada).result.scrape_id

    (requested,) = store.load(run)[run]
    assert isinstance(requested.event, e.ScrapeRequested)
    assert requested.event.handle == "lovelace"


def test_a_day_has_as_many_runs_by_hand_as_the_plan_says(store: Store):
    home = make_home(store, plan="free")
    ada = home.creator("ada")
    _ask(home, ada, after=timedelta(0))
    before = store.head()

    with pytest.raises(LimitReachedError) as refused:
        _ask(home, ada, after=timedelta(hours=11, minutes=59))
    nothing_stored = store.head() == before
    _ask(home, ada, after=timedelta(hours=12))

    reported = refused.value.limit_key, refused.value.current, refused.value.maximum
    assert reported == ("max_manual_scrape_triggers_per_day", 1, 1)
    assert nothing_stored


def test_a_disabled_creator_may_be_looked_at_by_hand(home: Home):
    ada = home.creator("ada")
    home.disable(ada)

    assert _ask(home, ada).result.creator_id == ada


def test_a_removed_creator_is_not_looked_at(store: Store, home: Home):
    ada = home.creator("ada")
    home.remove(ada)
    before = store.head()

    with pytest.raises(CreatorRemovedError):
        _ask(home, ada)

    assert store.head() == before


def test_the_creators_of_others_are_not_looked_at(store: Store, home: Home):
    theirs = make_home(store).creator("ada")
    before = store.head()

    for creator_id in (theirs, new_id(), home.organization_id):
        with pytest.raises(NotFoundError, match="creator"):
            _ask(home, creator_id)

    assert store.head() == before


@pytest.mark.parametrize(
    ("command", "kinds"),
    (
        (RESULT, [e.ProfileSnapshotRecorded, e.ScrapeSucceeded]),
        (FAILURE, [e.ScrapeFailed]),
    ),
)
def test_a_run_ends_with_what_it_saw_or_why_it_saw_nothing(
    store: Store,
    home: Home,
    command: c.RecordResult | c.RecordFailure,
    kinds: list[type[e.Event]],
):
    run = _ask(home, home.creator("ada")).result.scrape_id

    recorded = end_scrape(store, run, command, context=asking())

    assert [type(event.event) for event in recorded] == kinds
    assert store.load(run)[run][1:] == recorded


def test_a_run_that_ended_does_not_end_again(store: Store, home: Home):
    run = _ask(home, home.creator("ada")).result.scrape_id
    end_scrape(store, run, RESULT, context=asking())
    before = store.head()

    again = [end_scrape(store, run, end, context=asking()) for end in (RESULT, FAILURE)]

    assert again == [[], []]
    assert store.head() == before


def test_a_run_that_two_workers_end_at_once_ends_once(store: Store, home: Home):
    ada = home.creator("ada")
    runs = [_ask(home, ada).result.scrape_id for _ in range(20)]

    with ThreadPoolExecutor(4) as threads:
        ends = [
            [
                threads.submit(end_scrape, store, run, RESULT, context=asking())
                for _ in "ab"
            ]
            for run in runs
        ]
        lengths = [sorted(len(end.result()) for end in both) for both in ends]

    assert lengths == [[0, 2]] * len(runs)
    assert all(
        len(recorded_event) == 3 for recorded_event in store.load(*runs).values()
    )


def test_a_run_that_nobody_asked_for_does_not_end(store: Store, home: Home):
    before = store.head()

    for run in (new_id(), home.organization_id):
        with pytest.raises(NotFoundError, match="scrape"):
            end_scrape(store, run, RESULT, context=asking())

    assert store.head() == before


def _ask(
    home: Home,
    creator_id: UUID,
    *,
    after: timedelta = timedelta(0),
    context: Context | None = None,
) -> Executed[RequestedRun]:
    return request_scrape(
        home.store,
        creator_id,
        job_type="video_stats",
        organization_id=home.organization_id,
        plans=DEFAULT_PLANS,
        now=NOON + after,
        context=context or asking(),
    )

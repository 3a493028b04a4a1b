"""Identity: a creator is one account, and another's figures are never appended."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import accumulate, cycle, pairwise, takewhile
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec import structs
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from domain.organization.plans import DEFAULT_PLANS
from domain.scrape.observations import (
    ProfileObservation,
    VideoObservation,
)
from domain.scrape.verdicts import (
    Ok,
    Verdict,
)
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import RecordedEvent, Store
from infra.ids import new_id
from projections.engine.follower import Follower
from tests.kit.builders import NOON, Home, asking
from tests.kit.commands import request_scrape
from tests.kit.depth import part_of
from tests.kit.histories import AWAY, HOME, History, snapshot
from tests.kit.jobs import Scripted, Watched, derive_jobs, ends_of, job_of
from workers.policies import auto_disable
from workers.scraping.identity import CreatorIdentities
from workers.scraping.scrape import ScrapeDependencies, scrape_creator
from workers.sources.chain import Chain
from workers.sources.port import (
    Provider,
    Target,
)
from workers.sources.providers.replay import Recording, ReplayProvider
from workers.sources.recordings.file_format import Observation


def seeing(user_id: str | None, sec_uid: str | None = None) -> Ok:
    return Ok(
        observed_at=NOON,
        profile=ProfileObservation(user_id=user_id, sec_uid=sec_uid, follower_count=9),
        videos=(VideoObservation(tiktok_video_id="71", view_count=3),),
    )


def follow(store: Store) -> None:
    follower = Follower(CreatorIdentities(), pool=store.pool, codec=store.codec)
    follower.register()
    follower.catch_up()


def scrape(
    home: Home,
    creator_id: UUID,
    provider: Provider,
    *,
    job_type: e.JobType = "creator_profiles",
) -> list[e.Event]:
    """Request a run and do it; returns the appended events."""
    run = ask(home, creator_id, job_type=job_type)
    scrape_creator(ScrapeDependencies(store=home.store, chain=Chain(provider)), run)
    return [recorded.event for recorded in home.store.load(run)[run]][1:]


def ask(
    home: Home, creator_id: UUID, *, job_type: e.JobType = "creator_profiles"
) -> UUID:
    """Ask for a run by hand, and return its id."""
    requested = request_scrape(
        home.store,
        creator_id,
        job_type=job_type,
        organization_id=home.organization_id,
        plans=DEFAULT_PLANS,
        now=NOON,
        context=asking(),
    )
    derive_jobs(home.store)
    return requested.result.scrape_id


def outcomes(events: Sequence[e.Event]) -> list[e.Outcome | None]:
    return [
        event.outcome if isinstance(event, e.ScrapeFailed) else "ok"
        for event in events
        if isinstance(event, e.ScrapeFailed | e.ScrapeSucceeded)
    ]


def test_the_account_that_was_seen_first_is_whom_later_runs_look_for(home: Home):
    billie = home.creator("billie")
    provider = Watched(seeing(None, "MS4"), seeing("6"), seeing("6", "MS5"))

    for _ in range(4):
        scrape(home, billie, provider)
        follow(home.store)

    unknown = Target(
        handle="billie", organization_id=home.organization_id, creator_id=billie
    )
    assert provider.targets == [
        unknown,
        unknown,
        structs.replace(unknown, user_id="6"),
        structs.replace(unknown, user_id="6", sec_uid="MS5"),
    ]


@pytest.mark.parametrize(
    "job_type", ("creator_profiles", "discover_videos", "video_stats")
)
def test_another_account_under_the_handle_ends_the_run_and_leaves_no_figure(
    home: Home, job_type: e.JobType
):
    billie = home.creator("billie")
    scrape(home, billie, Scripted(seeing("6")))
    follow(home.store)
    provider = Scripted(seeing("7"))

    events = scrape(home, billie, provider, job_type=job_type)

    assert events == [
        e.ScrapeFailed(
            organization_id=home.organization_id,
            creator_id=billie,
            job_type=job_type,
            provider="scripted",
            attempts=1,
            error="@billie now belongs to another account (id 7, known 6). Rename the "
            "creator to its present handle, or remove it and add the handle anew.",
            outcome="identity_changed",
        )
    ]
    assert len(provider.calls) == 1


def test_it_is_told_of_the_job_and_never_disables_the_creator(home: Home):
    billie = home.creator("billie")
    scrape(home, billie, Scripted(seeing("6")))
    follow(home.store)
    streaks = Follower(
        auto_disable.VerdictStreaks(), pool=home.store.pool, codec=home.store.codec
    )

    for _ in range(4):
        scrape(home, billie, Scripted(seeing("7")))
    streaks.register()
    streaks.catch_up()

    assert auto_disable.disable_due(home.store, home.store.pool) == 0
    assert home.look_at(billie).status == "active"


def test_a_profile_without_an_id_is_believed(home: Home):
    billie = home.creator("billie")
    scrape(home, billie, Scripted(seeing("6")))
    follow(home.store)

    events = scrape(home, billie, Scripted(seeing(None)))

    assert outcomes(events) == ["ok"]


def test_a_rename_keeps_the_account(home: Home):
    billie = home.creator("billie")
    scrape(home, billie, Scripted(seeing("6")))
    follow(home.store)
    home.rename(billie, "nanny")
    follow(home.store)

    same = scrape(home, billie, Scripted(seeing("6")))
    another = scrape(home, billie, Scripted(seeing("7")))

    assert outcomes([*same, *another]) == ["ok", "identity_changed"]


@pytest.mark.parametrize("late", (False, True), ids=["level", "table is late"])
def test_a_handle_that_was_added_anew_may_be_another_account(home: Home, *, late: bool):
    billie = home.creator("billie")
    scrape(home, billie, Scripted(seeing("6")))
    follow(home.store)
    home.remove(billie)
    home.add("billie")
    if not late:
        follow(home.store)
    provider = Watched(seeing("7"))

    first = scrape(home, billie, provider)
    follow(home.store)
    again = scrape(home, billie, provider)
    of_before = scrape(home, billie, Scripted(seeing("6")))

    assert outcomes([*first, *again, *of_before]) == ["ok", "ok", "identity_changed"]
    assert [target.user_id for target in provider.targets] == [None, "7"]


def test_creators_are_pinned_apart(home: Home):
    billie, nanny = home.creator("billie"), home.creator("nanny")
    scrape(home, billie, Scripted(seeing("6")))
    scrape(home, nanny, Scripted(seeing("7")))
    follow(home.store)

    mixed_up = scrape(home, billie, Scripted(seeing("7")))

    assert outcomes(mixed_up) == ["identity_changed"]


def test_a_recording_whose_handle_changes_hands_is_found_out(home: Home):
    billie = home.creator("billie")
    lines = [
        Observation(
            observed_at=NOON + timedelta(days=day),
            handle="billie",
            profile=ProfileObservation(user_id=user_id, follower_count=day),
        )
        for day, user_id in enumerate(("6", "7"))
    ]
    days = iter((0, 1))
    provider = ReplayProvider(
        Recording(lines),
        started_at=NOON,
        speed=1.0,
        now=lambda: NOON + timedelta(days=next(days)),
    )

    first = scrape(home, billie, provider)
    follow(home.store)
    second = scrape(home, billie, provider)

    assert outcomes([*first, *second]) == ["ok", "identity_changed"]


class Together(Scripted):
    """A provider whose answers are given at the same moment, each to another run."""

    def __init__(self, *answers: Verdict) -> None:
        super().__init__(*answers)
        self._meeting = threading.Barrier(len(answers))

    def _answer(self, job_type: e.JobType, target: Target) -> Verdict:
        answer = super()._answer(job_type, target)
        self._meeting.wait(timeout=20)
        return answer


@pytest.mark.parametrize("accounts", (("6", "7"), ("6", "6")), ids=["two", "one"])
@pytest.mark.parametrize("returned", (False, True), ids=["new", "came back"])
def test_two_first_runs_at_once_never_keep_the_figures_of_two_accounts(
    home: Home, accounts: tuple[str, str], *, returned: bool
):
    billie = home.creator("billie")
    if returned:
        scrape(home, billie, Scripted(seeing("5")))
        home.remove(billie)
        home.add("billie")
    runs = [ask(home, billie), ask(home, billie)]
    provider = Together(*map(seeing, accounts))
    dependencies = ScrapeDependencies(store=home.store, chain=Chain(provider))

    with ThreadPoolExecutor(2) as workers:
        list(workers.map(lambda run: scrape_creator(dependencies, run), runs))

    kept = {
        recorded.event.user_id
        for run in runs
        for recorded in home.store.load(run)[run]
        if isinstance(recorded.event, e.ProfileSnapshotRecorded)
    }
    ended = sorted(
        str(ends[0].outcome) if isinstance(ends[0], e.ScrapeFailed) else "ok"
        for ends in ends_of(home.store, runs).values()
    )
    assert len(kept) == 1
    assert ended == ["ok" if len({*accounts}) == 1 else "identity_changed", "ok"]


def test_the_first_run_pins_the_creator_whatever_the_table_knows(home: Home):
    billie = home.creator("billie")
    scrape(home, billie, Scripted(seeing("6")))

    another = scrape(home, billie, Scripted(seeing("7")))
    same = scrape(home, billie, Scripted(seeing("6")))

    assert outcomes([*another, *same]) == ["identity_changed", "ok"]


def test_whom_the_table_alone_knows_stays_pinned(home: Home):
    billie = home.creator("billie")
    # As it was recorded before accounts had streams, and as imports record it.
    home.store.append(
        [NewEvent(new_id(), 1, snapshot(billie, user_id="6"))], context=asking()
    )
    follow(home.store)

    another = scrape(home, billie, Scripted(seeing("7")))
    same = scrape(home, billie, Scripted(seeing("6")))

    assert outcomes([*another, *same]) == ["identity_changed", "ok"]


def test_the_job_says_so_too(home: Home):
    billie = home.creator("billie")
    scrape(home, billie, Scripted(seeing("6")))
    run = ask(home, billie)

    scrape_creator(
        ScrapeDependencies(store=home.store, chain=Chain(Scripted(seeing("7")))), run
    )

    job = job_of(home.store, run)
    assert (job["state"], job["outcome"]) == ("done", "identity_changed")
    (end,) = ends_of(home.store, [run])[run]
    assert isinstance(end, e.ScrapeFailed)
    assert job["error"] == end.error


# However the log is cut into batches, the pins are those of a plain fold.

GOATS = {UUID(int=0xC0): HOME, UUID(int=0xC1): AWAY}
STEPS = st.tuples(
    st.sampled_from([*GOATS]),
    st.one_of(
        st.tuples(st.sampled_from((None, "6", "7")), st.sampled_from((None, "A", "B"))),
        st.just("came back"),
    ),
)


def reported(steps: Sequence[tuple[UUID, Any]]) -> list[RecordedEvent]:
    history = History()
    for number, (goat, step) in enumerate(steps):
        if step == "came back":
            event = e.CreatorReactivated(
                organization_id=GOATS[goat], tracking_mode="auto"
            )
            history.happened(goat, event)
        else:
            user_id, sec_uid = step
            seen = snapshot(
                goat, organization_id=GOATS[goat], user_id=user_id, sec_uid=sec_uid
            )
            history.happened(UUID(int=0x5C0000 + number), seen)
    return history.events


def pins(steps: Sequence[tuple[UUID, Any]]) -> dict[UUID, tuple[Any, ...]]:
    rows: dict[UUID, tuple[Any, ...]] = {}
    for goat, step in steps:
        if step == "came back":
            rows.pop(goat, None)
            continue
        user_id, sec_uid = step
        tenant, pinned, known = rows.get(goat, (GOATS[goat], user_id, None))
        if pinned and pinned == user_id:
            rows[goat] = (tenant, pinned, known or sec_uid)
    return rows


@settings(
    deadline=None,
    max_examples=part_of(60),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    steps=st.lists(STEPS, min_size=6, max_size=25),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4),
)
# Two first runs at once may both get through; the second one's ids stay out.
@example(steps=[(UUID(int=0xC0), ("6", None)), (UUID(int=0xC0), ("7", "B"))], sizes=[9])
def test_any_cut_of_the_log_taken_in_twice_gives_the_same_pins(
    connection: Connection[TupleRow], steps: list[tuple[UUID, Any]], sizes: list[int]
):
    events = reported(steps)
    ends = takewhile(partial(int.__gt__, len(events)), accumulate(cycle(sizes)))

    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        for start, end in pairwise([0, *ends, len(events)]):
            CreatorIdentities().write(cursor, events[start:end])
            CreatorIdentities().write(cursor, events[start:end])
        rows = cursor.execute(
            "SELECT creator_id, organization_id, user_id, sec_uid "
            "FROM creator_identity WHERE user_id IS NOT NULL"
        ).fetchall()

    assert {creator_id: tuple(rest) for creator_id, *rest in rows} == pins(steps)

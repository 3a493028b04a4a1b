"""Analytics under other baseline rules: tried beside, swapped in, and taken back."""

import threading
from random import Random

import pytest

from domain.analytics.baselines import BaselineRule
from infra.eventstore.store import RecordedEvent, Store
from projections.analytics.projection import AnalyticsProjection
from projections.analytics.read.explanations.rule_effects import Effects, effects
from projections.analytics.store.positions import POSITION_AND_STATE
from projections.engine.follower import Follower
from projections.rebuild.errors import DryRunPendingError, NoDryRunError, StoppedError
from projections.rebuild.rebuild import cancel, rebuild, swap_dry_run
from projections.rebuild.rollback import rollback
from projections.rebuild.state import Rebuild, rebuild_of, unfinished
from projections.rebuild.transitions import RebuildOptions
from tests.kit.histories import HOME, PROJECT, History, log
from tests.projections.analytics.oracle import Oracle
from tests.projections.analytics.rule_histories import (
    ELSEWHERE,
    QUIET,
    add_snapshots,
    another_video,
    beginning,
    new_in,
    questions,
    turned,
)
from tests.projections.analytics.test_analytics import answer, contents

USUAL: BaselineRule = "posted_before_first_snapshot"


class Followed:
    """A log, and analytics that follows it as projectors do."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.events: list[RecordedEvent] = []
        self._random = Random(29)  # noqa: S311
        self._history = History()
        beginning(self._history, self._random)
        self.goes_on()

    def goes_on(self, *, followed: bool = True) -> None:
        """Append more snapshots and let them be followed."""
        known = len(self.events)
        add_snapshots(self._history, self._random, amount=40)
        another_video(self._history)
        self.events += log(self.store, self._history.events[known:])
        if followed:
            follower = Follower(
                AnalyticsProjection(), pool=self.store.pool, codec=self.store.codec
            )
            follower.register()
            follower.catch_up()

    def oracle(self, rule: BaselineRule, as_of: int | None = None) -> Oracle:
        return Oracle(self.events, as_of=as_of, rule=rule)

    def answers_under(self, rule: BaselineRule) -> None:
        """Check every way into the read model against the plain fold."""
        differ = 0
        queries = questions(self.events)
        ends = {one.as_of for one in queries}
        ours = {end: self.oracle(rule, end) for end in ends}
        another: BaselineRule = USUAL if rule != USUAL else "first_snapshot"
        others = {end: self.oracle(another, end) for end in ends}
        with self.store.pool.connection() as connection:
            for one in queries:
                answered = answer(connection, one)
                if answered is not None:
                    assert answered == ours[one.as_of].answer(one), one
                    differ += answered != others[one.as_of].answer(one)
        assert differ, "or this would say nothing of the rule"

    def contents(self) -> dict[str, list[str]]:
        with self.store.pool.connection() as connection:
            return contents(connection)

    def state_of_rows(self) -> str:
        """The state of the numbers of the organization, as pages keep results by it."""
        params = {"organization": HOME}
        with self.store.pool.connection() as connection:
            row = connection.execute(POSITION_AND_STATE, params).fetchone()
        assert row is not None
        return row[1]

    def state(self) -> Rebuild:
        with self.store.pool.connection() as connection:
            found = rebuild_of(connection, "analytics")
        assert found is not None
        return found

    def tried(self, rule: BaselineRule | None) -> Effects:
        seen: list[Effects] = []
        rebuild(
            self.store,
            AnalyticsProjection(rule),
            by="test",
            options=RebuildOptions(is_dry_run=True),
            inspect=lambda cursor: seen.append(effects(cursor)),
        )
        return seen[-1]


@pytest.fixture
def followed(store: Store) -> Followed:
    return Followed(store)


@pytest.mark.parametrize("rule", ("first_snapshot", "never"))
def test_a_dry_run_says_what_would_change_and_changes_nothing(
    followed: Followed, rule: BaselineRule
):
    before = followed.contents()

    found = followed.tried(rule)

    assert (found.live_rule, found.rule) == (USUAL, rule)
    live, beside = followed.oracle(USUAL), followed.oracle(rule)
    said = {each.project_id: each for each in found.projects}
    assert said.keys() == {PROJECT, ELSEWHERE, QUIET}
    for project, each in said.items():
        ours, theirs = new_in(live, project), new_in(beside, project)
        assert {m.metric: m.live for m in each.metrics} == ours
        assert {m.metric: m.shadow for m in each.metrics} == theirs
        assert {m.metric: m.difference for m in each.metrics} == {
            counter: (theirs[counter] or 0) - (ours[counter] or 0) for counter in ours
        }
        assert each.videos == turned(live, beside, project)
    assert [said[id_].is_any for id_ in (PROJECT, ELSEWHERE, QUIET)] == [
        *(True, True, False)
    ]
    assert followed.contents() == before
    followed.answers_under(USUAL)
    state = followed.state()
    assert (state.status, state.is_dry_run, state.rule) == ("ready", True, rule)


def test_both_are_looked_at_where_they_are_level(followed: Followed):
    followed.goes_on(followed=False)

    found = followed.tried("first_snapshot")

    said = {each.project_id: each for each in found.projects}
    live, beside = followed.oracle(USUAL), followed.oracle("first_snapshot")
    assert {m.metric: m.live for m in said[PROJECT].metrics} == new_in(live, PROJECT)
    assert {m.metric: m.shadow for m in said[PROJECT].metrics} == new_in(
        beside, PROJECT
    )


def test_what_a_dry_run_built_is_filled_up_swapped_and_followed(followed: Followed):
    followed.tried("first_snapshot")
    followed.goes_on()
    followed.answers_under(USUAL)

    done = swap_dry_run(followed.store, AnalyticsProjection(), by="test")

    assert done.was_resumed
    assert not done.comparison.is_strict
    followed.answers_under("first_snapshot")
    followed.goes_on()
    followed.answers_under("first_snapshot")
    # And a rebuild like any other keeps the rule in force: the same rows come of it.
    again = rebuild(followed.store, AnalyticsProjection(), by="test")
    assert again.comparison.is_strict
    assert again.comparison.is_equal
    followed.goes_on()
    followed.answers_under("first_snapshot")


def test_the_usual_rule_comes_back_by_a_rebuild_or_by_the_old_tables(
    followed: Followed,
):
    before = followed.contents()
    rebuild(followed.store, AnalyticsProjection("never"), by="test")
    followed.answers_under("never")

    rollback(followed.store, AnalyticsProjection())

    assert followed.contents() == before
    followed.goes_on()
    followed.answers_under(USUAL)
    rollback(followed.store, AnalyticsProjection())
    followed.answers_under("never")
    rebuild(followed.store, AnalyticsProjection(USUAL), by="test")
    followed.goes_on()
    followed.answers_under(USUAL)


def test_every_write_changes_the_state_of_rows_and_so_do_other_tables(
    followed: Followed,
):
    states = [followed.state_of_rows(), followed.state_of_rows()]

    followed.goes_on()
    states.append(followed.state_of_rows())
    # A dead letter is written long after its position.
    with followed.store.pool.connection() as connection, connection.transaction():
        AnalyticsProjection().write(connection.cursor(), followed.events[:1])
    states.append(followed.state_of_rows())
    rebuild(followed.store, AnalyticsProjection(), by="test")
    states.append(followed.state_of_rows())

    assert states[0] == states[1]
    assert len({*states}) == 4


def test_the_state_of_rows_differs_on_a_server_that_takes_over(followed: Followed):
    with (
        followed.store.pool.connection() as connection,
        connection.transaction(force_rollback=True),
    ):
        connection.execute("""
            CREATE FUNCTION pg_postmaster_start_time() RETURNS timestamptz
            LANGUAGE sql STABLE RETURN pg_catalog.pg_postmaster_start_time() + '1 h'
        """)
        connection.execute(
            "SELECT set_config('search_path', current_schema() || ',pg_catalog', true)"
        )
        params = {"organization": HOME}
        row = connection.execute(POSITION_AND_STATE, params).fetchone()

    assert row is not None
    assert row[1] != followed.state_of_rows()


def test_nobody_swaps_what_a_dry_run_built_without_being_told_to(followed: Followed):
    followed.tried("first_snapshot")

    with followed.store.pool.connection() as connection:
        assert unfinished(connection, [AnalyticsProjection()]) == []
    with pytest.raises(DryRunPendingError, match="swap it or cancel it first"):
        rebuild(followed.store, AnalyticsProjection(), by="test")

    assert followed.state().status == "ready"
    assert cancel(followed.store, AnalyticsProjection())
    with pytest.raises(NoDryRunError):
        swap_dry_run(followed.store, AnalyticsProjection(), by="test")
    followed.answers_under(USUAL)


def test_the_same_words_without_the_dry_run_swap_what_it_built(followed: Followed):
    followed.tried("first_snapshot")

    done = rebuild(
        followed.store,
        AnalyticsProjection("first_snapshot"),
        by="test",
        options=RebuildOptions(may_swap_dry_run=True),
    )

    assert done.was_resumed
    followed.answers_under("first_snapshot")


def test_a_dry_run_that_was_cut_off_goes_on_under_its_rule(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("projections.rebuild.slices.SLICE_EVENTS", 10)
    stop = threading.Event()

    def after_some(state: Rebuild) -> None:
        if state.slices_done > 2:
            stop.set()

    with pytest.raises(StoppedError):
        rebuild(
            followed.store,
            AnalyticsProjection("first_snapshot"),
            by="test",
            stop=stop,
            watch=after_some,
            options=RebuildOptions(is_dry_run=True),
        )
    resumed = rebuild(
        followed.store,
        AnalyticsProjection("first_snapshot"),
        by="test",
        options=RebuildOptions(is_dry_run=True),
    )
    other = rebuild(
        followed.store,
        AnalyticsProjection("never"),
        by="test",
        options=RebuildOptions(is_dry_run=True),
    )

    assert resumed.was_resumed
    assert not other.was_resumed
    assert followed.state().rule == "never"


def test_one_rule_alone_is_strict(followed: Followed):
    same = rebuild(
        followed.store,
        AnalyticsProjection(),
        by="test",
        options=RebuildOptions(is_dry_run=True),
    ).comparison
    cancel(followed.store, AnalyticsProjection())
    other = rebuild(
        followed.store,
        AnalyticsProjection("never"),
        by="test",
        options=RebuildOptions(is_dry_run=True),
    ).comparison

    assert same.is_strict
    assert same.is_equal
    assert not other.is_strict
    assert not other.is_equal

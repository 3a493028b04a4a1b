"""``goatherd rebuild --dry-run``: the command line on a real database."""

from pathlib import Path
from random import Random

import pytest
from psycopg.rows import TupleRow

from infra.eventstore.store import Store
from projections.analytics.projection import AnalyticsProjection
from projections.engine.follower import Follower
from tests.kit.command_line import CommandLine
from tests.kit.histories import PROJECT, History, log
from tests.projections.analytics.oracle import Oracle
from tests.projections.analytics.rule_histories import (
    add_snapshots,
    beginning,
    new_in,
    turned,
)


@pytest.fixture
def goatherd(
    command_line: CommandLine, database_url: str, tmp_path: Path
) -> CommandLine:
    command_line.set(database_url=database_url, data_dir=tmp_path)
    return command_line


@pytest.fixture
def oracles(store: Store) -> tuple[Oracle, Oracle]:
    """The plain folds of a log under two rules; analytics is level with it."""
    history, random = History(), Random(31)  # noqa: S311
    beginning(history, random)
    add_snapshots(history, random, amount=40)
    events = log(store, history.events)
    follower = Follower(AnalyticsProjection(), pool=store.pool, codec=store.codec)
    follower.register()
    follower.catch_up()
    return Oracle(events), Oracle(events, rule="first_snapshot")


def sums(store: Store) -> list[TupleRow]:
    with store.pool.connection() as connection:
        return connection.execute(
            "SELECT t::text FROM analytics_video_rollups t UNION ALL "
            "SELECT h::text FROM analytics_owner_states h UNION ALL "
            "SELECT r::text FROM analytics_rule r ORDER BY 1"
        ).fetchall()


def test_a_dry_run_is_shown_kept_and_swapped_in_when_told_to(
    goatherd: CommandLine, store: Store, oracles: tuple[Oracle, Oracle]
):
    before = sums(store)
    under = ("rebuild", "analytics", "--baseline-rule", "first_snapshot")

    shown = goatherd(*under, "--dry-run")
    (document,) = goatherd(*under, "--dry-run", "--json").document
    plainly = goatherd("rebuild", "analytics")

    assert shown.status == 0, shown.err
    assert (
        "The live rule is posted_before_first_snapshot, the new one first_snapshot."
        in shown.out
    )
    assert "2 of 3 projects would change, 1 as before." in shown.out
    effects = document["effects"]
    (ours,) = (p for p in effects["projects"] if p["project_id"] == str(PROJECT))
    live, beside = (new_in(oracle, PROJECT) for oracle in oracles)
    assert {m["metric"]: m["live"] for m in ours["metrics"]} == live
    assert {m["metric"]: m["shadow"] for m in ours["metrics"]} == beside
    assert ours["videos"] == turned(*oracles, PROJECT)
    (line,) = (x for x in shown.out.splitlines() if x.startswith("Project 0"))
    values = (live["views"], beside["views"])
    assert line.split()[2] == str(PROJECT)
    assert line.split()[3:7] == [
        *(str(ours["videos"]), "views", str(values[0]), str(values[1]))
    ]
    assert plainly.status == 1
    assert "A dry run of analytics waits" in plainly.err
    assert sums(store) == before
    (kept,) = (
        p
        for p in goatherd("projections", "--json").document
        if p["name"] == "analytics"
    )
    assert kept["rule"] == "posted_before_first_snapshot"
    assert kept["rebuild"]["status"] == "ready"
    assert "dry run ready under first_snapshot" in goatherd("projections").out

    swapped = goatherd("rebuild", "analytics", "--swap")

    assert swapped.status == 0, swapped.err
    assert "swapped in at position" in swapped.out
    (kept,) = (
        p
        for p in goatherd("projections", "--json").document
        if p["name"] == "analytics"
    )
    assert kept["rule"] == "first_snapshot"
    assert sums(store) != before
    assert goatherd("rebuild", "analytics", "--swap").status == 1


def test_the_same_command_without_the_dry_run_swaps_and_there_is_a_way_back(
    goatherd: CommandLine, store: Store, oracles: tuple[Oracle, Oracle]
):
    del oracles
    before = sums(store)
    under = ("rebuild", "analytics", "--baseline-rule", "never")

    dropped = goatherd(*under, "--dry-run"), goatherd("rebuild", "--cancel")
    goatherd(*under, "--dry-run")
    (swapped,) = goatherd(*under, "--json").document

    assert [each.status for each in dropped] == [0, 0]
    assert swapped["was_resumed"]
    assert not swapped["comparison"]["is_strict"]
    assert sums(store) != before
    back = ("rebuild", "analytics", "--baseline-rule", "posted_before_first_snapshot")
    assert goatherd(*back).status == 0
    assert sums(store) == before


@pytest.mark.parametrize(
    ("words", "why", "status"),
    (
        (("bans", "--baseline-rule", "never"), "is only for analytics", 2),
        (("analytics", "--dry-run", "--swap"), "exclude each other", 2),
        (("analytics", "--swap", "--baseline-rule", "never"), "needs a rebuild", 2),
        # The command line is right, and the installation has nothing to swap.
        (("analytics", "--swap"), "No dry run of analytics waits to be swapped.", 1),
    ),
)
@pytest.mark.usefixtures("store")
def test_what_makes_no_sense_is_refused(
    goatherd: CommandLine, words: tuple[str, ...], why: str, status: int
):
    ended = goatherd("rebuild", *words)

    assert ended.status == status
    assert why in ended.err


@pytest.mark.usefixtures("store")
def test_anything_can_be_built_without_being_swapped(goatherd: CommandLine):
    shown = goatherd("rebuild", "bans", "--dry-run")

    assert shown.status == 0, shown.err
    assert "and not swapped. All 0 rows are equal." in shown.out
    assert goatherd("rebuild", "bans", "--swap").status == 0

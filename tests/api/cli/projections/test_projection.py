"""``goatherd projection``: a stream on trial, and decisions on dead letters."""

import pytest

from infra.eventstore.store import Store
from projections.creators.projection import CreatorList
from tests.kit.builders import Home, make_home
from tests.kit.command_line import CommandLine
from tests.projections.analytics.ledger import dead_letters, registered
from tests.projections.engine.refused_rows import refused


@pytest.fixture
def home(store: Store) -> Home:
    return make_home(store)


@pytest.fixture
def position(store: Store, home: Home, capsys: pytest.CaptureFixture[str]) -> int:
    """The position of a renaming that the list of creators could not apply."""
    creator_id = home.creator("heidi")
    with refused(store, "wolf"):
        home.rename(creator_id, "wolf")
        registered(store, CreatorList()).catch_up()
        home.rename(creator_id, "clara")
        registered(store, CreatorList()).catch_up()
    # The follower has logged the failure.
    capsys.readouterr()
    return dead_letters(store)[0][1]


def test_a_stream_is_tried_with_the_columns_that_each_event_changes(
    cli: CommandLine, home: Home
):
    creator_id = home.creator("heidi")
    home.rename(creator_id, "clara")

    shown = cli("projection", "try", "creator_list", "--stream", str(creator_id))
    document = cli(
        *("projection", "try", "creator_list", "--stream", str(creator_id), "--json")
    ).document

    assert shown.status == 0, shown.err
    first, second = shown.out.split("handle_changed")
    assert '"tiktok_handle":"heidi"' in first
    assert '"tiktok_handle":"clara"' in second
    assert "created_at" in first
    assert "created_at" not in second.splitlines()[1]
    assert [event["name"] for event in document] == ["creator_added", "handle_changed"]
    assert document[1]["rows"]["creator_list"][0]["tiktok_handle"] == "clara"


def test_what_cannot_be_tried_is_refused_in_a_line(cli: CommandLine):
    nobody = "00000000-0000-4000-8000-000000000001"

    unknown = cli("projection", "try", "goats", "--stream", nobody)
    job = cli("projection", "try", "scrape_jobs", "--stream", nobody)
    empty = cli("projection", "try", "creator_list", "--stream", nobody)

    assert "There is no read model 'goats'; there are creator_list" in unknown.complaint
    assert "There is no read model 'scrape_jobs'" in job.complaint
    assert empty.complaint == f"The log has no event of {nobody}."
    # A read model is one of a list; a stream is known to the installation alone.
    assert (unknown.status, job.status, empty.status) == (2, 2, 1)


def test_a_retry_says_what_was_applied_and_is_written_down(
    cli: CommandLine, store: Store, position: int
):
    words = ("projection", "retry", "creator_list", str(position))

    without_reason = cli(*words)
    done = cli(*words, "--reason", "The constraint is gone.")
    again = cli(*words, "--reason", "Once more.")

    assert without_reason.status == 2
    assert (
        f"handle_changed at position {position} was retried, and 2 events" in done.out
    )
    assert "creator_list 2" in done.out
    assert again.complaint == (
        f"creator_list has no dead letter at position {position}."
    )
    with store.pool.connection() as connection:
        decided = connection.execute(
            "SELECT decision, decided_by, reason FROM dead_letter_decision"
        ).fetchall()
    assert decided == [("retried", "cli", "The constraint is gone.")]


def test_a_retry_that_fails_again_says_why_and_ends_with_1(
    cli: CommandLine, store: Store, position: int
):
    with refused(store, "wolf"):
        failed = cli(
            *("projection", "retry", "creator_list", str(position), "--reason", "try")
        )

    assert failed.status == 1
    assert f"creator_list failed again at position {position}" in failed.complaint
    assert "CheckViolation" in failed.complaint
    assert len(dead_letters(store)) == 1


def test_a_skip_leaves_the_event_out(cli: CommandLine, store: Store, position: int):
    with refused(store, "wolf"):
        done = cli(
            *("projection", "skip", "creator_list", str(position)),
            *("--reason", "wolves", "--json"),
        ).document

    assert (done["decision"], done["events"]) == ("skipped", 1)
    assert dead_letters(store) == []


def test_a_projection_that_there_is_not_has_no_dead_letters(cli: CommandLine):
    refusal = cli("projection", "skip", "goats", "1", "--reason", "wolves")

    assert refusal.status == 2
    assert "There is no projection 'goats'" in refusal.complaint

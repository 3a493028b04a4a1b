"""Turns: which older videos a scrape lists, day by day."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.messages import Trigger
from domain.scrape.turns import (
    MOST_OWED,
    WHOLE_LIST,
    ListTurn,
    OlderVideos,
    TurnState,
    next_turn,
)

NOW = datetime(2026, 12, 2, 12, tzinfo=UTC)
THERE = datetime(2026, 3, 1, tzinfo=UTC)


def scheduled(state: TurnState) -> ListTurn:
    return next_turn(state, trigger="scheduled", now=NOW)


def turned(*, hours: float) -> TurnState:
    at = NOW - timedelta(hours=hours)
    return TurnState(is_complete=True, turned_at=at, older_than=THERE)


def test_a_list_that_was_never_read_is_read_to_its_end():
    assert scheduled(TurnState()) == WHOLE_LIST


def test_a_list_that_was_cut_off_is_continued_to_its_end():
    cut = TurnState().after(OlderVideos(until=THERE), observed_at=NOW)

    assert not cut.is_complete
    assert scheduled(cut) == ListTurn(older_than=THERE, older_pages=None)


@pytest.mark.parametrize(
    ("hours", "pages"),
    ((1, 0), (17, 0), (18, 1), (24, 1), (41, 1), (48, 2), (24 * 90, MOST_OWED)),
)
def test_a_day_is_a_page_and_missed_days_are_caught_up_with(hours: float, pages: int):
    assert scheduled(turned(hours=hours)) == ListTurn(
        older_than=THERE, older_pages=pages
    )


def test_a_run_of_a_worker_whose_clock_is_behind_has_no_turn():
    assert scheduled(turned(hours=-40)).older_pages == 0


@pytest.mark.parametrize("trigger", ("manual", "added", "reenabled", "renamed"))
def test_a_run_that_somebody_waits_for_lists_all_videos(trigger: Trigger):
    assert next_turn(turned(hours=1), trigger=trigger, now=NOW) == WHOLE_LIST


def test_after_the_end_the_turns_begin_with_the_newest_again():
    ended = turned(hours=24).after(OlderVideos(), observed_at=NOW)

    assert ended == TurnState(is_complete=True, turned_at=NOW, older_than=None)

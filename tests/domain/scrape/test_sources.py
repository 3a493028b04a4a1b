"""The newest runs of a source, and its waiting runs, show that it fails."""

from typing import get_args

import pytest

from domain.messages import Outcome
from domain.scrape.sources import NEXT, failing_with

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@pytest.mark.parametrize(
    ("newest", "retrying", "failing"),
    (
        ([], {}, None),
        (["blocked", "blocked"], {}, None),
        (["blocked", "blocked", "blocked"], {}, "blocked"),
        (["ok", "ok", "ok", "blocked", "blocked", "blocked"], {}, None),
        (["ok", "ok", "blocked", "transient", "blocked"], {}, "blocked"),
        (["not_found", "private", "identity_changed", "ok"], {}, None),
        ([None, None, None, None], {}, None),
        (["not_in_recording"] * 20, {}, None),
        ([], {"rate_limited": 3}, "rate_limited"),
        (["ok"] * 20, {"blocked": 7}, None),
        ([], {"private": 9}, None),
    ),
)
def test_a_source_fails_if_it_is_mostly_at_fault(
    newest: list[Outcome | None],
    retrying: dict[Outcome, int],
    failing: Outcome | None,
):
    assert failing_with(newest, retrying=retrying) == failing


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_there_is_something_to_try_after_every_outcome(outcome: Outcome):
    assert NEXT[outcome].endswith(".")

"""When the next source is asked, and which answer a run ends with."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.messages import Outcome
from domain.scrape.chain import SourceAnswer, asks_next, decisive, may_contradict
from domain.scrape.outcomes import OF_THE_ACCOUNT, OF_THE_SOURCE

ENDING: tuple[Outcome, ...] = ("ok", "identity_changed")
ACCOUNT: tuple[Outcome, ...] = tuple(sorted(OF_THE_ACCOUNT))
outcomes = st.sampled_from([*ACCOUNT, *sorted(OF_THE_SOURCE), "not_in_recording"])


def answer(
    outcome: Outcome, *, reads_site: bool = True, retry_after: float = 0
) -> SourceAnswer:
    return SourceAnswer(outcome=outcome, reads_site=reads_site, retry_after=retry_after)


@pytest.mark.parametrize("outcome", (*ENDING, *ACCOUNT))
def test_what_a_source_that_reads_the_site_says_of_an_account_ends_a_run(
    outcome: Outcome,
):
    assert not asks_next(answer(outcome), longest_wait=180)


@pytest.mark.parametrize("outcome", ACCOUNT)
def test_what_others_say_of_an_account_or_would_disable_it_is_not_the_last_word(
    outcome: Outcome,
):
    assert asks_next(answer(outcome, reads_site=False), longest_wait=180)
    assert asks_next(answer(outcome), longest_wait=180, is_third_strike=True)


@pytest.mark.parametrize(
    "outcome", ("blocked", "transient", "schema_changed", "not_in_recording")
)
def test_a_source_that_failed_is_followed_by_the_next(outcome: Outcome):
    assert asks_next(answer(outcome), longest_wait=180)


def test_a_source_that_is_free_again_soon_is_waited_for():
    assert not asks_next(answer("rate_limited", retry_after=180), longest_wait=180)
    assert asks_next(answer("rate_limited", retry_after=181), longest_wait=180)


def test_only_who_reads_the_site_may_contradict_who_does():
    gone = [answer("blocked"), answer("not_found")]

    assert may_contradict(gone, reads_site=True)
    assert not may_contradict(gone, reads_site=False)
    assert may_contradict([answer("not_found", reads_site=False)], reads_site=False)


@pytest.mark.parametrize(
    ("answers", "number"),
    (
        # The site's own word, also if the second opinion could not be had.
        ([answer("not_found"), answer("blocked")], 0),
        ([answer("blocked"), answer("private")], 1),
        # Nobody knows: the site could not be read, and the other one sees less.
        ([answer("not_found", reads_site=False), answer("blocked")], 1),
        ([answer("not_found", reads_site=False), answer("not_in_recording")], 0),
        # The one that may work again soonest.
        ([answer("schema_changed"), answer("blocked"), answer("transient")], 2),
        ([answer("blocked"), answer("rate_limited", retry_after=900)], 1),
        ([answer("not_in_recording"), answer("blocked")], 1),
        ([answer("not_in_recording")], 0),
    ),
)
def test_a_run_that_nobody_ended_ends_with_the_most_telling_answer(
    answers: list[SourceAnswer], number: int
):
    assert decisive(answers) == number


def part(videos: int, **given: Any) -> SourceAnswer:  # noqa: ANN401 - its fields
    return SourceAnswer(
        outcome="ok", reads_site=True, is_partial=True, videos=videos, **given
    )


@pytest.mark.parametrize("failure", sorted(OF_THE_SOURCE - {"rate_limited"}))
def test_a_list_that_a_failure_cut_short_is_asked_of_the_next(failure: Outcome):
    assert asks_next(part(3, cut_by=failure), longest_wait=180)


def test_a_list_that_a_limit_of_the_run_or_a_short_wait_ended_is_not():
    assert not asks_next(part(3), longest_wait=180)
    assert not asks_next(
        part(3, cut_by="rate_limited", retry_after=180), longest_wait=180
    )
    assert asks_next(part(3, cut_by="rate_limited", retry_after=181), longest_wait=180)


WHOLE = SourceAnswer(outcome="ok", reads_site=True, videos=3)


@pytest.mark.parametrize(
    ("answers", "number"),
    (
        ([part(2), WHOLE], 1),
        ([part(3), WHOLE], 1),
        # A list that claims to be whole, and has fewer videos, is not whole.
        ([part(4), WHOLE], 0),
        ([part(2), part(5), part(4)], 1),
        ([part(2), part(2)], 0),
        ([answer("blocked"), part(0), answer("transient")], 1),
        # A source that saw videos knows better than one that finds no account.
        ([part(2), answer("not_found")], 0),
        ([part(2), answer("private")], 0),
        ([part(2), answer("rate_limited")], 0),
    ),
)
def test_of_partial_lists_the_longest_is_kept(answers: list[SourceAnswer], number: int):
    assert decisive(answers) == number
    assert decisive(answers, is_over=True) == number


def test_a_partial_list_that_may_be_anothers_is_not_kept():
    answers = [part(2), answer("identity_changed")]

    assert decisive(answers, is_over=True) == 1


def test_what_ended_a_run_is_what_it_ends_with():
    answers = [answer("transient"), answer("rate_limited", retry_after=9)]

    assert (decisive(answers), decisive(answers, is_over=True)) == (0, 1)


@given(st.lists(st.builds(answer, outcomes, reads_site=st.booleans()), min_size=1))
def test_a_failure_never_hides_what_the_site_says(answers: list[SourceAnswer]):
    chosen = answers[decisive(answers)]

    if any(each.reads_site and each.outcome in OF_THE_ACCOUNT for each in answers):
        assert chosen.reads_site
        assert chosen.outcome in OF_THE_ACCOUNT
    elif any(each.outcome in OF_THE_SOURCE for each in answers):
        assert chosen.outcome != "not_in_recording"

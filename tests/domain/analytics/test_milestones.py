from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.analytics.milestones import (
    MILESTONES,
    FollowerObservation,
    Milestone,
    earliest,
    passed,
)
from tests.kit.builders import NOON

RUN_CONTENTS = st.lists(
    st.builds(
        lambda hour, followers: (hour, followers),
        st.integers(0, 9),
        st.sampled_from([-1, 0, 999, 1_000, 4_999, 5_000, 60_000, 2**63 - 1]),
    ),
    max_size=12,
)


def seen(*observed: tuple[int, int]) -> list[FollowerObservation]:
    """Followers by the hour after noon, told in this order."""
    return [
        FollowerObservation(NOON + timedelta(hours=hour), position, followers)
        for position, (hour, followers) in enumerate(observed, 1)
    ]


def passed_by(*observed: tuple[int, int]) -> list[tuple[int, int]]:
    """Which numbers were passed, and at which position that was told."""
    return [
        (each.number, each.observation.position)
        for each in passed(earliest(seen(*observed)))
    ]


def test_the_numbers_are_one_and_five_with_noughts():
    assert MILESTONES[:8] == (
        *(1_000, 5_000, 10_000, 50_000),
        *(100_000, 500_000, 1_000_000, 5_000_000),
    )
    assert MILESTONES[-1] == 5_000_000_000


def test_the_first_run_content_at_a_number_passes_it():
    assert passed_by((0, 999), (1, 1_000), (2, 1_001)) == [(1_000, 2)]


def test_a_leap_passes_every_number_on_the_way():
    assert passed_by((0, 999), (1, 10_500)) == [(1_000, 2), (5_000, 2), (10_000, 2)]


def test_who_was_past_a_number_at_first_sight_never_passes_it():
    assert passed_by((0, 7_000), (1, 12_000)) == [(10_000, 2)]


def test_a_number_is_passed_once_however_often_it_is_lost():
    assert passed_by((0, 900), (1, 1_100), (2, 800), (3, 1_200)) == [(1_000, 2)]


def test_falling_from_above_and_coming_back_passes_nothing():
    assert passed_by((0, 1_100), (1, 800), (2, 1_200)) == []


def test_what_is_told_late_counts_when_it_was_seen():
    assert passed_by((5, 1_200), (0, 900)) == [(1_000, 1)]
    assert passed_by((2, 900), (5, 1_200), (3, 1_050)) == [(1_000, 3)]
    assert passed_by((2, 900), (5, 1_200), (0, 1_050)) == []


def test_nothing_seen_is_nothing_passed():
    assert passed({}) == []


@given(data=st.data(), observed=RUN_CONTENTS)
def test_milestones_are_the_same_in_any_order(
    data: st.DataObject, observed: list[tuple[int, int]]
):
    observations = seen(*observed)
    mixed = data.draw(st.permutations([*observations, *observations]))

    found = passed(earliest(mixed))

    in_time = sorted(observations)
    expected: list[Milestone] = []
    for number in MILESTONES:
        for observation in in_time:
            if observation.followers >= number:
                if any(
                    other.observed_at < observation.observed_at for other in in_time
                ):
                    expected.append(Milestone(number, observation))
                break
    assert found == expected

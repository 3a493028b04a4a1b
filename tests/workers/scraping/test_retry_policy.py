import pytest

from domain.events import Outcome
from workers.scraping import retry_policy


@pytest.mark.parametrize(
    ("outcome", "attempt", "least", "most"),
    (
        ("transient", 1, 5, 10),
        ("transient", 2, 10, 20),
        ("transient", 3, 20, 40),
        ("transient", 9, 1_280, 2_560),
        ("transient", 10, 1_800, 3_600),
        ("transient", 2_000, 1_800, 3_600),
        ("rate_limited", 1, 15, 30),
        ("blocked", 1, 300, 600),
        ("blocked", 4, 2_400, 4_800),
        ("schema_changed", 1, 1_800, 3_600),
    ),
)
def test_waits_double_up_to_a_bound_with_half_of_it_by_chance(
    outcome: Outcome, attempt: int, least: float, most: float
):
    waits = [retry_policy.wait(outcome, attempt) for _ in range(200)]

    assert least <= min(waits) < least + (most - least) / 4
    assert most - (most - least) / 4 < max(waits) <= most


@pytest.mark.parametrize(
    ("floor", "least", "most"),
    (
        (0, 5, 10),
        (-1, 5, 10),
        (120, 120, 120),
        (86_400, 86_400, 86_400),
        (1e12, 86_400, 86_400),
        (float("inf"), 86_400, 86_400),
        (float("nan"), 5, 10),
    ),
)
def test_a_wait_is_as_long_as_the_platform_asked_for_up_to_a_day(
    floor: float, least: float, most: float
):
    waits = [retry_policy.wait("transient", 1, floor=floor) for _ in range(50)]

    assert least <= min(waits) <= max(waits) <= most


@pytest.mark.parametrize(
    ("outcome", "last"),
    (("blocked", 5), ("rate_limited", 5), ("transient", 5), ("schema_changed", 3)),
)
def test_each_outcome_is_tried_so_often(outcome: Outcome, last: int):
    assert not retry_policy.is_last(outcome, last - 1)
    assert retry_policy.is_last(outcome, last)

"""Back-off: waits grow up to a limit, and a part of each is random."""

from infra.backoff import Backoff


def test_each_failure_in_a_row_is_waited_out_twice_as_long_up_to_a_limit():
    backoff = Backoff(0.2, 5.0)

    for failures, seconds in [(1, 0.2), (2, 0.4), (5, 3.2), (6, 5), (100_000, 5)]:
        waits = {backoff.seconds(failures) for _ in range(100)}

        assert seconds * 0.5 <= min(waits) < max(waits) <= seconds * 1.5


def test_a_wait_varies_within_its_spread_and_grows_by_its_factor():
    backoff = Backoff(4, 500, factor=5, spread=(1, 1))

    assert [backoff.seconds(n) for n in (1, 2, 3, 4, 5)] == [4, 20, 100, 500, 500]


def test_the_last_try_is_known_by_the_number_of_failures():
    assert [Backoff(1, tries=3).is_last(n) for n in (1, 2, 3, 4)] == [
        *(False, False),
        *(True, True),
    ]
    assert not Backoff(1).is_last(1_000_000)

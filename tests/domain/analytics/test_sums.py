"""The rest of a whole without some of its parts."""

from domain.analytics.series import CounterSeries, PrecisionSeries
from domain.analytics.sums import rest_of


def followers(first: int, last: int, *, sharpened: int = 0) -> CounterSeries:
    """One profile over one bucket, rounded at its start if it is sharpened in it."""
    return CounterSeries(
        levels=(first, last),
        known=(1, 1),
        bases=(0,),
        baselines=(0,),
        snapshots=(1,),
        precision=PrecisionSeries(
            rounded=(1, 0), sharpened=(sharpened,), sharpenings=(1,), changes=(0,)
        )
        if sharpened
        else None,
    )


def posts(amount: int) -> CounterSeries:
    return CounterSeries(
        levels=(0, amount), known=(1, 1), bases=(0,), baselines=(0,), snapshots=(1,)
    )


def both(one: CounterSeries, other: CounterSeries) -> CounterSeries:
    """The series of two profiles together, of which the first is sharpened."""
    return CounterSeries(
        levels=[a + b for a, b in zip(one.levels, other.levels, strict=True)],
        known=(2, 2),
        bases=(0,),
        baselines=(0,),
        snapshots=(2,),
        precision=one.precision,
    )


def test_what_was_sharpened_stays_with_the_part_that_it_is_of():
    rounded, exact = followers(3_900, 3_894, sharpened=-6), followers(50, 57)
    whole = both(rounded, exact)

    of_exact = rest_of({"followers": whole}, [{"followers": rounded}])["followers"]
    of_rounded = rest_of({"followers": whole}, [{"followers": exact}])["followers"]

    assert whole.new(0) == 7
    assert (of_exact.new(0), of_exact.precision) == (7, None)
    assert not of_exact.is_level_before_rounded(0)
    assert (of_rounded.new(0), of_rounded.is_sharpened(0)) == (0, True)
    assert of_rounded.is_level_before_rounded(0)


def test_the_number_of_posts_is_known_however_many_parts_are_taken_away():
    rest = rest_of({"posts": posts(9)}, [{"posts": posts(4)}, {"posts": posts(5)}])

    assert rest["posts"].level(0) == 0
    assert rest["posts"].new(0) == 0
    assert rest_of({"posts": posts(9)}, [{"posts": posts(9)}])["posts"].new(0) == 0

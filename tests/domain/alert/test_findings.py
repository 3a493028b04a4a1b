"""Findings: the stretches of time in which conditions hold."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from domain.alert.conditions import (
    BOUNDS,
    CONDITIONS,
    TYPES,
    Condition,
    completed,
    severity_of,
    words_of,
)
from domain.alert.findings import (
    AlertFinding,
    EndedImport,
    Watched,
    failed_imports,
    firings,
    is_over_posting,
    long_gaps,
    lost_followers,
    stopped_posting,
    stretches,
    unseen,
    unusual_views,
)
from tests.kit.builders import ADA, NOON, PROJECT

CREATOR = Watched(ADA, PROJECT)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TODAY = (NOON - datetime(1970, 1, 1, tzinfo=UTC)) // DAY
SPIKE = completed(Condition(type="views_spike"))
DROP = completed(Condition(type="views_drop"))
FOLLOWERS = completed(Condition(type="followers_drop_percent"))
CROWD = completed(Condition(type="over_posting"))


def spans(findings: Iterable[AlertFinding]) -> list[tuple[datetime, datetime | None]]:
    return [(each.since, each.until) for each in findings]


def test_a_silence_begins_after_its_days_and_ends_with_the_next_post() -> None:
    posts = [NOON - 30 * DAY, NOON - 20 * DAY, NOON - 16 * DAY, NOON - 8 * DAY]

    found = list(long_gaps(CREATOR, posts, days=7, at=NOON))

    assert spans(found) == [
        (NOON - 23 * DAY, NOON - 20 * DAY),
        (NOON - 9 * DAY, NOON - 8 * DAY),
        (NOON - 1 * DAY, None),
    ]
    assert [each.evidence.value for each in found] == [10, 8, 8]


def test_a_creator_stopped_posting_beyond_a_week_and_twice_the_usual() -> None:
    posts = [NOON - n * DAY for n in (80, 79, 78, 60, 50, 28, 23, 18)]

    found = list(stopped_posting(CREATOR, posts, at=NOON))

    assert spans(found) == [
        (NOON - 71 * DAY, NOON - 60 * DAY),
        (NOON - 53 * DAY, NOON - 50 * DAY),
        (NOON - 39 * DAY, NOON - 28 * DAY),
        (NOON - 8 * DAY, None),
    ]
    evidence = found[-1].evidence
    assert (evidence.value, evidence.limit, evidence.usual) == (18, 10, 5)


def test_a_creator_is_unseen_after_some_intervals() -> None:
    seen = [NOON - 5 * DAY, NOON - 4 * DAY, NOON - 80 * HOUR]

    found = list(unseen(CREATOR, seen, hours=24, intervals=3, at=NOON))

    assert spans(found) == [(NOON - 8 * HOUR, None)]
    assert found[0].evidence.value == 3.3


def days_of(views: Sequence[int], *, last: int = TODAY - 1) -> dict[int, float]:
    return {last - len(views) + 1 + place: each for place, each in enumerate(views)}


def end_of(day: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + (day + 1) * DAY


def unusual(
    views: dict[int, float], condition: Condition, *, at: datetime = NOON
) -> list[AlertFinding]:
    """Judge the ends of the last days, and the present day now."""
    steps = {
        day: [(min(end_of(day), at), views[day])]
        for day in range(TODAY - 5, TODAY + 1)
        if day in views
    }
    return stretches(CREATOR, unusual_views(views, condition), steps, at=at)


def test_a_viral_day_stands_out_and_does_not_hide_the_next_one() -> None:
    views = days_of([1_000, 1_200, 900] * 10 + [90_000, 1_100, 80_000])

    found = unusual(views, SPIKE)

    midnight = NOON - 12 * HOUR
    assert spans(found) == [(midnight - 2 * DAY, midnight - DAY), (midnight, None)]
    assert [each.evidence.value for each in found] == [90_000, 80_000]
    assert found[0].evidence.usual == 1_000
    assert found[0].evidence.distance is not None
    assert found[0].evidence.distance > 3.5


def test_the_usual_is_the_median_of_the_known_days_before() -> None:
    views = days_of([1_000] * 7 + [1_205] * 7 + [90_000])

    (found,) = unusual(views, SPIKE)

    # A mean of logarithms would be 1,098.
    assert found.evidence.usual == 1_102.5


def test_a_day_with_few_views_is_no_jump_however_unusual() -> None:
    views = days_of([1] * 30 + [900])

    assert unusual(views, SPIKE) == []


def test_a_drop_is_unusual_too() -> None:
    over = days_of([*([20_000, 25_000, 22_000] * 10), 300])

    assert spans(unusual(over, DROP)) == [(NOON - 12 * HOUR, None)]
    assert unusual(over, SPIKE) == []


def test_a_jump_is_found_at_its_observation_and_ends_when_it_is_taken_back() -> None:
    judge = unusual_views(days_of([1_000, 1_200, 900] * 10), SPIKE)
    morning = NOON - 10 * HOUR
    steps = {
        TODAY - 1: [(morning - DAY, 90_000.0), (morning - 20 * HOUR, 900.0)],
        TODAY: [(morning, 50.0), (morning + HOUR, 80_000.0), (NOON, 90_000.0)],
    }

    found = stretches(CREATOR, judge, steps, at=NOON)
    before = stretches(CREATOR, judge, steps, at=morning)

    assert spans(found) == [
        (morning - DAY, morning - 20 * HOUR),
        (morning + HOUR, None),
    ]
    assert [each.evidence.value for each in found] == [90_000, 90_000]
    assert spans(before) == spans(found)[:1]


def test_a_day_that_ends_with_a_jump_goes_on_until_the_next_is_over() -> None:
    judge = unusual_views(days_of([1_000, 1_200, 900] * 10, last=TODAY - 3), SPIKE)
    jumps = [end_of(day) - HOUR for day in (TODAY - 2, TODAY - 1)]
    once = {TODAY - 2: [(jumps[0], 80_000.0)], TODAY - 1: [(jumps[1], 5.0)]}
    twice = {TODAY - 2: [(jumps[0], 80_000.0)], TODAY - 1: [(jumps[1], 90_000.0)]}

    assert spans(stretches(CREATOR, judge, once, at=NOON)) == [
        (jumps[0], end_of(TODAY - 1))
    ]
    assert spans(stretches(CREATOR, judge, twice, at=NOON)) == [(jumps[0], None)]


def test_too_few_known_days_say_nothing() -> None:
    views = days_of([1_000] * 13 + [90_000])

    assert unusual(views, SPIKE) == []


def test_lost_followers_are_a_share_of_those_some_days_before() -> None:
    followers = {TODAY - back: 1_000.0 for back in range(3, 20)}
    followers |= {TODAY - 2: 960.0, TODAY - 1: 940.0, TODAY: 930.0}
    steps = {day: [(min(end_of(day), NOON), followers[day])] for day in followers}

    judge = lost_followers(followers, FOLLOWERS)
    (found,) = stretches(CREATOR, judge, steps, at=NOON)

    assert (found.since, found.until) == (NOON - 12 * HOUR, None)
    assert (found.evidence.value, found.evidence.usual) == (6, 1_000)


def crowd(posts: int, low: int, *, at: datetime = NOON) -> AlertFinding | None:
    ids = [UUID(int=number) for number in range(posts)]
    posted = {each: NOON - 20 * HOUR + n * HOUR for n, each in enumerate(ids)}
    seen = {each: (posted[each] + 3 * HOUR, n) for n, each in enumerate(ids[:low])}
    return is_over_posting(CREATOR, posted, seen, CROWD, at=at)


def test_over_posting_needs_all_three_conditions() -> None:
    found = crowd(7, 2)

    assert found is not None
    assert found.since == NOON - 14 * HOUR
    assert found.evidence.video_ids == (UUID(int=0), UUID(int=1))
    assert found.evidence.positions == (0, 1)
    assert crowd(6, 2) is None
    assert crowd(7, 1) is None


def test_over_posting_counts_for_a_week() -> None:
    later = crowd(7, 2, at=NOON + 7 * DAY)

    assert later is not None
    assert not later.holds_at(NOON + 7 * DAY)


def test_a_rule_fires_when_the_condition_held_long_enough_and_rests_after_it() -> None:
    posts = [NOON - n * DAY for n in (60, 50, 41.9, 34.8, 20)]
    findings = list(long_gaps(CREATOR, posts, days=7, at=NOON))

    def fired(for_minutes: int, cool_down_minutes: int) -> list[float]:
        found = firings(
            findings,
            for_minutes=for_minutes,
            cool_down_minutes=cool_down_minutes,
            first=NOON - 55 * DAY,
            last=NOON,
        )
        return [round((NOON - each.at) / DAY, 1) for each in found]

    assert fired(0, 0) == [53, 43, 34.9, 27.8, 13]
    assert fired(24 * 60, 0) == [52, 42, 26.8, 12]
    assert fired(0, 20 * 24 * 60) == [53, 27.8, 0]


def test_the_past_is_found_as_it_was_when_it_was_the_present() -> None:
    dice = Random(7)  # noqa: S311
    posts = [NOON - dice.random() * 100 * DAY for _ in range(25)]
    views = days_of([int(dice.lognormvariate(8, 1.2)) for _ in range(100)])
    # Counters that shrink take some of the gains back before midnight.
    steps = {
        day: [
            (end_of(day) - (24 - hour) * HOUR, of_day * dice.choice((0.1, 1, 3)))
            for hour in sorted(dice.sample(range(1, 24), 3))
        ]
        + [(end_of(day), of_day)]
        for day, of_day in views.items()
    }
    ends = {day: found[-1:] for day, found in steps.items()}

    def judged(condition: Condition, at: datetime) -> list[AlertFinding]:
        known = {day: each for day, each in views.items() if end_of(day) <= at}
        by_day = steps if condition is SPIKE else ends
        from_ = {d: each for d, each in by_day.items() if _day(at) - 60 < d <= _day(at)}
        return stretches(CREATOR, unusual_views(known, condition), from_, at=at)

    judges: list[Callable[[datetime], Iterable[AlertFinding]]] = [
        lambda at: long_gaps(
            CREATOR, sorted(p for p in posts if p <= at), days=3, at=at
        ),
        lambda at: stopped_posting(CREATOR, sorted(p for p in posts if p <= at), at=at),
        lambda at: judged(SPIKE, at),
        lambda at: judged(DROP, at),
    ]
    for judge in judges:
        known = list(judge(NOON))
        for hours in range(0, 24 * 50, 7):
            at = NOON - hours * HOUR
            then = {each.since for each in judge(at) if each.holds_at(at)}
            assert then == {each.since for each in known if each.holds_at(at)}


def test_a_failed_import_counts_until_one_is_stored_or_for_seven_days() -> None:
    first, second = UUID(int=0xB1), UUID(int=0xB2)
    ends = [
        EndedImport(first, NOON, is_whole=False, position=1),
        EndedImport(second, NOON + HOUR, is_whole=False, position=2),
        EndedImport(first, NOON + DAY, is_whole=True, position=3),
        EndedImport(second, NOON + 2 * DAY, is_whole=False, position=4),
    ]

    def found(at: datetime) -> list[tuple[int, datetime, datetime | None]]:
        return [
            (each.evidence.positions[0], each.since, each.until)
            for each in failed_imports(ends, at=at)
        ]

    assert found(NOON + 3 * DAY) == [
        (1, NOON, NOON + DAY),
        (2, NOON + HOUR, NOON + 2 * DAY),
        (4, NOON + 2 * DAY, None),
    ]
    assert found(NOON + 9 * DAY)[-1] == (4, NOON + 2 * DAY, NOON + 9 * DAY)


def test_every_type_has_words_bounds_and_a_severity() -> None:
    assert CONDITIONS.keys() == set(TYPES)
    for kind in TYPES:
        condition = completed(Condition(type=kind))
        assert "{" not in words_of(condition)
        assert CONDITIONS[kind].defaults.keys() <= BOUNDS.keys()
        limit = CONDITIONS[kind].limit
        assert limit is None or limit in CONDITIONS[kind].defaults
        assert severity_of(condition, 10**9) in {"info", "warning", "critical"}


def _day(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // DAY

"""Days and ids: each is asked about once, in spans that the API accepts."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workers.sources.providers.research.windows import (
    MOST_IDS,
    WINDOW_DAYS,
    DateWindow,
    day_of,
    id_windows,
    windows_back,
)

TODAY = date(2026, 3, 15)
DAY = timedelta(days=1)

dates = st.dates(date(2020, 1, 1), date(2030, 12, 31))
ages = st.integers(min_value=-1, max_value=3_000)


def days_of(window: DateWindow) -> list[date]:
    return [window.start + n * DAY for n in range((window.end - window.start).days + 1)]


def id_of(day: date, number: int = 0) -> str:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return str((int(noon.timestamp()) << 32) + number)


@given(today=dates, amount=st.integers(min_value=0, max_value=60))
def test_windows_cover_every_day_once_from_today_backwards(today: date, amount: int):
    windows = windows_back(today, amount=amount)

    covered = [day for window in windows for day in reversed(days_of(window))]
    assert covered == [today - n * DAY for n in range(amount * WINDOW_DAYS)]
    assert all(len(days_of(window)) == WINDOW_DAYS for window in windows)


@given(ids=st.lists(st.tuples(ages, st.integers(0, 3)), max_size=250))
@example(ids=[(0, n) for n in range(MOST_IDS + 1)])
@example(ids=[(age, 0) for age in range(-1, 200)])
def test_each_datable_id_is_asked_for_once_with_a_day_of_slack(
    ids: list[tuple[int, int]],
):
    requested = [id_of(TODAY - age * DAY, number) for age, number in ids]

    parts = id_windows(requested, today=TODAY)

    sought = Counter(video_id for part in parts for video_id in part.ids)
    assert sought == Counter(set(requested))
    for part in parts:
        assert 0 < len(part.ids) <= MOST_IDS
        assert len(days_of(part.window)) <= WINDOW_DAYS
        assert part.window.end <= TODAY
        for video_id in part.ids:
            day = day_of(video_id, today=TODAY)
            assert day
            assert part.window.start <= day - DAY
            assert part.window.end >= min(day + DAY, TODAY)
    assert parts == sorted(parts, key=lambda part: part.window.end, reverse=True)


def test_ids_of_one_month_are_one_question():
    requested = [id_of(TODAY - age * DAY) for age in range(28)]

    parts = id_windows(requested, today=TODAY)

    assert [part.window for part in parts] == [DateWindow(TODAY - 28 * DAY, TODAY)]


@given(moment=st.datetimes(datetime(2016, 1, 2), datetime(2026, 3, 14)))  # noqa: DTZ001
def test_a_long_id_tells_its_day(moment: datetime):
    moment = moment.replace(tzinfo=UTC)
    first = int(moment.timestamp()) << 32

    days = {day_of(str(n), today=TODAY) for n in (first, first + 2**32 - 1)}

    assert days == {moment.date()}


@pytest.mark.parametrize(
    "video_id",
    (
        "70287439506849496",  # musical.ly
        "702874395068494965",
        "70287439506849496512",
        id_of(TODAY + 2 * DAY),
        id_of(date(2015, 12, 31)),
        "0" * 19,
        "9" * 19,
        "9" * 400,
        "",
        "seventy",
        "-702874395068494965",
        " 702874395068494965",
        "٧٠٢٨٧٤٣٩٥٠٦٨٤٩٤٩٦٥١",
    ),
)
def test_an_id_that_does_not_tell_a_day_that_can_be_is_in_no_window(video_id: str):
    parts = id_windows([video_id, id_of(TODAY)], today=TODAY)

    assert [part.ids for part in parts] == [(id_of(TODAY),)]

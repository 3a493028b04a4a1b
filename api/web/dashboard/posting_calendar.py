"""The posting calendar: 53 weeks as columns, with a square for each day."""

from collections.abc import Mapping
from datetime import date, timedelta

from markupsafe import Markup
from msgspec import Struct

from api.routes.analytics.responses import Analytics
from api.web.charts.periods import Period
from domain.written import day as written_day

WEEKS = 53
_STEP, _LEFT, _TOP = 13, 28, 16
_LEVELS = 4


class CalendarWeek(Struct, frozen=True, kw_only=True):
    """A column: the place of its first square, and all squares from top to bottom.

    A square has a darkness from 0 to 4, and a tooltip.
    """

    x: int
    y: int
    squares: Markup


class CalendarLabel(Struct, frozen=True, kw_only=True):
    """A word next to the squares."""

    x: int
    y: int
    text: str


class CalendarMonth(Struct, frozen=True, kw_only=True):
    """A month in the table: the number of posts, and the number of days with posts."""

    label: str
    posts: int
    days: int


class PostingCalendar(Struct, frozen=True, kw_only=True):
    """The squares, their labels, and the same numbers by month."""

    weeks: list[CalendarWeek]
    labels: list[CalendarLabel]
    months: list[CalendarMonth]
    posts: int
    busiest: str

    @property
    def box(self) -> str:
        return f"0 0 {_LEFT + WEEKS * _STEP} {_TOP + 7 * _STEP}"


def calendar_days(today: date, *, keeps: int | None) -> Period:
    """Return the days of the calendar, fewer if the plan shows fewer."""
    first = today - timedelta(days=today.weekday() + 7 * (WEEKS - 1))
    if keeps is not None:
        first = max(first, today - timedelta(days=keeps))
    return Period(first=first, last=today, granularity="day")


def calendar_of(posts: Analytics, *, today: date) -> PostingCalendar:
    """Return the calendar of the number of posts on each day."""
    by_day = {
        point.date: int(point.value or 0)
        for one in posts.series[:1]
        for point in one.points
    }
    begin = today - timedelta(days=today.weekday() + 7 * (WEEKS - 1))
    most = max(by_day.values(), default=0)
    best = max(by_day, key=lambda day: by_day[day], default=today)
    return PostingCalendar(
        weeks=_weeks(by_day, begin, most),
        labels=_labels(begin),
        months=_months(by_day),
        posts=sum(by_day.values()),
        busiest=f"{written_day(best)} with {most}" if most > 1 else "",
    )


def _weeks(by_day: Mapping[date, int], begin: date, most: int) -> list[CalendarWeek]:
    """Return the columns; the first and the last one may lack days."""
    begun: dict[int, tuple[int, list[str]]] = {}
    months: dict[tuple[int, int], str] = {}
    for day, amount in sorted(by_day.items()):
        number, weekday = divmod((day - begin).days, 7)
        month = months.get((day.year, day.month))
        if month is None:
            month = months[day.year, day.month] = f"{day:%b %Y}"
        _, squares = begun.setdefault(number, (weekday, []))
        squares.append(_square(f"{day.day} {month}", amount, most))
    return [
        CalendarWeek(
            x=_LEFT + number * _STEP,
            y=_TOP + weekday * _STEP,
            squares=Markup("".join(squares)),  # noqa: S704 - dates and numbers alone
        )
        for number, (weekday, squares) in begun.items()
    ]


def _square(day: str, amount: int, most: int) -> str:
    """Return a square as HTML, since a template takes longer for 371 of them."""
    if not amount:
        return f"<rect><title>{day}: no posts</title></rect>"
    noun = "post" if amount == 1 else "posts"
    level = -(-amount * _LEVELS // most)
    return f'<rect class="level-{level}"><title>{day}: {amount} {noun}</title></rect>'


def _labels(begin: date) -> list[CalendarLabel]:
    found = [
        CalendarLabel(x=0, y=_TOP + weekday * _STEP + 10, text=text)
        for weekday, text in ((0, "Mon"), (2, "Wed"), (4, "Fri"))
    ]
    # The label of a month stands over the week that has its first day.
    for week in range(WEEKS):
        monday = begin + timedelta(days=7 * week)
        sunday = monday + timedelta(days=6)
        if sunday.day <= 7 and week < WEEKS - 1:
            found.append(
                CalendarLabel(x=_LEFT + week * _STEP, y=10, text=f"{sunday:%b}")
            )
    return found


def _months(by_day: Mapping[date, int]) -> list[CalendarMonth]:
    months: dict[tuple[int, int], list[int]] = {}
    for day, amount in sorted(by_day.items(), reverse=True):
        months.setdefault((day.year, day.month), []).append(amount)
    return [
        CalendarMonth(
            label=f"{date(*month, 1):%b %Y}",
            posts=sum(amounts),
            days=sum(amount > 0 for amount in amounts),
        )
        for month, amounts in months.items()
    ]

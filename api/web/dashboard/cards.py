"""The key figures of a dashboard as cards, with their changes."""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from api.routes.aggregate.kpis import Kpis
from api.routes.analytics.responses import Analytics
from api.web.charts.measures import MEASURES, CountedMeasure, Measure
from api.web.charts.svg import Sparkline, sparkline
from api.web.creator.explained_number import WHOLE_PERIOD
from api.web.dashboard.query import DashboardQuery
from domain.analytics.metrics import Mode
from domain.analytics.series import Point, Value
from domain.analytics.summaries.kpis import Kpi
from domain.analytics.summaries.written_kpis import (
    Direction,
    before_in_words,
    change_in_words,
    direction_of,
    value_in_short,
)
from domain.written import (
    UNKNOWN,
    with_about,
)

# The label, the field of the answer, and the measure and mode of the linked chart.
_FIRST: tuple[tuple[str, str, str, Mode], ...] = (
    ("New views", "new_views", "views", "new"),
    ("Posts", "posts", "posts", "new"),
    ("New followers", "new_followers", "followers", "new"),
    ("Engagement by views", "engagement_rate", "engagement_rate_by_views", "rate"),
)
_MORE: tuple[tuple[str, str, str, Mode], ...] = (
    ("Creators who posted", "active_creators", "posts", "new"),
    ("All views", "views", "views", "cumulative"),
    ("Views per post", "average_views_per_post", "avg_views_per_post", "rate"),
    ("New likes", "likes", "likes", "new"),
    ("New comments", "comments", "comments", "new"),
    ("New shares", "shares", "shares", "new"),
)


class KpiCard(Struct, frozen=True, kw_only=True):
    """A key figure: in short, in full, its change, and its course in these days.

    ``href`` leads to the chart of the figure, and ``explain`` to the observations
    behind it, if one project or campaign has it.
    """

    label: str
    value: str
    full: str
    change: str
    full_change: str
    direction: Direction
    before: str
    full_before: str
    href: str
    is_rounded: bool
    is_sharpened: bool
    course: Sparkline | None = None
    explain: str = ""


# The number of creators who posted has no observations of its own.
_COUNTED: Mapping[str, tuple[str, Mode]] = {
    label: (metric, mode)
    for label, name, metric, mode in (*_FIRST, *_MORE)
    if name != "active_creators"
}
COURSES: tuple[CountedMeasure, ...] = tuple(
    (MEASURES[measure], mode) for _, _, measure, mode in _FIRST
)
"""The numbers of the sparklines of the first cards."""


def first_cards(
    kpis: Kpis, query: DashboardQuery, before: str, courses: Sequence[Analytics] = ()
) -> list[KpiCard]:
    """Return the four figures that a manager reads first.

    ``courses`` are the answers about ``COURSES``; without them no card has a line.
    """
    if not courses:
        return [_card(*each, kpis, query, before) for each in _FIRST]
    return [
        replace(_card(*each, kpis, query, before), course=_course(answer))
        for each, answer in zip(_FIRST, courses, strict=True)
    ]


def more_cards(kpis: Kpis, query: DashboardQuery, before: str) -> list[KpiCard]:
    """Return the other figures."""
    return [_card(*each, kpis, query, before) for each in _MORE]


def explained_cards(cards: Sequence[KpiCard], query: DashboardQuery) -> list[KpiCard]:
    """Return the cards of one project or campaign, whose numbers can be explained."""
    return [
        replace(card, explain=_explanation(*counted, query))
        if (counted := _COUNTED.get(card.label))
        else card
        for card in cards
    ]


def _explanation(metric: str, mode: Mode, query: DashboardQuery) -> str:
    chosen = query.address(metric=metric, mode=mode, explain="main", on=WHOLE_PERIOD)
    return f"{chosen}#explained"


def _course(answer: Analytics) -> Sparkline | None:
    """Return the line of finished buckets: what is not over looks like a fall.

    The line of several projects is their sum. Rates of projects have no sum.
    """
    if answer.mode == "rate" and len(answer.series) > 1:
        return None
    buckets = zip(*(series.points for series in answer.series), strict=True)
    return sparkline(
        [_together(points) for points in buckets if not points[0].partial],
        from_zero=True,
    )


def _together(points: Sequence[Point]) -> Value:
    known = [point.value for point in points if point.value is not None]
    return sum(known) if known else None


def _card(
    label: str,
    name: str,
    metric: str,
    mode: Mode,
    kpis: Kpis,
    query: DashboardQuery,
    before: str,
) -> KpiCard:
    kpi: Kpi = getattr(kpis, name)
    measure = MEASURES[metric]
    is_percent = measure.unit == "percent"
    return KpiCard(
        label=label,
        value=value_in_short(kpi.value, is_percent=is_percent),
        full=measure.written(kpi.value),
        change=change_in_words(kpi, is_percent=is_percent),
        full_change=_full_change(kpi, measure),
        direction=direction_of(kpi),
        before=before_in_words(kpi, before, is_percent=is_percent),
        full_before=with_about(
            measure.written(kpi.previous), is_rounded=kpi.previous_rounded
        ),
        href=f"{query.address(metric=measure.name, mode=mode)}#chart-main",
        is_rounded=kpi.rounded,
        is_sharpened=kpi.sharpened,
    )


def _full_change(kpi: Kpi, measure: Measure) -> str:
    if kpi.change is None:
        return UNKNOWN
    return f"{'+' if kpi.change > 0 else ''}{measure.written(kpi.change)}"

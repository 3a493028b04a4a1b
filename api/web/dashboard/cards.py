"""The key figures of a dashboard as cards, with their changes."""

from msgspec import Struct

from api.routes.aggregate.kpis import Kpis
from api.web.charts.measures import MEASURES, Measure
from api.web.creator.overview_figures import Direction
from api.web.dashboard.query import DashboardQuery
from api.web.kit.filters import UNKNOWN, percent_shortly, short, signed, tilde
from domain.analytics.kpis import Kpi
from domain.analytics.metrics import Mode
from domain.analytics.series import Value

# A larger percentage says less than the change itself.
_TOO_MUCH = 1_000
_TEN = 10
# The label, the field of the answer, and the measure and mode of the linked chart.
_CARDS: tuple[tuple[str, str, str, Mode], ...] = (
    ("New views", "new_views", "views", "new"),
    ("New followers", "new_followers", "followers", "new"),
    ("Engagement by views", "engagement_rate", "engagement_rate_by_views", "rate"),
    ("Posts", "posts", "posts", "new"),
    ("Creators who posted", "active_creators", "posts", "new"),
    ("All views", "views", "views", "cumulative"),
    ("Views per post", "average_views_per_post", "avg_views_per_post", "rate"),
    ("New likes", "likes", "likes", "new"),
    ("New comments", "comments", "comments", "new"),
    ("New shares", "shares", "shares", "new"),
)


class KpiCard(Struct, frozen=True, kw_only=True):
    """A key figure: in short, in full, and its change.

    ``href`` leads to the chart of the figure, whose points are explained.
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


def cards_of(kpis: Kpis, query: DashboardQuery) -> list[KpiCard]:
    return [
        _card(label, getattr(kpis, name), MEASURES[measure], mode, query)
        for label, name, measure, mode in _CARDS
    ]


def _card(
    label: str, kpi: Kpi, measure: Measure, mode: Mode, query: DashboardQuery
) -> KpiCard:
    return KpiCard(
        label=label,
        value=_shortly(kpi.value, measure),
        full=measure.written(kpi.value),
        change=_change(kpi, measure),
        full_change=_full_change(kpi, measure),
        direction=_direction(kpi),
        before=_before(kpi, measure),
        full_before=tilde(
            measure.written(kpi.previous), is_rounded=kpi.previous_rounded
        ),
        href=f"{query.address(metric=measure.name, mode=mode)}#chart-main",
        is_rounded=kpi.rounded,
        is_sharpened=kpi.sharpened,
    )


def _direction(kpi: Kpi) -> Direction:
    if not kpi.change or not kpi.is_change_exact:
        return ""
    return "up" if kpi.change > 0 else "down"


def _shortly(value: Value, measure: Measure) -> str:
    if measure.unit == "percent":
        return percent_shortly(value)
    # Views per post are read in whole views.
    return short(round(value) if isinstance(value, float) else value)


def _before(kpi: Kpi, measure: Measure) -> str:
    if kpi.previous is None:
        return ""
    if kpi.previous_rounded:
        return "before: not exact enough to compare"
    before = f"{_shortly(kpi.previous, measure)} before"
    return before if kpi.is_change_exact else f"{before}, not exact enough to compare"


def _full_change(kpi: Kpi, measure: Measure) -> str:
    if kpi.change is None:
        return UNKNOWN
    return f"{'+' if kpi.change > 0 else ''}{measure.written(kpi.change)}"


def _change(kpi: Kpi, measure: Measure) -> str:
    """Return the change in percent; for a rate in its points, which are percent too."""
    if not kpi.change or not kpi.is_change_exact:
        return ""
    if measure.unit == "percent":
        return f"{kpi.change:+.1f} points"
    if kpi.change_percent is None or abs(kpi.change_percent) >= _TOO_MUCH:
        return signed(kpi.change)
    digits = 0 if abs(kpi.change_percent) >= _TEN else 1
    return f"{kpi.change_percent:+,.{digits}f}%"

"""Marks of charts: posts, notes, and what the log says."""

from collections.abc import Mapping
from datetime import date

from api.routes.analytics.responses import Analytics, Series
from api.web.charts.drawing import ChartMark
from domain.phrases import counted
from domain.written import days_in_words
from projections.annotations.queries import Annotation


def known_from(series: Series) -> date | None:
    """Return the day of the first baseline, if it is all that is known of a gain."""
    if series.total is not None:
        return None
    begun = (point.date for point in series.points if point.baseline)
    return next(begun, None)


def posts_of(posts: Analytics) -> list[ChartMark]:
    """Return the marks of new posts, one for each bucket and series with posts.

    If there are several series, each mark names its series.
    """
    is_alone = len(posts.series) == 1
    return [
        ChartMark(
            date=point.date,
            text=f"{counted(int(point.value), 'video')} posted"
            f"{'' if is_alone else f' by {series.entity_ref.label}'}",
            kind="post",
        )
        for series in posts.series
        for point in series.points
        if point.value
    ]


def marks_of(
    answer: Analytics, *, names: Mapping[str, str] | None = None
) -> list[ChartMark]:
    """Return the marks of an answer's annotations, each on its first shown day.

    ``names`` are the names of compared entities by id, which the marks include.
    """
    return [
        ChartMark(
            date=max(annotation.starts_on, answer.from_),
            text=_text(annotation, (names or {}).get(str(annotation.scope_id), "")),
            kind=annotation.kind,
        )
        for annotation in answer.annotations
    ]


def _text(annotation: Annotation, name: str) -> str:
    about = f"{name}: " if name else ""
    if annotation.starts_on == annotation.ends_on:
        return f"{about}{annotation.text}"
    days = days_in_words(annotation.starts_on, annotation.ends_on)
    return f"{about}{annotation.text} ({days})"

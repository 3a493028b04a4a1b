"""The answers of /analytics: series as JSON and CSV, explanations, the schema."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from api.http.csv_text import CSV_MEDIA_TYPE, csv_text
from api.http.responses import Answer
from domain.analytics.baselines import BaselineRule
from domain.analytics.buckets import Bucket, Granularity
from domain.analytics.metrics import (
    DERIVED_METRICS,
    RAW_METRICS,
    Breakdown,
    Entity,
    Membership,
    Metric,
    Mode,
    Question,
    entities_of,
    modes_of,
)
from domain.analytics.series import (
    Point,
    SeriesByMetric,
    Value,
    factor_of,
    is_rounded,
    is_sharpened,
    terms_of,
    value_of,
)
from projections.analytics.read.explanations.explain import ExplainedObservation
from projections.analytics.read.series import NamedEntity
from projections.annotations.queries import Annotation

OTHER_ID = "__other__"
_OTHER_LABEL = "Other"
COLUMNS = (
    "series_kind",
    "entity_type",
    "entity_id",
    "label",
    "date",
    "value",
    "partial",
    "baseline",
    "observed",
    "rounded",
    "sharpened",
    "cut",
)


class EntityRef(Struct, frozen=True, kw_only=True):
    """The entity of a series; ``__other__`` is the sum of all unlisted entities."""

    type: Entity
    id: str
    label: str


class Series(Struct, frozen=True, kw_only=True):
    """A point for every bucket, and the total.

    The total is the sum of the points in the mode ``new``, the last known level in
    ``cumulative``, and the rate over the whole range in ``rate``. Its marks are the
    marks of a single point over the whole range.
    """

    entity_ref: EntityRef
    points: list[Point]
    total: Value
    total_rounded: bool
    total_sharpened: bool


class Analytics(Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Numbers over time.

    ``from`` and ``to`` are the first and the last day. ``compare_series`` and
    ``breakdown_series`` are null unless requested. ``compare_from`` and ``compare_to``
    are the days of ``compare_series``, whose point n compares with point n of
    ``series``. ``tier_retention_days`` is the number of past days that the plan shows,
    null for all of them. ``annotations`` has the newest 500 annotations on these days,
    of the entities and of the campaigns, projects and organization that the entities
    are in, sorted by their first days.
    """

    entity: Entity
    metric: Metric
    mode: Mode
    membership: Membership
    granularity: Granularity
    from_: date
    to: date
    tz: str
    series: list[Series]
    compare_from: date | None
    compare_to: date | None
    compare_series: list[Series] | None
    breakdown_series: list[Series] | None
    tier_retention_days: int | None
    annotations: list[Annotation]


class Explanation(Struct, frozen=True, kw_only=True):
    """The observations behind one point.

    The contributions add up to the value; for a rate they add up to its numerator and
    to its denominator. ``factor`` is the factor that a rate is multiplied by. The
    ``denominator`` of posts_per_week is the number of days of the bucket, which is not
    observed.
    """

    entity_ref: EntityRef
    metric: Metric
    mode: Mode
    date: date
    starts_after: datetime
    ends_at: datetime
    value: Value
    rounded: bool
    sharpened: bool
    numerator: int | None
    denominator: int | None
    factor: int | None
    observations: list[ExplainedObservation]


class MetricDescription(Struct, frozen=True, kw_only=True):
    """The meaning of a metric, its entities and its modes, the usual mode first."""

    entities: list[Entity]
    modes: list[Mode]
    derived: bool
    meaning: str


class AnalyticsSchema(Struct, frozen=True, kw_only=True):
    """The parameters that /analytics takes, and the meaning of its numbers.

    ``rules`` is the number of the present rules; it grows with every change of a
    number's meaning. ``baseline_rule`` is the baseline rule in force, and
    ``baseline_rules`` says what each baseline rule means.
    """

    entities: list[Entity]
    metrics: dict[Metric, MetricDescription]
    base_metrics: list[Metric]
    granularities: list[Granularity]
    compare: list[str]
    breakdown: list[Breakdown]
    membership: list[Membership]
    formats: list[str]
    max_entities: int
    max_buckets: int
    rules: int
    baseline_rule: BaselineRule
    baseline_rules: dict[BaselineRule, str]


def other(entity: Entity) -> EntityRef:
    """Return the reference to the sum of all entities that are not listed."""
    return EntityRef(type=entity, id=OTHER_ID, label=_OTHER_LABEL)


def reference(entity: Entity, id_: UUID, label: str) -> EntityRef:
    return EntityRef(type=entity, id=str(id_), label=label)


def explanation(
    question: Question,
    named: NamedEntity,
    by_metric: SeriesByMetric,
    bucket: Bucket,
    observations: list[ExplainedObservation],
) -> Explanation:
    above: int | None = None
    below: int | None = None
    if question.mode == "rate":
        above, below = terms_of(question, by_metric, 0, days=bucket.days)
    return Explanation(
        entity_ref=reference(question.entity, named.id, named.label),
        metric=question.metric,
        mode=question.mode,
        date=bucket.date,
        starts_after=bucket.start,
        ends_at=bucket.end,
        value=value_of(question, by_metric, 0, days=bucket.days),
        rounded=is_rounded(question, by_metric, 0, days=bucket.days),
        sharpened=is_sharpened(by_metric, 0),
        numerator=above,
        denominator=below,
        factor=factor_of(question) if question.mode == "rate" else None,
        observations=observations,
    )


def described_metrics() -> dict[Metric, MetricDescription]:
    return {
        metric: MetricDescription(
            entities=list(entities_of(metric)),
            modes=list(modes_of(metric)),
            derived=metric in DERIVED_METRICS,
            meaning=_MEANINGS[metric],
        )
        for metric in (*RAW_METRICS, *DERIVED_METRICS)
    }


class CsvFile(Answer[Any]):
    """The same numbers as a CSV file."""

    sent_media_type = CSV_MEDIA_TYPE

    def __init__(self, answers: Sequence[Analytics]) -> None:
        any_of_them = answers[0]
        metrics = "-".join(answer.metric for answer in answers)
        days = f"{any_of_them.from_}-{any_of_them.to}"
        name = f"goatherd-{any_of_them.entity}-{metrics}-{days}.csv"
        disposition = f'attachment; filename="{name}"'
        super().__init__(answers, headers={"Content-Disposition": disposition})

    def encoded_body(self) -> bytes:
        return csv_of(self.content).encode()


def csv_of(answers: Sequence[Analytics]) -> str:
    """Return the series as CSV: the main series, the compared ones, then the breakdown.

    Several metrics follow each other, and a last column names the metric of each line.
    """
    is_several = len(answers) > 1
    columns = [*COLUMNS, *(["metric"] if is_several else [])]
    return csv_text(
        columns,
        (
            [*row, *([answer.metric] if is_several else [])]
            for answer in answers
            for kind, series in (
                ("main", answer.series),
                ("compare", answer.compare_series),
                ("breakdown", answer.breakdown_series),
            )
            for one in series or ()
            for row in _rows(kind, one)
        ),
    )


def _rows(kind: str, series: Series) -> Iterator[list[object]]:
    of = series.entity_ref
    for point in series.points:
        yield [
            *(kind, of.type, of.id, of.label, point.date, point.value),
            *(point.partial, point.baseline, point.observed),
            *(point.rounded, point.sharpened, point.cut),
        ]


_MEANINGS: dict[Metric, str] = {
    "views": "Views of the counted videos.",
    "likes": "Likes of the counted videos.",
    "comments": "Comments on the counted videos.",
    "shares": "Shares of the counted videos.",
    "saves": "Saves of the counted videos.",
    "posts": "Counted videos by the time they were posted.",
    "followers": "Followers of the profile.",
    "following": "Accounts that the profile follows.",
    "total_likes": "Likes of the profile, as TikTok counts them.",
    "video_count": "Videos of the profile, as TikTok counts them.",
    "engagement_rate_by_views": (
        "New likes, comments, shares and saves, in percent of the new views."
    ),
    "engagement_rate_by_followers": (
        "New likes, comments, shares and saves, in percent of the followers at the end."
    ),
    "posts_per_week": "Posts, as if the bucket had seven days.",
    "avg_views_per_post": (
        "New views, divided by the counted videos posted until the end of the bucket."
    ),
    "growth_rate_pop": (
        "The growth of base_metric, in percent of its level at the start of the bucket."
    ),
}

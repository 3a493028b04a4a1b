"""Metrics: their list, and the kinds of entities for which each can be computed."""

from collections.abc import Iterable, Sequence
from typing import Literal, get_args

import msgspec

from domain.errors import InvalidQuestionError

Entity = Literal["creator", "video", "project", "campaign"]
Breakdown = Literal["video", "creator"]
Mode = Literal["new", "cumulative", "rate"]
Membership = Literal["current", "dated"]
VideoMetric = Literal["views", "likes", "comments", "shares", "saves"]
ProfileMetric = Literal["followers", "following", "total_likes", "video_count"]
RawMetric = Literal[
    "views",
    "likes",
    "comments",
    "shares",
    "saves",
    "posts",
    "followers",
    "following",
    "total_likes",
    "video_count",
]
DerivedMetric = Literal[
    "engagement_rate_by_views",
    "engagement_rate_by_followers",
    "posts_per_week",
    "avg_views_per_post",
    "growth_rate_pop",
]
Metric = Literal[
    "views",
    "likes",
    "comments",
    "shares",
    "saves",
    "posts",
    "followers",
    "following",
    "total_likes",
    "video_count",
    "engagement_rate_by_views",
    "engagement_rate_by_followers",
    "posts_per_week",
    "avg_views_per_post",
    "growth_rate_pop",
]

VIDEO_METRICS: tuple[VideoMetric, ...] = get_args(VideoMetric)
PROFILE_METRICS: tuple[ProfileMetric, ...] = get_args(ProfileMetric)
RAW_METRICS: tuple[RawMetric, ...] = get_args(RawMetric)
DERIVED_METRICS: tuple[DerivedMetric, ...] = get_args(DerivedMetric)
ENGAGEMENT: tuple[VideoMetric, ...] = ("likes", "comments", "shares", "saves")

_NEEDS: dict[Metric, tuple[RawMetric, ...]] = {
    **{metric: (metric,) for metric in RAW_METRICS},
    "engagement_rate_by_views": ("views", *ENGAGEMENT),
    "engagement_rate_by_followers": (*ENGAGEMENT, "followers"),
    "posts_per_week": ("posts",),
    "avg_views_per_post": ("views", "posts"),
}
_OF_A_LEVEL: set[Metric] = {"engagement_rate_by_followers", "growth_rate_pop"}
# A single video does not have these metrics.
_NOT_OF_A_VIDEO = {*PROFILE_METRICS, "posts"}


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """The metric to compute for each entity, and its mode.

    ``base_metric`` is the metric whose growth is computed, null for other metrics.
    ``membership`` concerns campaigns: ``dated`` counts what each creator and video
    gained while they were members, ``current`` everything of the present members.
    """

    entity: Entity
    metric: Metric
    mode: Mode
    base_metric: RawMetric | None = None
    breakdown: Breakdown | None = None
    membership: Membership = "current"

    @property
    def is_dated(self) -> bool:
        return self.membership == "dated"

    @property
    def needs(self) -> tuple[RawMetric, ...]:
        """Return the raw metrics that this metric is computed from."""
        if self.base_metric is not None:
            return (self.base_metric,)
        return _NEEDS.get(self.metric, ())

    def among(self, metrics: Iterable[RawMetric]) -> list[RawMetric]:
        """Return the raw metrics in ``metrics`` that this metric is computed from."""
        return [metric for metric in metrics if self.needs.count(metric)]


def checked_question(
    *,
    entity: Entity,
    metric: Metric,
    mode: Mode | None = None,
    base_metric: RawMetric | None = None,
    breakdown: Breakdown | None = None,
    membership: Membership = "current",
) -> Question:
    """Return the question; without ``mode`` it has the usual mode of the metric.

    Raises:
        InvalidQuestionError: the combination makes no sense; the error says why.
    """
    derived = metric in DERIVED_METRICS
    usual: Mode = "rate" if derived else "new"
    question = Question(
        entity=entity,
        metric=metric,
        mode=mode or usual,
        base_metric=base_metric,
        breakdown=breakdown,
        membership=membership,
    )
    if derived and question.mode != "rate":
        why = f"{metric} is a rate of other numbers: it has only the mode rate"
        raise InvalidQuestionError("mode", why)
    if not derived and question.mode == "rate":
        why = f"{metric} is counted, not a rate: it has the modes new and cumulative"
        raise InvalidQuestionError("mode", why)
    if metric == "growth_rate_pop" and base_metric is None:
        why = f"is required for growth_rate_pop: one of {', '.join(RAW_METRICS)}"
        raise InvalidQuestionError("base_metric", why)
    if metric != "growth_rate_pop" and base_metric is not None:
        why = "is only for growth_rate_pop, which is the growth of another metric"
        raise InvalidQuestionError("base_metric", why)
    _check_entity(question)
    if breakdown is not None:
        _check_breakdown(question, breakdown)
    if question.is_dated:
        _check_dated(question)
    return question


def checked_questions(
    metrics: Sequence[Metric],
    *,
    entity: Entity,
    mode: Mode | None = None,
    base_metric: RawMetric | None = None,
    breakdown: Breakdown | None = None,
    membership: Membership = "current",
) -> list[Question]:
    """Return a question for each metric, as ``checked_question`` does.

    ``base_metric`` belongs to growth_rate_pop, if that is one of several metrics.

    Raises:
        InvalidQuestionError: one of the combinations makes no sense.
    """
    has_growth = "growth_rate_pop" in metrics
    return [
        checked_question(
            entity=entity,
            metric=metric,
            mode=mode,
            base_metric=None
            if has_growth and metric != "growth_rate_pop"
            else base_metric,
            breakdown=breakdown,
            membership=membership,
        )
        for metric in metrics
    ]


def modes_of(metric: Metric) -> tuple[Mode, ...]:
    """Return the modes of a metric, the usual one first."""
    return ("rate",) if metric in DERIVED_METRICS else ("new", "cumulative")


def entities_of(metric: Metric) -> tuple[Entity, ...]:
    """Return the kinds of entities that have a metric."""
    question = Question(entity="video", metric=metric, mode="new")
    if metric != "growth_rate_pop" and {*question.needs} & _NOT_OF_A_VIDEO:
        return ("creator", "project", "campaign")
    return ("creator", "video", "project", "campaign")


def _check_entity(question: Question) -> None:
    needed = _not_of_a_video(question)
    if needed and question.entity == "video":
        field = "metric" if question.base_metric is None else "base_metric"
        why = f"a single video has no {needed[-1]}; ask for its creator or project"
        raise InvalidQuestionError(field, why)


def _check_breakdown(question: Question, breakdown: Breakdown) -> None:
    if question.entity == "video":
        raise InvalidQuestionError("breakdown", f"a video has no {breakdown}s to show")
    if breakdown == "creator" and question.entity == "creator":
        raise InvalidQuestionError("breakdown", "a creator has no creators to show")
    if breakdown == "video" and (needed := _not_of_a_video(question)):
        why = f"single videos have no {needed[-1]}, so there is nothing to break down"
        raise InvalidQuestionError("breakdown", why)


def _check_dated(question: Question) -> None:
    if question.entity != "campaign":
        why = f"dated is for campaigns: a {question.entity} has no members that leave"
        raise InvalidQuestionError("membership", why)
    if question.metric in _OF_A_LEVEL:
        why = (
            f"{question.metric} is a share of a level, and dated has only what was "
            "gained: take current"
        )
        raise InvalidQuestionError("membership", why)


def _not_of_a_video(question: Question) -> list[RawMetric]:
    return [raw for raw in question.needs if raw in _NOT_OF_A_VIDEO]

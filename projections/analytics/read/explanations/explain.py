"""Explains a point: the observations whose contributions make its value."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import msgspec

from domain.analytics.buckets import Bucket
from domain.analytics.metrics import ENGAGEMENT, PROFILE_METRICS, Question, RawMetric
from projections.analytics.fold.rollup_deltas import PROFILES, VIDEOS, MetricGroup
from projections.analytics.read.counted import counted
from projections.analytics.read.explanations.contributions import (
    BEGINNING,
    Contributions,
    ExplainedObservation,
    Role,
    Way,
    check_amount,
)
from projections.analytics.read.explanations.posting_times import other_posting_times
from projections.analytics.read.observations import Counted, load_observations
from projections.analytics.read.selection import Selection
from projections.engine.reader import Reader


async def explain(
    reader: Reader, selection: Selection, question: Question, bucket: Bucket
) -> list[ExplainedObservation]:
    """Return the observations behind the value of one bucket, by time.

    The selection is of one entity, and has what the question needs.

    Raises:
        InvalidQuestionError: there are more than 10,000 observations.
    """
    organization_id, at = selection.organization_id, selection.at
    (of,) = selection.ids
    members = await counted(reader, selection, of)
    # Creators that left numbers with another project, and all others.
    moved, always = _partition(members)
    load = partial(load_observations, reader, organization_id, end=bucket.end, at=at)
    loaded = {
        metric_group: await load(metric_group, some)
        for metric_group, some in always.items()
        if selection.among(metric_group)
    }
    found: list[ExplainedObservation] = []
    if question.is_dated and question.mode == "cumulative":
        # The level is the sum of all gains.
        question = msgspec.structs.replace(question, mode="new")
        bucket = msgspec.structs.replace(bucket, start=BEGINNING)
    for term, way, metrics in _terms(question):
        for metric in metrics:
            explained = Contributions(term=term, way=way, metric=metric, bucket=bucket)
            metric_group = PROFILES if metric in PROFILE_METRICS else VIDEOS
            share, those = explained.share(moved[metric_group])
            if metric == "posts":
                every = [one.id for one in (*always[VIDEOS], *those)]
                others = await other_posting_times(
                    reader, organization_id, every, at=at
                )
                found += explained.posts(always[VIDEOS], others)
                found += share.posts(those, others)
            else:
                found += explained.observations(loaded[metric_group])
                if those:
                    found += share.observations(await load(metric_group, those))
            check_amount(len(found))
    return sorted(found, key=_place)


def _place(one: ExplainedObservation) -> tuple[object, ...]:
    """Return a sort key that orders all observations, also those of one snapshot."""
    order = {"value": 0, "numerator": 0, "denominator": 1}
    return (
        order[one.term],
        one.observed_at,
        one.position or 0,
        one.tiktok_video_id or "",
        str(one.profile or ""),
        one.metric,
        one.contribution,
    )


def _partition(
    members: Mapping[MetricGroup, Sequence[Counted]],
) -> tuple[dict[MetricGroup, list[Counted]], dict[MetricGroup, list[Counted]]]:
    moved, always = (
        {
            metric_group: [one for one in some if (one.counts_in is None) == is_always]
            for metric_group, some in members.items()
        }
        for is_always in (False, True)
    )
    return moved, always


def _terms(question: Question) -> Iterable[tuple[Role, Way, Sequence[RawMetric]]]:
    match question.metric:
        case "engagement_rate_by_views":
            return [("numerator", "new", ENGAGEMENT), ("denominator", "new", ["views"])]
        case "engagement_rate_by_followers":
            return [
                ("numerator", "new", ENGAGEMENT),
                ("denominator", "level", ["followers"]),
            ]
        case "posts_per_week":
            return [("numerator", "new", ["posts"])]
        case "avg_views_per_post":
            return [
                ("numerator", "new", ["views"]),
                ("denominator", "level", ["posts"]),
            ]
        case "growth_rate_pop":
            return [
                ("numerator", "grown", question.needs),
                ("denominator", "level_before", question.needs),
            ]
        case _:
            way: Way = "level" if question.mode == "cumulative" else "new"
            return [("value", way, question.needs)]

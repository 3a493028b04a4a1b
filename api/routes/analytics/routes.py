"""/analytics: numbers over time, of creators, videos, projects and campaigns."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from msgspec.structs import replace

from api.http.errors import Code
from api.http.reading.as_of import resolve_as_of
from api.http.reading.paging import caught_up
from api.http.request import Request
from api.http.responses import Answer
from api.http.routes import read_route
from api.routes.analytics.parameters import (
    MOST_ENTITIES,
    AsOfParameter,
    Base,
    From,
    MembershipParameter,
    Metrics,
    PeriodParameter,
    To,
    Zone,
    bucket_of,
    check_breakdown,
    check_retention,
    ids_of,
    range_of,
    whole_bucket,
    zone_named,
)
from api.routes.analytics.responses import (
    Analytics,
    AnalyticsSchema,
    CsvFile,
    Explanation,
    described_metrics,
    explanation,
)
from api.routes.analytics.series import AnalyticsQuery
from domain.analytics.baselines import DEFAULT_RULE, MEANINGS
from domain.analytics.buckets import MOST_BUCKETS, Granularity
from domain.analytics.metrics import (
    RAW_METRICS,
    Breakdown,
    Entity,
    Metric,
    Mode,
    Question,
    checked_question,
    checked_questions,
)
from domain.analytics.rules import RULES
from domain.analytics.series import as_ranges
from domain.errors import NotFoundError
from projections.analytics.read.explanations.basis import basis_as_of, basis_of_now
from projections.analytics.read.series import NamedEntity
from projections.analytics.store.baseline_rule import rule_in_force
from projections.engine.reader import Reader

_NUMBERS: dict[str, Any] = {
    "scope": "read",
    "has_basis": True,
    "errors": [Code.NOT_FOUND, Code.RETENTION_EXCEEDED],
}
_SCHEMA = AnalyticsSchema(
    entities=["creator", "video", "project", "campaign"],
    metrics=described_metrics(),
    base_metrics=list(RAW_METRICS),
    granularities=["day", "week", "month"],
    compare=["prior_period"],
    breakdown=["video", "creator"],
    membership=["current", "dated"],
    formats=["json", "csv"],
    max_entities=MOST_ENTITIES,
    max_buckets=MOST_BUCKETS,
    rules=RULES,
    baseline_rule=DEFAULT_RULE,
    baseline_rules=MEANINGS,
)


class AnalyticsRoutes(Controller):
    """Series, explanations and the schema."""

    tags = ("Analytics",)

    @read_route("/analytics", "getAnalytics", **_NUMBERS)
    async def get_analytics(
        self,
        request: Request,
        reader: NamedDependency[Reader],
        entity: FromQuery[Entity],
        metric: Metrics,
        entity_id: FromQuery[UUID | None] = None,
        entity_ids: Annotated[
            str | None,
            QueryParameter(description="1 to 5 ids, separated by commas."),
        ] = None,
        mode: FromQuery[Mode | None] = None,
        granularity: FromQuery[Granularity] = "day",
        period: PeriodParameter = None,
        from_: From = None,
        to: To = None,
        tz: Zone = None,
        base_metric: Base = None,
        compare: Annotated[
            Literal["prior_period"] | None,
            QueryParameter(
                description="The period to compare with: the answer also has the same "
                "number of days, weeks or months just before, in the same buckets."
            ),
        ] = None,
        breakdown: Annotated[
            Breakdown | None,
            QueryParameter(
                description="The 10 largest videos or creators, and the sum of all "
                "others."
            ),
        ] = None,
        format_: Annotated[
            Literal["json", "csv"],
            QueryParameter(
                name="format", description="The format: csv answers with a file."
            ),
        ] = "json",
        membership: MembershipParameter = "current",
        as_of: AsOfParameter = None,
    ) -> Answer[Analytics | list[Analytics]]:
        """Show metrics over time: one point for every day, week or month.

        The answer to several metrics is a list: it has the answer to each metric alone,
        in the order of the metrics, and all of them are of one moment.
        docs/analytics.md says exactly what each number means. Parameters depend on each
        other: exactly one of ``entity_id`` and ``entity_ids`` is required; ``from``
        must not be after ``to``, and at most 400 buckets lie between them;
        ``base_metric`` is required for the metric growth_rate_pop and refused for
        others; the mode ``rate`` is required for metrics that are rates and refused for
        others; ``breakdown`` needs a single ``entity_id`` that is not a video:
        ``creator`` is a breakdown of a project or campaign, and ``video`` needs a
        metric that single videos have.
        """
        questions = checked_questions(
            metric,
            entity=entity,
            mode=mode,
            base_metric=base_metric,
            breakdown=breakdown,
            membership=membership,
        )
        ids = ids_of(entity_id, entity_ids)
        check_breakdown(breakdown, ids)
        zone = None if tz is None else zone_named(tz)
        today = datetime.now(UTC)
        query, (entities, own_zone) = await _query(
            request, reader, questions, ids, as_of, "annotations", today=today
        )
        if len(entities) < len(ids):
            raise NotFoundError(entity)
        zone = zone or ZoneInfo(own_zone)
        days = range_of(
            from_,
            to,
            period=period,
            granularity=granularity,
            zone=zone,
            now=query.now,
        )
        retention = request.principal.limits.stats_history_retention_days
        prior = None if compare is None else days.prior()
        for span in (days, prior):
            if span is not None:
                check_retention(span, retention, now=today)
        by_entity, before, annotations = await asyncio.gather(
            query.series_by_entity(ids, days),
            query.series_by_entity(ids, prior),
            query.annotations(ids, days),
        )
        answers = [
            Analytics(
                entity=entity,
                metric=question.metric,
                mode=question.mode,
                membership=membership,
                granularity=granularity,
                from_=days.first,
                to=days.last,
                tz=zone.key,
                series=query.series(question, entities, by_entity, days),
                compare_from=prior and prior.first,
                compare_to=prior and prior.last,
                compare_series=prior
                and query.series(question, entities, before, prior),
                breakdown_series=await query.breakdown_series(
                    question, ids[0], by_entity[ids[0]], days
                ),
                tier_retention_days=retention,
                annotations=annotations,
            )
            for question in questions
        ]
        if format_ == "csv":
            return CsvFile(answers)
        return Answer(answers if len(answers) > 1 else answers[0])

    @read_route("/analytics/explain", "explainAnalytics", **_NUMBERS)
    async def explain_analytics(
        self,
        request: Request,
        reader: NamedDependency[Reader],
        entity: FromQuery[Entity],
        entity_id: FromQuery[UUID],
        metric: FromQuery[Metric],
        date_: Annotated[
            date | None,
            QueryParameter(
                name="date",
                description="The first day of a bucket; left out, the total of all "
                "days is explained.",
            ),
        ] = None,
        mode: FromQuery[Mode | None] = None,
        granularity: FromQuery[Granularity] = "day",
        period: PeriodParameter = None,
        from_: From = None,
        to: To = None,
        tz: Zone = None,
        base_metric: Base = None,
        membership: MembershipParameter = "current",
        as_of: AsOfParameter = None,
    ) -> Answer[Explanation]:
        """Show the observations behind one point of /analytics, or behind a total.

        The parameters are those of /analytics, and the point's date. The contributions
        add up to the value. ``date`` is the first day of one of the buckets between
        ``from`` and ``to``; without it the value is the total of the series.
        """
        question = checked_question(
            entity=entity,
            metric=metric,
            mode=mode,
            base_metric=base_metric,
            membership=membership,
        )
        zone = None if tz is None else zone_named(tz)
        today = datetime.now(UTC)
        query, (entities, own_zone) = await _query(
            request, reader, [question], [entity_id], as_of, today=today
        )
        if not entities:
            raise NotFoundError(entity)
        days = range_of(
            from_,
            to,
            period=period,
            granularity=granularity,
            zone=zone or ZoneInfo(own_zone),
            now=query.now,
        )
        check_retention(
            days, request.principal.limits.stats_history_retention_days, now=today
        )
        bucket = whole_bucket(days) if date_ is None else bucket_of(days, date_)
        by_metric, observations = await query.explain(entity_id, bucket)
        if date_ is None and not question.is_dated:
            by_metric = as_ranges(by_metric)
        return Answer(
            explanation(question, entities[0], by_metric, bucket, observations)
        )

    @read_route("/analytics/schema", "getAnalyticsSchema")
    async def get_analytics_schema(
        self, request: Request, reader: NamedDependency[Reader]
    ) -> Answer[AnalyticsSchema]:
        """Describe the parameters of /analytics: entities, metrics, modes and limits.

        The description also names the baseline rule in force.
        """
        await caught_up(request, reader)
        rule = await rule_in_force(reader, request.principal.organization_id)
        return Answer(replace(_SCHEMA, baseline_rule=rule))


async def _query(
    request: Request,
    reader: Reader,
    questions: Sequence[Question],
    ids: Sequence[UUID],
    as_of: str | None,
    *also: str,
    today: datetime,
) -> tuple[AnalyticsQuery, tuple[list[NamedEntity], str]]:
    """Return the caller's query and its entities, as of ``as_of`` if it is set.

    The answer names the position that it is based on. ``also`` names the projections
    that the answer reads in addition to analytics.
    """
    organization_id = request.principal.organization_id
    await caught_up(request, reader, "analytics", *also)
    end = (
        None
        if as_of is None
        else await resolve_as_of(reader, organization_id, as_of, now=today)
    )
    query = AnalyticsQuery(
        reader=reader,
        organization_id=organization_id,
        questions=questions,
        now=today if end is None else end.now,
        at=None if end is None else end.position,
    )
    request.context.basis, entities = await asyncio.gather(
        basis_of_now(reader, organization_id)
        if end is None
        else basis_as_of(
            reader, organization_id, query.entity, ids, at=end.position, own=end.end
        ),
        query.entities(ids),
    )
    return query, entities

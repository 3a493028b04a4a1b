"""The series that ``goatherd export analytics`` writes."""

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, date, datetime
from operator import attrgetter
from typing import get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from api.cli import UsageError
from api.cli.export.formats import Cell, Kind, Layout
from api.http.bodies.json_body import not_allowed
from api.http.errors import ApiError
from api.routes.analytics.parameters import range_of, zone_named
from api.routes.analytics.responses import COLUMNS, Series
from api.routes.analytics.series import AnalyticsQuery
from api.routes.tags import tag_filter
from domain.analytics.buckets import Granularity, Range
from domain.analytics.metrics import (
    Entity,
    Membership,
    Metric,
    Mode,
    Question,
    RawMetric,
    checked_questions,
)
from domain.analytics.series import Value
from domain.errors import InvalidQuestionError
from domain.messages import copied
from projections.analytics.read.entity_ids import ids_of_all
from projections.engine.log_end import own_event
from projections.engine.reader import Reader

_METRICS: tuple[Metric, ...] = get_args(Metric)
_KINDS: dict[str, Kind] = {
    "date": "date",
    "partial": "flag",
    "baseline": "flag",
    "observed": "flag",
    "rounded": "flag",
    "sharpened": "flag",
    "cut": "flag",
}


class ExportedPoint(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One bucket of one entity, as in the CSV of /analytics.

    ``metric`` is set if the options name several metrics.
    """

    series_kind: str
    entity_type: Entity
    entity_id: str
    label: str
    date: date
    value: Value
    partial: bool
    baseline: bool
    observed: bool
    rounded: bool
    sharpened: bool
    cut: bool
    metric: Metric | msgspec.UnsetType = msgspec.UNSET


class Days(msgspec.Struct, frozen=True, kw_only=True):
    """The days to export, as far as the options name them."""

    first: date | None
    last: date | None
    granularity: Granularity
    tz: str | None

    def in_zone(self, own_zone: str, *, now: datetime) -> Range:
        """Return the range, in the organization's zone unless the options name another.

        Raises:
            ApiError: ``invalid_query``, naming the parameter.
        """
        zone = ZoneInfo(own_zone) if self.tz is None else zone_named(self.tz)
        return range_of(
            self.first, self.last, granularity=self.granularity, zone=zone, now=now
        )


def questions_of(
    *,
    entity: Entity,
    metrics: str,
    mode: Mode | None,
    base_metric: RawMetric | None,
    membership: Membership,
) -> list[Question]:
    """Return the questions of the options; ``metrics`` has commas between.

    Raises:
        CommandError: the options contradict each other; the error says how.
    """
    names = metrics.split(",")
    for name in names:
        if name not in _METRICS:
            raise UsageError(f"--metric: {not_allowed(repr(name), _METRICS)}.")
        if names.count(name) > 1:
            raise UsageError(f"--metric: must not name {name} twice.")
    try:
        questions = checked_questions(
            [metric for name in names for metric in _METRICS if metric == name],
            entity=entity,
            mode=mode,
            base_metric=base_metric,
            membership=membership,
        )
    except InvalidQuestionError as error:
        raise UsageError(_as_option(str(error))) from error
    if len({question.mode == "rate" for question in questions}) > 1:
        raise UsageError("--metric: rates and counted metrics need a file each.")
    return questions


def tags_of(entity: Entity, text: str | None) -> tuple[str, ...]:
    """Return the keys of the tags of an option.

    Raises:
        CommandError: a value is no tag, or the entity has no tags.
    """
    if text is not None and entity not in {"creator", "video"}:
        raise UsageError(f"--tag: must be left out, a {entity} has no tags.")
    try:
        return tag_filter(text)
    except ApiError as error:
        raise UsageError(_as_option(error.message)) from error


def check_days(days: Days) -> None:
    """Check that the days are a range, before the file is begun.

    Raises:
        CommandError: the days are not a range, or the zone is unknown.
    """
    try:
        days.in_zone("UTC", now=datetime.now(UTC))
    except ApiError as error:
        raise UsageError(_as_option(error.message)) from error


def layout_of(questions: Sequence[Question]) -> Layout[ExportedPoint]:
    """Return the columns of the CSV of /analytics, each with its type."""
    value: Kind = "double" if questions[0].mode == "rate" else "integer"
    kinds: dict[str, Kind] = {**_KINDS, "value": value}
    names = [*COLUMNS, *(["metric"] if len(questions) > 1 else [])]

    def row(point: ExportedPoint) -> tuple[Cell, ...]:
        return msgspec.structs.astuple(point)[: len(names)]

    return Layout(
        columns={name: kinds.get(name, "text") for name in names},
        lines=msgspec.json.Encoder().encode_lines,
        row=row,
        day=attrgetter("date"),
        is_in_order=False,
    )


async def rows_of(
    reader: Reader,
    organization_id: UUID,
    project_id: UUID | None,
    questions: Sequence[Question],
    days: Days,
    *,
    tags: tuple[str, ...],
    after: int = 0,
) -> AsyncGenerator[tuple[int, list[ExportedPoint]]]:
    """Yield how many more entities were read, and a row for each bucket.

    The rows are those that were not the same as of the position ``after``, all with 0.
    """
    now = datetime.now(UTC)
    query = AnalyticsQuery(
        reader=reader, organization_id=organization_id, questions=questions, now=now
    )
    then = await own_event(reader, organization_id, until=after)
    async for ids in ids_of_all(
        reader, organization_id, query.entity, project_id, tags=tags
    ):
        rows = await _rows_of(query, ids, days, now)
        if then.position:
            earlier = msgspec.structs.replace(query, now=then.recorded_at, at=after)
            known = {*await _rows_of(earlier, ids, days, now)}
            rows = [row for row in rows if row not in known]
        yield len(ids), rows


async def _rows_of(
    query: AnalyticsQuery, ids: Sequence[UUID], days: Days, now: datetime
) -> list[ExportedPoint]:
    entities, own_zone = await query.entities(ids)
    range_ = days.in_zone(own_zone, now=now)
    by_entity = await query.series_by_entity([entity.id for entity in entities], range_)
    return [
        point
        for question in query.questions
        for point in _rows(
            query.series(question, entities, by_entity, range_),
            question.metric if len(query.questions) > 1 else msgspec.UNSET,
        )
    ]


def _rows(
    series: Sequence[Series], metric: Metric | msgspec.UnsetType
) -> list[ExportedPoint]:
    return [
        copied(
            point,
            ExportedPoint,
            series_kind="main",
            entity_type=one.entity_ref.type,
            entity_id=one.entity_ref.id,
            label=one.entity_ref.label,
            metric=metric,
        )
        for one in series
        for point in one.points
    ]


def _as_option(error: str) -> str:
    """Return the error of a parameter under the name of its option."""
    name, _, message = error.lstrip("/").partition(":")
    return f"--{name.replace('_', '-')}:{message}"

"""Series of everything there is: what ``goatherd export analytics`` writes."""

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from api.cli import CommandError
from api.cli.export.formats import Cell, Kind, Layout
from api.http.errors import ApiError
from api.routes.analytics.parameters import range_of, zone_named
from api.routes.analytics.responses import COLUMNS, Series
from api.routes.analytics.series import AnalyticsQuery, entities_of_query
from domain.analytics.buckets import Granularity, Range
from domain.analytics.metrics import (
    Entity,
    Metric,
    Mode,
    Question,
    RawMetric,
    checked_question,
)
from domain.analytics.series import Value
from domain.errors import InvalidQuestionError
from projections.analytics.queries.entity_ids import ids_of_all
from projections.engine.reader import Reader

_KINDS: dict[str, Kind] = {
    "date": "date",
    "partial": "flag",
    "baseline": "flag",
    "observed": "flag",
}


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One bucket of one thing, as the CSV of /analytics has it."""

    series_kind: str
    entity_type: Entity
    entity_id: str
    label: str
    date: date
    value: Value
    partial: bool
    baseline: bool
    observed: bool


class Days(msgspec.Struct, frozen=True, kw_only=True):
    """From when to when is asked, as far as it was said."""

    first: date | None
    last: date | None
    granularity: Granularity
    tz: str | None

    def among(self, own_zone: str, *, now: datetime) -> Range:
        """Return the range, in the organization's zone unless another was named.

        Raises:
            ApiError: ``invalid_query``, naming the parameter.
        """
        zone = ZoneInfo(own_zone) if self.tz is None else zone_named(self.tz)
        return range_of(
            self.first, self.last, granularity=self.granularity, zone=zone, now=now
        )


def asked_for(
    *, entity: Entity, metric: Metric, mode: Mode | None, base_metric: RawMetric | None
) -> Question:
    """Return the question.

    Raises:
        CommandError: it makes no sense; the error says why.
    """
    try:
        return checked_question(
            entity=entity, metric=metric, mode=mode, base_metric=base_metric
        )
    except InvalidQuestionError as error:
        raise CommandError(_as_option(str(error))) from error


def check_days(days: Days) -> None:
    """Return if these days can be asked for, so that no file is begun in vain.

    Raises:
        CommandError: they are no range, or the zone is none.
    """
    try:
        days.among("UTC", now=datetime.now(UTC))
    except ApiError as error:
        raise CommandError(_as_option(error.message)) from error


def layout_of(question: Question) -> Layout[Line]:
    """Return the columns of the CSV of /analytics, each with its type."""
    value: Kind = "double" if question.mode == "rate" else "integer"
    kinds: dict[str, Kind] = {**_KINDS, "value": value}
    return Layout(
        columns={name: kinds.get(name, "text") for name in COLUMNS},
        lines=msgspec.json.Encoder().encode_lines,
        row=_row,
    )


async def lines_of(
    reader: Reader,
    organization_id: UUID,
    project_id: UUID | None,
    question: Question,
    days: Days,
) -> AsyncGenerator[tuple[int, list[Line]]]:
    """Yield how many videos more were passed, and a line for each of their buckets."""
    now = datetime.now(UTC)
    query = AnalyticsQuery(
        reader=reader, organization_id=organization_id, question=question, now=now
    )
    async for ids in ids_of_all(reader, organization_id, question.entity, project_id):
        wanted, own_zone = await entities_of_query(
            reader, organization_id, question.entity, ids, None
        )
        range_ = days.among(own_zone, now=now)
        ledger_by_id = await query.series_by_entity(
            [thing.id for thing in wanted], range_
        )
        yield len(ids), _lines(query.series(wanted, ledger_by_id, range_))


def _lines(series: Sequence[Series]) -> list[Line]:
    return [
        Line(
            series_kind="main",
            entity_type=one.entity_ref.type,
            entity_id=one.entity_ref.id,
            label=one.entity_ref.label,
            date=point.date,
            value=point.value,
            partial=point.partial,
            baseline=point.baseline,
            observed=point.observed,
        )
        for one in series
        for point in one.points
    ]


def _row(line: Line) -> tuple[Cell, ...]:
    return msgspec.structs.astuple(line)


def _as_option(complaint: str) -> str:
    """Return what is wrong with a parameter as it is called on the command line."""
    name, _, message = complaint.lstrip("/").partition(":")
    return f"--{name.replace('_', '-')}:{message}"

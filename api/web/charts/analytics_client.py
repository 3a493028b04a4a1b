"""A client of analytics for one page, which sends each query once."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from msgspec.structs import replace

from api.http.error_codes import Code
from api.in_process import RawResponse
from api.routes.aggregate.kpis import Kpis
from api.routes.analytics.responses import Analytics, Explanation
from api.web.charts.measures import FOLLOWERS, VIEWS, CountedMeasure, Measure
from api.web.charts.periods import Period
from api.web.kit.api_client import ApiRefusedError, QueryValue
from api.web.kit.page import PageContext
from domain.analytics.buckets import MOST_BUCKETS
from domain.analytics.metrics import Mode, RawMetric
from projections.creators.creator import Creator

_CountedIn = tuple[str, Mode, Period]


class AnalyticsClient:
    """Queries analytics about the same entities, in one time zone.

    ``ids`` are ids of the kind ``entity``; ``as_of`` is a time, or None for now.
    """

    def __init__(
        self,
        page: PageContext,
        *ids: str,
        entity: str = "creator",
        time_zone: str | None = None,
        as_of: str | None = None,
    ) -> None:
        self._page = page
        self._params: dict[str, QueryValue] = {
            "entity": entity,
            "tz": time_zone or page.time_zone,
            "as_of": as_of,
        }
        self._ids = ids
        self._answers: dict[_CountedIn, Analytics] = {}
        # The plan does not show the days before these periods.
        self._first_shown: set[Period] = set()

    async def numbers(
        self,
        measure: Measure,
        mode: Mode,
        period: Period,
        *,
        has_prior: bool = False,
    ) -> Analytics:
        """Return the numbers; ``has_prior`` adds the period before.

        The period before is missing if the plan does not show it.

        Raises:
            ApiRefusedError: the API refused, for example with ``retention_exceeded``.
        """
        await self.load([(measure, mode)], period, has_prior=has_prior)
        answer = self._answers[measure.name, mode, period]
        if has_prior or answer.compare_series is None:
            return answer
        return replace(answer, compare_series=None, compare_from=None, compare_to=None)

    async def load(
        self,
        counted: Sequence[CountedMeasure],
        period: Period,
        *,
        has_prior: bool = False,
    ) -> None:
        """Load the numbers of several measures, in as few requests as possible.

        One request answers all levels, another all new numbers and all rates. Growth of
        each metric takes a request of its own.

        Raises:
            ApiRefusedError: the API refused.
        """
        has_prior = has_prior and period not in self._first_shown
        alike: dict[tuple[bool, RawMetric | None], list[CountedMeasure]] = {}
        for measure, mode in dict.fromkeys(counted):
            known = self._answers.get((measure.name, mode, period))
            if known is None or (has_prior and known.compare_series is None):
                group = mode == "cumulative", measure.base_metric
                alike.setdefault(group, []).append((measure, mode))
        compare = "prior_period" if has_prior else None
        try:
            found = await asyncio.gather(
                *(self._read(some, period, compare=compare) for some in alike.values())
            )
        except ApiRefusedError as error:
            if not has_prior or error.code is not Code.RETENTION_EXCEEDED:
                raise
            self._first_shown.add(period)
            return await self.load(counted, period)
        for answers in found:
            self._answers |= answers
        return None

    async def key_figures(self, period: Period) -> Kpis:
        """Return the key figures, with those of as much of the period before.

        Raises:
            ApiRefusedError: the API refused, for example with ``retention_exceeded``.
        """
        got = await self._page.get(
            "/analytics/kpis",
            Kpis,
            **{f"{self._params['entity']}_id": self._ids[0]},
            **period.query,
            tz=self._params["tz"],
            compare="prior_period",
        )
        return got.data

    async def by_video(self, measure: Measure, period: Period) -> Analytics:
        """Return the new numbers, with a series for each of the largest videos.

        Raises:
            ApiRefusedError: the API refused, for example with ``retention_exceeded``.
        """
        return await self._broken_down(measure, period, "video")

    async def by_creator(self, measure: Measure, period: Period) -> Analytics:
        """Return the new numbers, with a series for each of the largest creators.

        Raises:
            ApiRefusedError: the API refused, for example with ``retention_exceeded``.
        """
        return await self._broken_down(measure, period, "creator")

    async def _broken_down(
        self, measure: Measure, period: Period, breakdown: str
    ) -> Analytics:
        counted: list[CountedMeasure] = [(measure, "new")]
        answers = await self._read(counted, period, breakdown=breakdown)
        (answer,) = answers.values()
        return answer

    async def explain(
        self, measure: Measure, mode: Mode, period: Period, on: date | None
    ) -> Explanation:
        """Return the observations behind the number of a bucket, or of all days.

        Raises:
            ApiRefusedError: the API refused, for example because of the day.
        """
        got = await self._page.get(
            "/analytics/explain",
            Explanation,
            **self._query(measure, mode, period),
            entity_id=self._ids[0],
            date=None if on is None else on.isoformat(),
        )
        return got.data

    async def handles(self, ids: Collection[UUID]) -> dict[UUID, str]:
        """Return the handles of creators by id, where the numbers are of several.

        Raises:
            ApiRefusedError: the API refused.
        """
        if not ids or self._params["entity"] == "creator":
            # The page of a creator has its handle.
            return {}
        got = await self._page.get(
            "/creators",
            list[Creator],
            creator_ids=",".join(sorted(map(str, ids))),
            status="all",
            limit=len(ids),
        )
        return {one.id: one.tiktok_handle for one in got.data}

    async def csv(self, measure: Measure, mode: Mode, period: Period) -> RawResponse:
        """Return the numbers as the CSV file of the API.

        Raises:
            ApiRefusedError: the API refused.
        """
        return await self._page.get_raw(
            "/analytics",
            **self._query(measure, mode, period),
            entity_ids=",".join(self._ids),
            format="csv",
        )

    async def began(self, today: date) -> date | None:
        """Return the first day with known numbers, as far as the plan shows.

        Raises:
            ApiRefusedError: the API refused.
        """
        keeps = self._page.principal.limits.stats_history_retention_days
        month = _months_before(today, MOST_BUCKETS - 1)
        if keeps is not None:
            month = max(month, date.fromordinal(today.toordinal() - keeps))
        found = await self._first_known(
            Period(first=month, last=today, granularity="month")
        )
        if found is None:
            return None
        last = min(today, date.fromordinal(found.toordinal() + 30))
        return await self._first_known(
            Period(first=found, last=last, granularity="day")
        )

    async def _first_known(self, period: Period) -> date | None:
        levels: list[CountedMeasure] = [(VIEWS, "cumulative")]
        # A single video has no followers.
        if self._params["entity"] != "video":
            levels.append((FOLLOWERS, "cumulative"))
        await self.load(levels, period)
        answers = [await self.numbers(*each, period) for each in levels]
        known = [
            point.date
            for answer in answers
            for series in answer.series
            for point in series.points
            if point.value is not None
        ]
        return min(known, default=None)

    async def _read(
        self,
        counted: Sequence[CountedMeasure],
        period: Period,
        **query: QueryValue,
    ) -> dict[_CountedIn, Analytics]:
        """Return the numbers of measures that are counted alike."""
        measure, mode = counted[0]
        params = {
            **self._query(measure, mode, period),
            "entity_ids": ",".join(self._ids),
            **query,
        }
        if len(counted) == 1:
            got = await self._page.get("/analytics", Analytics, **params)
            return {(measure.name, mode, period): got.data}
        params["metric"] = ",".join(each.metric for each, _ in counted)
        if mode != "cumulative":
            # Without a mode a rate is answered as a rate, and any other metric as new
            # numbers.
            params["mode"] = None
        every = await self._page.get("/analytics", list[Analytics], **params)
        return {
            (each.name, its_mode, period): answer
            for (each, its_mode), answer in zip(counted, every.data, strict=True)
        }

    def _query(
        self, measure: Measure, mode: Mode, period: Period
    ) -> dict[str, QueryValue]:
        return {
            **self._params,
            "metric": measure.metric,
            "base_metric": measure.base_metric,
            "mode": mode,
            **period.query,
        }


def _months_before(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, 1)

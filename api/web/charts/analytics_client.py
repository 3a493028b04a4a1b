"""A client of analytics for one page, which sends each query once."""

from datetime import date
from typing import Any

from msgspec.structs import replace

from api.http.error_codes import Code
from api.routes.analytics.responses import Analytics, Explanation
from api.web.charts.measures import FOLLOWERS, VIEWS, Measure
from api.web.charts.periods import Period
from api.web.kit.api_client import ApiRefusedError, QueryValue, RawResponse
from api.web.kit.page import PageContext
from domain.analytics.buckets import MOST_BUCKETS
from domain.analytics.metrics import Mode


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
        self._answers: dict[Any, Analytics] = {}

    async def numbers(
        self,
        measure: Measure,
        mode: Mode,
        period: Period,
        *,
        has_prior: bool = False,
        by_video: bool = False,
    ) -> Analytics:
        """Return the numbers.

        Raises:
            ApiRefusedError: the API refused, for example with ``retention_exceeded``.
        """
        key = (measure.name, mode, period, has_prior, by_video)
        with_prior = self._answers.get((measure.name, mode, period, True, by_video))
        if with_prior is not None and not has_prior:
            return replace(
                with_prior, compare_series=None, compare_from=None, compare_to=None
            )
        if key not in self._answers:
            got = await self._page.get(
                "/analytics",
                Analytics,
                **self._query(measure, mode, period),
                entity_ids=",".join(self._ids),
                compare="prior_period" if has_prior else None,
                breakdown="video" if by_video else None,
            )
            self._answers[key] = got.data
        return self._answers[key]

    async def with_prior(
        self, measure: Measure, mode: Mode, period: Period
    ) -> Analytics:
        """Return the numbers, with the period before if the plan shows it.

        Raises:
            ApiRefusedError: the API refused.
        """
        try:
            return await self.numbers(measure, mode, period, has_prior=True)
        except ApiRefusedError as error:
            if error.code is not Code.RETENTION_EXCEEDED:
                raise
        return await self.numbers(measure, mode, period)

    async def explain(
        self, measure: Measure, mode: Mode, period: Period, on: date
    ) -> Explanation:
        """Return the observations behind the number of a bucket.

        Raises:
            ApiRefusedError: the API refused, for example because of the day.
        """
        got = await self._page.get(
            "/analytics/explain",
            Explanation,
            **self._query(measure, mode, period),
            entity_id=self._ids[0],
            date=on.isoformat(),
        )
        return got.data

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
        answers = [
            await self.numbers(measure, "cumulative", period)
            for measure in (FOLLOWERS, VIEWS)
        ]
        known = [
            point.date
            for answer in answers
            for series in answer.series
            for point in series.points
            if point.value is not None
        ]
        return min(known, default=None)

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

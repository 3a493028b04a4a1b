"""The query of the compare page, which has all choices and can be shared."""

from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from msgspec import field
from msgspec.structs import replace

from api.http.query import invalid_query
from api.routes.analytics.parameters import MOST_ENTITIES
from api.web.charts.drawing import MarksOrNone
from api.web.charts.measures import MEASURES, Measure, ModeOrNone, groups_for
from api.web.charts.periods import GranularityOrNone, Period, day_in, period_of
from api.web.kit.page_query import PageQuery
from domain.analytics.metrics import Mode

EntityOrNone = Literal["creator", "project", "campaign", "video", ""]

_USUAL_DAYS = 28


class CompareQuery(PageQuery, frozen=True, kw_only=True):
    """The choices in the address.

    ``ids`` have commas between them. With ``as_of`` the numbers are those of that time.
    ``layout`` is the layout of the CSV file: the API's, or a table with columns. With
    ``by=start`` campaigns are compared by day since the start of each.
    """

    entity: EntityOrNone = "creator"
    ids: str = ""
    metric: str = ""
    mode: ModeOrNone = ""
    granularity: GranularityOrNone = ""
    from_: str = field(default="", name="from")
    to: str = ""
    tz: str = ""
    as_of: str = ""
    layout: Literal["columns", ""] = ""
    marks: MarksOrNone = ""
    by: Literal["start", ""] = ""

    @property
    def is_since_start(self) -> bool:
        return self.entity == "campaign" and self.by == "start"

    @property
    def chosen(self) -> list[str]:
        """Return the compared ids, in order.

        Raises:
            ApiError: ``invalid_query``, if there are not one to five different ids.
        """
        given = [text for text in self.ids.split(",") if text]
        try:
            found = [str(UUID(text)) for text in given]
        except ValueError:
            raise invalid_query("ids", "must be UUIDs with commas between") from None
        if len({*found}) < len(found) or len(found) > MOST_ENTITIES:
            message = f"must be up to {MOST_ENTITIES} different ones"
            raise invalid_query("ids", message)
        return found

    @property
    def possible(self) -> str:
        """Return the valid ids, as many as can be compared."""
        found: dict[str, None] = {}
        for text in self.ids.split(","):
            with suppress(ValueError):
                found[str(UUID(text))] = None
        return ",".join([*found][:MOST_ENTITIES])

    @property
    def known_at(self) -> datetime | None:
        """Return the time of ``as_of``; None if it is a position of the log."""
        try:
            at = datetime.fromisoformat(self.as_of)
        except ValueError:
            return None
        return at if at.tzinfo else None

    @property
    def measure(self) -> Measure:
        """Return the compared measure.

        Raises:
            ApiError: ``invalid_query``, if the entities do not have the measure.
        """
        known = {
            measure.name: measure
            for measures in groups_for(self.entity).values()
            for measure in measures
        }
        name = self.metric or "views"
        if name not in known:
            raise invalid_query("metric", f"must be one of {', '.join(known)}")
        return MEASURES[name]

    @property
    def counting(self) -> Mode:
        """Return the chosen mode, by default the metric's usual one.

        Raises:
            ApiError: ``invalid_query``, for the metric.
        """
        modes = self.measure.modes
        return self.mode if self.mode and self.mode in modes else modes[0]

    def period(self, *, today: date) -> Period:
        """Return the days, in buckets that are not too many.

        Raises:
            ApiError: ``invalid_query``, naming the date that is wrong.
        """
        last = day_in("to", self.to) if self.to else today
        usual = last - timedelta(days=_USUAL_DAYS - 1)
        first = day_in("from", self.from_) if self.from_ else usual
        return period_of(first, last, self.granularity)

    def exactly(self, *, today: date, time_zone: str) -> "CompareQuery":
        """Return the query with every choice in it, which shows the same tomorrow.

        Raises:
            ApiError: ``invalid_query``, naming the choice that is wrong.
        """
        period = self.period(today=today)
        return replace(
            self,
            ids=",".join(self.chosen),
            metric=self.measure.name,
            mode=self.counting,
            granularity=period.granularity,
            from_=period.first.isoformat(),
            to=period.last.isoformat(),
            tz=self.tz or time_zone,
        )

    def with_ids(self, ids: list[str]) -> str:
        return self.address(ids=",".join(ids))

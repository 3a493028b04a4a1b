"""What is compared, of which days: an address says all of it and can be shared."""

from contextlib import suppress
from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from api.http.query import invalid_query
from api.routes.analytics.parameters import MOST_ENTITIES
from api.web.charts.measures import MEASURES, Measure, groups_for
from api.web.charts.periods import EARLIEST, Period, day_in, fine_enough, fitting
from api.web.creator.overview_query import GranularityOrNone, ModeOrNone
from domain.analytics.metrics import Entity, Mode

_USUAL_DAYS = 30


class CompareQuery(Struct, frozen=True, kw_only=True):
    """What an address says, as it was given.

    ``ids`` have commas between them. With ``as_of`` the numbers are those that were
    known then.
    """

    entity: Entity = "creator"
    ids: str = ""
    metric: str = ""
    mode: ModeOrNone = ""
    granularity: GranularityOrNone = ""
    from_: str = ""
    to: str = ""
    tz: str = ""
    as_of: str = ""

    @property
    def chosen(self) -> list[str]:
        """Return the ids of what is compared, in order.

        Raises:
            ApiError: ``invalid_query``, if they are not one to five different ids.
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
        """Return the ids that can be compared, whatever else was given."""
        found: dict[str, None] = {}
        for text in self.ids.split(","):
            with suppress(ValueError):
                found[str(UUID(text))] = None
        return ",".join([*found][:MOST_ENTITIES])

    @property
    def known_at(self) -> datetime | None:
        """Return the moment of ``as_of``; None if it is a position of the log."""
        try:
            at = datetime.fromisoformat(self.as_of)
        except ValueError:
            return None
        return at if at.tzinfo else None

    @property
    def measure(self) -> Measure:
        """Return what is compared.

        Raises:
            ApiError: ``invalid_query``, if such things do not have it.
        """
        had = {
            measure.name: measure
            for measures in groups_for(self.entity).values()
            for measure in measures
        }
        name = self.metric or "views"
        if name not in had:
            raise invalid_query("metric", f"must be one of {', '.join(had)}")
        return MEASURES[name]

    @property
    def counting(self) -> Mode:
        """Return the mode, or the metric's usual one if it does not have that.

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
        if first > last:
            raise invalid_query("from", f"must not be after {last}")
        if first < EARLIEST:
            raise invalid_query("from", f"must not be before {EARLIEST}")
        chosen = self.granularity or fitting(first, last)
        granularity = fine_enough(first, last, chosen)
        return Period(first=first, last=last, granularity=granularity)

    def exactly(self, *, today: date, time_zone: str) -> "CompareQuery":
        """Return the same with nothing left out, so that it means the same tomorrow.

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

    def address(self, **changed: str) -> str:
        """Return the query of the page with some choices changed."""
        renamed = {_OURS.get(name, name): value for name, value in changed.items()}
        return "?" + urlencode(replace(self, **renamed).pairs(), safe=",:")

    def among(self, ids: list[str]) -> str:
        """Return the query with other things compared."""
        return self.address(ids=",".join(ids))

    def fields(self, *own: str) -> list[tuple[str, str]]:
        """Return what a form must carry along beside its own fields."""
        return [pair for pair in self.pairs().items() if pair[0] not in own]

    def pairs(self) -> dict[str, str]:
        """Return the parameters that are not left out."""
        return {
            _THEIRS.get(name, name): value
            for name in self.__struct_fields__
            if (value := getattr(self, name))
        }


_OURS = {"from": "from_"}
_THEIRS = {ours: theirs for theirs, ours in _OURS.items()}

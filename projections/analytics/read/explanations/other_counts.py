"""Other counts: those of another provider within hours before an observation."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import numpy as np

from projections.analytics.fold.columns import Longs, Observations
from projections.analytics.read.observations import MemberObservations, Source

WITHIN = timedelta(hours=6)
_WITHIN_MICROSECONDS = WITHIN // timedelta(microseconds=1)


class OtherCount(msgspec.Struct, frozen=True, kw_only=True):
    """A different count of another provider, observed up to six hours before."""

    provider: str
    observed_at: datetime
    count: int
    scrape_id: UUID


class OtherCounts:
    """The recent counts of other providers for observations of one metric."""

    def __init__(
        self, loaded: MemberObservations, observations: Observations, number: int
    ) -> None:
        self._loaded = loaded
        self._are_several = len({source.provider for source in loaded.sources}) > 1
        self._observations = observations
        self._counts = observations.counts[number]
        self._is_missing = (observations.missing >> number & 1) == 1
        self._instants: Longs = loaded.instants[observations.snapshots]
        # At one time, the observation that was recorded later comes later and stays.
        self._order = np.lexsort((self._instants, observations.video_numbers))
        self._places = np.empty_like(self._order)
        self._places[self._order] = np.arange(len(self._order))

    def before(self, row: int) -> list[OtherCount]:
        """Return the newest count of each other provider, the newest first."""
        if not self._are_several:
            return []
        found: dict[str, OtherCount] = {}
        source = self._source(row)
        since = int(self._instants[row]) - _WITHIN_MICROSECONDS
        numbers = self._observations.video_numbers
        for place in range(int(self._places[row]) - 1, -1, -1):
            other = int(self._order[place])
            if numbers[other] != numbers[row] or self._instants[other] < since:
                break
            them = self._source(other)
            if self._is_missing[other] or them.provider == source.provider:
                continue
            if self._counts[other] != self._counts[row]:
                found.setdefault(
                    them.provider,
                    OtherCount(
                        provider=them.provider,
                        observed_at=them.observed_at,
                        count=int(self._counts[other]),
                        scrape_id=them.scrape_id,
                    ),
                )
        return list(found.values())

    def _source(self, row: int) -> Source:
        return self._loaded.sources[int(self._observations.snapshots[row])]

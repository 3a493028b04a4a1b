"""The answers of /analytics with membership=dated: a plain fold of gains.

Written from docs/analytics.md alone, as the oracle that it extends: it asks of every
single observation whether its video or profile was a member in that quarter of an hour.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from tests.projections.analytics.oracle import (
    PROFILE_COUNTERS,
    Level,
    Oracle,
    OracleQuery,
)

_BEGINNING = datetime.min.replace(tzinfo=UTC)
_DAWN = datetime(1970, 1, 1, tzinfo=UTC)
_QUARTER = timedelta(minutes=15)


class DatedQuery(OracleQuery, kw_only=True, frozen=True):
    """``part``: only with this creator; ``apart``: not with these creators."""

    part: UUID | None = None
    apart: tuple[UUID, ...] = ()


class DatedOracle(Oracle):
    """The numbers of campaigns: the gains of members while they were in."""

    # Members and their times

    def _is_in_during(self, campaign: UUID, item: UUID, quarter: int) -> bool:
        """A change has its effect at the end of the quarter it was recorded in."""
        all_of_them, its_items = self.memberships, self._items_of
        self.memberships = [m for m in all_of_them if _quarter_of(m.at) < quarter]
        self._items_of = {}
        try:
            return self._is_in(campaign, item)
        finally:
            self.memberships, self._items_of = all_of_them, its_items

    def _counts_during(self, query: OracleQuery, member: UUID, quarter: int) -> bool:
        assert isinstance(query, DatedQuery)
        is_in = self._is_in_during(query.entity_id, member, quarter)
        if member in self.creators:
            return is_in and query.part in {None, member} and member not in query.apart
        creator = self.videos[member].creator
        with_creator = creator is not None and self._is_in_during(
            query.entity_id, creator, quarter
        )
        if query.part is not None:
            return with_creator and creator == query.part
        if creator in query.apart:
            return is_in and not with_creator
        return is_in or with_creator

    def _spans(self, query: OracleQuery, member: UUID) -> Iterator[tuple[int, int]]:
        changes = sorted({_quarter_of(m.at) for m in self.memberships})
        for first, last in zip(changes, (*changes[1:], 2**40), strict=False):
            if self._counts_during(query, member, last):
                yield first, last

    def _members(self, query: OracleQuery, counter: str) -> list[UUID]:
        if query.only is not None:
            return super()._members(query, counter)
        some = (
            list(self.creators)
            if counter in PROFILE_COUNTERS
            else [video for video, one in self.videos.items() if one.counts]
        )
        return [member for member in some if any(self._spans(query, member))]

    # Gains

    def _gains(
        self, query: OracleQuery, counter: str, start: datetime, end: datetime
    ) -> list[int]:
        return [
            gain
            for member in self._members(query, counter)
            for at, gain in self._gains_of(member, counter)
            if start < at <= end and self._counts_during(query, member, _quarter_of(at))
        ]

    def _gains_of(self, member: UUID, counter: str) -> Iterator[tuple[datetime, int]]:
        if counter == "posts":
            posted = self.videos[member].counted_at
            if posted is not None:
                # Rule 12: it is of what begins at that very moment.
                yield posted + timedelta(microseconds=1), 1
            return
        before: Level | None = None
        for level in self._levels(member, counter):
            if before is not None:
                is_growth = level.sharpened is None
                yield level.at, level.count - before.count if is_growth else 0
            else:
                is_new = not self._is_baseline(member, counter)
                yield level.at, level.count if is_new else 0
            before = level

    def _last_as_a_member(
        self, query: OracleQuery, member: UUID, counter: str, instant: datetime
    ) -> Level | None:
        """The level at an instant, or when it left for the last time before."""
        begun = [
            span for span in self._spans(query, member) if _end_of(span[0]) < instant
        ]
        if not begun:
            return None
        last = begun[-1][1]
        left = instant if last == 2**40 else min(instant, _end_of(last))
        return self._known(member, counter, left)

    def _is_known(self, query: OracleQuery, counter: str, instant: datetime) -> bool:
        return counter == "posts" or any(
            self._last_as_a_member(query, member, counter, instant)
            for member in self._members(query, counter)
        )

    def _cumulative(
        self, query: OracleQuery, counter: str, instant: datetime
    ) -> int | None:
        return self._new(query, counter, _BEGINNING, instant)

    def _new(
        self,
        query: OracleQuery,
        counter: str,
        start: datetime,
        end: datetime,
        *,
        is_range: bool = False,
    ) -> int | None:
        del is_range
        if not self._is_known(query, counter, end):
            return None
        return sum(self._gains(query, counter, start, end))

    # The flags

    def _within(
        self, query: OracleQuery, counter: str, start: datetime, end: datetime
    ) -> list[Level]:
        return [
            level
            for member in self._members(query, counter)
            for level in self._levels(member, counter)
            if start < level.at <= end
            and self._counts_during(query, member, _quarter_of(level.at))
        ]

    def _has_baseline(self, query: OracleQuery, start: datetime, end: datetime) -> bool:
        return any(
            (first := self._first(member, counter)) is not None
            and start < first.at <= end
            and self._counts_during(query, member, _quarter_of(first.at))
            and self._is_baseline(member, counter)
            for counter in self._counters(query)
            if counter != "posts"
            for member in self._members(query, counter)
        )

    def _has_rounded_level(
        self, query: OracleQuery, counter: str, instant: datetime
    ) -> bool:
        members = self._members(query, counter)
        if query.mode == "cumulative":
            within = self._within(query, counter, _BEGINNING, instant)
            if any(level.is_rounded_growth for level in within):
                return True
            found = (
                self._last_as_a_member(query, member, counter, instant)
                for member in members
            )
            return any(level is not None and level.is_rounded for level in found)
        return any(
            level.is_rounded
            for member in members
            if self._counts_during(query, member, _quarter_of(instant))
            and (level := self._known(member, counter, instant)) is not None
        )

    def _is_observed(self, query: OracleQuery, start: datetime, end: datetime) -> bool:
        return any(
            start < snapshot.at <= end
            and self._counts_during(query, member, _quarter_of(snapshot.at))
            for counter in self._counters(query)
            for member in self._members(
                query, "views" if counter == "posts" else counter
            )
            for snapshot in self.snapshots.get(member, [])
        )

    def _broken_down_by_creator(
        self, query: OracleQuery, most: int, videos: Sequence[UUID]
    ) -> list[dict[str, Any]]:
        assert isinstance(query, DatedQuery)
        creators = self._members(query, "followers")
        each = {
            creator: self.answer(msgspec.structs.replace(query, part=creator))
            for creator in creators
        }
        ranked = sorted(
            each, key=lambda c: (each[c]["total"] is None, -(each[c]["total"] or 0), c)
        )
        found = [{"id": creator, **each[creator]} for creator in ranked[:most]]
        of_none = msgspec.structs.replace(query, apart=tuple(creators))
        has_singles = any(any(self._spans(of_none, video)) for video in videos)
        is_of_profiles = not {*self._counters(query)} - {*PROFILE_COUNTERS}
        if ranked[most:] or (has_singles and not is_of_profiles):
            rest = msgspec.structs.replace(query, apart=tuple(ranked[:most]))
            found.append({"id": None, **self.answer(rest)})
        return found


def _quarter_of(at: datetime) -> int:
    return -((_DAWN - at) // _QUARTER)


def _end_of(quarter: int) -> datetime:
    return _DAWN + quarter * _QUARTER

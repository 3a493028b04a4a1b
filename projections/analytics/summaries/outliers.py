"""How many times the views of their peers at the same age videos have."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from domain.analytics.outliers import (
    FEWEST_PEERS,
    PEERS,
    Outlier,
    age_in_days,
    outlier,
)
from projections.analytics.summaries.levels import LevelRequest, views_at
from projections.analytics.summaries.videos import OwnedVideos, of_their_creators
from projections.engine.reader import Reader


class _Judged(Struct, frozen=True):
    """A video and its peers, by their places, each with the instant of its level."""

    id: UUID
    age_days: int
    numbers: list[int]
    instants: list[datetime]


async def outliers_among(
    reader: Reader, organization_id: UUID, ids: set[UUID], *, at: datetime
) -> dict[UUID, Outlier]:
    """Return those of these counted videos that can be judged at an instant."""
    judged: dict[UUID, list[_Judged]] = {}
    requests: list[LevelRequest] = []
    for of in await of_their_creators(reader, organization_id, ids):
        if those := [one for one in _judged(of, at) if one.id in ids]:
            judged[of.owner] = those
            requests.append(
                LevelRequest(
                    owner=of.owner,
                    numbers=[number for one in those for number in one.numbers],
                    instants=[instant for one in those for instant in one.instants],
                )
            )
    found: dict[UUID, Outlier] = {}
    async for request, levels in views_at(reader, organization_id, requests):
        begin = 0
        for one in judged[request.owner]:
            views, *peers = levels[begin : begin + len(one.numbers)]
            begin += len(one.numbers)
            compared = outlier(views, peers, age_days=one.age_days)
            if compared is not None:
                found[one.id] = compared
    return found


def _judged(of: OwnedVideos, at: datetime) -> Iterator[_Judged]:
    """Yield the videos that have enough peers, each before its peers."""
    posted = [time for time in of.posted if time <= at]
    for place in range(FEWEST_PEERS, len(posted)):
        age_days = age_in_days(posted[place], at=at)
        age = timedelta(days=age_days)
        places = [place, *range(max(0, place - PEERS), place)]
        yield _Judged(
            of.ids[place],
            age_days,
            [of.numbers[each] for each in places],
            [posted[each] + age for each in places],
        )

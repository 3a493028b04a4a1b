"""How many times the views of their peers at the same age videos have."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import numpy as np
from msgspec import Struct

from domain.analytics.outliers import (
    FEWEST_PEERS,
    PEERS,
    Outlier,
    age_in_days,
    outlier,
)
from projections.analytics.columns import Longs
from projections.analytics.keys import instant_of
from projections.analytics.summaries.levels import LevelRequest, views_at
from projections.analytics.summaries.videos import OwnedVideos, of_their_creators
from projections.engine.reader import Reader

_A_DAY = 86_400_000_000


class _Judged(Struct, frozen=True):
    """A video and its peers, by their numbers, each with the instant of its level."""

    id: UUID
    age_days: int
    numbers: Longs
    instants: Longs


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
                    numbers=np.concatenate([one.numbers for one in those]),
                    instants=np.concatenate([one.instants for one in those]),
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
    numbers = np.array(of.numbers, np.int64)
    instants = np.array([instant_of(time) for time in posted], np.int64)
    for place in range(FEWEST_PEERS, len(posted)):
        age_days = age_in_days(posted[place], at=at)
        places = np.array([place, *range(max(0, place - PEERS), place)])
        yield _Judged(
            of.ids[place],
            age_days,
            numbers[places],
            instants[places] + age_days * _A_DAY,
        )

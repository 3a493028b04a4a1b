"""The rankings of a dashboard: creators and videos, gains and losses."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from api.routes.aggregate.creators import CreatorLeaderboardRow
from api.routes.aggregate.videos import VideoLeaderboardRow
from api.web.dashboard.query import Gained
from api.web.kit.api_client import ApiResponse, QueryValue
from api.web.kit.page import PageContext
from domain.written import not_known_before
from projections.videos.counting import VideoAmounts

MOST = 5
# On paper there is room for more.
MOST_ON_PAPER = 10


class GainRow(Struct, frozen=True, kw_only=True):
    """A creator, and the gain or loss."""

    creator: CreatorLeaderboardRow
    change: int
    is_rounded: bool
    is_sharpened: bool


class Rankings(Struct, frozen=True, kw_only=True):
    """The first creators and videos, ten for paper, and the number of each.

    ``amounts`` say why no video counts, null if a video counts. ``nobody`` says why
    nobody gained or lost anything, if nothing is known.
    """

    creators: list[CreatorLeaderboardRow]
    videos: list[VideoLeaderboardRow]
    gained: list[GainRow]
    lost: list[GainRow]
    total_creators: int
    total_videos: int
    amounts: VideoAmounts | None
    nobody: str = ""


async def rankings_of(
    page: PageContext, scope: dict[str, QueryValue], gained: Gained
) -> Rankings:
    """Return the rankings of a project or campaign over some days.

    Raises:
        ApiRefusedError: the API refused, for example with ``retention_exceeded``.
    """

    async def ranked(
        order: str, limit: int = MOST, direction: str | None = None
    ) -> ApiResponse[list[CreatorLeaderboardRow]]:
        return await page.get(
            "/analytics/aggregate/creator-leaderboard",
            list[CreatorLeaderboardRow],
            **scope,
            order=order,
            direction=direction,
            limit=limit,
        )

    order = f"new_{gained}"
    # The first creators may be those who gained most, so they are asked for once.
    first = asyncio.ensure_future(ranked("new_views", MOST_ON_PAPER))
    creators, videos, most, least = await asyncio.gather(
        first,
        page.get(
            "/analytics/aggregate/video-leaderboard",
            list[VideoLeaderboardRow],
            **scope,
            order="new_views",
            limit=MOST_ON_PAPER,
        ),
        first if gained == "views" else ranked(order),
        ranked(order, direction="asc"),
    )
    amounts: VideoAmounts | None = None
    if not videos.meta["totalCount"]:
        whole = {name: id_ for name, id_ in scope.items() if name.endswith("_id")}
        amounts = (await page.get("/videos/amounts", VideoAmounts, **whole)).data
    return Rankings(
        creators=creators.data,
        videos=videos.data,
        gained=[row for row in _rows(most.data[:MOST], gained) if row.change > 0],
        lost=[row for row in _rows(least.data, gained) if row.change < 0],
        nobody=_nobody(most.data, gained),
        total_creators=creators.meta["totalCount"],
        total_videos=videos.meta["totalCount"],
        amounts=amounts,
    )


def _nobody(most: Sequence[CreatorLeaderboardRow], gained: Gained) -> str:
    """Return why nobody gained or lost anything, empty if something is known."""
    # Unknown gains come last, so that the first row tells of all.
    if not most or _gain(most[0], gained) is not None or most[0].known_from is None:
        return ""
    return f"New {gained} are {not_known_before(most[0].known_from)}."


def _gain(row: CreatorLeaderboardRow, gained: Gained) -> int | None:
    return row.new_followers if gained == "followers" else row.new_views


def _rows(rows: list[CreatorLeaderboardRow], gained: Gained) -> list[GainRow]:
    return [
        GainRow(
            creator=row,
            change=change,
            is_rounded=gained == "followers" and row.new_followers_rounded,
            is_sharpened=gained == "followers" and row.new_followers_sharpened,
        )
        for row in rows
        if (change := _gain(row, gained))
    ]

"""The problems of a programme: creators, the inbox and the sources."""

import asyncio
from typing import Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from msgspec import Struct

from api.routes.sources import ProviderState
from api.web.kit.filters import day, number
from api.web.kit.page import PageContext
from api.web.kit.scrape_labels import failing_shortly
from domain.phrases import counted
from projections.creators.counting import CreatorAmounts
from projections.creators.creator import Creator

CreatorKind = Literal["failing", "stale", "disabled"]

_MOST_CREATORS = 4
# The queries by which the API finds the creators of each kind; the worst come first.
_QUERIES: dict[CreatorKind, dict[str, str]] = {
    "failing": {"failing": "true"},
    "stale": {"health": "stale"},
    "disabled": {"status": "disabled"},
}

_ACTIONS: dict[CreatorKind, str] = {
    "failing": "See the failure",
    "stale": "Scrape again",
    "disabled": "Open the settings",
}


class AttentionItem(Struct, frozen=True, kw_only=True):
    """A problem: its name, its reason, and the one action that mends it."""

    text: str
    why: str
    href: str
    action: str
    kind: Literal["bad", "warn", ""]
    is_theirs: bool = False


async def needing_attention(
    page: PageContext, project_id: str | None, *, campaign_id: str | None
) -> list[AttentionItem]:
    """Return the problems of a project, of a campaign or of all, the worst first."""
    whose = {} if project_id is None else {"project_id": project_id}
    if campaign_id is not None:
        whose = {"campaign_id": campaign_id}
    found = await asyncio.gather(
        _sources(page), _of_creators(page, whose), _inbox(page, project_id)
    )
    return [item for items in found for item in items]


async def _of_creators(page: PageContext, whose: dict[str, str]) -> list[AttentionItem]:
    """Return the problems of creators; creators are read only where there are any."""
    amounts = (await page.get("/creators/amounts", CreatorAmounts, **whose)).data
    there: list[CreatorKind] = [k for k in _QUERIES if getattr(amounts, k)]
    found = await asyncio.gather(*(_creators(page, whose, kind) for kind in there))
    return [
        *(item for items in found for item in items),
        *_stopped_posting(amounts.stopped_posting, whose),
        *_never_seen(page, amounts.never_seen, whose),
    ]


async def _sources(page: PageContext) -> list[AttentionItem]:
    if not (page.operates and page.may("admin")):
        return []
    got = await page.get("/sources", list[ProviderState])
    return [
        AttentionItem(
            text=f"The source {source.provider} is failing",
            why=source.to_do or "Most of its newest runs failed.",
            href="/settings/sources",
            action="Check the source",
            kind="bad",
        )
        for source in got.data
        if source.failing
    ]


async def _creators(
    page: PageContext, whose: dict[str, str], kind: CreatorKind
) -> list[AttentionItem]:
    got = await page.get(
        "/creators",
        list[Creator],
        limit=_MOST_CREATORS,
        **whose,
        **_QUERIES[kind],
    )
    tone = "bad" if kind == "failing" else "warn"
    zone = ZoneInfo(page.time_zone)
    found = [
        AttentionItem(
            text=f"@{one.tiktok_handle}",
            why=_why(one, kind, zone),
            href=f"/creators/{one.id}/settings"
            if kind == "disabled"
            else f"/creators/{one.id}",
            action=_ACTIONS[kind],
            kind=tone,
            is_theirs=True,
        )
        for one in got.data
        # A disabled creator who failed is shown once.
        if kind == "disabled" or one.status != "disabled"
    ]
    if got.meta["nextCursor"] is not None:
        found.append(
            AttentionItem(
                text=f"More {kind} creators",
                why="",
                href=f"/creators?{urlencode({**whose, 'health': kind})}",
                action="Show them",
                kind=tone,
            )
        )
    return found


def _stopped_posting(amount: int, whose: dict[str, str]) -> list[AttentionItem]:
    """Return one item about all creators who post no more as they used to."""
    if not amount:
        return []
    query = {**whose, "stopped_posting": "true"}
    return [
        AttentionItem(
            text=f"{counted(amount, 'creator')} stopped posting",
            why="No post for over a week, and twice as long as usual.",
            href=f"/creators?{urlencode(query)}",
            action="Show them",
            kind="warn",
        )
    ]


def _never_seen(
    page: PageContext, amount: int, whose: dict[str, str]
) -> list[AttentionItem]:
    """Return one item about all creators whom no scrape has seen yet."""
    if not amount:
        return []
    query = {**whose, "health": "never_seen"}
    why = "No data yet."
    if page.site.plays_recording:
        why += " The demo recording does not include these creators."
    return [
        AttentionItem(
            text=f"{counted(amount, 'creator')} never scraped",
            why=why,
            href=f"/creators?{urlencode(query)}",
            action="Show them",
            kind="",
        )
    ]


def _why(creator: Creator, kind: CreatorKind, zone: ZoneInfo) -> str:
    if kind == "disabled":
        reason = (creator.disabled_reason or "by itself").replace("_", " ")
        return f"disabled: {reason}"
    if kind == "stale":
        last = creator.last_scraped_at
        return f"stale: not scraped since {day(last and last.astimezone(zone).date())}"
    return f"failing: {failing_shortly(creator.failing_kinds)}"


async def _inbox(page: PageContext, project_id: str | None) -> list[AttentionItem]:
    amount = await page.count_waiting(
        **({} if project_id is None else {"project_id": project_id})
    )
    if not amount:
        return []
    noun = "video waits" if amount == 1 else "videos wait"
    return [
        AttentionItem(
            text=f"{number(amount)} {noun} in the inbox",
            why="They are in no number until you include them.",
            href="/inbox?project=all"
            if project_id is None
            else f"/projects/{project_id}/inbox",
            action="Review them",
            kind="warn",
        )
    ]

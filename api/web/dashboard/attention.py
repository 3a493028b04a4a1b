"""The problems of a programme: creators, the inbox and the sources."""

import asyncio
from collections.abc import Mapping
from typing import Literal, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from msgspec import Struct

from api.http.error_codes import Code
from api.routes.campaigns.routes import ShownCampaign
from api.routes.organization import Organization
from api.routes.sources import ProviderState
from api.routes.usage import LimitUse
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.page import PageContext
from api.web.kit.scrape_labels import failing_shortly
from domain.analytics.targets import BEHIND
from domain.messages import OTHER_DISABLED_REASONS
from domain.phrases import counted, joined
from domain.written import day, number, short
from projections.campaigns.queries import Campaign
from projections.creators.counting import CreatorAmounts
from projections.creators.creator import Creator

CreatorKind = Literal["failing", "stale", "disabled"]

_MOST_CREATORS = 4
_MOST_CAMPAIGNS = 4
# A limit is near once this part of it is used.
_NEARLY = 0.9
# The queries by which the API finds the creators of each kind; the worst come first.
_QUERIES: dict[CreatorKind, dict[str, str]] = {
    "failing": {"failing": "true", "status": "active"},
    "stale": {"health": "stale"},
    # A creator that a person disabled needs nothing.
    "disabled": {"disabled_reason": ",".join(OTHER_DISABLED_REASONS)},
}

_ACTIONS: dict[CreatorKind, str] = {
    "failing": "See the failure",
    "stale": "Scrape again",
    "disabled": "Open the settings",
}


class _Limit(NamedTuple):
    """A limit of the plan: its field, its noun, and the action that makes room.

    ``which`` follows the noun in a sentence.
    """

    of_plan: str
    noun: str
    which: str
    href: str
    action: str


_USAGE = "/settings/organization"
# The limits that stop daily work, in the order of the usage that the API shows. A limit
# of projects, keys or campaigns matters only to people who make another, and the form
# tells them.
_LIMITS: Mapping[str, _Limit] = {
    "creators": _Limit(
        *("max_creators_per_org", "active creator", ""),
        *("/creators?project=all&sort=last_posted_at&order=asc", "Remove creators"),
    ),
    "manual_scrapes_today": _Limit(
        *("max_manual_scrape_triggers_per_day", "scrape", " by hand today"),
        *(_USAGE, "See the limits"),
    ),
    "api_requests_today": _Limit(
        *("max_api_requests_per_day", "API request", " today", _USAGE, "See the limits")
    ),
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
        _sources(page),
        _of_creators(page, whose),
        _campaigns_behind(page, project_id, campaign_id=campaign_id),
        _inbox(page, project_id),
        _limits(page, campaign_id=campaign_id),
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
    if not page.site.has_source:
        return [
            AttentionItem(
                text="No source is set up",
                why="Scrapes wait until you choose one.",
                href="/settings/sources",
                action="Choose a source",
                kind="bad",
            )
        ]
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
    if not page.site.has_source:
        why += " They wait for a source."
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


async def _campaigns_behind(
    page: PageContext, project_id: str | None, *, campaign_id: str | None
) -> list[AttentionItem]:
    """Return the campaigns that will miss a target; the page of one says it itself."""
    if campaign_id is not None:
        return []
    whose = {} if project_id is None else {"project_id": project_id}
    got = await page.get(
        "/campaigns", list[Campaign], behind="true", limit=_MOST_CAMPAIGNS, **whose
    )
    shown = await asyncio.gather(*(_campaign_behind(page, one) for one in got.data))
    zone = ZoneInfo(page.time_zone)
    found = [
        AttentionItem(
            text=one.name,
            why=why,
            href=f"/campaigns/{one.id}",
            action="Open the campaign",
            kind="warn",
            is_theirs=True,
        )
        for one in shown
        if one is not None and (why := _why_behind(one, zone))
    ]
    if got.meta["nextCursor"] is not None:
        behind = {"project": project_id or "all", "target_status": "behind"}
        found.append(
            AttentionItem(
                text="More campaigns are behind",
                why="",
                href=f"/campaigns?{urlencode(behind)}",
                action="Show them",
                kind="warn",
            )
        )
    return found


async def _campaign_behind(page: PageContext, one: Campaign) -> ShownCampaign | None:
    """Return a campaign of the list; None if it was deleted since the list was read."""
    try:
        return (await page.get(f"/campaigns/{one.id}", ShownCampaign)).data
    except ApiRefusedError as error:
        if error.code is not Code.NOT_FOUND:
            raise
        return None


def _why_behind(campaign: ShownCampaign, zone: ZoneInfo) -> str:
    """Return how much of the targets that are behind is reached, and their end.

    The text is empty if no target is behind any more.
    """
    it = campaign.progress
    if it is None or it.target_at is None:
        return ""
    targets = [
        ("views", it.target_views, it.reached, it.status),
        ("posts", it.posts.target, it.posts.reached, it.posts.status),
        (
            "engagements",
            it.engagement.target,
            it.engagement.reached,
            it.engagement.status,
        ),
    ]
    parts = [
        f"{short(reached)} of {short(target)} {noun}"
        for noun, target, reached, status in targets
        if status in BEHIND
    ]
    if not parts:
        return ""
    return f"behind: {joined(parts)}, until {day(it.target_at.astimezone(zone).date())}"


async def _limits(page: PageContext, *, campaign_id: str | None) -> list[AttentionItem]:
    """Return the limits of the plan that are nearly or wholly used."""
    limits = page.principal.limits
    # A limit of 0 leaves the thing out of the plan, and the first use reaches one of 1.
    watched = {
        name: limit
        for name, limit in _LIMITS.items()
        if (getattr(limits, limit.of_plan) or 0) > 1
    }
    if campaign_id is not None or not watched:
        return []
    usage = (await page.get("/organization", Organization)).data.usage
    if usage is None:
        return []
    found: list[AttentionItem] = []
    for name, limit in watched.items():
        used: LimitUse = getattr(usage, name)
        if used.limit is None or used.used < _NEARLY * used.limit:
            continue
        is_reached = used.used >= used.limit
        limited = f"{counted(used.limit, limit.noun)}{limit.which}"
        found.append(
            AttentionItem(
                text=f"{number(used.used)} of {limited}",
                why="The plan allows no more."
                if is_reached
                else "The limit of the plan is near.",
                href=limit.href,
                action=limit.action,
                kind="warn" if is_reached else "",
            )
        )
    return found


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

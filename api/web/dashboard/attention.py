"""What needs attention in a programme: creators, the inbox and the sources."""

import asyncio
from typing import Literal

from msgspec import Struct

from api.routes.sources import ProviderState
from api.web.kit.page import PageContext
from api.web.kit.scrape_labels import failing_shortly
from projections.creators.creator import Creator
from projections.videos.queries import Video

_MOST_CREATORS = 4
_MOST_WAITING = 99


class AttentionItem(Struct, frozen=True, kw_only=True):
    """One thing to look at: what it is, why, and where to act."""

    text: str
    why: str
    href: str
    kind: Literal["bad", "warn", ""]
    is_theirs: bool = False


async def needing_attention(page: PageContext, project_id: str) -> list[AttentionItem]:
    """Return what needs attention in a project, the worst first."""
    found = await asyncio.gather(
        _sources(page),
        _creators(page, project_id, kind="failing"),
        _creators(page, project_id, kind="disabled"),
        _inbox(page, project_id),
    )
    return [item for items in found for item in items]


async def _sources(page: PageContext) -> list[AttentionItem]:
    if not (page.operates and page.may("admin")):
        return []
    got = await page.get("/sources", list[ProviderState])
    return [
        AttentionItem(
            text=f"The source {source.provider} is failing",
            why=source.to_do or "Most of its newest runs failed.",
            href="/operations/sources",
            kind="bad",
        )
        for source in got.data
        if source.failing
    ]


async def _creators(
    page: PageContext, project_id: str, *, kind: Literal["failing", "disabled"]
) -> list[AttentionItem]:
    query = {"failing": "true"} if kind == "failing" else {"status": "disabled"}
    got = await page.get(
        "/creators",
        list[Creator],
        project_id=project_id,
        limit=_MOST_CREATORS,
        **query,
    )
    found = [
        AttentionItem(
            text=f"@{one.tiktok_handle}",
            why=_why(one),
            href=f"/creators/{one.id}/settings"
            if kind == "disabled"
            else f"/creators/{one.id}",
            kind="bad" if kind == "failing" else "warn",
            is_theirs=True,
        )
        for one in got.data
        # A disabled creator that failed is shown once.
        if kind == "disabled" or one.status != "disabled"
    ]
    if got.meta["nextCursor"] is not None:
        found.append(
            AttentionItem(
                text=f"More {kind} creators",
                why="",
                href=f"/creators?project_id={project_id}&status={kind}",
                kind="bad" if kind == "failing" else "warn",
            )
        )
    return found


def _why(creator: Creator) -> str:
    if creator.status == "disabled":
        reason = (creator.disabled_reason or "by itself").replace("_", " ")
        return f"disabled: {reason}"
    return f"failing: {failing_shortly(creator.failing_kinds)}"


async def _inbox(page: PageContext, project_id: str) -> list[AttentionItem]:
    path = f"/projects/{project_id}/inbox"
    got = await page.get(path, list[Video], limit=_MOST_WAITING)
    if not got.data:
        return []
    amount = len(got.data)
    more = "+" if got.meta["nextCursor"] is not None else ""
    noun = "video waits" if amount == 1 else "videos wait"
    return [
        AttentionItem(
            text=f"{amount}{more} {noun} in the inbox",
            why="They don't count until you decide so.",
            href=path,
            kind="warn",
        )
    ]

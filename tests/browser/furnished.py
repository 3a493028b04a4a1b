"""An organization in which every page has something to show."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain import events as e
from infra.eventstore.codec import NewEvent
from infra.ids import new_id
from tests.kit.application import SETTINGS, Tenant
from tests.kit.builders import asking, next_events
from tests.kit.operations import ids_of

DAYS = 35
_TITLES = ("How to climb", "A bell of one's own", "Hay, the good sort", None)


def furnish(tenant: Tenant) -> dict[str, str]:
    """Give a tenant a bit of everything; returns ids by the names paths have."""
    creator = tenant.add("goat.of.the.day", **SETTINGS)
    others = [tenant.add(handle) for handle in ("kid", "ewe", "billy", "nanny")]
    tenant.delete(f"/creators/{others[2]['id']}")
    tenant.disable(others[3]["id"])
    tenant.patch(f"/creators/{creator['id']}", {"display_name": "Goat of the Day"})
    for number, each in enumerate((creator, *others[:2]), start=1):
        watch(tenant, each["id"], followers=number * 84_000)
    ids = ids_of(tenant)
    waiting = [
        tenant.found(
            creator["id"], status="pending_review", title=title, pseudonym=_name()
        )
        for title in _TITLES
    ]
    tenant.goatherd.catch_up()
    return ids | {
        "creator_id": creator["id"],
        "video_id": waiting[0],
        "handle": "goat.of.the.day",
        "name": "creator_list",
        "position": position_of(tenant, creator["id"]),
        "event": "creator_added",
    }


def position_of(tenant: Tenant, creator_id: str) -> str:
    """Return the position of the event that added a creator."""
    return str(tenant.goatherd.log(creator_id)[0].position)


def watch(tenant: Tenant, creator_id: str, *, followers: int) -> None:
    """Let a creator have been scraped daily, with a video for each title."""
    now = datetime.now(UTC)
    # Snapshots have pseudonyms, so that an erasure leaves no id of TikTok in them.
    ids = [_name() for _ in _TITLES]
    posted_at = now - timedelta(days=DAYS)
    for pseudonym, title in zip(ids, _TITLES, strict=True):
        tenant.found(creator_id, title=title, posted_at=posted_at, pseudonym=pseudonym)
    seen: list[NewEvent] = []
    for day in range(DAYS, 0, -1):
        about = {
            "organization_id": tenant.organization_id,
            "creator_id": UUID(creator_id),
            "observed_at": now - timedelta(days=day),
            "provider": "test",
        }
        events = scrape(tenant, about, ids, grown=DAYS - day, base=followers)
        seen += next_events(new_id(), (), events)
    # A transaction for each scrape would keep every follower of the log awake.
    tenant.goatherd.store.append(seen, context=asking())


def _name() -> str:
    return str(new_id().int % 10**18 + 10**18)


def scrape(
    tenant: Tenant,
    about: Mapping[str, Any],
    video_ids: Sequence[str],
    *,
    grown: int,
    base: int,
) -> tuple[e.Event, ...]:
    """The events of one scrape that saw the profile and the videos."""
    figures = tuple(
        (number + 1) * 1_000 * (grown + 1) for number in range(len(video_ids))
    )
    return (
        e.ProfileSnapshotRecorded(
            **about,
            follower_count=base + 137 * grown,
            following_count=12,
            total_likes_count=base * 7 + 911 * grown,
            video_count=len(video_ids),
        ),
        e.VideoStatsSnapshotRecorded(
            **about,
            project_id=tenant.project_id,
            video_ids=tuple(video_ids),
            view_counts=figures,
            like_counts=tuple(figure // 10 for figure in figures),
            comment_counts=tuple(figure // 100 for figure in figures),
            share_counts=tuple(figure // 200 for figure in figures),
            save_counts=tuple(None for _ in figures),
        ),
    )

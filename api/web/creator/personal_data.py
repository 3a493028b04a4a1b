"""/creators/{id}/personal-data: all stored data of a person, on a page."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Any, cast
from uuid import UUID

import msgspec
from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template
from msgspec import Struct

from api.web.creator.layout import show_creator
from api.web.kit.handlers import page_route
from api.web.kit.page import PageContext
from api.web.kit.plain_names import field_label
from domain.creator.errors import CreatorErasedError
from domain.phrases import counted
from projections.personal_data import PersonalData, PersonalEvent

_PER_PAGE = 100
# These fields say who keeps the data, and not what is kept.
_OURS = frozenset({"organization_id", "org_id", "schema_version", "version"})
_NAMES = {
    "comment_count": "Comments",
    "created_at": "Added",
    "failed_scrapes": "Failed checks",
    "follower_count": "Followers",
    "following_count": "Accounts followed",
    "is_active": "Tracked now",
    "last_outcome": "Result of the last check",
    "last_scraped_at": "Last check",
    "like_count": "Likes",
    "posted_at": "Posted",
    "provider": "Source",
    "readme": "Notes",
    "sec_uid": "Second id on TikTok",
    "status": "State",
    "tiktok_video_id": "Id of the video on TikTok",
    "total_likes_count": "Likes of the profile",
    "tracking_mode": "New videos",
    "updated_at": "Last change",
    "user_id": "Id on TikTok",
    "video_count": "Videos on the profile",
}

_fields_of = msgspec.json.Decoder(dict[str, Any]).decode


class KeptValue(Struct, frozen=True, kw_only=True):
    """A field as a form names it, and its value in one or several texts or times."""

    name: str
    texts: list[str | datetime]


class KeptEvent(Struct, frozen=True, kw_only=True):
    """An event in words: its name, its time, its actor, and its data."""

    position: int
    name: str
    recorded_at: datetime
    actor_name: str
    values: list[KeptValue]


class PersonalDataPage(Controller):
    """The stored data of a creator."""

    path = "/creators/{creator_id:uuid}/personal-data"

    @page_route(scope="admin")
    async def personal_data(
        self,
        page: NamedDependency[PageContext],
        creator_id: FromPath[UUID],
        start: FromQuery[int] = 0,
    ) -> Template:
        """Show the creator's present state, and every event, oldest first."""
        got = await page.get(f"/creators/{creator_id}/personal-data", PersonalData)
        kept = got.data
        if kept.is_erased:
            raise CreatorErasedError
        start = max(start, 0)
        shown = kept.events[start : start + _PER_PAGE]
        end = start + len(shown)
        context = {
            "now": kept_values(_fields_of(msgspec.json.encode(kept.creator))),
            "kept": kept,
            "events": [_in_words(event) for event in shown],
            "first": start + 1,
            "last": end,
            "before": max(start - _PER_PAGE, 0) if start else None,
            "after": end if end < len(kept.events) else None,
        }
        return show_creator(page, "creator/personal_data.html", kept.creator, context)


def kept_values(fields: Mapping[str, Any]) -> list[KeptValue]:
    """Return the fields that have a value, as texts and times for people.

    Ids that Goatherd gave to its own records are in the file alone.
    """
    return [
        KeptValue(name=_NAMES.get(name) or field_label(name), texts=texts)
        for name, value in fields.items()
        if name not in _OURS
        and not _is_our_id(value)
        and (texts := [_as_time(text) or text for text in _texts(value)])
    ]


def _is_our_id(value: object) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        return False


def _as_time(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    # A text of a person may be at the edge of the calendar, where no zone fits.
    return at if at.tzinfo and MINYEAR < at.year < MAXYEAR else None


def _in_words(event: PersonalEvent) -> KeptEvent:
    return KeptEvent(
        position=event.position,
        name=event.name.replace("_", " ").capitalize(),
        recorded_at=event.recorded_at,
        actor_name=event.actor_name,
        values=kept_values(_fields_of(event.payload)),
    )


def _texts(value: object) -> Iterator[str]:
    """Yield the texts of a value; for a list of numbers, its length."""
    match value:
        case None | "":
            return
        case bool():
            yield "yes" if value else "no"
        case int() | float() | str():
            yield f"{value:,}" if isinstance(value, int) else str(value)
        case dict():
            for name, each in cast("dict[str, object]", value).items():
                yield f"{name}: {', '.join(_texts(each)) or 'nothing'}"
        case _:
            items = cast("Sequence[object]", value)
            numbers = [each for each in items if isinstance(each, int | float)]
            if numbers:
                yield counted(len(numbers), "number")
            for each in items:
                if each not in numbers:
                    yield from _texts(each)

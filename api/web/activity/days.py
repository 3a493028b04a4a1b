"""Activity grouped by the organization's days, with a link for each row."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Final, Protocol, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from api.web.kit.page import PageContext
from domain.activity import ActivityKind
from projections.activity.queries import ActivityEntry

# The kinds in words, and how good they are.
LABELS: Final[Mapping[ActivityKind, tuple[str, str]]] = {
    "posted": ("Posted", ""),
    "took_off": ("Took off", "good"),
    "milestone": ("Milestone", "good"),
    "stopped_posting": ("Stopped posting", "warn"),
    "failing": ("Failing", "bad"),
    "recovered": ("Works again", "good"),
    "added": ("Added", ""),
    "renamed": ("Renamed", ""),
    "moved": ("Moved", ""),
    "removed": ("Removed", ""),
    "campaign_started": ("Campaign started", ""),
    "campaign_target_reached": ("Target reached", "good"),
    "campaign_target_missed": ("Target missed", "bad"),
    "reviewed": ("Reviewed", ""),
    "note": ("Note", ""),
    "erased": ("Erased", ""),
}


class Timed(Protocol):
    """Anything with the time at which it happened."""

    @property
    def at(self) -> datetime: ...


E = TypeVar("E", bound=Timed)
# A card is a first look; the page has the rest.
_IN_A_CARD = 8


class ActivityLine(Struct, frozen=True, kw_only=True):
    """A row with its label, its badge's colour, and the address of its subject.

    ``project`` is the name of its project, empty where rows are of one project.
    """

    entry: ActivityEntry
    label: str
    tone: str
    href: str
    project: str


class ActivityDay(Struct, frozen=True, kw_only=True):
    """The rows of one day; ``name`` is Today, Yesterday or empty."""

    day: date
    name: str
    lines: list[ActivityLine]


def by_day(
    entries: Sequence[ActivityEntry],
    *,
    time_zone: str,
    projects: Mapping[UUID, str] | None = None,
) -> list[ActivityDay]:
    """Return the entries by day, with the names of their ``projects`` if there are."""
    return [
        ActivityDay(
            day=day, name=name, lines=[_line(each, projects or {}) for each in group]
        )
        for day, name, group in grouped_by_day(entries, time_zone=time_zone)
    ]


def grouped_by_day(
    entries: Sequence[E], *, time_zone: str
) -> Iterator[tuple[date, str, Iterator[E]]]:
    """Yield each day, its name (Today, Yesterday or empty), and its entries."""
    zone = ZoneInfo(time_zone)
    today = datetime.now(zone).date()
    names = {today: "Today", today - timedelta(days=1): "Yesterday"}
    for day, group in groupby(
        entries, key=lambda entry: entry.at.astimezone(zone).date()
    ):
        yield day, names.get(day, ""), group


async def newest_activity(
    page: PageContext, projects: Mapping[UUID, str] | None = None, /, **scope: str
) -> list[ActivityDay]:
    """Return the rows of a card about a project, campaign, creator or ``projects``."""
    got = await page.get("/activity", list[ActivityEntry], limit=_IN_A_CARD, **scope)
    return by_day(got.data, time_zone=page.time_zone, projects=projects)


def _line(entry: ActivityEntry, projects: Mapping[UUID, str]) -> ActivityLine:
    label, tone = LABELS[entry.kind]
    project_id = entry.data.get("project_id")
    return ActivityLine(
        entry=entry,
        label=label,
        tone=tone,
        href=_href(entry),
        project=projects.get(UUID(project_id), "") if project_id else "",
    )


def _href(entry: ActivityEntry) -> str:
    """Return the address of the subject's page, empty if it has none."""
    of, id_ = entry.subject.type, entry.subject.id
    creator_id, project_id = entry.data.get("creator_id"), entry.data.get("project_id")
    if entry.data.get("decision") == "excluded" and project_id:
        # A removed video has no page of its own until it is put back.
        return f"/projects/{project_id}/excluded"
    if entry.kind == "erased" or of == "organization":
        return ""
    if of == "video":
        return f"/creators/{creator_id}/videos/{id_}" if creator_id else ""
    return f"/{of}s/{id_}"

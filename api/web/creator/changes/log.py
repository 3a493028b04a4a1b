"""The lines of a change log: by day, with repeated entries folded."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from domain.messages import IMPORT_PROVIDER
from projections.creator_history.entries import HistoryEntry

# Times are shown to the minute, so smaller differences do not matter.
_DIFFERS: Final = timedelta(minutes=1)
_FOLDED_FROM: Final = 4
_FOLDED = {
    "video_discovered": "videos found",
    "video_added": "videos added",
    "video_came_into_window": "videos came into the tracking window,",
    "video_included": "videos included",
    "video_excluded": "videos removed",
    "video_merged": "single videos merged with the creator's",
    "video_put_back": "videos put back into the inbox",
    "video_tracking_disabled": "videos excluded",
    "video_went_missing": "videos reported missing",
}


class ChangeLogLine(Struct, frozen=True, kw_only=True):
    """An entry with its actor, and its own time if that of recording differs."""

    entry: HistoryEntry
    by: str
    happened_at: datetime | None

    @property
    def shows_in_creator(self) -> bool:
        """Return whether the entry may change fields of the creator."""
        it = self.entry
        return it.about == "creator" or it.event == "profile_snapshot_recorded"


class FoldedLines(Struct, frozen=True, kw_only=True):
    """Consecutive lines of the same event about many videos."""

    summary: str
    lines: list[ChangeLogLine]


class UnlistedScrapes(Struct, frozen=True, kw_only=True):
    """The number of requested scrapes that a log leaves out; more if ``is_more``."""

    count: int
    is_more: bool


class ChangeLogDay(Struct, frozen=True, kw_only=True):
    """The entries that were recorded on one day, newest first."""

    day: date
    items: list[ChangeLogLine | FoldedLines]


def by_day(entries: Iterable[HistoryEntry], *, time_zone: str) -> list[ChangeLogDay]:
    """Return entries by the day on which they were recorded, in a zone."""
    zone = ZoneInfo(time_zone)
    return [
        ChangeLogDay(day=day, items=_folded(list(group)))
        for day, group in groupby(
            entries, key=lambda entry: entry.recorded_at.astimezone(zone).date()
        )
    ]


def to_line(entry: HistoryEntry) -> ChangeLogLine:
    is_other = abs(entry.recorded_at - entry.at) >= _DIFFERS
    return ChangeLogLine(
        entry=entry, by=_by(entry), happened_at=entry.at if is_other else None
    )


def _by(entry: HistoryEntry) -> str:
    """Return the actor, unless the summary names them."""
    is_imported = (
        entry.data.get("provider") == IMPORT_PROVIDER
        or entry.data.get("trigger") == "imported"
    )
    by = f"by {entry.actor_name}"
    if is_imported:
        return f"imported {by}"
    return "" if f" {by}" in entry.summary else by


def _folded(entries: list[HistoryEntry]) -> list[ChangeLogLine | FoldedLines]:
    items: list[ChangeLogLine | FoldedLines] = []
    for (event, by), group in groupby(entries, key=lambda e: (e.event, e.actor_name)):
        lines = [to_line(entry) for entry in group]
        if event in _FOLDED and len(lines) >= _FOLDED_FROM:
            summary = f"{len(lines)} {_FOLDED[event]} by {by}."
            items.append(FoldedLines(summary=summary, lines=lines))
        else:
            items += lines
    return items

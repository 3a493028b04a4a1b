"""A scheduled run whose time has come, and the current day in each time zone."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import structlog
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import commands as c
from domain.events import JobType
from domain.streams import scrape_stream

_CAUSE = UUID("6d9b8a52-1f57-5f0c-8a53-2b8f3c0b7a11")

_log = structlog.get_logger()


class ScheduledRun(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the schedule that is due."""

    organization_id: UUID
    subject_id: UUID
    job_type: JobType
    project_id: UUID
    creator_id: UUID | None
    tiktok_video_id: str | None
    handle: str
    due_at: datetime
    hours: int
    is_outside: bool
    is_open: bool

    @property
    def scrape_id(self) -> UUID:
        """Return the run's id, which is computed from the row and its time."""
        due_at = self.due_at.astimezone(UTC).isoformat()
        cause = uuid5(_CAUSE, f"{self.subject_id}/{self.job_type}/{due_at}")
        return scrape_stream(cause, self.subject_id, self.job_type)

    @property
    def command(self) -> c.RequestScrape:
        video_id = self.tiktok_video_id
        return c.RequestScrape(
            organization_id=self.organization_id,
            project_id=self.project_id,
            creator_id=self.creator_id,
            handle=self.handle,
            job_type=self.job_type,
            trigger="scheduled",
            tiktok_video_ids=() if video_id is None else (video_id,),
            video_id=None if video_id is None else self.subject_id,
        )


def days_of(connection: Connection[TupleRow], now: datetime) -> dict[str, object]:
    """Return the day in each organization's zone, and the beginning of the next.

    They are computed here and not in SQL, because the server may know other zones.
    """
    rows = connection.execute("SELECT DISTINCT time_zone FROM schedule_interval")
    days = [_day(name, now) for (name,) in rows.fetchall()]
    return {
        "zones": [name for name, _, _ in days],
        "todays": [today for _, today, _ in days],
        "midnights": [midnight for _, _, midnight in days],
    }


def _day(time_zone: str, now: datetime) -> tuple[str, date, datetime]:
    try:
        zone = ZoneInfo(time_zone)
    except ZoneInfoNotFoundError:
        _log.warning("time_zone_unknown", time_zone=time_zone)
        zone = ZoneInfo("UTC")
    today = now.astimezone(zone).date()
    tomorrow = today + timedelta(days=1)
    midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone)
    return time_zone, today, midnight.astimezone(UTC)

"""The schedule as the log tells it: who is looked at, how often, and since when.

When a row is due is for the scheduler to say: what is written here is only that it has
to be planned anew.
"""

import json
from collections.abc import Sequence
from itertools import groupby

from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.organization.decider import changed_settings
from domain.scrape.intervals import DEFAULT_HOURS
from domain.streams import video_stream
from infra.eventstore.store import RecordedEvent
from workers.schedule.videos import take_in_discovered, take_in_video

_JOB_TYPES = list(DEFAULT_HOURS)

_ORGANIZATION = """
INSERT INTO schedule_interval (organization_id, job_type, plan, time_zone, position)
SELECT %s, job_type, %s, %s, %s FROM unnest(%s::text[]) AS job_type
ON CONFLICT (organization_id, job_type) DO NOTHING
"""
_PLAN = """
UPDATE schedule_interval SET plan = %(plan)s, position = %(position)s
WHERE organization_id = %(organization)s AND position < %(position)s
"""
_SETTINGS = """
WITH changed AS (
    UPDATE schedule_interval SET
        time_zone = coalesce(%(time_zone)s, time_zone),
        asked_hours = CASE WHEN %(asked)s::jsonb ? job_type
            THEN (%(asked)s::jsonb ->> job_type)::int ELSE asked_hours END,
        position = %(position)s
    WHERE organization_id = %(organization)s AND position < %(position)s
    RETURNING organization_id, job_type
)
-- With the zone all days begin anew; other hours are for the scheduler to notice.
UPDATE scrape_schedule s SET due_at = NULL FROM changed c
WHERE s.organization_id = c.organization_id AND s.job_type = c.job_type
  AND %(time_zone)s::text IS NOT NULL
"""
_ADD = """
INSERT INTO scrape_schedule (organization_id, subject_id, creator_id, job_type,
    project_id, handle, tracking_start_date, tracking_end_date, last_requested_at,
    position)
SELECT %(organization)s, %(creator)s, %(creator)s, job_type, %(project)s, %(handle)s,
    %(start)s, %(end)s, %(at)s, %(position)s
FROM unnest(%(job_types)s::text[]) AS job_type
ON CONFLICT (organization_id, subject_id, job_type) DO NOTHING
"""
_OF_THE_CREATOR = """
WHERE organization_id = %(organization)s AND subject_id = %(creator)s
  AND position < %(position)s
"""
_RENAME = f"""
UPDATE scrape_schedule SET handle = %(handle)s, position = %(position)s
{_OF_THE_CREATOR}
"""
_MOVE_WINDOW = f"""
UPDATE scrape_schedule SET tracking_start_date = %(start)s,
    tracking_end_date = %(end)s, due_at = NULL, position = %(position)s
{_OF_THE_CREATOR}
"""
_STOP = f"""
UPDATE scrape_schedule SET is_active = false, position = %(position)s
{_OF_THE_CREATOR}
"""
# What asked for it to come back asked for a run as well.
_COME_BACK = f"""
UPDATE scrape_schedule SET is_active = true, last_requested_at = %(at)s,
    due_at = NULL, position = %(position)s
{_OF_THE_CREATOR}
"""
_COME_BACK_WITH_WINDOW = f"""
UPDATE scrape_schedule SET is_active = true, tracking_start_date = %(start)s,
    tracking_end_date = %(end)s, last_requested_at = %(at)s, due_at = NULL,
    position = %(position)s
{_OF_THE_CREATOR}
"""
# The scheduler's own request was planned on from when it was made.
_REQUESTED = """
UPDATE scrape_schedule s SET last_requested_at = w.at, requested_position = w.position,
    due_at = CASE WHEN s.last_scrape_id = w.scrape THEN s.due_at END,
    last_scrape_id = w.scrape
FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::uuid[], %s::timestamptz[],
            %s::bigint[]) AS w (organization, subject, job_type, scrape, at, position)
WHERE s.organization_id = w.organization AND s.subject_id = w.subject
  AND s.job_type = w.job_type
  AND (s.requested_position < w.position
       OR s.last_scrape_id = w.scrape AND s.requested_position = 9223372036854775807)
"""


class Schedule:
    """Keeps the tables scrape_schedule, schedule_interval and scheduled_video.

    What the scheduler itself writes there is due_at, hours and, with a request, when it
    was made.
    """

    name = "schedule"
    version = 1
    events = frozenset(
        {
            "organization_created",
            "organization_settings_changed",
            "plan_changed",
            "creator_added",
            "handle_changed",
            "tracking_window_changed",
            "creator_removed",
            "creator_reactivated",
            "creator_auto_disabled",
            "creator_reenabled",
            "scrape_requested",
            "video_discovered",
            "video_added",
            "video_came_into_window",
            "video_included",
            "video_excluded",
            "video_put_back",
            "video_tracking_disabled",
        }
    )

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Take in ``events``; what comes in numbers goes in one statement."""
        with cursor.connection.pipeline():
            for kind, group in groupby(
                events, key=lambda recorded: type(recorded.event)
            ):
                if kind is e.ScrapeRequested:
                    _requested(cursor, list(group))
                elif kind is e.VideoDiscovered:
                    take_in_discovered(cursor, list(group))
                else:
                    for recorded in group:
                        _of_an_organization(cursor, recorded)
                        _of_a_creator(cursor, recorded)
                        take_in_video(cursor, recorded)


def _of_an_organization(cursor: Cursor[TupleRow], recorded: RecordedEvent) -> None:
    event, position = recorded.event, recorded.position
    where = {"organization": recorded.stream, "position": position}
    match event:
        case e.OrganizationCreated(plan=plan, time_zone=zone):
            made = (recorded.stream, plan, zone, position, _JOB_TYPES)
            cursor.execute(_ORGANIZATION, made, prepare=True)
        case e.PlanChanged(new=plan):
            cursor.execute(_PLAN, {**where, "plan": plan}, prepare=True)
        case e.OrganizationSettingsChanged():
            changed = changed_settings(event)
            asked = {
                job_type: changed[f"{job_type}_hours"]
                for job_type in _JOB_TYPES
                if f"{job_type}_hours" in changed
            }
            change = {"time_zone": changed.get("time_zone"), "asked": json.dumps(asked)}
            cursor.execute(_SETTINGS, {**where, **change}, prepare=True)
        case _:
            pass


def _of_a_creator(cursor: Cursor[TupleRow], recorded: RecordedEvent) -> None:
    event = recorded.event
    about = {
        "organization": getattr(event, "organization_id", None),
        "creator": recorded.stream,
        "start": getattr(event, "tracking_start_date", None),
        "end": getattr(event, "tracking_end_date", None),
        "at": recorded.recorded_at,
        "position": recorded.position,
    }
    match event:
        case e.CreatorAdded(project_id=project_id, handle=handle):
            about |= {"project": project_id, "handle": handle, "job_types": _JOB_TYPES}
            cursor.execute(_ADD, about, prepare=True)
        case e.HandleChanged(new=handle):
            cursor.execute(_RENAME, {**about, "handle": handle}, prepare=True)
        case e.TrackingWindowChanged():
            cursor.execute(_MOVE_WINDOW, about, prepare=True)
        case e.CreatorRemoved() | e.CreatorAutoDisabled():
            cursor.execute(_STOP, about, prepare=True)
        case e.CreatorReactivated():
            cursor.execute(_COME_BACK_WITH_WINDOW, about, prepare=True)
        case e.CreatorReenabled():
            cursor.execute(_COME_BACK, about, prepare=True)
        case _:
            pass


def _requested(cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
    last = {
        (event.organization_id, subject, event.job_type): recorded
        for recorded in events
        if isinstance(event := recorded.event, e.ScrapeRequested)
        for subject in _subjects(event)
    }
    cursor.execute(
        _REQUESTED,
        (
            [organization for organization, _, _ in last],
            [subject for _, subject, _ in last],
            [job_type for _, _, job_type in last],
            [recorded.stream for recorded in last.values()],
            [recorded.recorded_at for recorded in last.values()],
            [recorded.position for recorded in last.values()],
        ),
        prepare=True,
    )


def _subjects(event: e.ScrapeRequested) -> list[object]:
    if event.trigger == "imported":
        # What was seen then says nothing of when to look next.
        return []
    if event.creator_id is None:
        return [video_stream(event.project_id, one) for one in event.tiktok_video_ids]
    # A look at some of a creator's videos stands for no look at all of them.
    return [] if event.tiktok_video_ids else [event.creator_id]

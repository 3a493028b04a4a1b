"""The schedule as a projection: the creators to scrape, the intervals, and the starts.

It only notes that a row needs a plan; the scheduler decides when the row is due.
"""

import json
from collections.abc import Sequence
from itertools import groupby

from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.messages import set_fields
from domain.organization.decider import SETTINGS
from domain.scrape.intervals import DEFAULT_HOURS
from domain.streams import video_stream
from infra.eventstore.store import RecordedEvent
from projections.engine.erasures import ERASURE_EVENTS, cut_at_erasures
from projections.engine.folds import Folds, stored_names
from workers.schedule import videos

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
        requested_hours = CASE WHEN %(hours)s::jsonb ? job_type
            THEN (%(hours)s::jsonb ->> job_type)::int ELSE requested_hours END,
        position = %(position)s
    WHERE organization_id = %(organization)s AND position < %(position)s
    RETURNING organization_id, job_type
)
-- Another time zone moves the days; the scheduler notices other hours itself.
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
# The command that brought the creator back requested a run as well.
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
# The plan of a row that is paused is that it is never due.
_PAUSE = """
UPDATE scrape_schedule SET is_paused = %(is_paused)s, due_at = NULL
WHERE organization_id = %(organization)s AND project_id = %(project)s
  AND is_paused <> %(is_paused)s
"""
# A creator can only be moved into a project that is not archived.
_MOVE = f"""
UPDATE scrape_schedule SET project_id = %(project)s, is_paused = false,
    due_at = CASE WHEN is_paused THEN NULL ELSE due_at END, position = %(position)s
{_OF_THE_CREATOR}
"""
# The scheduler planned the next run when it made its own request.
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

_FORGET = (
    """
    DELETE FROM scrape_schedule WHERE organization_id = %(organization)s
    AND (subject_id = %(creator)s OR creator_id = %(creator)s
         OR subject_id = ANY(%(videos)s))
    """,
    """
    DELETE FROM scheduled_video WHERE organization_id = %(organization)s
    AND (creator_id = %(creator)s OR id = ANY(%(videos)s))
    """,
)

on = Folds[[Cursor[TupleRow], RecordedEvent], None]()


@on(e.OrganizationCreated)
def _organization_created(
    event: e.OrganizationCreated, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    row = (
        *(recorded.stream, event.plan, event.time_zone),
        *(recorded.position, _JOB_TYPES),
    )
    cursor.execute(_ORGANIZATION, row, prepare=True)


@on(e.PlanChanged)
def _plan_changed(
    event: e.PlanChanged, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    change = {
        "organization": recorded.stream,
        "position": recorded.position,
        "plan": event.new,
    }
    cursor.execute(_PLAN, change, prepare=True)


@on(e.OrganizationSettingsChanged)
def _settings_changed(
    event: e.OrganizationSettingsChanged,
    cursor: Cursor[TupleRow],
    recorded: RecordedEvent,
) -> None:
    changed = set_fields(event, SETTINGS)
    hours = {
        job_type: changed[f"{job_type}_hours"]
        for job_type in _JOB_TYPES
        if f"{job_type}_hours" in changed
    }
    change = {
        "organization": recorded.stream,
        "position": recorded.position,
        "time_zone": changed.get("time_zone"),
        "hours": json.dumps(hours),
    }
    cursor.execute(_SETTINGS, change, prepare=True)


@on(e.ProjectArchived, e.ProjectRestored)
def _project_rests(
    event: e.ProjectArchived | e.ProjectRestored,
    cursor: Cursor[TupleRow],
    recorded: RecordedEvent,
) -> None:
    change = {
        "organization": recorded.stream,
        "project": event.project_id,
        "is_paused": isinstance(event, e.ProjectArchived),
    }
    cursor.execute(_PAUSE, change, prepare=True)


@on(e.CreatorAdded)
def _creator_added(
    event: e.CreatorAdded, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    row = {
        **_about_creator(event, recorded),
        "project": event.project_id,
        "handle": event.handle,
        "job_types": _JOB_TYPES,
    }
    cursor.execute(_ADD, row, prepare=True)


@on(e.CreatorMoved)
def _creator_moved(
    event: e.CreatorMoved, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    change = {**_about_creator(event, recorded), "project": event.new_project_id}
    cursor.execute(_MOVE, change, prepare=True)


@on(e.HandleChanged)
def _handle_changed(
    event: e.HandleChanged, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    change = {**_about_creator(event, recorded), "handle": event.new}
    cursor.execute(_RENAME, change, prepare=True)


@on(e.TrackingWindowChanged)
def _window_changed(
    event: e.TrackingWindowChanged, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    cursor.execute(_MOVE_WINDOW, _about_creator(event, recorded), prepare=True)


@on(e.CreatorRemoved, e.CreatorAutoDisabled, e.CreatorDisabled)
def _stopped(
    event: e.CreatorRemoved | e.CreatorAutoDisabled | e.CreatorDisabled,
    cursor: Cursor[TupleRow],
    recorded: RecordedEvent,
) -> None:
    cursor.execute(_STOP, _about_creator(event, recorded), prepare=True)


@on(e.CreatorReactivated)
def _reactivated(
    event: e.CreatorReactivated, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    change = _about_creator(event, recorded)
    cursor.execute(_COME_BACK_WITH_WINDOW, change, prepare=True)


@on(e.CreatorReenabled)
def _reenabled(
    event: e.CreatorReenabled, cursor: Cursor[TupleRow], recorded: RecordedEvent
) -> None:
    cursor.execute(_COME_BACK, _about_creator(event, recorded), prepare=True)


class Schedule:
    """Keeps the tables scrape_schedule, schedule_interval and scheduled_video.

    The scheduler itself writes due_at, hours and, with a request, the time of the
    request.
    """

    name = "schedule"
    version = 1
    events = (
        on.events
        | videos.on.events
        | stored_names(e.ScrapeRequested, e.VideoDiscovered)
        | ERASURE_EVENTS
    )

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Apply ``events``; frequent events are written together in one statement."""
        for part, erasure in cut_at_erasures(events):
            self._write(cursor, part)
            if erasure is not None:
                erasure.execute(cursor, *_FORGET)

    def _write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        with cursor.connection.pipeline():
            for kind, group in groupby(
                events, key=lambda recorded: type(recorded.event)
            ):
                if kind is e.ScrapeRequested:
                    _requested(cursor, list(group))
                elif kind is e.VideoDiscovered:
                    videos.take_in_discovered(cursor, list(group))
                else:
                    for recorded in group:
                        event = recorded.event
                        folds = videos.on if event in videos.on else on
                        folds.fold(event, cursor, recorded)


def _about_creator(event: e.CreatorEvent, recorded: RecordedEvent) -> dict[str, object]:
    return {
        "organization": event.organization_id,
        "creator": recorded.stream,
        "start": getattr(event, "tracking_start_date", None),
        "end": getattr(event, "tracking_end_date", None),
        "at": recorded.recorded_at,
        "position": recorded.position,
    }


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
        # An imported run does not move the next scrape.
        return []
    if event.creator_id is None:
        if event.video_id is not None:
            return [event.video_id]
        return [video_stream(event.project_id, one) for one in event.tiktok_video_ids]
    # A run of some of a creator's videos does not replace a run of all of them.
    return [] if event.tiktok_video_ids else [event.creator_id]

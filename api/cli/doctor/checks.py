"""The checks of ``goatherd doctor``: each returns a sentence or raises."""

import time
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli.doctor.results import SkippedError, WarningError, WrongError
from api.system.all_projections import ALL_PROJECTIONS
from application.integrity.log import recorded_roots
from domain.phrases import counted, counted_are
from domain.report.waiting import WAITS_FOR
from domain.streams import creators_counter
from infra.settings import Settings
from projections.status import NEVER_STARTED, ProjectionProgress, progress
from workers.schedule.sql import OVERDUE

STALLED_SECONDS = 30
BEHIND_SECONDS = 60
LATE_MINUTES = 5
FAILING_ATTEMPTS = 3
OLD_ROOT_DAYS = 2
LONG_WAIT_MINUTES = 15

_OF_THE_DISPATCHER = {
    "connection_endings",
    "creator_identities",
    "known_videos",
    "schedule",
    "scrape_jobs",
    "verdict_streaks",
}

# A job whose lease has ended is due as well, until it is made ready again.
_DUE = """
SELECT count(*) FILTER (WHERE due_at < statement_timestamp()
                              - make_interval(mins => %s)),
       coalesce(extract(epoch FROM statement_timestamp() - min(due_at)), 0)::float8
FROM (
    SELECT due_at FROM scrape_job
    WHERE state = 'ready' AND due_at < statement_timestamp()
    UNION ALL SELECT due_at FROM scrape_job
    WHERE state = 'leased' AND lease_until < statement_timestamp()
) AS due
"""
_QUARANTINED = """
SELECT count(*), count(*) FILTER (WHERE finished_at > now() - interval '1 day'),
       (SELECT error FROM scrape_job WHERE state = 'quarantined'
        ORDER BY finished_at DESC LIMIT 1)
FROM scrape_job WHERE state = 'quarantined'
"""
_FAILING = """
SELECT outcome, count(*), max(error) FROM scrape_job
WHERE state IN ('ready', 'leased') AND attempts >= %s AND outcome IS NOT NULL
GROUP BY outcome ORDER BY count(*) DESC LIMIT 1
"""
# All three are read in one snapshot, so that an event recorded meanwhile is in all or
# in none.
_IS_CAUGHT_UP = """
SELECT coalesce((SELECT max(notification_id) FROM goatherd_events), 0)
     <= coalesce((SELECT position FROM projection WHERE name = 'creator_list'), 0)
"""
_ACTIVE = """
SELECT organization_id, count(id) FILTER (WHERE status = 'active')
FROM organizations LEFT JOIN creator_list USING (organization_id)
GROUP BY organization_id
"""
_SINCE = """
SELECT extract(day FROM statement_timestamp() - coalesce(%s, min(recorded_at)))::int
FROM goatherd_events
"""
_WAITING = """
SELECT because, count(*),
       (extract(epoch FROM statement_timestamp() - min(since)) / 60)::int
FROM report_waits GROUP BY because ORDER BY min(since) LIMIT 1
"""
_COUNTERS = "SELECT key, value FROM quota_counters WHERE key = ANY(%s)"
TRIES = 20
_ASK_AGAIN_SECONDS = 0.1


def check_projections(connection: Connection[TupleRow]) -> str:
    """Check that all projections follow the log.

    Raises:
        WrongError: a projection does not, or belongs to another release.
    """
    versions = {projection.name: projection.version for projection in ALL_PROJECTIONS}
    found = progress(connection, ALL_PROJECTIONS)
    others = [p for p in found if p.version != versions.get(p.name, p.version)]
    if others:
        raise WrongError(
            f"{_names(others)}: built by a release with other rules.",
            advice="Run one release of Goatherd everywhere.",
        )
    stalled = [p for p in found if _is_stalled(p)]
    if stalled:
        raise WrongError(
            f"Nothing keeps {_names(stalled)} caught up with the log.",
            advice=f"Start {_commands_for(stalled)}, or read its log for the cause.",
        )
    behind = [p for p in found if p.lag_seconds > BEHIND_SECONDS]
    if behind:
        most = max(behind, key=lambda p: p.lag_seconds)
        raise WrongError(
            f"{_names(behind)}: up to {most.lag_seconds:.0f} s and {most.lag_events} "
            "events behind.",
            advice="If the number does not fall within minutes, the database is too "
            "slow for the recorded events: look at its load.",
        )
    return "All follow the log."


def check_projections_at_rest(connection: Connection[TupleRow]) -> str:
    """Show how far the projections are, even if no process follows the log.

    Raises:
        WrongError: a projection is further than the log, or belongs to a newer release.
    """
    versions = {projection.name: projection.version for projection in ALL_PROJECTIONS}
    found = progress(connection, ALL_PROJECTIONS)
    # Projections of older rules are rebuilt once Goatherd runs.
    newer = [p for p in found if p.version > versions.get(p.name, p.version)]
    if newer:
        raise WrongError(
            f"{_names(newer)}: built by a newer release.",
            advice="Run the newer release.",
        )
    ahead = [p for p in found if p.position > p.head]
    if ahead:
        raise WrongError(
            f"{_names(ahead)}: further than the log, which ends at {ahead[0].head}.",
            advice="The end of the log is gone: restore a backup.",
        )
    behind = [p for p in found if p.lag_events]
    if not behind:
        return f"All {len(found)} are caught up with the log."
    most = max(p.lag_events for p in behind)
    return (
        f"{len(behind)} of {len(found)} are behind the log, by up to {most} events: "
        "they catch up when Goatherd runs."
    )


def check_dead_letters(connection: Connection[TupleRow]) -> str:
    """Check that there are no dead letters.

    Raises:
        WrongError: a projection could not apply an event.
    """
    row = connection.execute(
        "SELECT count(*) OVER (), projection, position, error FROM dead_letter "
        "ORDER BY failed_at DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return "None."
    count, projection, position, error = row
    raise WrongError(
        f"{counted(count, 'event')} could not be applied, the last by {projection} "
        f"at position {position}: {error}",
        advice="These read models lack these events and the later ones of their "
        "streams. SELECT * FROM dead_letter shows all; with a release that can apply "
        "them, run goatherd projection retry.",
    )


def check_jobs(connection: Connection[TupleRow], settings: Settings) -> str:
    """Check that scrapes run when they are due.

    Raises:
        WrongError: scrapes wait, fail again and again, or were quarantined recently.
        SkippedError: scrapes wait because no source is set up.
    """
    late, oldest = connection.execute(_DUE, (LATE_MINUTES,)).fetchone() or (0, 0)
    if late and not settings.providers:
        raise SkippedError(
            f"{counted_are(late, 'scrape')} due, and no source is set up."
        )
    if late:
        raise WrongError(
            f"{counted_are(late, 'scrape')} due and no worker is running, the oldest "
            f"for {counted(round(oldest / 60), 'minute')}.",
            advice="Check that `goatherd dispatch` and `goatherd work` run and reach "
            "Redis; more workers run more scrapes at a time.",
        )
    failing = connection.execute(_FAILING, (FAILING_ATTEMPTS,)).fetchone()
    if failing is not None:
        outcome, count, error = failing
        raise WrongError(
            f"{counted(count, 'scrape')} failed {FAILING_ATTEMPTS} times or more and "
            f"will be tried again, last as {outcome}: {error}",
            advice="If the provider is at fault, the failures will end; otherwise "
            "check GOATHERD_PROVIDERS and the settings of the providers.",
        )
    found = connection.execute(_QUARANTINED).fetchone() or (0, 0, None)
    quarantined, of_late, error = found
    if of_late:
        raise WrongError(
            f"{counted(of_late, 'scrape')} quarantined in the last day, as each "
            f"attempt killed its worker or was killed with it: {error}",
            advice="Find out what killed the workers (first of all their memory) in "
            "the logs of that time; docs/operating.md says more under 'Scrapes "
            "are quarantined'.",
        )
    return (
        f"No scrape is late; the oldest is due for {oldest:.0f} s; {quarantined} are "
        "quarantined."
    )


def check_schedule(connection: Connection[TupleRow]) -> str:
    """Check that scheduled scrapes are requested when they are due.

    Raises:
        WrongError: some scrapes are late by more than an interval.
    """
    overdue, hours = connection.execute(OVERDUE).fetchone() or (0, 0)
    if overdue:
        raise WrongError(
            f"{counted_are(overdue, 'scheduled scrape')} late by more than an interval"
            f", the oldest by {counted(round(hours), 'hour')}.",
            advice="Check that `goatherd dispatch` runs, or read its log for what "
            "stops the scheduler.",
        )
    return "No scheduled scrape is overdue."


def check_reports(connection: Connection[TupleRow]) -> str:
    """Check that no issue of a report waits for long.

    Raises:
        WarningError: one does.
    """
    row = connection.execute(_WAITING).fetchone()
    if row is None:
        return "No issue of a report waits."
    because, count, minutes = row
    waiting = f"{counted(count, 'report')} {'waits' if count == 1 else 'wait'}"
    text = f"{waiting} for {WAITS_FOR[because]}"
    if minutes < LONG_WAIT_MINUTES:
        return f"{text}."
    advice = {
        "import": "Let the import end: `goatherd import` runs on some machine.",
        "counting": "Look at the other checks, and at the log of `goatherd dispatch`.",
    }
    raise WarningError(
        f"{text}, the longest for {counted(minutes, 'minute')}.",
        advice=f"{advice[because]} After two hours an issue is made all the same, and "
        "says that its numbers may be incomplete.",
    )


def check_roots(connection: Connection[TupleRow]) -> str:
    """Check that a root of the log was signed recently.

    Raises:
        WrongError: no root was signed for two days.
    """
    recorded = recorded_roots(connection)
    newest = recorded[-1].root.signed_at if recorded else None
    row = connection.execute(_SINCE, (newest,)).fetchone()
    days = 0 if row is None or row[0] is None else row[0]
    if days >= OLD_ROOT_DAYS:
        raise WrongError(
            f"No root of the event log was signed for {counted(days, 'day')}.",
            advice="Check that `goatherd dispatch` runs, or read its log for what "
            "stops it; `goatherd roots make` signs a root now.",
        )
    if newest is None:
        return "No root was signed yet."
    position = recorded[-1].root.position
    return f"The newest of {len(recorded)} holds all up to position {position}."


def check_quota_counters(connection: Connection[TupleRow]) -> str:
    """Check that the counts behind the plans' limits agree with the log.

    Raises:
        WrongError: a count does not.
        SkippedError: creator_list is behind the log.
    """
    for _ in range(TRIES):
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            is_caught_up = connection.execute(_IS_CAUGHT_UP).fetchone()
            if is_caught_up is None or not is_caught_up[0]:
                time.sleep(_ASK_AGAIN_SECONDS)
                continue
            active: dict[UUID, int] = dict(connection.execute(_ACTIVE).fetchall())
            keys = {creators_counter(each): each for each in active}
            stored = dict.fromkeys(active, 0)
            for key, value in connection.execute(_COUNTERS, (list(keys),)):
                stored[keys[key]] = value
        wrong = [each for each, count in active.items() if stored[each] != count]
        if not wrong:
            return f"Right for {counted(len(active), 'organization')}."
        has = counted(active[wrong[0]], "active creator")
        raise WrongError(
            f"Organization {wrong[0]} has {has}, and the count is {stored[wrong[0]]} "
            f"({counted_are(len(wrong), 'organization')} wrong).",
            advice="Somebody changed the table quota_counters, or a release was at "
            "fault: set the count to the right number, and report it.",
        )
    raise SkippedError("creator_list is behind the log.")


def _is_stalled(progress: ProjectionProgress) -> bool:
    if progress.status == NEVER_STARTED or progress.heartbeat_seconds is None:
        return True
    return progress.heartbeat_seconds > STALLED_SECONDS


def _names(found: list[ProjectionProgress]) -> str:
    return ", ".join(each.name for each in found)


def _commands_for(found: list[ProjectionProgress]) -> str:
    of_the_dispatcher = {each.name in _OF_THE_DISPATCHER for each in found}
    return " and ".join(
        "`goatherd dispatch`" if is_its else "`goatherd project`"
        for is_its in sorted(of_the_dispatcher)
    )

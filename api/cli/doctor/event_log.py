"""The check of the event log: every event can be read and is unchanged."""

from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli.doctor.results import WrongError
from api.cli.kit.output import progress_bar
from application.integrity.log import head_of, parts_with_events, recorded_roots
from application.integrity.plan import make_plan, ranges_of
from application.integrity.verify import check_positions
from domain.integrity.chains import name_and_body_of
from infra.eventstore.codec import Codec, UnknownEventError

# The number of positions that are read at a time.
BATCH = 5_000
_NAMED_AT_MOST = 3


def check_event_log(connection: Connection[TupleRow]) -> str:
    """Read every event, and compare the digest chains of all streams.

    Raises:
        WrongError: an event cannot be read, or differs from what was recorded.
    """
    codec = Codec()
    broken: set[int] = set()
    unreadable: list[UnknownEventError] = []
    plan = make_plan(recorded_roots(connection), head=head_of(connection))
    ranges = ranges_of(plan, parts_with_events(connection, 0, BATCH), length=BATCH)
    read = 0
    with progress_bar("Reading the event log", total=len(ranges)) as advance:
        for first, last in ranges:
            events, checked = check_positions(
                connection, first, last, times_from=plan.times_from
            )
            read += len(events)
            broken.update(misfit.position for misfit in checked.misfits)
            for _, _, message in events:
                try:
                    codec.decode(*name_and_body_of(message))
                except UnknownEventError as error:
                    unreadable.append(error)
            advance(1)
    if broken:
        raise WrongError(
            f"{len(broken)} of {read} events are not what was recorded, or follow a "
            f"missing event: position {_some(sorted(broken))}.",
            advice="Somebody changed the table goatherd_events: `goatherd verify` says "
            "how. Restore a backup from before the change, and find out who can "
            "write to the table.",
        )
    if unreadable:
        raise WrongError(
            f"{len(unreadable)} of {read} events cannot be read: {unreadable[0]}",
            advice="A newer Goatherd wrote these events: run that release.",
        )
    return f"All {read} events can be read and are what was recorded."


def _some(positions: list[int]) -> str:
    named = ", ".join(map(str, positions[:_NAMED_AT_MOST]))
    return f"{named}, ..." if len(positions) > _NAMED_AT_MOST else named

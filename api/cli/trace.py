"""``goatherd trace``: a request with everything that it caused, as one tree."""

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from api.cli import CommandError
from api.cli.kit.databases import opened_store
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import Branch, print_json, print_tree
from api.system.trace import (
    Trace,
    TracedCommand,
    TracedEvent,
    TracedProjection,
    TracedScrape,
)
from api.system.trace import trace as traced
from domain.errors import NotFoundError


def trace(
    target: Annotated[
        str,
        Parameter(
            help="A position of the log, a request id (the header X-Request-Id of an "
            "answer) or the id of a scrape.",
        ),
    ],
    /,
    *,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Show a request with its commands and events, and where each event has come.

    The tree has the projections that read an event, with their position and the rows
    about it, dead letters and the events that they hold back, and the scrapes with the
    source that answered.
    """
    with opened_store(read_settings(data_dir=data_dir)) as store:
        try:
            found = traced(store, target)
        except NotFoundError:
            raise CommandError(
                f"The log has no event of {target}: it is no position, request or "
                "scrape, or the request changed nothing."
            ) from None
    if json:
        print_json(found)
        return
    print_tree(_request(found))


def _request(found: Trace) -> Branch:
    heading = (
        "no request" if found.request_id is None else f"request {found.request_id}"
    )
    return Branch(heading, [_command(each) for each in found.commands])


def _command(command: TracedCommand) -> Branch:
    heading = f"command {command.command_id or '-'} by {command.actor}"
    return Branch(heading, [_event(each) for each in command.events])


def _event(event: TracedEvent) -> Branch:
    parts = [_projection(each) for each in event.projections]
    if event.scrape is not None:
        parts.append(_scrape(event.scrape))
    return Branch(
        f"{event.position} {event.name}, version {event.version} of {event.stream}, "
        f"{event.recorded_at:%Y-%m-%d %H:%M:%S} UTC",
        parts,
    )


def _projection(projection: TracedProjection) -> Branch:
    rows = ", ".join(f"{table} {count}" for table, count in projection.rows.items())
    text = f"{projection.name} at {projection.position}: {projection.state}"
    if projection.why is not None:
        text += f" ({projection.why})"
    return Branch(f"{text}; rows: {rows}" if rows else text)


def _scrape(scrape: TracedScrape) -> Branch:
    text = f"scrape {scrape.scrape_id}: {scrape.state or 'no job yet'}"
    if scrape.attempts:
        text += f", attempts: {scrape.attempts}"
    if scrape.finished_at is None and scrape.due_at is not None:
        text += f", due {scrape.due_at:%Y-%m-%d %H:%M:%S} UTC"
    parts = [Branch(_source(scrape))] if scrape.source or scrape.outcome else []
    parts += [_tried(scrape.tried)] if scrape.tried else []
    return Branch(text, [*parts, *(_command(each) for each in scrape.commands)])


def _source(scrape: TracedScrape) -> str:
    text = f"source {scrape.source or '-'}: {scrape.outcome or 'no answer yet'}"
    return f"{text} ({scrape.error})" if scrape.error else text


def _tried(tried: Sequence[dict[str, object]]) -> Branch:
    return Branch(
        "sources in the order of their trial",
        [
            Branch(
                f"{one.get('provider')}: {one.get('outcome')}"
                + (f" ({one['detail']})" if one.get("detail") else "")
            )
            for one in tried
        ],
    )

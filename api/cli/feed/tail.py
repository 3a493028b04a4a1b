"""The command ``goatherd tail``, for the events of one organization."""

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Annotated, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import psycopg
from cyclopts import Parameter
from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli import UsageError
from api.cli.kit.caught_up import wait_until_caught_up
from api.cli.kit.databases import database_url, fitting, opened_store
from api.cli.kit.names import ChosenOrganizationOption, chosen_organization
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import plain
from domain.feed.event import PublicEvent
from domain.feed.types import ALL, BY_NAME, chosen
from infra.database import COMMAND_NAME
from infra.eventstore.store import Store
from projections.feed.batch import CHANNEL
from projections.feed.queries import FeedFilter, FeedPlace, public_events_now

_AT_ONCE = 500
# The feed is read this often even if no notification comes.
_LISTEN_SECONDS = 2.0
_NEWEST = "SELECT coalesce(max(position), 0) FROM feed WHERE organization_id = %s"
_ZONE = "SELECT time_zone FROM organizations WHERE organization_id = %s"


def tail(
    *,
    org: ChosenOrganizationOption = None,
    from_: Annotated[
        int | None,
        Parameter(
            name="--from",
            help="The position to begin with. 0 is the beginning of the log, and "
            "without the option only new events are shown.",
        ),
    ] = None,
    types: Annotated[
        str | None,
        Parameter(
            help="Only these types, with commas between, such as creator.added. "
            f"{ALL} stands for all but milestones and found videos."
        ),
    ] = None,
    follow: Annotated[
        bool, Parameter(help="Go on until Ctrl-C; without it, end at the newest event.")
    ] = True,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Print public events, one a line, as they happen.

    Each line of --json is an event as GET /events has it.
    """
    requested = FeedFilter(types=None if types is None else _types(types))
    settings = read_settings(data_dir=data_dir)
    with fitting(settings) as connection:
        org_id = chosen_organization(connection, org)
        wait_until_caught_up(connection, "feed", what="the feed is")
        newest = _number(connection, _NEWEST, org_id)
        (time_zone,) = connection.execute(_ZONE, (org_id,)).fetchall()[0]
    show = _printed(ZoneInfo(time_zone), json=json)
    after = newest if from_ is None else max(from_, 1) - 1
    with (
        opened_store(settings) as store,
        closing(
            psycopg.connect(
                database_url(settings), autocommit=True, application_name=COMMAND_NAME
            )
        ) as listener,
    ):
        listener.execute(f"LISTEN {CHANNEL}".encode())
        while True:
            after = _print_after(store, org_id, requested, after, show)
            if not follow:
                return
            for _ in listener.notifies(timeout=_LISTEN_SECONDS, stop_after=1):
                pass


def _print_after(
    store: Store,
    org_id: UUID,
    requested: FeedFilter,
    after: int,
    show: Callable[[PublicEvent], str],
) -> int:
    """Print all events after a position, and return the position to go on after."""
    while True:
        with store.pool.connection() as connection:
            page = public_events_now(
                connection,
                store.codec,
                org_id,
                requested,
                after=FeedPlace(after),
                limit=_AT_ONCE,
            )
        for each in page.events:
            print(show(each.event), flush=True)
        after = page.next_after
        if len(page.events) < _AT_ONCE:
            return after


def _printed(zone: ZoneInfo, *, json: bool) -> Callable[[PublicEvent], str]:
    if json:
        return lambda event: msgspec.json.encode(event).decode()

    def line(event: PublicEvent) -> str:
        at = f"{event.timestamp.astimezone(zone):%Y-%m-%d %H:%M:%S}"
        # Ids help programs, and --json has them.
        shown = _without_ids(event.data)
        words = " ".join(f"{name}={_text(value)}" for name, value in shown.items())
        return f"{event.position:>8} {at} {event.type:<24} {words}".rstrip()

    return line


def _without_ids(values: Mapping[str, object]) -> Mapping[str, object]:
    return {
        name: value
        for name, value in values.items()
        if value is not None and name != "id" and not name.endswith(("_id", "_ids"))
    }


def _text(value: object) -> str:
    if isinstance(value, dict):
        inner = _without_ids(cast("dict[str, object]", value))
        return ",".join(f"{name}:{_text(each)}" for name, each in inner.items())
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    text = ",".join(map(str, items))
    shown = plain(text)
    return repr(shown) if " " in shown or not shown else shown


def _number(connection: Connection[TupleRow], query: str, org_id: UUID) -> int:
    row = connection.execute(query.encode(), (org_id,)).fetchone()
    return 0 if row is None else row[0]


def _types(text: str) -> frozenset[str]:
    names = text.split(",")
    if unknown := sorted({*names} - {*BY_NAME, ALL}):
        raise UsageError(
            f"There is no type {unknown[0]!r}: the types are {ALL}, "
            f"{', '.join(BY_NAME)}."
        )
    return chosen(names)

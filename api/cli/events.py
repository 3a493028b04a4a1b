"""``goatherd events``: events of the log and their types, for operators."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from cyclopts import Parameter
from psycopg.rows import class_row

from api.cli import CommandError, UsageError
from api.cli.kit.databases import fitting, opened_store
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import plain, print_json, print_list
from api.http.reading.instants import NO_PLACE, named_position_or_instant
from api.http.request import correlation_of
from domain.events import STORED_NAMES
from infra.eventstore.catalogue import StoredType, catalogue
from infra.eventstore.codec import UnknownEventError
from infra.eventstore.envelope import STORED_EVENTS, EventMetadata, StoredEvent
from infra.eventstore.log_page import LogFilter, log_page
from infra.eventstore.sealing import subject_in
from infra.keys.subject_text import subject_id
from infra.structs import shared_fields
from projections.audit import actors_named

_DEFAULT_LIMIT = 50
_UTC = ZoneInfo("UTC")
_READ = f"{STORED_EVENTS} WHERE notification_id = %s"


class ShownEvent(EventMetadata, frozen=True, kw_only=True):
    """An event with its sealed values opened.

    ``subject`` is the person whose key seals the event, null if the event is in the
    clear. ``is_erased`` is true if the key is gone, so that personal values are not
    shown.
    """

    subject: UUID | None
    is_erased: bool
    payload: dict[str, Any]


def list_events(
    *,
    stream: Annotated[
        UUID | None, Parameter(help="Only this stream, such as the id of a creator.")
    ] = None,
    type_: Annotated[
        str | None,
        Parameter(
            name="--type",
            help="Only these types, with commas between, such as handle_changed.",
        ),
    ] = None,
    actor: Annotated[
        str | None,
        Parameter(help="Only what this person, key or process caused."),
    ] = None,
    correlation: Annotated[
        str | None,
        Parameter(
            help="Only what this request caused: a correlation id, or the header "
            "X-Request-Id of an answer."
        ),
    ] = None,
    after: Annotated[
        str | None,
        Parameter(help="Only later ones: a position, a time, or a day in UTC."),
    ] = None,
    before: Annotated[
        str | None,
        Parameter(help="Only earlier ones: a position, a time, or a day in UTC."),
    ] = None,
    limit: Annotated[
        int, Parameter(help="The number of events at most, the newest ones.")
    ] = _DEFAULT_LIMIT,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List events of the log without their payloads, newest first.

    The log has indexes of positions and streams alone, so other filters may read the
    whole log. --after ends that early.
    """
    if limit < 1:
        raise UsageError("--limit must be at least 1.")
    sought = LogFilter(
        stream=stream,
        names=None if type_ is None else [_known(name) for name in type_.split(",")],
        actors=None if actor is None else actors_named(actor),
        correlation_id=None if correlation is None else correlation_of(correlation),
        after=_place("--after", after, is_end=True),
        before=_place("--before", before),
    )
    found: list[EventMetadata] = []
    below = None
    with fitting(read_settings(data_dir=data_dir)) as connection:
        while len(found) < limit:
            most = limit - len(found)
            page = log_page(connection, sought, limit=most, below=below)
            found += page.events
            if page.is_last:
                break
            below = page.examined_from
    print_list(
        found,
        "position at=recorded_at type=name version actor stream request=correlation_id",
        json=json,
    )


def types(
    name: Annotated[
        str | None, Parameter(help="The name of a type, to list its fields.")
    ] = None,
    /,
    *,
    json: Json = False,
) -> None:
    """List the types of stored events, or the fields of one type."""
    found = catalogue()
    if name is None:
        print_list(
            found,
            "name version aggregate fields upcasts",
            json=json,
            fields=_count_of_fields,
            upcasts=_upcasts,
        )
        return
    (shown,) = [each for each in found if each.name == _known(name)]
    if json:
        print_json(shown)
        return
    print(f"{shown.name}, version {shown.version}: {shown.summary}\n")
    print_list(
        shown.fields,
        "field=path type optional=is_optional personal=is_personal",
        json=False,
    )


def show(
    position: Annotated[int, Parameter(help="The position of the event in the log.")],
    /,
    *,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Show an event of the log with its sealed values opened."""
    settings = read_settings(data_dir=data_dir)
    with fitting(settings) as connection, opened_store(settings) as store:
        cursor = connection.cursor(row_factory=class_row(StoredEvent), binary=True)
        stored = cursor.execute(_READ.encode(), (position,)).fetchone()
        if stored is None:
            raise CommandError(f"The log has no event at position {position}.")
        text = subject_in(stored.body)
        keys = store.codec.keys_for([stored.body])
        try:
            payload = store.codec.opened(stored.name, stored.body, keys)
        except UnknownEventError as error:
            raise CommandError(str(error)) from error
    shown = ShownEvent(
        **shared_fields(EventMetadata, stored),
        subject=None if text is None else subject_id(text),
        is_erased=text is not None and keys.cipher(text) is None,
        payload=msgspec.json.decode(payload),
    )
    if json:
        print_json(shown)
        return
    _print(shown)


def _print(shown: ShownEvent) -> None:
    values = msgspec.to_builtins(shown)
    payload = values.pop("payload")
    is_erased = values.pop("is_erased")
    width = max(map(len, values))
    for name, value in values.items():
        print(f"{name:<{width}}  {plain('-' if value is None else str(value))}")
    if is_erased:
        print("Its subject was erased: its personal values cannot be read any more.")
    print(msgspec.json.format(msgspec.json.encode(payload)).decode())


def _known(name: str) -> str:
    if name not in STORED_NAMES:
        raise UsageError(
            f"The log stores no event {name!r}. goatherd events types lists the names."
        )
    return name


def _place(
    option: str, text: str | None, *, is_end: bool = False
) -> int | datetime | None:
    if text is None:
        return None
    place = named_position_or_instant(text, _UTC, is_end=is_end)
    if place is None:
        raise UsageError(f"{option} {NO_PLACE}.")
    return place


def _count_of_fields(shown: StoredType) -> int:
    return len(shown.fields)


def _upcasts(shown: StoredType) -> str:
    return ", ".join(f"from version {each}" for each in shown.upcasts)

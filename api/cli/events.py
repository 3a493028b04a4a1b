"""``goatherd events``: events of the log as an operator may read them."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from cyclopts import Parameter
from psycopg.rows import class_row

from api.cli import CommandError
from api.cli.kit.databases import fitting, opened_store
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import plain, print_json
from infra.eventstore.codec import UnknownEventError
from infra.eventstore.envelope import STORED_EVENTS, EventMetadata, StoredEvent
from infra.eventstore.sealing import subject_in
from infra.keys.subject_text import subject_id
from infra.structs import shared_fields

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

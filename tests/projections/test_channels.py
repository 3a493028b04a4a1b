"""The table of channels, against a plain fold."""

from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from projections.channels.projection import Channels
from tests.kit.expected import channels, rows_of
from tests.kit.histories import AWAY, HOME, PROJECT, History

FIRST, SECOND = UUID(int=0xD1), UUID(int=0xD2)
OURS: dict[str, Any] = {"organization_id": HOME}


def test_a_row_is_the_channel_after_all_of_its_events(
    connection: Connection[TupleRow], history: History
):
    history.happened(
        FIRST,
        e.ChannelAdded(
            **OURS, kind="ntfy", name="Phone", shown="https://a/…", project_id=PROJECT
        ),
        e.ChannelChanged(**OURS, shown="https://b/…", address_changed=True),
        e.ChannelChanged(**OURS, name="Mobile", project_id=None, enabled=False),
    )
    history.happened(
        SECOND,
        e.ChannelAdded(
            organization_id=AWAY, kind="email", name="Ada", shown="a…@herd.example"
        ),
        e.ChannelRemoved(organization_id=AWAY),
    )

    with connection.cursor() as cursor:
        for _ in range(2):
            Channels().write(cursor, history.events)

    found = {row["id"]: row for row in rows_of(connection, "channels")}
    assert found == channels(history.events)
    assert "herd.example" not in str(found[SECOND])

from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from infra.eventstore.store import RecordedEvent
from projections.bans import Bans
from tests.kit.builders import NAMES
from tests.kit.expected import rows_of
from tests.kit.histories import MONDAY, History

Reading = Connection[TupleRow]


def take_in(connection: Reading, events: list[RecordedEvent]) -> None:
    with connection.cursor() as cursor:
        Bans().write(cursor, events)


def test_a_banned_handle_is_a_row_until_the_ban_is_lifted(
    connection: Reading, history: History
):
    stream = NAMES.ban_stream("spam.goat")
    banned = e.HandleBanned(handle="spam.goat", reason="Spam")

    take_in(connection, history.happened(stream, banned))
    while_banned = rows_of(connection, "bans")
    take_in(connection, history.happened(stream, e.HandleUnbanned(handle="spam.goat")))

    assert while_banned == [
        {"handle": "spam.goat", "reason": "Spam", "created_at": MONDAY}
    ]
    assert rows_of(connection, "bans") == []


def test_the_same_events_twice_leave_the_same_bans(
    connection: Reading, history: History
):
    history.happened(NAMES.ban_stream("a"), e.HandleBanned(handle="a"))
    history.happened(NAMES.ban_stream("b"), e.HandleBanned(handle="b", reason="Spam"))
    history.happened(NAMES.ban_stream("a"), e.HandleUnbanned(handle="a"))
    take_in(connection, history.events)
    once = rows_of(connection, "bans")

    take_in(connection, history.events)

    assert rows_of(connection, "bans") == once
    assert [row["handle"] for row in once] == ["b"]

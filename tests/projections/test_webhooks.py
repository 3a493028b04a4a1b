"""The read model of webhooks: one row each, and none of a removed one's texts."""

from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from projections.webhooks.projection import Webhooks
from tests.kit.expected import rows_of, webhooks
from tests.kit.histories import AWAY, HOME, PROJECT, History

FIRST, SECOND = UUID(int=0xD1), UUID(int=0xD2)
OURS: dict[str, Any] = {"organization_id": HOME}


def test_a_row_is_the_webhook_after_all_of_its_events(
    connection: Connection[TupleRow], history: History
):
    history.happened(
        FIRST,
        e.WebhookCreated(
            **OURS,
            url="https://a.example",
            types=("*",),
            project_id=PROJECT,
            filters=e.WebhookFilters(creator_id=SECOND, tag="x"),
        ),
        e.WebhookChanged(**OURS, url="https://b.example", signatures=("v1", "v1a")),
        e.WebhookDisabled(**OURS, reason="failing"),
        e.WebhookSecretRotated(**OURS),
        e.WebhookReplayRequested(**OURS, first=1, last=9),
        e.WebhookEnabled(**OURS, from_now=True),
        e.WebhookChanged(**OURS, project_id=None, filters=None, description="New"),
    )
    history.happened(
        SECOND,
        e.WebhookCreated(
            organization_id=AWAY,
            url="https://c.example",
            types=("creator.added", "creator.moved"),
            description="Old",
            payload="thin",
        ),
        e.WebhookRemoved(organization_id=AWAY),
    )

    with connection.cursor() as cursor:
        for _ in range(2):
            Webhooks().write(cursor, history.events)

    found = {row["id"]: row for row in rows_of(connection, "webhooks")}
    assert found == webhooks(history.events)
    assert "example" not in str(found[SECOND])

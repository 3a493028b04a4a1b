"""The age of the queue, which limits manual scrapes while earlier ones are overdue."""

from api.http.request import Request
from api.http.writer import CommandWriter
from domain.errors import QueueBehindError
from infra.database import run_read

RETRY_SECONDS = 60

# Scheduled scrapes are left out, because they wait while manual ones are due.
_OLDEST = """
SELECT extract(epoch FROM statement_timestamp() - least(
    (SELECT min(due_at) FROM waiting_job
     WHERE organization_id = %(organization)s AND priority = 0),
    (SELECT min(due_at) FROM scrape_job
     WHERE state = 'ready' AND enqueued_at IS NOT NULL
     AND organization_id = %(organization)s AND priority = 0)))::float8
"""


def check_queue_age(request: Request, writer: CommandWriter) -> None:
    """Refuse a manual scrape while an earlier one is overdue for too long.

    Raises:
        QueueBehindError: a manual scrape of the organization is overdue for longer than
            ``max_queue_age_seconds``.
    """
    parameters = {"organization": request.organization_id}
    row = run_read(
        writer.store.pool,
        lambda connection: connection.execute(_OLDEST, parameters).fetchone(),
    )
    if row and row[0] is not None and row[0] > writer.max_queue_age_seconds:
        raise QueueBehindError(waiting_seconds=row[0], retry_after=RETRY_SECONDS)

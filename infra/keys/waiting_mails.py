"""Table mails: the names under which the master key wraps mails that wait."""

from typing import LiteralString
from uuid import UUID

WAITING_MAILS: LiteralString = "SELECT id, sealed FROM mails"
RESEAL_MAIL: LiteralString = "UPDATE mails SET sealed = %s WHERE id = %s"


def mail_name(mail_id: UUID) -> str:
    """Return the name under which the master key wraps a mail."""
    return f"mail {mail_id}"

"""Table mails: how the master key wraps mails that wait, and which name creators."""

from typing import Any, LiteralString
from uuid import UUID

from psycopg import Cursor

WAITING_MAILS: LiteralString = "SELECT id, sealed FROM mails"
RESEAL_MAIL: LiteralString = "UPDATE mails SET sealed = %s WHERE id = %s"
_DROP_NAMING: LiteralString = "DELETE FROM mails WHERE creators_of = %s"


def mail_name(mail_id: UUID) -> str:
    """Return the name under which the master key wraps a mail."""
    return f"mail {mail_id}"


def drop_mails_with_creators(cursor: Cursor[Any], organization_id: UUID) -> None:
    """Delete the waiting mails that may name any creator of an organization.

    Nobody can look into a mail for the name of an erased one.
    """
    cursor.execute(_DROP_NAMING, (organization_id,))

"""Members and invitations as clients read them; ``projections.people`` has the rows."""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

from msgspec import Struct
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.messages import MemberRole
from infra.structs import structs
from projections.engine.reader import Reader, newest_first
from projections.people import Member


class MemberRow(Member, frozen=True, kw_only=True):
    """A member, with the version that counts the changes of their rights."""

    version: int


class Invitation(Struct, frozen=True, kw_only=True):
    """An open invitation, which may have expired; null projects are all.

    ``invited_by`` is the person, the key or the part of the system that made it.
    """

    id: UUID
    email: str
    role: MemberRole
    project_ids: list[UUID] | None
    money: bool
    invited_by: str
    created_at: datetime
    expires_at: datetime


# The columns of one session are not readable, but the time of its last request is.
_MEMBERS: LiteralString = """
SELECT m.person_id, m.name, m.email, m.role, m.project_ids, m.money, m.joined_at,
       (SELECT max(s.last_used_at) FROM person_sessions s
        WHERE s.organization_id = m.organization_id AND s.person_id = m.person_id),
       m.version
FROM members m
WHERE m.organization_id = %(organization)s AND m.removed_at IS NULL
AND m.name IS NOT NULL
"""
_PAGE_OF_MEMBERS = (_MEMBERS + newest_first("m.joined_at", "m.person_id")).encode()
_ONE_MEMBER: LiteralString = f"{_MEMBERS} AND m.person_id = %(person)s"
_INVITATIONS: LiteralString = """
SELECT id, email, role, project_ids, money, invited_by, created_at, expires_at
FROM invitations
WHERE organization_id = %(organization)s AND ended_at IS NULL
"""
_ADDRESS: LiteralString = """
SELECT email FROM invitations WHERE organization_id = %s AND id = %s
"""
_PAGE_OF_INVITATIONS = (_INVITATIONS + newest_first("created_at")).encode()


async def page_of_members(
    reader: Reader,
    organization_id: UUID,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None,
) -> list[MemberRow]:
    """Return up to ``limit`` members after the given one, who joined last first."""
    rows = await reader.page(
        organization_id, _PAGE_OF_MEMBERS, limit=limit, after=after
    )
    return structs(MemberRow, rows)


async def one_member(
    reader: Reader, organization_id: UUID, person_id: UUID
) -> MemberRow | None:
    """Return a member, None if the organization has no such member."""
    of = {"organization": organization_id, "person": person_id}
    rows = await reader.rows(organization_id, _ONE_MEMBER.encode(), of)
    return next(iter(structs(MemberRow, rows)), None)


def member_within(
    cursor: Cursor[TupleRow], organization_id: UUID, person_id: UUID
) -> MemberRow | None:
    """Return the same as ``one_member``, read in a transaction."""
    of = {"organization": organization_id, "person": person_id}
    rows = cursor.execute(_ONE_MEMBER, of).fetchall()
    return next(iter(structs(MemberRow, rows)), None)


async def page_of_invitations(
    reader: Reader,
    organization_id: UUID,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None,
) -> list[Invitation]:
    """Return up to ``limit`` open invitations after the given one, newest first."""
    rows = await reader.page(
        organization_id, _PAGE_OF_INVITATIONS, limit=limit, after=after
    )
    return structs(Invitation, rows)


def address_within(
    cursor: Cursor[TupleRow], organization_id: UUID, invitation_id: UUID
) -> str | None:
    """Return the invited address, None if the invitation ended."""
    row = cursor.execute(_ADDRESS, (organization_id, invitation_id)).fetchone()
    return None if row is None else row[0]

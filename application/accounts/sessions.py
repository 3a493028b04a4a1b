"""Sessions of people: rows with a digest of the cookie, read at each request.

A session ends after 14 days without a request, ``MOST_DAYS`` after it began, at its own
end if it has one, and when its row is deleted.
"""

from collections.abc import Sequence
from datetime import datetime
from secrets import token_urlsafe
from typing import Any, LiteralString
from uuid import UUID

from msgspec import Struct
from psycopg import AsyncConnection, Cursor
from psycopg.rows import TupleRow

from domain.messages import MemberRole
from infra.database import AsyncPool, run_read_async
from infra.ids import new_id
from infra.keys.digests import digest_of
from infra.keys.person_secrets import LACKS_SECOND_FACTOR
from infra.structs import structs
from projections.organizations.projection import IS_OPERATOR

MOST_DAYS = 90

_LIVES = f"""
s.last_used_at > now() - interval '14 days'
AND s.created_at > now() - interval '{MOST_DAYS} days'
AND (s.ends_at IS NULL OR s.ends_at > now())
"""
# Nobody would delete the sessions of somebody who never comes back.
_TIDY = f"""
DELETE FROM person_sessions s WHERE NOT ({_LIVES})
""".encode()  # noqa: S608 - constants only
_BEGIN: LiteralString = """
INSERT INTO person_sessions (id, digest, person_id, organization_id, address, browser,
                             password_alone, ends_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, now() + make_interval(secs => %s))
"""
# A session is noted as used once a minute, because most requests come in bursts.
# Somebody who has a second factor and did not use it is not in where it is required.
# Somebody without one is in, and led to set one up.
_FIND = f"""
WITH found AS (
    SELECT s.id, s.person_id, s.organization_id, m.role, o.plan, {IS_OPERATOR},
           p.name, p.email, p.time_zone, s.last_used_at, s.proved_at, m.project_ids,
           o.requires_second_factor AND {LACKS_SECOND_FACTOR}, s.ends_at IS NOT NULL
    FROM person_sessions s
    JOIN members m ON m.organization_id = s.organization_id
        AND m.person_id = s.person_id AND m.removed_at IS NULL
    JOIN organizations o ON o.organization_id = s.organization_id
    JOIN people p ON p.person_id = s.person_id AND p.erased_at IS NULL
    WHERE s.digest = %s AND {_LIVES}
    AND NOT (o.requires_second_factor AND s.password_alone
             AND NOT ({LACKS_SECOND_FACTOR}))
), used AS (
    UPDATE person_sessions SET last_used_at = now()
    WHERE id IN (SELECT id FROM found
                 WHERE last_used_at < now() - interval '1 minute')
)
SELECT * FROM found
""".encode()  # noqa: S608 - constants only
FIRST_ORGANIZATION: LiteralString = """
SELECT organization_id FROM members WHERE person_id = %s AND removed_at IS NULL
ORDER BY joined_at, organization_id LIMIT 1
"""
_MOVE = f"""
UPDATE person_sessions s SET id = %(new)s, digest = %(digest)s,
    organization_id = %(organization)s, last_used_at = now()
WHERE s.id = %(id)s AND s.person_id = %(person)s AND {_LIVES}
AND EXISTS (SELECT FROM members m WHERE m.organization_id = %(organization)s
            AND m.person_id = s.person_id AND m.removed_at IS NULL)
RETURNING s.id
""".encode()  # noqa: S608 - constants only
_LIST = f"""
SELECT s.id, s.created_at, s.last_used_at, s.address, s.browser FROM person_sessions s
WHERE s.person_id = %s AND {_LIVES} ORDER BY s.last_used_at DESC, s.id
""".encode()  # noqa: S608 - constants only
_END: LiteralString = """
DELETE FROM person_sessions WHERE person_id = %s AND id = %s RETURNING id
"""
_HOLD: LiteralString = """
SELECT FROM person_sessions WHERE id = %s FOR SHARE
"""
_PROVE: LiteralString = """
UPDATE person_sessions
SET proved_at = now(), password_alone = password_alone AND %s
WHERE id = %s RETURNING proved_at
"""
_END_OTHERS: LiteralString = """
DELETE FROM person_sessions WHERE person_id = %s AND id IS DISTINCT FROM %s
"""
_END_WITHOUT_FACTOR: LiteralString = """
DELETE FROM person_sessions s WHERE s.password_alone AND EXISTS (
    SELECT FROM members m WHERE m.organization_id = %s
    AND m.person_id = s.person_id AND m.removed_at IS NULL)
"""
_END_PENDING: LiteralString = "DELETE FROM pending_sign_ins WHERE person_id = %s"


class FoundSession(Struct, frozen=True, kw_only=True):
    """A valid session: its person, their organization, and their role there.

    ``proved_at`` is the time at which the person last proved who they are.
    ``has_end`` is true for a session that a provider allowed for some time.
    """

    id: UUID
    person_id: UUID
    organization_id: UUID
    role: MemberRole
    plan: str
    is_operator: bool
    name: str
    email: str
    time_zone: str | None
    last_used_at: datetime
    proved_at: datetime
    project_ids: list[UUID] | None
    lacks_second_factor: bool
    has_end: bool


class SessionRow(Struct, frozen=True, kw_only=True):
    """A session as its person sees it."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    address: str
    browser: str


async def find_session(pool: AsyncPool, digest: bytes) -> FoundSession | None:
    """Return the session with the digest of a cookie; None if it is over.

    The session is noted as used.
    """

    async def run(connection: AsyncConnection[TupleRow]) -> list[TupleRow]:
        cursor = await connection.execute(_FIND, (digest,), prepare=True)
        return await cursor.fetchall()

    found = structs(FoundSession, await run_read_async(pool, run))
    return next(iter(found), None)


def begin_session(
    cursor: Cursor[Any],
    *,
    person_id: UUID,
    organization_id: UUID,
    address: str,
    browser: str,
    password_alone: bool = True,
    seconds: int | None = None,
) -> str:
    """Begin a session, and return the value of its cookie.

    ``password_alone`` is false if a code, a passkey, a provider or a link was used.
    With ``seconds`` it ends after this time, however much it is used.
    """
    token = token_urlsafe(32)
    cursor.execute(_TIDY)
    cursor.execute(
        _BEGIN,
        (
            *(new_id(), digest_of(token), person_id, organization_id),
            *(address, browser, password_alone, seconds),
        ),
    )
    return token


def move_session(
    cursor: Cursor[Any], session_id: UUID, *, person_id: UUID, organization_id: UUID
) -> str | None:
    """Move a session to another organization; return the new value of its cookie.

    None means that the session ended, or that the person is no member there.
    """
    token = token_urlsafe(32)
    moved = cursor.execute(
        _MOVE,
        {
            "id": session_id,
            "new": new_id(),
            "digest": digest_of(token),
            "person": person_id,
            "organization": organization_id,
        },
    ).fetchone()
    return None if moved is None else token


async def sessions_of(pool: AsyncPool, person_id: UUID) -> Sequence[SessionRow]:
    """Return a person's sessions, the last used one first."""

    async def run(connection: AsyncConnection[TupleRow]) -> list[TupleRow]:
        cursor = await connection.execute(_LIST, (person_id,))
        return await cursor.fetchall()

    return structs(SessionRow, await run_read_async(pool, run))


def hold_session(cursor: Cursor[Any], session_id: UUID) -> bool:
    """Keep a session from ending in this transaction; tell whether it has not ended."""
    return cursor.execute(_HOLD, (session_id,)).fetchone() is not None


def end_session(cursor: Cursor[Any], person_id: UUID, session_id: UUID) -> bool:
    """End one session of a person; tell whether there was such a session."""
    return bool(cursor.execute(_END, (person_id, session_id)).fetchall())


def end_other_sessions(cursor: Cursor[Any], person_id: UUID, kept: UUID | None) -> None:
    """End all sessions of a person, but the one with the id ``kept``.

    A right password that waits for its code is worth nothing any more, either.
    """
    cursor.execute(_END_OTHERS, (person_id, kept))
    cursor.execute(_END_PENDING, (person_id,))


def end_sessions_before_factor(
    cursor: Cursor[Any], person_id: UUID, kept: UUID | None
) -> None:
    """End the sessions of a person who has a second factor from now on.

    The session with the id ``kept`` stays, because the factor was set up in it.
    """
    end_other_sessions(cursor, person_id, kept)
    if kept is not None:
        prove(cursor, kept, by_password=False)


def end_sessions_with_password_alone(
    cursor: Cursor[Any], organization_id: UUID
) -> None:
    """End the sessions of all members that began with a password and nothing else.

    Their sessions in other organizations end as well, since they can move here.
    """
    cursor.execute(_END_WITHOUT_FACTOR, (organization_id,))


def prove(
    cursor: Cursor[Any], session_id: UUID, *, by_password: bool
) -> datetime | None:
    """Note that the person of a session proved who they are; None if it is over.

    The result is the time of the proof. A proof by a code or a passkey makes up for a
    session that began with a password alone.
    """
    row = cursor.execute(_PROVE, (by_password, session_id)).fetchone()
    return None if row is None else row[0]


def browser_in_short(agent: str) -> str:
    """Return the browser and the system that a User-Agent header names, in short."""
    browsers = ("Edg/", "OPR/", "Firefox/", "Chrome/", "Safari/")
    names = ("Edge", "Opera", "Firefox", "Chrome", "Safari")
    systems = ("iPhone", "iPad", "Android", "Windows", "Mac OS X", "Linux")
    browser = next((n for b, n in zip(browsers, names, strict=True) if b in agent), "")
    system = next((each for each in systems if each in agent), "")
    system = {"Mac OS X": "macOS"}.get(system, system)
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or "An unknown browser"

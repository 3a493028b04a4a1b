"""The service of shared links, made once for each process: who may open which page."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import LiteralString
from uuid import UUID

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from application.accounts.passwords import PasswordHashes
from application.mail.recipients import mails_subject
from domain.organization.plans import Limits
from domain.report.decider import ReportState, report_of
from domain.share.decider import ShareState, share_of
from domain.streams import report_issue
from infra.database import AsyncPool, run_read_async
from infra.eventstore.store import Store, plain_events
from infra.keys.digests import digest_of
from infra.keys.share_passwords import opened_hash

# The query runs before the organization is known, so no role limits it to one.
_FIND: LiteralString = """
SELECT l.share_id, l.organization_id, o.plan, l.password, NULL, NULL, NULL, NULL
FROM share_links l JOIN organizations o USING (organization_id)
WHERE l.digest = %(digest)s
UNION ALL
SELECT l.report_id, l.organization_id, o.plan, NULL,
       l.number, l.project_id, l.recipient, l.until
FROM issue_links l JOIN organizations o USING (organization_id)
WHERE l.digest = %(digest)s
"""
_COUNT: LiteralString = """
UPDATE share_links SET opened_count = opened_count + 1, last_opened_at = now()
WHERE share_id = %s
"""
# An unknown token costs the read of a history as well, so that it is answered after the
# same time as a link that ended.
_NOBODY = UUID(int=0)


class FoundShare(Struct, frozen=True, kw_only=True):
    """The link behind a token, which may be over; ``plan`` is the organization's."""

    id: UUID
    organization_id: UUID
    plan: str
    share: ShareState
    sealed_password: bytes | None = None

    def __repr__(self) -> str:
        return f"FoundShare({self.id})"


class FoundIssue(Struct, frozen=True, kw_only=True):
    """The issue of a report behind a recipient's link, which may be over.

    ``project_id`` is None for a report about the whole organization.
    """

    id: UUID
    organization_id: UUID
    plan: str
    project_id: UUID | None
    report_id: UUID
    number: int
    is_over: bool


class SharedLinks:
    """The links of one installation.

    Each request reads the link's history anew, so that a revoked link has ended in all
    processes at once.
    """

    def __init__(
        self, store: Store, own: AsyncPool, *, plans: Mapping[str, Limits]
    ) -> None:
        self._plans = plans
        self._store = store
        self._own = own
        self._hashes = PasswordHashes()

    async def found(self, token: str) -> FoundShare | FoundIssue | None:
        """Return the link with a token, None if there is none."""
        digest = digest_of(token)

        async def find(connection: AsyncConnection[TupleRow]) -> TupleRow | None:
            found = await connection.execute(_FIND, {"digest": digest})
            return await found.fetchone()

        row = await run_read_async(self._own, find)
        share_id = _NOBODY if row is None else row[0]
        loaded = await asyncio.to_thread(self._store.load, share_id)
        history = plain_events(loaded[share_id])
        if row is not None and row[4] is not None:
            return self._issue_behind(row, report_of(history))
        share = share_of(history)
        if row is None or share is None:
            return None
        _, organization_id, plan, sealed, *_ = row
        return FoundShare(
            id=share_id,
            organization_id=organization_id,
            plan=plan,
            share=share,
            sealed_password=sealed,
        )

    def _issue_behind(
        self, row: TupleRow, report: ReportState | None
    ) -> FoundIssue | None:
        """Return the issue of a link; the report's history says if that is over.

        Somebody who has unsubscribed from the mails may read on.
        """
        report_id, organization_id, plan, _, number, project_id, recipient, until = row
        if report is None:
            return None
        addresses = (*report.recipients, *report.unsubscribed)
        names = self._store.names
        is_recipient = any(
            mails_subject(names, report_id, each) == recipient for each in addresses
        )
        has_expired = until <= datetime.now(UTC)
        return FoundIssue(
            id=report_issue(report_id, number),
            organization_id=organization_id,
            plan=plan,
            project_id=project_id,
            report_id=report_id,
            number=number,
            is_over=report.is_removed or not is_recipient or has_expired,
        )

    def limits_of(self, found: FoundShare | FoundIssue) -> Limits:
        """Return the limits of the plan of a link's organization."""
        return self._plans[found.plan]

    async def is_password(self, found: FoundShare, password: str) -> bool:
        """Tell whether this is the password of a link."""
        stored = None
        if found.sealed_password is not None:
            master_key = await asyncio.to_thread(self._store.keyring.master_key)
            stored = opened_hash(master_key, found.id, found.sealed_password)
        return (await self._hashes.check(password, stored)).is_right

    def hashed(self, password: str) -> str:
        """Return the hash of a new password; it takes 50 ms."""
        return self._hashes.made_now(password)

    async def count_opening(self, found: FoundShare) -> None:
        """Count that somebody opened the page."""

        async def count(connection: AsyncConnection[TupleRow]) -> None:
            await connection.execute(_COUNT, (found.id,))

        await run_read_async(self._own, count)

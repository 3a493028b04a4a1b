"""Waiting: what an issue waits for before its numbers are read."""

import time
from collections.abc import Collection, Generator
from typing import Any, Final, LiteralString
from uuid import UUID

from msgspec import Struct
from psycopg import Cursor

from application.running_imports import is_importing
from domain.report.issue import ReportScope
from domain.report.waiting import WAITS_FOR, WaitReason
from infra.eventstore.store import Store

_POLL_SECONDS: Final = 0.05
_READ_MODELS: Final = [
    *("analytics", "api_keys", "campaigns", "creator_list", "projects", "videos"),
]
_MOST_FAILURES: Final = 5
# A read model without a row has read nothing yet.
_REACHED: LiteralString = """
SELECT min(coalesce(position, 0)) FROM unnest(%s::text[]) AS name
LEFT JOIN projection USING (name)
"""
# Videos that scrapes and imports list are discovered by events of their own.
_IS_DISCOVERED: LiteralString = """
SELECT NOT EXISTS (
    SELECT FROM projection WHERE name = 'known_videos' AND position < %(head)s
) AND NOT EXISTS (
    SELECT FROM policy_task WHERE organization_id = %(organization)s
    AND position <= %(head)s AND failures < %(failures)s)
"""
_WAIT: LiteralString = """
INSERT INTO report_waits (organization_id, report_id, scope_type, scope_id, because)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (organization_id, report_id) DO UPDATE SET because = excluded.because
"""
_END: LiteralString = "DELETE FROM report_waits WHERE report_id = %s"


class IssueWaitsError(Exception):
    """An issue can't be made yet, because it would lack something."""

    def __init__(self, because: WaitReason) -> None:
        super().__init__(
            f"No issue can be made yet: it waits for {WAITS_FOR[because]}. Try again "
            "later."
        )
        self.because: WaitReason = because


class CountedUntil(Struct, frozen=True, kw_only=True):
    """The position that all read models have reached, and what is lacking there."""

    position: int
    lacking: WaitReason | None


def counted(
    store: Store,
    organization_id: UUID,
    project_ids: Collection[UUID],
    *,
    patience: float,
) -> CountedUntil:
    """Wait until everything in the log is counted, for ``patience`` seconds at most.

    First come the videos that observations list, whose discovery appends events, and
    then the read models.
    """
    if is_importing(store.pool, project_ids):
        return CountedUntil(position=_reached(store), lacking="import")
    deadline = time.monotonic() + patience
    known = {
        "head": store.head(),
        "organization": organization_id,
        "failures": _MOST_FAILURES,
    }
    for _ in _until(deadline):
        if _ask(store, _IS_DISCOVERED, known):
            break
    else:
        return CountedUntil(position=_reached(store), lacking="counting")
    head = store.head()
    for _ in _until(deadline):
        if _reached(store) >= head:
            # An import that began meanwhile may be in the numbers in part.
            begun = is_importing(store.pool, project_ids)
            return CountedUntil(position=head, lacking="import" if begun else None)
    return CountedUntil(position=_reached(store), lacking="counting")


def begin_wait(
    cursor: Cursor[Any],
    organization_id: UUID,
    report_id: UUID,
    scope: ReportScope,
    because: WaitReason,
) -> None:
    """Note that an issue waits; one that waits already has waited since then."""
    of = (organization_id, report_id, scope.type, scope.id, because)
    cursor.execute(_WAIT, of)


def end_wait(cursor: Cursor[Any], report_id: UUID) -> None:
    """Note that no issue of a report waits any more."""
    cursor.execute(_END, (report_id,))


def _until(deadline: float) -> Generator[None]:
    """Yield at least once, and then in short distances until the deadline."""
    yield
    while time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        yield


def _reached(store: Store) -> int:
    return _ask(store, _REACHED, (_READ_MODELS,))


def _ask(store: Store, question: LiteralString, params: Any) -> Any:  # noqa: ANN401 - one value of any type
    with store.pool.connection() as connection:
        row = connection.execute(question, params).fetchone()
    assert row is not None
    return row[0]

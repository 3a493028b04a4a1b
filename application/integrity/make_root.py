"""Makes roots: measures the log up to its present end, signs and records the root."""

from datetime import datetime, timedelta

from msgspec.structs import replace
from psycopg import Connection
from psycopg.rows import TupleRow

from application.integrity.log import (
    digests_between,
    head_of,
    newest_recorded,
    recorded_roots,
    recorded_rotations,
    trees_at,
)
from application.integrity.signing import Signer, check_newest
from domain.integrity.events import PositionGap, RootSigned
from domain.integrity.handlers import record_root
from domain.integrity.roots import (
    MOST_GAPS,
    LogContent,
    LogPart,
    events_hash,
    signed_text,
    unsigned_root,
)
from infra.database import NO_HURRY
from infra.eventstore.append import Context
from infra.eventstore.execute import Executed, InTransaction, execute
from infra.eventstore.store import BusyError, Store
from infra.locks import AdvisoryLock

ROOT_EVERY = timedelta(days=1)

_TAKE_LOCK = "SELECT pg_try_advisory_xact_lock(%s), clock_timestamp()"


def make_root(
    store: Store,
    signer: Signer,
    *,
    context: Context,
    in_transaction: InTransaction[RootSigned | None] | None = None,
) -> Executed[RootSigned | None]:
    """Make a root at the present end of the log, and return it.

    Appends continue meanwhile: their events are after the root's position. The hook is
    as in ``execute``.

    Raises:
        BusyError: another root is being made, or the signer's key is not the newest.
    """
    while True:
        root = _measure(store, signer)
        if root is None:
            raise BusyError("A root is being made just now; try again.")
        done = execute(
            store,
            lambda root=root: record_root(root),
            context=context,
            in_transaction=in_transaction,
        )
        if done.result is not None:
            return done


def make_root_if_due(
    store: Store, signer: Signer, *, context: Context
) -> RootSigned | None:
    """Make a root if the newest one is a day old; return None if it is younger.

    The result is also None while another root is being made.
    """
    root = _measure(store, signer, due_after=ROOT_EVERY)
    if root is None:
        return None
    return execute(store, lambda: record_root(root), context=context).result


def _measure(
    store: Store, signer: Signer, *, due_after: timedelta | None = None
) -> RootSigned | None:
    with store.pool.connection() as connection, connection.transaction():
        # All reads are of one moment: a root that another process records between them
        # would be no reason to make none, and yet be contained.
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute(NO_HURRY)
        row = connection.execute(_TAKE_LOCK, (AdvisoryLock.MAKE_ROOT,)).fetchone()
        if row is None or not row[0]:
            return None
        at: datetime = row[1]
        newest = newest_recorded(connection)
        if due_after is not None and newest and at - newest.signed_at < due_after:
            return None
        rotations = recorded_rotations(connection)
        if rotations:
            check_newest(rotations[-1].rotation, signer)
            # The root's time is never before that of its key, even if the clock is
            # wrong.
            at = max(at, rotations[-1].rotation.rotated_at)
        before = [each.root for each in recorded_roots(connection)]
        content = measured(
            connection,
            0 if newest is None else newest.position,
        )
    root = unsigned_root(content, before, key=signer.key, at=at)
    return replace(root, signature=signer.sign(signed_text(root)))


def measured(connection: Connection[TupleRow], after: int) -> LogContent:
    """Return the content of a root of the log up to its end.

    Its events are those after the position ``after``. Nothing up to that end can change
    meanwhile, because positions become visible in their own order.
    """
    head = head_of(connection)
    part = LogPart(after + 1)
    part.add(digests_between(connection, after, head))
    part.end(head)
    (tree,) = trees_at(connection, [head])
    return LogContent(
        position=head,
        streams=tree.size,
        tree=tree.root_hash().hex(),
        events=events_hash(part.blocks),
        gaps=tuple(PositionGap(*gap) for gap in part.gaps[:MOST_GAPS]),
    )

"""Checks all chains and roots of the log, on all cores; a killed check continues."""

import os
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

import msgspec
import psycopg
from msgspec.structs import replace
from psycopg import Connection
from psycopg.rows import TupleRow

from application.integrity.log import (
    events_at,
    head_of,
    in_groups,
    linked_events,
    name_of_log,
    parts_with_events,
    recorded_roots,
    recorded_rotations,
    time_before,
    trees_at,
    unreadable_roots,
)
from application.integrity.plan import Plan, make_plan, ranges_of
from application.integrity.progress_file import ProgressFile
from application.integrity.signing import is_signed
from domain.integrity.chains import (
    CheckedRange,
    LinkedEvent,
    Misfit,
    Place,
    check_range,
    misfit_of,
    missing_predecessors,
    name_and_body_of,
)
from domain.integrity.check import (
    check_contents,
    check_kept,
    check_signatures,
    in_order,
)
from domain.integrity.events import RootSigned
from domain.integrity.merkle import MerkleTree
from domain.integrity.roots import BLOCK, PublicRoot
from domain.integrity.signing_keys import check_rotations, key_times
from infra.eventstore.sealing import is_in_clear

# The number of positions that one process checks at a time.
RANGE = 8 * BLOCK

# With fewer parts of that length, separate processes take longer to start than they
# save. Ranges are no measure: each root ends one, however small.
_FEW = 3
_UNSEALED = "Its personal data are in the clear, so that no erasure reaches them."

Report = Callable[[int, int], object]
P = ParamSpec("P")
T = TypeVar("T")


class CheckedLog(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a check of the log.

    ``after`` is the position before the first checked one, ``head`` the end of the log,
    and ``under_root`` the position up to which a root holds the log. ``misfits`` is
    empty if the log is as it was recorded.
    """

    after: int
    head: int
    under_root: int
    events: int
    roots: int
    misfits: list[Misfit]


def verify(
    url: str,
    *,
    key: str,
    since: int = 0,
    kept: RootSigned | PublicRoot | None = None,
    is_kept_key: bool = False,
    report: Report | None = None,
    progress: Path | None = None,
    processes: int | None = None,
) -> CheckedLog:
    """Check the log after the position ``since``, and all of its roots.

    Roots must be signed with the public ``key``, or with an earlier key in its time. An
    older ``key`` than the newest is accepted only if it was kept (``is_kept_key``). The
    root ``kept`` elsewhere must be in the log. ``report`` is called with the number of
    finished ranges and of all. The file ``progress`` has the finished ones, from which
    a killed check continues.

    Raises:
        psycopg.Error: the log cannot be read.
    """
    with _connected(url) as connection:
        plan = make_plan(
            recorded_roots(connection),
            head=head_of(connection),
            since=since,
            kept=kept,
            rotations=recorded_rotations(connection),
        )
        unreadable = unreadable_roots(connection)
        parts = parts_with_events(connection, plan.after, RANGE)
        ranges = ranges_of(plan, parts, length=RANGE)
        name = f"{name_of_log(connection)} after {plan.after}"
    found: list[CheckedRange] = []
    with (
        ProgressFile(progress, name=name) as done,
        _executor(processes or _cores(), parts=len(parts)) as executor,
    ):
        trees = [
            executor.submit(_trees, url, [root.position for root in group])
            for group in in_groups(plan.contents)
        ]
        found += done.ranges(ranges)
        known = {(each.first, each.last) for each in found}
        futures = [
            executor.submit(_check, url, *each, plan.times_from)
            for each in ranges
            if each not in known
        ]
        for future in as_completed(futures):
            found.append(future.result())
            done.add(found[-1])
            if report is not None:
                report(len(found), len(ranges))
        made = [tree for future in trees for tree in future.result()]
        done.remove()
    found.sort(key=lambda each: each.first)
    return verdict_on(
        *(plan, found, made),
        key=key,
        kept=kept,
        is_kept_key=is_kept_key,
        unreadable=unreadable,
    )


def check_positions(
    connection: Connection[TupleRow], first: int, last: int, *, times_from: int
) -> tuple[list[LinkedEvent], CheckedRange]:
    """Return the events at these positions, and the result of their check.

    After the position ``times_from`` times must not go back. Releases before the first
    root used the clock's times.
    """
    events = linked_events(connection, first, last)
    predecessors = events_at(connection, missing_predecessors(events))
    before = time_before(connection, first) if first > times_from else None
    return events, check_events(
        events, predecessors, first=first, last=last, time_before=before
    )


def check_events(
    events: Sequence[LinkedEvent],
    predecessors: Mapping[Place, tuple[int, bytes]],
    *,
    first: int,
    last: int,
    time_before: bytes | None,
) -> CheckedRange:
    """Check events as ``check_range`` does, and that their personal data are sealed."""
    checked = check_range(
        events, predecessors, first=first, last=last, time_before=time_before
    )
    unsealed = [
        misfit_of(position, message, "unsealed", _UNSEALED)
        for position, _, message in events
        if is_in_clear(*name_and_body_of(message))
    ]
    return replace(checked, misfits=[*checked.misfits, *unsealed])


def verdict_on(
    plan: Plan,
    ranges: Sequence[CheckedRange],
    trees: Sequence[MerkleTree],
    *,
    key: str,
    kept: RootSigned | PublicRoot | None,
    is_kept_key: bool = False,
    unreadable: Sequence[int],
) -> CheckedLog:
    """Return the verdict on the checked ranges and the trees at all roots.

    ``unreadable`` are the positions of roots that cannot be read.
    """
    misfits = [misfit for each in ranges for misfit in each.misfits]
    misfits += [
        Misfit(position=at, how="root", text="It was a root, and cannot be read.")
        for at in unreadable
    ]
    misfits += check_rotations(
        plan.rotations,
        key=key,
        is_kept=is_kept_key,
        head=plan.head,
        is_signed=is_signed,
    )
    keys = key_times(plan.rotations, key=key)
    misfits += check_signatures(
        plan.every,
        first=len(plan.every) - len(plan.recorded),
        keys=keys,
        is_signed=is_signed,
    )
    pairs = list(zip(plan.contents, trees, strict=True))
    misfits += check_contents(pairs, ranges, after=plan.after, known=plan.known)
    if kept is not None:
        misfits += check_kept(
            kept, plan.known, head=plan.head, keys=keys, is_signed=is_signed
        )
    held = (each.root.position for each in plan.recorded)
    return CheckedLog(
        after=plan.after,
        head=plan.head,
        under_root=max(held, default=0),
        events=sum(each.events for each in ranges),
        roots=len(plan.recorded),
        misfits=in_order(misfits),
    )


def _check(url: str, first: int, last: int, times_from: int) -> CheckedRange:
    with _connected(url) as connection:
        return check_positions(connection, first, last, times_from=times_from)[1]


def _trees(url: str, positions: Sequence[int]) -> list[MerkleTree]:
    with _connected(url) as connection, connection.transaction():
        return trees_at(connection, positions)


@contextmanager
def _executor(processes: int, *, parts: int) -> Generator[Executor]:
    """Check a log of several parts in processes of their own, a short one in this."""
    if processes == 1 or parts < _FEW:
        yield _InThisProcess()
        return
    # A fork would copy locks that threads of this process hold.
    executor = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


class _InThisProcess(Executor):
    """Runs each task when it is submitted."""

    def submit(
        self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        future: Future[T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def _cores() -> int:
    return (
        len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    )


def _connected(url: str) -> Connection[TupleRow]:
    return psycopg.connect(url, autocommit=True, application_name="goatherd verify")

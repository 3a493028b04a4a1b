"""Failures of a creator's scrapes, counted for each kind of scrape on its own."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from domain.messages import JobType, Outcome
from domain.scrape.outcomes import UNOBSERVED


class FailingKind(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A kind of scrape whose last run failed.

    ``failed_scrapes`` counts the failures in a row, since ``failing_since``.
    ``last_outcome`` is null if the last run was given up without an answer.
    """

    job_type: JobType
    failing_since: datetime
    failed_scrapes: int
    last_outcome: Outcome | None


def after_failure(
    failing: Sequence[FailingKind],
    job_type: JobType,
    outcome: Outcome | None,
    *,
    at: datetime,
) -> list[FailingKind]:
    """Return the failing kinds after a failure, the longest failing first.

    A run that asked no platform neither fails nor ends a failure.
    """
    if outcome in UNOBSERVED:
        return [*failing]
    if all(kind.job_type != job_type for kind in failing):
        first = FailingKind(
            job_type=job_type, failing_since=at, failed_scrapes=1, last_outcome=outcome
        )
        return [*failing, first]
    return [
        replace(kind, failed_scrapes=kind.failed_scrapes + 1, last_outcome=outcome)
        if kind.job_type == job_type
        else kind
        for kind in failing
    ]


def after_success(
    failing: Sequence[FailingKind], job_type: JobType
) -> list[FailingKind]:
    """Return the failing kinds after a run that succeeded."""
    return [kind for kind in failing if kind.job_type != job_type]

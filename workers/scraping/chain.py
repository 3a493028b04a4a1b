"""The chain: asks one provider after the other, until one answers."""

import time
from collections.abc import Callable
from traceback import format_tb

import structlog
from dramatiq.middleware.time_limit import TimeLimitExceeded
from msgspec import Struct
from msgspec.structs import replace

from domain import commands as c
from domain.events import JobType
from domain.scrape.chain import SourceAnswer, asks_next, decisive, may_contradict
from domain.scrape.outcomes import OF_THE_ACCOUNT
from workers.provider import (
    Blocked,
    Ok,
    ProfileObservation,
    Provider,
    RateLimited,
    SchemaChanged,
    Target,
    Transient,
    Verdict,
    ask,
    outcome_of,
)
from workers.request_counts import RequestCounts
from workers.request_notes import BudgetSpentError, metered

# After this, a provider that failed in passing is asked once more before the next one,
# which may cost money or see less.
_AGAIN_SECONDS = 1.0

_log = structlog.get_logger()


class Given(Struct, frozen=True, kw_only=True):
    """A provider and its verdict, which took so many milliseconds.

    ``is_interrupted``: there is no time left for another provider.
    """

    provider: Provider
    verdict: Verdict
    took_ms: int
    is_interrupted: bool = False

    @property
    def answer(self) -> SourceAnswer:
        verdict = self.verdict
        return SourceAnswer(
            outcome=outcome_of(verdict),
            reads_site=self.provider.reads_site,
            retry_after=verdict.retry_after if isinstance(verdict, RateLimited) else 0,
        )


class Answered(Struct, frozen=True, kw_only=True):
    """The verdict of a run, from whom it is, and who was tried before or besides.

    ``profile`` is one that another provider read before it was refused, and whose.
    """

    provider: Provider
    verdict: Verdict
    took_ms: int
    profile: tuple[str, ProfileObservation] | None = None
    tried: tuple[c.Tried, ...] = ()


class CannotServe(Struct, frozen=True):
    """Nobody can be asked; ``detail`` says why not, of each provider.

    ``until_midnight``: one can again when a new day (UTC) begins.
    """

    detail: str
    until_midnight: bool = False


class Chain:
    """Providers in the order in which they are asked.

    With ``counts`` their requests are counted, and kept within their budgets.
    """

    def __init__(
        self, *providers: Provider, counts: RequestCounts | None = None
    ) -> None:
        self.providers = providers
        self._counts = counts

    @property
    def first(self) -> str:
        """Return the name of the provider that is asked first."""
        return self.providers[0].name

    def ask(
        self,
        job_type: JobType,
        target: Target,
        *,
        longest_wait: float,
        is_third_strike: Callable[[], bool] = lambda: False,
    ) -> Answered | CannotServe:
        """Return the first answer that ends the run, or the one that decides it.

        A provider that is free again within ``longest_wait`` seconds is not passed
        over. ``is_third_strike`` is asked if the creator cannot be found. A run that is
        interrupted, because it took too long, asks nobody else.
        """
        given: list[Given] = []
        unserved: list[CannotServe] = []
        for number, provider in enumerate(self.providers):
            answers = [each.answer for each in given]
            if not may_contradict(answers, reads_site=provider.reads_site):
                continue
            is_last = number + 1 == len(self.providers)
            one = self._ask(provider, job_type, target, is_last=is_last)
            if isinstance(one, CannotServe):
                unserved.append(one)
                continue
            given.append(one)
            if one.is_interrupted or not asks_next(
                one.answer,
                longest_wait=longest_wait,
                is_third_strike=not is_last
                and one.answer.outcome in OF_THE_ACCOUNT
                and is_third_strike(),
            ):
                return _answered(given, len(given) - 1)
        if not given:
            return CannotServe(
                " ".join(each.detail for each in unserved),
                until_midnight=any(each.until_midnight for each in unserved),
            )
        return _answered(given, decisive([each.answer for each in given]))

    def _ask(
        self, provider: Provider, job_type: JobType, target: Target, *, is_last: bool
    ) -> Given | CannotServe:
        why = provider.cannot_serve(target, job_type)
        if why is not None:
            return CannotServe(f"{provider.name}: {why}")
        counts, name = self._counts, provider.name
        if counts is None:
            return _ask(provider, job_type, target, is_last=is_last)
        why = counts.why_spent(name)
        if why is not None:
            return CannotServe(f"{name}: {why}", until_midnight=True)
        budget = _Budget(counts, name, target)
        with metered(budget.take):
            one = _ask(provider, job_type, target, is_last=is_last)
        if budget.spent is None:
            return one
        if not isinstance(one.verdict, Ok):
            return CannotServe(f"{name}: {budget.spent}", until_midnight=True)
        reason = one.verdict.listed_reason or budget.spent
        return replace(one, verdict=replace(one.verdict, listed_reason=reason))


class _Budget:
    """Counts the requests of one run; ``spent`` says that one was refused."""

    def __init__(self, counts: RequestCounts, provider: str, target: Target) -> None:
        self.spent: str | None = None
        self._counts = counts
        self._provider = provider
        self._target = target

    def take(self) -> None:
        target = self._target
        try:
            self._counts.take(self._provider, target.organization_id, target.creator_id)
        except BudgetSpentError as error:
            self.spent = str(error)
            raise


def _answered(given: list[Given], number: int) -> Answered:
    chosen = given[number]
    profiles = [
        (each.provider.name, each.verdict.profile)
        for each in given
        if isinstance(each.verdict, Blocked | RateLimited | Transient | SchemaChanged)
        and each.verdict.profile is not None
    ]
    return Answered(
        provider=chosen.provider,
        verdict=chosen.verdict,
        took_ms=chosen.took_ms,
        profile=next(iter(profiles), None),
        tried=tuple(
            c.Tried(
                provider=each.provider.name,
                outcome=each.answer.outcome,
                detail=None if isinstance(each.verdict, Ok) else each.verdict.detail,
                duration_ms=each.took_ms,
            )
            for each in given
            if each is not chosen
        ),
    )


def _ask(
    provider: Provider, job_type: JobType, target: Target, *, is_last: bool
) -> Given:
    began = time.monotonic()
    is_interrupted = False
    try:
        verdict = _verdict_of(provider, job_type, target)
        if isinstance(verdict, Transient) and not is_last:
            time.sleep(_AGAIN_SECONDS)
            verdict = _verdict_of(provider, job_type, target)
    except BudgetSpentError as error:
        verdict = Transient(str(error))
    except TimeLimitExceeded:
        verdict, is_interrupted = Transient("It took too long."), True
    took_ms = round((time.monotonic() - began) * 1_000)
    return Given(
        provider=provider,
        verdict=verdict,
        took_ms=took_ms,
        is_interrupted=is_interrupted,
    )


def _verdict_of(provider: Provider, job_type: JobType, target: Target) -> Verdict:
    try:
        return ask(provider, job_type, target)
    except (BudgetSpentError, TimeLimitExceeded):
        raise
    except Exception as error:  # noqa: BLE001 - a provider may have any bug
        # The error must not keep the lease until its end. Only its type and place are
        # logged, because its text may contain a request with cookies.
        kind = type(error).__name__
        place = "".join(format_tb(error.__traceback__))
        _log.error("provider_raised", provider=provider.name, error=kind, place=place)
        return Transient(kind)

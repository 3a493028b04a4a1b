"""The chain: asks one provider after the other, until an answer ends the run."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from traceback import format_tb

import structlog
from dramatiq.middleware.time_limit import TimeLimitExceeded
from msgspec import Struct
from msgspec.structs import replace

from domain import commands as c
from domain.events import JobType
from domain.scrape.chain import SourceAnswer, asks_next, decisive, may_contradict
from domain.scrape.observations import ProfileObservation
from domain.scrape.outcomes import OF_THE_ACCOUNT
from domain.scrape.verdicts import (
    Blocked,
    Failure,
    Ok,
    RateLimited,
    Transient,
    Verdict,
    outcome_of,
)
from infra.http_out.request_notes import BudgetSpentError, metered
from workers.sources.port import (
    Provider,
    Target,
    ask,
)
from workers.sources.request_counts import RequestCounts

# After this time, a provider whose failure may pass is asked once more before the next
# one, which may cost money or see less.
_AGAIN_SECONDS = 1.0

_log = structlog.get_logger()


class ProviderVerdict(Struct, frozen=True, kw_only=True):
    """A provider and its verdict, with the time it took in milliseconds.

    ``is_interrupted`` says that no time is left for another provider. ``is_spent`` says
    that the provider's budget ended within the run, which is not its failure.
    """

    provider: Provider
    verdict: Verdict
    took_ms: int
    is_interrupted: bool = False
    is_spent: bool = False

    @property
    def answer(self) -> SourceAnswer:
        verdict = self.verdict
        seen = verdict if isinstance(verdict, Ok) else None
        cut = seen and seen.cut_by
        failed = cut or verdict
        return SourceAnswer(
            outcome=outcome_of(verdict),
            reads_site=self.provider.reads_site,
            retry_after=failed.retry_after if isinstance(failed, RateLimited) else 0,
            cut_by=cut and outcome_of(cut),
            is_partial=seen is not None and seen.listed_reason is not None,
            videos=len(seen.videos) if seen else 0,
        )

    @property
    def tried(self) -> c.Tried:
        answer, verdict = self.answer, self.verdict
        cut_by = None if self.is_spent else answer.cut_by
        return c.Tried(
            provider=self.provider.name,
            outcome=cut_by or answer.outcome,
            detail=verdict.listed_reason if isinstance(verdict, Ok) else verdict.detail,
            duration_ms=self.took_ms,
        )


class Answered(Struct, frozen=True, kw_only=True):
    """The verdict of a run, its provider, and the other providers that were tried.

    ``profile`` is a profile that another provider read before it failed, with the name
    of that provider.
    """

    provider: Provider
    verdict: Verdict
    took_ms: int
    profile: tuple[str, ProfileObservation] | None = None
    tried: tuple[c.Tried, ...] = ()


class CannotServe(Struct, frozen=True):
    """No provider can be asked; ``detail`` has the reason of each.

    ``until_midnight`` says that a provider can be asked again when a new day (UTC)
    begins. ``seen`` is a profile that a provider read before its budget ended.
    """

    detail: str
    until_midnight: bool = False
    seen: ProviderVerdict | None = None


class Chain:
    """Providers in the order in which they are asked.

    With ``counts``, their requests are counted and kept within their budgets.
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

    @property
    def reads_in_turn(self) -> bool:
        """Return whether a provider lists older videos in turn."""
        return any(provider.reads_in_turn for provider in self.providers)

    def ask(
        self,
        job_type: JobType,
        target: Target,
        *,
        longest_wait: float,
        is_third_strike: Callable[[], bool] = lambda: False,
    ) -> Answered | CannotServe:
        """Return the first answer that ends the run, or the one that decides it.

        The chain waits for a provider that is free again within ``longest_wait``
        seconds. ``is_third_strike`` is called if the creator cannot be found. A run
        that was interrupted, because it took too long, asks no other provider.
        """
        verdicts: list[ProviderVerdict] = []
        unserved: list[CannotServe] = []
        is_over = False
        for number, provider in enumerate(self.providers):
            answers = [each.answer for each in verdicts]
            if not may_contradict(answers, reads_site=provider.reads_site):
                continue
            is_last = number + 1 == len(self.providers)
            one = self._ask(provider, job_type, target, is_last=is_last)
            if isinstance(one, CannotServe):
                unserved.append(one)
                continue
            verdicts.append(one)
            if one.is_interrupted or not asks_next(
                one.answer,
                longest_wait=longest_wait,
                is_third_strike=not is_last
                and one.answer.outcome in OF_THE_ACCOUNT
                and is_third_strike(),
            ):
                is_over = True
                break
        seen = [each.seen for each in unserved if each.seen]
        if not verdicts and not seen:
            return CannotServe(
                " ".join(each.detail for each in unserved),
                until_midnight=any(each.until_midnight for each in unserved),
            )
        answers = [each.answer for each in verdicts or seen]
        chosen = (verdicts or seen)[decisive(answers, is_over=is_over)]
        return _answered(chosen, [*seen, *verdicts])

    def _ask(
        self, provider: Provider, job_type: JobType, target: Target, *, is_last: bool
    ) -> ProviderVerdict | CannotServe:
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
        return one if budget.spent is None else _until_spent(one, budget.spent)


class _Budget:
    """Counts the requests of one run; ``spent`` is the reason if one was refused."""

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


def _until_spent(one: ProviderVerdict, spent: str) -> ProviderVerdict | CannotServe:
    """Return the videos read within a provider's budget, as a partial list."""
    verdict, name = one.verdict, one.provider.name
    if isinstance(verdict, Ok):
        reason = verdict.listed_reason or spent
        # The next provider has a budget, and may list more.
        part = replace(verdict, listed_reason=reason, cut_by=Blocked(spent))
        return replace(one, verdict=part, is_spent=True)
    profile = verdict.profile if isinstance(verdict, Failure) else None
    seen = None
    if profile is not None:
        part = Ok(observed_at=datetime.now(UTC), profile=profile, listed_reason=spent)
        seen = replace(one, verdict=part, is_spent=True)
    return CannotServe(f"{name}: {spent}", until_midnight=True, seen=seen)


def _answered(chosen: ProviderVerdict, verdicts: list[ProviderVerdict]) -> Answered:
    others = [each for each in verdicts if each is not chosen]
    profiles = [
        (each.provider.name, each.verdict.profile)
        for each in others
        if isinstance(each.verdict, Ok | Failure) and each.verdict.profile is not None
    ]
    return Answered(
        provider=chosen.provider,
        verdict=chosen.verdict,
        took_ms=chosen.took_ms,
        profile=next(iter(profiles), None),
        tried=tuple(each.tried for each in others),
    )


def _ask(
    provider: Provider, job_type: JobType, target: Target, *, is_last: bool
) -> ProviderVerdict:
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
    return ProviderVerdict(
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

"""The chain: asks one provider after the other, until one answers."""

import time
from collections.abc import Callable
from traceback import format_tb
from typing import assert_never

import structlog
from dramatiq.middleware.time_limit import TimeLimitExceeded
from msgspec import Struct

from domain import commands as c
from domain.events import JobType
from domain.scrape.chain import SourceAnswer, asks_next, decisive, may_contradict
from domain.scrape.outcomes import OF_THE_ACCOUNT
from workers.provider import (
    Ok,
    Provider,
    RateLimited,
    Target,
    Transient,
    Verdict,
    outcome_of,
)

# After this, a provider that failed in passing is asked once more before the next one,
# which may cost money or see less.
_AGAIN_SECONDS = 1.0

_log = structlog.get_logger()


class Asked(Struct, frozen=True, kw_only=True):
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
    """The verdict of a run, from whom it is, and who was tried before or besides."""

    provider: Provider
    verdict: Verdict
    took_ms: int
    tried: tuple[c.TriedSource, ...] = ()


class NoneServes(Struct, frozen=True):
    """No provider can be asked; ``detail`` says why not, of each of them."""

    detail: str


class Chain:
    """Providers in the order in which they are asked."""

    def __init__(self, *providers: Provider) -> None:
        self.providers = providers

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
    ) -> Answered | NoneServes:
        """Return the first answer that ends the run, or the one that decides it.

        A provider that is free again within ``longest_wait`` seconds is not passed
        over. ``is_third_strike`` is asked if the creator cannot be found. A run that is
        interrupted, because it took too long, asks nobody else.
        """
        asked: list[Asked] = []
        unserved: list[str] = []
        for number, provider in enumerate(self.providers):
            answers = [each.answer for each in asked]
            if not may_contradict(answers, reads_site=provider.reads_site):
                continue
            why = provider.cannot_serve(target, job_type)
            if why is not None:
                unserved.append(f"{provider.name}: {why}")
                continue
            is_last = number + 1 == len(self.providers)
            one = _ask(provider, job_type, target, is_last=is_last)
            asked.append(one)
            ends = one.is_interrupted or not asks_next(
                one.answer,
                longest_wait=longest_wait,
                is_third_strike=not is_last
                and one.answer.outcome in OF_THE_ACCOUNT
                and is_third_strike(),
            )
            if ends:
                return _answered(asked, len(asked) - 1)
        if not asked:
            return NoneServes(" ".join(unserved))
        return _answered(asked, decisive([each.answer for each in asked]))


def _answered(asked: list[Asked], number: int) -> Answered:
    chosen = asked[number]
    return Answered(
        provider=chosen.provider,
        verdict=chosen.verdict,
        took_ms=chosen.took_ms,
        tried=tuple(
            c.TriedSource(
                provider=each.provider.name,
                outcome=each.answer.outcome,
                detail=None if isinstance(each.verdict, Ok) else each.verdict.detail,
                duration_ms=each.took_ms,
            )
            for each in asked
            if each is not chosen
        ),
    )


def _ask(
    provider: Provider, job_type: JobType, target: Target, *, is_last: bool
) -> Asked:
    began = time.monotonic()
    is_interrupted = False
    try:
        verdict = _verdict_of(provider, job_type, target)
        if isinstance(verdict, Transient) and not is_last:
            time.sleep(_AGAIN_SECONDS)
            verdict = _verdict_of(provider, job_type, target)
    except TimeLimitExceeded:
        verdict, is_interrupted = Transient("It took too long."), True
    took_ms = round((time.monotonic() - began) * 1_000)
    return Asked(
        provider=provider,
        verdict=verdict,
        took_ms=took_ms,
        is_interrupted=is_interrupted,
    )


def _verdict_of(provider: Provider, job_type: JobType, target: Target) -> Verdict:
    try:
        return _call_provider(provider, job_type, target)
    except TimeLimitExceeded:
        raise
    except Exception as error:  # noqa: BLE001 - a provider may have any bug
        # The error must not keep the lease until its end. Only its type and place are
        # logged, because its text may contain a request with cookies.
        kind = type(error).__name__
        place = "".join(format_tb(error.__traceback__))
        _log.error("provider_raised", provider=provider.name, error=kind, place=place)
        return Transient(kind)


def _call_provider(provider: Provider, job_type: JobType, target: Target) -> Verdict:
    match job_type:
        case "creator_profiles":
            return provider.creator_profiles(target)
        case "discover_videos":
            return provider.discover_videos(target)
        case "video_stats":
            return provider.video_stats(target)
        case _:
            assert_never(job_type)

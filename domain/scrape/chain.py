"""The chain of sources: when the next is asked, and what a run ends with."""

from collections.abc import Sequence

import msgspec

from domain.messages import Outcome
from domain.scrape.outcomes import OF_THE_ACCOUNT, OF_THE_SOURCE, UNOBSERVED

# Of sources that all failed, the one that may work again soonest decides about the
# next attempt.
_SOONEST: tuple[Outcome, ...] = (
    "transient",
    "rate_limited",
    "blocked",
    "schema_changed",
)


class SourceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of one source; ``retry_after`` is in seconds, 0 if it did not say.

    ``reads_site``: it sees what TikTok shows to everybody, so what it does not find is
    not there.
    """

    outcome: Outcome
    reads_site: bool
    retry_after: float = 0


def asks_next(
    answer: SourceAnswer, *, longest_wait: float, is_third_strike: bool = False
) -> bool:
    """Return whether the next source is asked as well.

    A source that is free again within ``longest_wait`` seconds is waited for.
    ``is_third_strike``: the run would disable the creator.
    """
    if answer.outcome == "rate_limited":
        return answer.retry_after > longest_wait
    if answer.outcome in OF_THE_ACCOUNT:
        return is_third_strike or not answer.reads_site
    return answer.outcome in OF_THE_SOURCE | UNOBSERVED


def may_contradict(earlier: Sequence[SourceAnswer], *, reads_site: bool) -> bool:
    """Return whether it makes sense to ask a source after these answers.

    Once a source that reads the site found no account, only another such source can
    tell better.
    """
    return reads_site or not any(map(_is_of_the_site, earlier))


def decisive(answers: Sequence[SourceAnswer]) -> int:
    """Return which answer the run ends with, if none of them ended it at once."""
    numbered = list(enumerate(answers))
    of_the_site = [n for n, each in numbered if _is_of_the_site(each)]
    if of_the_site:
        return of_the_site[0]
    of_the_account = [n for n, each in numbered if each.outcome in OF_THE_ACCOUNT]
    if of_the_account and not any(
        each.reads_site and each.outcome in OF_THE_SOURCE for each in answers
    ):
        return of_the_account[0]
    failed = [(_SOONEST.index(o), n) for n, o in _failures(answers)]
    return min(failed)[1] if failed else 0


def _is_of_the_site(answer: SourceAnswer) -> bool:
    return answer.reads_site and answer.outcome in OF_THE_ACCOUNT


def _failures(answers: Sequence[SourceAnswer]) -> list[tuple[int, Outcome]]:
    return [
        (n, each.outcome)
        for n, each in enumerate(answers)
        if each.outcome in OF_THE_SOURCE
    ]

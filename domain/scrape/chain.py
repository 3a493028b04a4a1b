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
    not there. ``cut_by`` is how the source failed before its list of ``videos`` was
    complete; ``is_partial``: it is not, for whatever reason.
    """

    outcome: Outcome
    reads_site: bool
    retry_after: float = 0
    cut_by: Outcome | None = None
    is_partial: bool = False
    videos: int = 0


def asks_next(
    answer: SourceAnswer, *, longest_wait: float, is_third_strike: bool = False
) -> bool:
    """Return whether the next source is asked as well.

    A source that is free again within ``longest_wait`` seconds is waited for.
    ``is_third_strike``: the run would disable the creator.
    """
    outcome = answer.cut_by or answer.outcome
    if outcome == "rate_limited":
        return answer.retry_after > longest_wait
    if outcome in OF_THE_ACCOUNT:
        return is_third_strike or not answer.reads_site
    return outcome in OF_THE_SOURCE | UNOBSERVED


def may_contradict(earlier: Sequence[SourceAnswer], *, reads_site: bool) -> bool:
    """Return whether it makes sense to ask a source after these answers.

    Once a source that reads the site found no account, only another such source can
    tell better.
    """
    return reads_site or not any(map(_is_of_the_site, earlier))


def decisive(answers: Sequence[SourceAnswer], *, is_over: bool = False) -> int:
    """Return which answer the run ends with; ``is_over``: the last of them ended it.

    What was seen is kept, the longest list of it and the first of these that is
    complete, whatever others say, unless one says that it is another account's.
    """
    last = len(answers) - 1
    numbered = list(enumerate(answers))
    seen = [(-a.videos, a.is_partial, n) for n, a in numbered if a.outcome == "ok"]
    if seen and answers[last].outcome != "identity_changed":
        return min(seen)[2]
    if is_over:
        return last
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

"""The chain of sources: whether to ask the next source, and which answer decides."""

from collections.abc import Sequence

import msgspec

from domain.messages import Outcome
from domain.scrape.outcomes import OF_THE_ACCOUNT, OF_THE_SOURCE, UNOBSERVED

# If all sources failed, the one that may work again soonest decides about the next
# attempt.
_SOONEST: tuple[Outcome, ...] = (
    "transient",
    "rate_limited",
    "blocked",
    "schema_changed",
)


class SourceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of one source; ``retry_after`` is in seconds, 0 if it was not given.

    ``reads_site`` says that the source sees everything that TikTok shows in public, so
    an account that it does not find does not exist. ``is_partial`` says that its list
    of ``videos`` is not complete, and ``cut_by`` which failure ended the list early.
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

    The run waits for a source that is free again within ``longest_wait`` seconds.
    ``is_third_strike`` says that the run would disable the creator.
    """
    outcome = answer.cut_by or answer.outcome
    if outcome == "rate_limited":
        return answer.retry_after > longest_wait
    if outcome in OF_THE_ACCOUNT:
        return is_third_strike or not answer.reads_site
    return outcome in OF_THE_SOURCE | UNOBSERVED


def may_contradict(earlier: Sequence[SourceAnswer], *, reads_site: bool) -> bool:
    """Return whether another source could change the result.

    After a source that reads the site found no account, only another source that reads
    the site can contradict it.
    """
    return reads_site or not any(map(_is_of_the_site, earlier))


def decisive(answers: Sequence[SourceAnswer], *, is_over: bool = False) -> int:
    """Return the index of the answer that the run ends with.

    An answer with observations decides, the one with the longest list, a complete list
    before a partial one, unless the last answer says that it is another account.
    Otherwise, if the last answer ended the run (``is_over``), that one decides.
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

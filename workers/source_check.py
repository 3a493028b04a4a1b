"""A check of a source: looks at one creator once, and stores nothing."""

import time
from collections.abc import Callable
from functools import partial
from uuid import UUID

from msgspec import Struct

from domain.events import Outcome
from domain.phrases import counted
from domain.scrape.sources import NEXT
from infra.database import Pool, run_read
from workers.connections.rows import connected_creator
from workers.provider import (
    Blocked,
    NotInRecording,
    Ok,
    Provider,
    RateLimited,
    Target,
    Transient,
    Verdict,
    outcome_of,
)
from workers.request_counts import RequestCounts
from workers.request_notes import BudgetSpentError, RequestNote, listening, metered

_VERDICTS: dict[Outcome, str] = {
    "ok": "It works",
    "not_found": "It answered: there is no such account",
    "private": "It answered: the account is private",
    "unavailable": "It answered: the account is shown to nobody without a login",
    "blocked": "It turned us away",
    "rate_limited": "It was asked too often",
    "transient": "It failed, perhaps in passing",
    "schema_changed": "It answered in a way that this release cannot read",
    "identity_changed": "It answered: the handle is another account's now",
    "not_in_recording": "TikTok was not asked: the recording has nothing of it",
}
_UNABLE_NEXT = (
    "Make a link in the creator's settings and send it to the creator, check one that "
    "has connected, or check another source."
)
# Whoever answers so was reached and understood, whatever the account is like.
_WORKED: frozenset[Outcome] = frozenset({"ok", "not_found", "private", "unavailable"})


class CheckStep(Struct, frozen=True, kw_only=True):
    """One step of a check: a request, or what was read in the answers.

    ``status`` is HTTP's, null where there was none; ``duration_ms`` is in milliseconds.
    """

    what: str
    status: int | None
    understood: str
    duration_ms: int


class SourceCheck(Struct, frozen=True, kw_only=True):
    """What came of a check: each step, the verdict in words, and what to try next.

    ``outcome`` is the verdict as scrapes store it, and ``worked`` says whether the
    source answered in a way that was understood.
    """

    provider: str
    tiktok_handle: str
    worked: bool
    outcome: Outcome
    steps: list[CheckStep]
    verdict: str
    next: str


def check_source(
    provider: Provider,
    handle: str,
    *,
    pool: Pool,
    counts: RequestCounts,
    organization_id: UUID | None = None,
) -> SourceCheck:
    """Ask for a profile and, if that is seen, for the list of videos.

    Its requests are counted as the organization's, if there is one. A creator of it, or
    else of any, that has connected its account under the handle is looked at so.
    """
    creator_id = run_read(
        pool,
        lambda connection: connected_creator(connection, handle, organization_id),
    )
    target = Target(handle=handle, creator_id=creator_id)
    if why_not := provider.cannot_serve(target, "creator_profiles"):
        return _unable(provider, handle, why_not)
    steps: list[CheckStep] = []
    profiles, videos = provider.creator_profiles, provider.discover_videos
    with metered(partial(counts.take, provider.name, organization_id, creator_id)):
        verdict = _step(f"Profile of @{handle}", profiles, target, steps)
        if isinstance(verdict, Ok):
            verdict = _step(f"Videos of @{handle}", videos, target, steps)
    outcome = outcome_of(verdict)
    is_plain = isinstance(verdict, Ok | NotInRecording)
    detail = "" if is_plain else f": {verdict.detail.rstrip('.')}"
    return SourceCheck(
        provider=provider.name,
        tiktok_handle=handle,
        worked=outcome in _WORKED,
        outcome=outcome,
        steps=steps,
        verdict=f"{_VERDICTS[outcome]}{detail}.",
        next=NEXT[outcome],
    )


def _unable(provider: Provider, handle: str, why_not: str) -> SourceCheck:
    step = CheckStep(
        what=f"Profile of @{handle}", status=None, understood=why_not, duration_ms=0
    )
    return SourceCheck(
        provider=provider.name,
        tiktok_handle=handle,
        worked=False,
        outcome=outcome_of(Blocked(why_not)),
        steps=[step],
        verdict=f"It was not asked: {why_not}",
        next=_UNABLE_NEXT,
    )


def _step(
    what: str,
    ask: Callable[[Target], Verdict],
    target: Target,
    steps: list[CheckStep],
) -> Verdict:
    def note(request: RequestNote) -> None:
        steps.append(
            CheckStep(
                what=request.what,
                status=request.status,
                understood=request.understood,
                duration_ms=request.duration_ms,
            )
        )

    began = time.monotonic()
    try:
        with listening(note):
            verdict = ask(target)
    except BudgetSpentError as error:
        verdict = RateLimited(error.retry_after, str(error))
    except Exception as error:  # noqa: BLE001 - a provider may have any bug
        verdict = Transient(f"The provider has a defect: {type(error).__name__}")
    took_ms = round((time.monotonic() - began) * 1_000)
    steps.append(
        CheckStep(
            what=what,
            status=None,
            understood=_understood(verdict),
            duration_ms=took_ms,
        )
    )
    return verdict


def _understood(verdict: Verdict) -> str:
    if not isinstance(verdict, Ok):
        return verdict.detail
    found: list[str] = []
    if verdict.profile is not None:
        followers = verdict.profile.follower_count
        found.append(
            "a profile without a number of followers"
            if followers is None
            else f"a profile with {counted(followers, 'follower')}"
        )
    if verdict.videos:
        found.append(counted(len(verdict.videos), "video"))
    return " and ".join(found) or "nothing to see"

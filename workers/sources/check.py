"""A check of a source, which reads one creator once and stores nothing."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from uuid import UUID

from msgspec import Struct

from application.connect.rows import connected_creator
from domain.events import JobType, Outcome
from domain.phrases import counted
from domain.scrape.sources import NEXT
from domain.scrape.verdicts import (
    NotInRecording,
    Ok,
    RateLimited,
    Transient,
    Verdict,
    outcome_of,
)
from infra.database import Pool, run_read
from infra.http_out.request_notes import (
    BudgetSpentError,
    RequestNote,
    listening,
    metered,
)
from workers.sources.port import (
    Provider,
    Target,
    ask,
)
from workers.sources.request_counts import RequestCounts

_VERDICTS: dict[Outcome, str] = {
    "ok": "This source works: Goatherd can read creators from it",
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
_LOOKED_FOR: Mapping[JobType, str] = {
    "creator_profiles": "Profile",
    "discover_videos": "Videos",
}
# Outcomes of a source that was reached and understood, for any state of the account.
_WORKED: frozenset[Outcome] = frozenset({"ok", "not_found", "private", "unavailable"})


class CheckStep(Struct, frozen=True, kw_only=True):
    """One step of a check: a request, or the data read in the answers.

    ``status`` is HTTP's, null where there was none; ``duration_ms`` is in milliseconds.
    """

    what: str
    status: int | None
    understood: str
    duration_ms: int


class SourceCheck(Struct, frozen=True, kw_only=True):
    """The result of a check: each step, the verdict in words, and what to try next.

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
    providers: Sequence[Provider],
    handle: str,
    *,
    pool: Pool,
    counts: RequestCounts,
    organization_id: UUID | None = None,
) -> SourceCheck:
    """Ask the first provider that can serve for a profile, and then for the videos.

    The videos are requested only if the profile was read. Requests are counted as the
    organization's, if there is one. If a creator of the organization, or else of any,
    has connected their account under the handle, their consent is used.
    """
    creator_id = run_read(
        pool,
        lambda connection: connected_creator(connection, handle, organization_id),
    )
    target = Target(handle=handle, creator_id=creator_id)
    passed: list[CheckStep] = []
    reasons: list[str] = []
    is_spent = False
    for provider in providers:
        spent = counts.why_spent(provider.name)
        why_not = spent or _why_not(provider, target)
        if why_not is None:
            with metered(
                partial(counts.take, provider.name, organization_id, creator_id)
            ):
                return _look(provider, target, passed)
        is_spent = is_spent or spent is not None
        passed.append(_unasked(f"{provider.name}: passed over", why_not))
        reasons.append(
            why_not if len(providers) == 1 else f"{provider.name}: {why_not}"
        )
    outcome: Outcome = "rate_limited" if is_spent else "blocked"
    return SourceCheck(
        provider=providers[0].name,
        tiktok_handle=handle,
        worked=False,
        outcome=outcome,
        steps=passed,
        verdict=f"It was not asked: {' '.join(reasons)}",
        next=NEXT[outcome] if is_spent else _UNABLE_NEXT,
    )


def _why_not(provider: Provider, target: Target) -> str | None:
    """Return why the provider can serve neither request, None if it can serve one."""
    reasons = [provider.cannot_serve(target, job_type) for job_type in _LOOKED_FOR]
    return None if None in reasons else reasons[0]


def _look(provider: Provider, target: Target, passed: list[CheckStep]) -> SourceCheck:
    steps = [*passed]
    verdict: Verdict | None = None
    for job_type, words in _LOOKED_FOR.items():
        if verdict is not None and not isinstance(verdict, Ok):
            break
        what = f"{words} of @{target.handle}"
        why_not = provider.cannot_serve(target, job_type)
        if why_not is None:
            verdict = _step(what, partial(ask, provider, job_type, target), steps)
        else:
            steps.append(_unasked(what, why_not))
    assert verdict is not None, "it can serve one of them"
    outcome = outcome_of(verdict)
    is_plain = isinstance(verdict, Ok | NotInRecording)
    detail = "" if is_plain else f": {verdict.detail.rstrip('.')}"
    return SourceCheck(
        provider=provider.name,
        tiktok_handle=target.handle,
        worked=outcome in _WORKED,
        outcome=outcome,
        steps=steps,
        verdict=f"{_VERDICTS[outcome]}{detail}.",
        next=NEXT[outcome],
    )


def _unasked(what: str, understood: str) -> CheckStep:
    return CheckStep(what=what, status=None, understood=understood, duration_ms=0)


def _step(
    what: str,
    look: Callable[[], Verdict],
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
            verdict = look()
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

"""The labels of kinds, triggers and outcomes of scrapes on pages."""

from collections.abc import Sequence

from domain.messages import JobType, Outcome, Trigger
from domain.scrape.failures import FailingKind
from domain.summaries import OUTCOMES

JOBS: dict[JobType, str] = {
    "creator_profiles": "Profile",
    "video_stats": "Figures of videos",
    "discover_videos": "New videos",
}
# Short labels, where there is room for two words; None labels scrapes that were given
# up.
SHORT_OUTCOMES: dict[Outcome | None, str] = {
    "not_found": "no account found",
    "private": "private",
    "unavailable": "not available",
    "blocked": "refused",
    "rate_limited": "too many requests",
    "transient": "passing failure",
    "schema_changed": "unknown format",
    "identity_changed": "another account",
    None: "given up",
}
TRIGGERS: dict[Trigger, str] = {
    "added": "Added",
    "reactivated": "Brought back",
    "renamed": "Renamed",
    "reenabled": "Re-enabled",
    "connected": "Connected",
    "manual": "By hand",
    "scheduled": "Scheduled",
    "imported": "Imported",
}
_SHORT_JOBS: dict[JobType, str] = {
    "creator_profiles": "profile",
    "video_stats": "video figures",
    "discover_videos": "new videos",
}


def why_failing(kind: FailingKind) -> str:
    """Return why a kind of scrape fails, for a sentence."""
    if kind.last_outcome is None:
        return "it was given up before an answer came"
    return OUTCOMES[kind.last_outcome]


def failing_shortly(kinds: Sequence[FailingKind]) -> str:
    """Return why scrapes of a creator fail, with the kinds that fail in brackets."""
    by_outcome: dict[str, list[str]] = {}
    for kind in kinds:
        why = SHORT_OUTCOMES.get(kind.last_outcome, "no answer")
        by_outcome.setdefault(why, []).append(_SHORT_JOBS[kind.job_type])
    return "; ".join(f"{why} ({', '.join(jobs)})" for why, jobs in by_outcome.items())

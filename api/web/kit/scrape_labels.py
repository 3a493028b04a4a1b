"""The labels of kinds, triggers and outcomes of scrapes on pages."""

from domain.messages import JobType, Outcome, Trigger

JOBS: dict[JobType, str] = {
    "creator_profiles": "Profile",
    "video_stats": "Figures of videos",
    "discover_videos": "New videos",
}
OUTCOMES: dict[Outcome, str] = {
    "ok": "ended well",
    "not_found": "no such account was found",
    "private": "the account is private",
    "unavailable": "the account is not available",
    "blocked": "the scrape was turned away",
    "rate_limited": "too many requests were made",
    "transient": "it failed for a passing reason",
    "schema_changed": "the answer had an unknown format",
    "identity_changed": "another account has the handle now",
    "not_in_recording": "the recording has nothing of it, and TikTok was not asked",
}
# Where there is room for two words; None is of scrapes that were given up.
SHORT_OUTCOMES: dict[Outcome | None, str] = {
    "not_found": "no account found",
    "private": "private",
    "unavailable": "not available",
    "blocked": "turned away",
    "rate_limited": "asked too often",
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
    "manual": "By hand",
    "scheduled": "Scheduled",
    "imported": "Imported",
}

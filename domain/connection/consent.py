"""Scopes: the permissions that a creator can give, and their meaning in plain words."""

from collections.abc import Collection, Mapping, Sequence

from domain.connection.errors import ScopeMissingError
from domain.messages import JobType

BASIC, PROFILE = "user.info.basic", "user.info.profile"
STATS, VIDEOS = "user.info.stats", "video.list"

# The scopes that Goatherd requests, in the order in which pages explain them.
SCOPES: Mapping[str, str] = {
    BASIC: "Name and picture",
    PROFILE: "Handle, which shows whose account it is",
    STATS: "The exact numbers of followers, likes and videos, and of accounts followed",
    VIDEOS: "Public videos: titles, covers, and how often each was viewed, liked, "
    "commented on and shared",
}
# Without these scopes nobody knows which account gave its consent.
_NEEDED = (BASIC, PROFILE)
_NEEDED_FOR: Mapping[JobType, str] = {
    "creator_profiles": STATS,
    "discover_videos": VIDEOS,
    "video_stats": VIDEOS,
}


def granted_scopes(text: str) -> tuple[str, ...]:
    """Return the scopes in TikTok's list, which commas or blanks separate."""
    return tuple(sorted({*text.replace(",", " ").split()}))


def check_scopes(scopes: Collection[str]) -> None:
    """Refuse a consent that does not name its account, or that allows no numbers.

    Raises:
        ScopeMissingError: a needed scope is missing.
    """
    missing = [scope for scope in _NEEDED if scope not in scopes]
    if not {STATS, VIDEOS} & {*scopes}:
        missing += [STATS, VIDEOS]
    if missing:
        raise ScopeMissingError(missing)


def may_serve(job_type: JobType, scopes: Collection[str]) -> bool:
    """Return whether the scopes allow a scrape of this kind."""
    return _NEEDED_FOR[job_type] in scopes


def explained(scopes: Collection[str]) -> Sequence[str]:
    """Return what these scopes allow, in plain words."""
    return [words for scope, words in SCOPES.items() if scope in scopes]

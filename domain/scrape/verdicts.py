"""Verdicts: the answers of sources, as types.

No code has to read a message to decide what to do next. Only ``Ok`` carries
observations; ``NotFound``, ``Private`` and ``Unavailable`` say that there is no public
account, ``IdentityChanged`` that the account is another one, ``NotInRecording`` that
the platform was not asked; the other four say that nothing is known of the account.
"""

from datetime import datetime
from typing import assert_never

from msgspec import Struct

from domain.messages import Outcome
from domain.scrape.observations import ProfileObservation, VideoObservation
from domain.scrape.turns import OlderVideos


class Ok(Struct, frozen=True, kw_only=True):
    """The provider got an observation at ``observed_at``, in ``pages`` requests.

    ``videos`` are the videos in one list. Lists are incomplete: a video that is missing
    from one need not be gone. ``missing`` has the ids of ``Target.video_ids`` that the
    platform does not show by its own word; one answer alone is no proof.
    ``listed_reason`` says why the list is only a part of the videos, null if it has
    all. ``older`` are the older videos in a list that was read in turn, null if it has
    none. ``cut_by`` is the failure that ended the list, null if a limit of the run did.
    ``payload_sha256`` is the hexadecimal digest of the answers.
    """

    observed_at: datetime
    profile: ProfileObservation | None = None
    videos: tuple[VideoObservation, ...] = ()
    missing: tuple[str, ...] = ()
    listed_reason: str | None = None
    older: OlderVideos | None = None
    cut_by: "Failure | None" = None
    pages: int = 1
    payload_sha256: str | None = None


class NotFound(Struct, frozen=True):
    """No account has the handle, or it was banned; the platform does not say which."""

    detail: str


class Private(Struct, frozen=True):
    """The account exists and shows its videos to followers only."""

    detail: str


class Unavailable(Struct, frozen=True):
    """The account exists, and the platform does not show it to the public."""

    detail: str


class IdentityChanged(Struct, frozen=True):
    """The handle belongs to another account, ``user_id`` if that is known.

    No part of the answer belongs to the requested creator.
    """

    detail: str
    user_id: str | None = None


class NotInRecording(Struct, frozen=True):
    """A recording has nothing of the handle, and the platform was not asked.

    The account may be in any state, and the next try would have the same result.
    """

    detail: str


class Blocked(Struct, frozen=True):
    """The platform refused this reader: a captcha, a login page, an error.

    ``profile`` is the creator's profile if it was read before the refusal; the next
    three verdicts have it, too.
    """

    detail: str
    profile: ProfileObservation | None = None


class RateLimited(Struct, frozen=True):
    """There were too many requests; ask again in ``retry_after`` seconds."""

    retry_after: float
    detail: str
    profile: ProfileObservation | None = None


class Transient(Struct, frozen=True):
    """The request failed, but the next one may succeed: a timeout, an empty body."""

    detail: str
    profile: ProfileObservation | None = None


class SchemaChanged(Struct, frozen=True):
    """The platform answered in a shape that this provider does not know."""

    detail: str
    profile: ProfileObservation | None = None


Failure = Blocked | RateLimited | Transient | SchemaChanged

Verdict = (
    Ok | NotFound | Private | Unavailable | IdentityChanged | NotInRecording | Failure
)


def another_account(
    handle: str, *, found: str | None, known: str | None
) -> IdentityChanged:
    """Return the verdict for another account, with advice for the operator."""
    ids = {"id": found, "known": known}
    known_ids = ", ".join(f"{name} {value}" for name, value in ids.items() if value)
    details = f" ({known_ids})" if known_ids else ""
    return IdentityChanged(
        f"@{handle} now belongs to another account{details}. "
        "Rename the creator to its present handle, or remove it and add the handle "
        "anew.",
        found,
    )


def outcome_of(verdict: Verdict) -> Outcome:
    """Return the name under which a verdict is stored."""
    match verdict:
        case Ok():
            return "ok"
        case NotFound():
            return "not_found"
        case Private():
            return "private"
        case Unavailable():
            return "unavailable"
        case IdentityChanged():
            return "identity_changed"
        case NotInRecording():
            return "not_in_recording"
        case Blocked():
            return "blocked"
        case RateLimited():
            return "rate_limited"
        case Transient():
            return "transient"
        case SchemaChanged():
            return "schema_changed"
        case _:
            assert_never(verdict)

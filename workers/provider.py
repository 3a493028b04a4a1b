"""The port of providers: what they are asked, and the verdicts they may return.

The answers are types, so that nobody ever has to read a message to know what to do
next. Only ``Ok`` carries observations; ``NotFound``, ``Private`` and ``Unavailable``
say that there is no public account to see, ``IdentityChanged`` that it is somebody
else's; the other four say that nothing was learned.
"""

from datetime import datetime
from typing import Annotated, Literal, Protocol, assert_never

from msgspec import Meta, Struct

from domain.events import Outcome, Precision

# Signed 64-bit, as observed: negative where a source wrapped, null where it was silent.
Counter = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None
# Far more than any title has, and little enough to be answered in every list.
StorableText = Annotated[str, Meta(max_length=20_000)] | None
# A time without a zone is nobody's time.
AwareDatetime = Annotated[datetime, Meta(tz=True)]


class Target(Struct, frozen=True, kw_only=True):
    """Whom to look at: the handle, and the stable ids as far as they are known.

    ``video_ids`` narrows ``video_stats``; empty means all that the provider lists.
    """

    handle: str
    user_id: str | None = None
    sec_uid: str | None = None
    video_ids: tuple[str, ...] = ()


class ProfileObservation(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False
):
    """A profile as observed; what the source left out is null, never 0.

    ``precision`` says whether the source cuts large numbers to a few digits.
    """

    user_id: str | None = None
    sec_uid: str | None = None
    display_name: StorableText = None
    avatar_url: str | None = None
    follower_count: Counter = None
    following_count: Counter = None
    total_likes_count: Counter = None
    video_count: Counter = None
    precision: Precision | None = None


class VideoObservation(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False
):
    """A video as observed in a list; what the source left out is null, never 0."""

    # Those of today have 19 digits, and an unsigned 64-bit number has no more than 20.
    tiktok_video_id: Annotated[str, Meta(min_length=1, max_length=20)]
    title: StorableText = None
    kind: Literal["video", "photo"] | None = None
    posted_at: AwareDatetime | None = None
    view_count: Counter = None
    like_count: Counter = None
    comment_count: Counter = None
    share_count: Counter = None
    save_count: Counter = None


class Ok(Struct, frozen=True, kw_only=True):
    """The provider saw something at ``observed_at``, in ``pages`` requests.

    ``videos`` is what one look listed. Lists are partial: a video that is not in it
    need not be gone. ``missing`` are ids of ``Target.video_ids`` of which the platform
    said, asked for that very video, that it shows it to nobody like us. One look is no
    proof. ``payload_sha256`` is the hexadecimal digest of what was read.
    """

    observed_at: datetime
    profile: ProfileObservation | None = None
    videos: tuple[VideoObservation, ...] = ()
    missing: tuple[str, ...] = ()
    pages: int = 1
    payload_sha256: str | None = None


class NotFound(Struct, frozen=True):
    """Nobody has that handle, or its account was banned: the platform tells no more."""

    detail: str


class Private(Struct, frozen=True):
    """The account is there and shows its videos to followers only."""

    detail: str


class Unavailable(Struct, frozen=True):
    """The account is there and the platform shows it to nobody like us."""

    detail: str


class IdentityChanged(Struct, frozen=True):
    """The handle is another account's: ``user_id``, if that is known.

    Nothing that is seen under it belongs to the creator who was asked for.
    """

    detail: str
    user_id: str | None = None


class Blocked(Struct, frozen=True):
    """The platform turned this reader away: a captcha, a login wall, a refusal."""

    detail: str


class RateLimited(Struct, frozen=True):
    """Too many questions; ask again in ``retry_after`` seconds."""

    retry_after: float
    detail: str


class Transient(Struct, frozen=True):
    """It failed in a way that the next try need not: a timeout, an empty body."""

    detail: str


class SchemaChanged(Struct, frozen=True):
    """The platform answered in a shape that this provider does not know."""

    detail: str


Verdict = (
    Ok
    | NotFound
    | Private
    | Unavailable
    | IdentityChanged
    | Blocked
    | RateLimited
    | Transient
    | SchemaChanged
)


class Provider(Protocol):
    """One way of looking at TikTok. Every failure is a verdict, never an exception."""

    name: str

    def creator_profiles(self, target: Target) -> Verdict:
        """Look at the profile; ``Ok.profile`` is null if there was none to read."""
        ...

    def discover_videos(self, target: Target) -> Verdict:
        """List the creator's videos, with the counters that the list shows."""
        ...

    def video_stats(self, target: Target) -> Verdict:
        """Read counters, of ``target.video_ids`` only if there are any."""
        ...


def another_account(
    handle: str, *, found: str | None, known: str | None
) -> IdentityChanged:
    """Return that verdict for the user id that was found, and what to do about it."""
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
    """Return the word that a scrape's history keeps for the verdict."""
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

"""The interface of providers: their requests, and the verdicts they may return.

The answers are types, so that nobody ever has to read a message to know what to do
next. Only ``Ok`` carries observations; ``NotFound``, ``Private`` and ``Unavailable``
say that there is no public account to see, ``IdentityChanged`` that it is somebody
else's, ``NotInRecording`` that nobody looked; the other four say that nothing was
learned.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, Protocol, assert_never
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from domain.events import JobType, Outcome, Precision
from domain.video.attributes import (
    ATTRIBUTES,
    Seconds,
    ShortText,
    ShortTexts,
    Sound,
    VideoAttributes,
    attributes_of,
)

# Signed 64-bit, as observed: negative if a source overflowed, null if it had no value.
Counter = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None
# Far more than any title has, and short enough for every list.
StorableText = Annotated[str, Meta(max_length=20_000)] | None
PictureUrl = Annotated[str, Meta(max_length=4_096)]
# A time without a zone does not say when it was.
AwareDatetime = Annotated[datetime, Meta(tz=True)]


class Target(Struct, frozen=True, kw_only=True):
    """The creator to observe: the handle, and the stable ids if they are known.

    ``video_ids`` restricts ``video_stats``; empty means all that the provider lists.
    ``creator_id`` and ``organization_id`` are null where nobody tracks the creator, as
    in a check.
    """

    handle: str
    organization_id: UUID | None = None
    creator_id: UUID | None = None
    user_id: str | None = None
    sec_uid: str | None = None
    video_ids: tuple[str, ...] = ()


class ProfileObservation(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False
):
    """A profile as observed; null for what the source left out, never 0.

    ``precision`` says whether the source rounds large numbers to a few digits.
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
    """A video as observed in a list; null for what the source left out, never 0.

    ``thumbnail_url`` is where its picture is for some days. The fields from
    ``duration_s`` on are as in ``VideoAttributes``. A recording has these fields only
    where there is a value, so that lines without them stay as they were.
    """

    # Ids have 19 digits today, and an unsigned 64-bit number has at most 20.
    tiktok_video_id: Annotated[str, Meta(min_length=1, max_length=20)]
    title: StorableText = None
    kind: Literal["video", "photo"] | None = None
    posted_at: AwareDatetime | None = None
    thumbnail_url: PictureUrl | UnsetType | None = UNSET
    view_count: Counter = None
    like_count: Counter = None
    comment_count: Counter = None
    share_count: Counter = None
    save_count: Counter = None
    duration_s: Seconds | UnsetType | None = UNSET
    sound: Sound | UnsetType | None = UNSET
    hashtags: ShortTexts | UnsetType | None = UNSET
    mentions: ShortTexts | UnsetType | None = UNSET
    is_ad: bool | UnsetType | None = UNSET
    is_pinned: bool | UnsetType | None = UNSET
    is_private: bool | UnsetType | None = UNSET
    language: ShortText | UnsetType | None = UNSET

    @property
    def attributes(self) -> VideoAttributes | None:
        """Return the attributes of the video; None if the source left out all."""
        return attributes_of(
            [
                None if (value := getattr(self, name)) is UNSET else value
                for name in ATTRIBUTES
            ]
        )


def stated_attributes(attributes: VideoAttributes | None) -> dict[str, Any]:
    """Return the fields of an observation that has these attributes."""
    if attributes is None:
        return {}
    return {
        name: value
        for name in ATTRIBUTES
        if (value := getattr(attributes, name)) is not None
    }


class Ok(Struct, frozen=True, kw_only=True):
    """The provider got an observation at ``observed_at``, in ``pages`` requests.

    ``videos`` has what one request listed. Lists are incomplete: a video that is not in
    one need not be gone. ``missing`` has those ids of ``Target.video_ids`` for which
    the platform said that it does not show the video. One such answer is no proof.
    ``listed_reason`` says why only a part of the videos was listed; null if all were.
    ``cut_by`` is the failure that ended the list; null where a limit of the run did.
    ``payload_sha256`` is the hexadecimal digest of the answers.
    """

    observed_at: datetime
    profile: ProfileObservation | None = None
    videos: tuple[VideoObservation, ...] = ()
    missing: tuple[str, ...] = ()
    listed_reason: str | None = None
    cut_by: "Failure | None" = None
    pages: int = 1
    payload_sha256: str | None = None


class NotFound(Struct, frozen=True):
    """No account has the handle, or it was banned: the platform does not say which."""

    detail: str


class Private(Struct, frozen=True):
    """The account exists and shows its videos to followers only."""

    detail: str


class Unavailable(Struct, frozen=True):
    """The account exists, and the platform does not show it to the public."""

    detail: str


class IdentityChanged(Struct, frozen=True):
    """The handle belongs to another account: ``user_id``, if that is known.

    Nothing that it shows belongs to the requested creator.
    """

    detail: str
    user_id: str | None = None


class NotInRecording(Struct, frozen=True):
    """A recording was read and has nothing of the handle: the platform was not asked.

    It says nothing of the account, and the next try would say the same.
    """

    detail: str


class Blocked(Struct, frozen=True):
    """The platform refused this reader: a captcha, a login page, an error.

    ``profile`` is what was read of the creator before, here and in the next three.
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


class Provider(Protocol):
    """A source of observations. Every failure is a verdict, never an exception.

    ``reads_site``: it reads what TikTok shows to everybody, so that an account that it
    does not find is not there.
    """

    name: str
    reads_site: bool = True

    def cannot_serve(self, target: Target, job_type: JobType) -> str | None:
        """Return why it can't be asked this of the creator now; null if it can.

        Nothing is sent for the answer. Budgets are counted elsewhere.
        """
        del target, job_type
        return None

    def close(self) -> None:
        """Close the connections that it holds between runs, if it holds any."""

    def creator_profiles(self, target: Target) -> Verdict:
        """Read the profile; ``Ok.profile`` is null if there was none to read."""
        ...

    def discover_videos(self, target: Target) -> Verdict:
        """List the creator's videos, with the counters that the list shows."""
        ...

    def video_stats(self, target: Target) -> Verdict:
        """Read the counters of ``target.video_ids``, or of all videos if empty."""
        ...


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


def ask(provider: Provider, job_type: JobType, target: Target) -> Verdict:
    """Ask a provider for what a run of this kind looks at."""
    match job_type:
        case "creator_profiles":
            return provider.creator_profiles(target)
        case "discover_videos":
            return provider.discover_videos(target)
        case "video_stats":
            return provider.video_stats(target)
        case _:
            assert_never(job_type)


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

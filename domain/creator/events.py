"""The events of a creator, of its handle and account, and of handles banned here."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

import msgspec

from domain.messages import (
    ConnectionEnd,
    ConnectionProvider,
    DisabledReason,
    ErasedFigures,
    Event,
    MovedHistory,
    Personal,
    Platform,
    TrackingMode,
    tiktok,
)

# creator: one stream for each tracked creator


class CreatorAdded(Event, frozen=True, kw_only=True):
    """Tracking of a creator began."""

    stored_name: ClassVar[str] = "creator_added"
    organization_id: UUID
    project_id: UUID
    handle: Personal[str]
    tracking_mode: TrackingMode
    tracking_start_date: date | None = None
    tracking_end_date: date | None = None
    description: Personal[str | None] = None
    readme: Personal[str | None] = None
    metadata: Personal[dict[str, Any]] = {}  # noqa: RUF012 - msgspec copies it, and omits it
    tags: Personal[list[str]] = []  # noqa: RUF012
    platform: Platform = msgspec.field(default_factory=tiktok)


class HandleChanged(Event, frozen=True, kw_only=True):
    """The creator got another handle."""

    stored_name: ClassVar[str] = "handle_changed"
    organization_id: UUID
    old: Personal[str]
    new: Personal[str]


class CreatorDetailsChanged(Event, frozen=True, kw_only=True):
    """The creator's display name, description, readme, metadata or tags changed.

    Unset fields stay as they were. A null display name means that pages show the
    scraped one.
    """

    stored_name: ClassVar[str] = "creator_details_changed"
    organization_id: UUID
    display_name: Personal[str | msgspec.UnsetType | None] = msgspec.UNSET
    description: Personal[str | msgspec.UnsetType | None] = msgspec.UNSET
    readme: Personal[str | msgspec.UnsetType | None] = msgspec.UNSET
    metadata: Personal[dict[str, Any] | msgspec.UnsetType] = msgspec.UNSET
    tags: Personal[list[str] | msgspec.UnsetType] = msgspec.UNSET


class TrackingModeChanged(Event, frozen=True, kw_only=True):
    """The creator's tracking mode is now `auto` or `selective`."""

    stored_name: ClassVar[str] = "tracking_mode_changed"
    organization_id: UUID
    old: TrackingMode
    new: TrackingMode


class TrackingWindowChanged(Event, frozen=True, kw_only=True):
    """The creator's tracking window changed.

    The event has the whole new window. Both ends are inclusive, and a null end is open.
    """

    stored_name: ClassVar[str] = "tracking_window_changed"
    organization_id: UUID
    tracking_start_date: date | None = None
    tracking_end_date: date | None = None


class CreatorContactChanged(Event, frozen=True, kw_only=True):
    """The creator has another contact address, or none any more.

    The address itself is not in the log.
    """

    stored_name: ClassVar[str] = "creator_contact_changed"
    organization_id: UUID
    has_address: bool


class CreatorOptedOut(Event, frozen=True, kw_only=True):
    """The creator wants no more mails, at this address or any other."""

    stored_name: ClassVar[str] = "creator_opted_out"
    organization_id: UUID
    at: datetime


class CreatorMoved(Event, frozen=True, kw_only=True):
    """The creator is in another project now, with its videos and its whole history.

    ``history`` says where the numbers from before the move count: with ``whole`` in the
    new project, with ``stay`` in the projects where they counted before.
    """

    stored_name: ClassVar[str] = "creator_moved"
    organization_id: UUID
    old_project_id: UUID
    new_project_id: UUID
    history: MovedHistory


class CreatorRemoved(Event, frozen=True, kw_only=True):
    """Tracking of the creator ended; its history stays."""

    stored_name: ClassVar[str] = "creator_removed"
    organization_id: UUID


class CreatorReactivated(Event, frozen=True, kw_only=True):
    """A removed creator is tracked again, with its old id and these settings."""

    stored_name: ClassVar[str] = "creator_reactivated"
    organization_id: UUID
    tracking_mode: TrackingMode
    tracking_start_date: date | None = None
    tracking_end_date: date | None = None


class CreatorAutoDisabled(Event, frozen=True, kw_only=True):
    """Three scrapes in a row found no public account, or one found a duplicate.

    ``scrape_id`` is the last of these scrapes. ``duplicate_of`` is set if the verdict
    is `duplicate_account`: the scrape found out that this other creator of the project
    is the same account, and stored nothing.
    """

    stored_name: ClassVar[str] = "creator_auto_disabled"
    organization_id: UUID
    verdict: DisabledReason
    scrape_id: UUID
    duplicate_of: UUID | None = None


class CreatorDisabled(Event, frozen=True, kw_only=True):
    """Somebody disabled a creator: it is not scraped until it is enabled again."""

    stored_name: ClassVar[str] = "creator_disabled"
    organization_id: UUID


class CreatorReenabled(Event, frozen=True, kw_only=True):
    """Somebody enabled a disabled creator again.

    If the creator is auto-disabled, it can't be enabled again for some time after
    ``at``.
    """

    stored_name: ClassVar[str] = "creator_reenabled"
    organization_id: UUID
    at: datetime


class CreatorConnected(Event, frozen=True, kw_only=True):
    """The creator let the provider read their own account, with these scopes.

    ``open_id`` is TikTok's id of the account for our app alone.
    """

    stored_name: ClassVar[str] = "creator_connected"
    organization_id: UUID
    provider: ConnectionProvider
    scopes: tuple[str, ...]
    open_id: Personal[str]
    platform: Platform = msgspec.field(default_factory=tiktok)


class CreatorConnectionLost(Event, frozen=True, kw_only=True):
    """The provider can't read the creator's account any more.

    ``expired``: TikTok refuses our token, although nobody revoked it; the answer with a
    new token may have been lost. ``revoked_there``: the creator withdrew their consent
    at TikTok. ``revoked_here``: somebody ended the connection here, or the creator was
    removed. ``scope_missing``: the remaining scopes are not enough.
    """

    stored_name: ClassVar[str] = "creator_connection_lost"
    organization_id: UUID
    provider: ConnectionProvider
    reason: ConnectionEnd


class SubjectErased(Event, frozen=True, kw_only=True):
    """The person was erased: personal data of the creator can't be read any more.

    The creator is called ``erased-<number>`` from then on. With ``figures`` anonymous
    the numbers stay without a name; with drop they leave every sum. ``video_ids`` are
    the creator's single videos with a key of their own: those that were added before
    their creator was known. ``scrape_ids`` are the runs of these videos. ``time_zone``
    is the organization's, because only the day of a video's posting stays known, in
    this zone.
    """

    stored_name: ClassVar[str] = "subject_erased"
    organization_id: UUID
    number: int
    figures: ErasedFigures
    video_ids: tuple[UUID, ...] = ()
    scrape_ids: tuple[UUID, ...] = ()
    time_zone: str = "UTC"

    @property
    def handle(self) -> str:
        """The name that the creator has in place of its handle."""
        return erased_handle(self.number)


def erased_handle(number: int) -> str:
    """Return the name of the erased creator with this number."""
    return f"erased-{number}"


# erasures: one stream for each organization, which numbers its erased creators


class ErasureNumbered(Event, frozen=True, kw_only=True):
    """The erased creator got its number in the organization; numbers count from 1."""

    stored_name: ClassVar[str] = "erasure_numbered"
    organization_id: UUID
    creator_id: UUID
    number: int


# handle: one stream for each handle of a project, with the creator that has it


class HandleClaimed(Event, frozen=True, kw_only=True):
    """A creator of the project has the handle now."""

    stored_name: ClassVar[str] = "handle_claimed"
    organization_id: UUID
    project_id: UUID
    handle: Personal[str]
    creator_id: UUID


class HandleReleased(Event, frozen=True, kw_only=True):
    """No creator of the project has the handle any more."""

    stored_name: ClassVar[str] = "handle_released"
    organization_id: UUID
    project_id: UUID
    handle: Personal[str]
    creator_id: UUID


# account: one stream for each creator, and another after each return


class AccountPinned(Event, frozen=True, kw_only=True):
    """The creator is this TikTok account under any handle.

    The first profile with a ``user_id`` records the event; profiles of other accounts
    are refused from then on.
    """

    stored_name: ClassVar[str] = "account_pinned"
    organization_id: UUID
    creator_id: UUID
    user_id: Personal[str]
    platform: Platform = msgspec.field(default_factory=tiktok)


# platform handle: one stream for each handle, for the whole installation


class HandleBanned(Event, frozen=True, kw_only=True):
    """Nobody may track the handle on this installation."""

    stored_name: ClassVar[str] = "handle_banned"
    handle: Personal[str]
    reason: Personal[str | None] = None


class HandleUnbanned(Event, frozen=True, kw_only=True):
    """The ban was lifted."""

    stored_name: ClassVar[str] = "handle_unbanned"
    handle: Personal[str]


# erased bans: one stream for each organization


class ErasedAccountBanned(Event, frozen=True, kw_only=True):
    """The account of the erased creator ``number`` may not be tracked again.

    ``hashes`` are keyed hashes of the account's id on TikTok and of each handle that
    the creator had.
    """

    stored_name: ClassVar[str] = "erased_account_banned"
    organization_id: UUID
    number: int
    hashes: tuple[UUID, ...]


class ErasedAccountUnbanned(Event, frozen=True, kw_only=True):
    """The ban that came with the erasure ``number`` was lifted."""

    stored_name: ClassVar[str] = "erased_account_unbanned"
    organization_id: UUID
    number: int


CreatorEvent = (
    CreatorAdded
    | CreatorContactChanged
    | CreatorOptedOut
    | CreatorMoved
    | HandleChanged
    | CreatorDetailsChanged
    | TrackingModeChanged
    | TrackingWindowChanged
    | CreatorRemoved
    | CreatorReactivated
    | CreatorAutoDisabled
    | CreatorDisabled
    | CreatorReenabled
    | CreatorConnected
    | CreatorConnectionLost
    | SubjectErased
)
ClaimEvent = HandleClaimed | HandleReleased
BanEvent = HandleBanned | HandleUnbanned
ErasedBanEvent = ErasedAccountBanned | ErasedAccountUnbanned

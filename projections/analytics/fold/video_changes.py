"""The changes of a video in analytics: by its events, in snapshots, and by erasures."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from domain.analytics.buckets import beginning_of_day
from domain.events import VideoAdded, VideoDiscovered
from infra.eventstore.codec import Codec
from infra.eventstore.store import RecordedEvent

DETAILS = "seen"
ITEM = "campaign_item"
ERASED = "erased"
# The codec reads this where a sealed text can no longer be opened.
UNREADABLE = "erased"
_UNKNOWN_TIME = datetime.min.replace(tzinfo=UTC)
_NULL = msgspec.Raw(b"null")
_codec = Codec()


class ObservedDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The details of a video in a snapshot, other than its counters."""

    # Rows of version 2 lack this time, and are in the order of the log. They are read
    # until a rebuild has replaced them.
    observed_at: datetime = _UNKNOWN_TIME
    posted_at: datetime | None = None
    title: str | None = None


class ErasedMark(msgspec.Struct, frozen=True, kw_only=True):
    """The mark that the creator was erased; ``number`` is the video's, once known.

    The time of posting is reduced to its day in ``time_zone``.
    """

    is_dropped: bool
    number: int | None = None
    time_zone: str = "UTC"

    def day_of(self, posted_at: datetime | None) -> datetime | None:
        """Return the beginning of the day on which the video was posted."""
        return posted_at and beginning_of_day(posted_at, self.time_zone)


class Change(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One change of a video: an event's name and body, or details in a snapshot.

    Two more changes exist: a campaign got the video as an item, which has no body, or
    its creator was erased. After an erasure no change has a text of the person.
    """

    position: int
    name: str
    body: msgspec.Raw


def details_change(position: int, details: ObservedDetails) -> Change:
    """Return the change that a snapshot has details of the video."""
    return Change(position, DETAILS, msgspec.Raw(msgspec.json.encode(details)))


def item_change(position: int) -> Change:
    """Return the change that a campaign got the video as an item."""
    return Change(position, ITEM, _NULL)


def erased_change(position: int, *, is_dropped: bool, time_zone: str) -> Change:
    """Return the change that the video's creator was erased."""
    mark = ErasedMark(is_dropped=is_dropped, time_zone=time_zone)
    return Change(position, ERASED, msgspec.Raw(msgspec.json.encode(mark)))


def event_change(recorded: RecordedEvent) -> Change:
    """Return the change that an event of the video is.

    A pseudonym that is the video's id is left out: only the sealing of an old log adds
    it, so rows from before and after a sealing stay the same.
    """
    event = recorded.event
    if isinstance(event, VideoAdded | VideoDiscovered) and (
        event.pseudonym == event.tiktok_video_id
    ):
        event = replace(event, pseudonym=None)
    body = msgspec.Raw(_codec.encode(event))
    return Change(recorded.position, _codec.name_of(event), body)


def is_dropped(changes: Iterable[Change]) -> bool:
    """Tell whether the video's creator was erased with the figures."""
    return any(mark_of(one).is_dropped for one in changes if one.name == ERASED)


def position_of_mark(changes: Iterable[Change]) -> int | None:
    """Return the log position at which the video's creator was erased, or None."""
    return next((one.position for one in changes if one.name == ERASED), None)


def unless_later(changes: Iterable[Change], erased_at: int) -> list[Change]:
    """Return the changes without details that were observed after the erasure."""
    return [o for o in changes if o.name != DETAILS or o.position < erased_at]


def mark_of(change: Change) -> ErasedMark:
    return msgspec.json.decode(change.body, type=ErasedMark)


def without_person(changes: Iterable[Change], number: int | None) -> list[Change]:
    """Return the changes without texts of the person; the mark keeps the number.

    Details with nothing but a title are left out. A rebuild, which cannot open the
    title, has no such details either.
    """
    emptied = [_without_person(change, number) for change in changes]
    return [change for change in emptied if not _says_nothing(change)]


def _without_person(change: Change, number: int | None) -> Change:
    if change.name == ITEM:
        return change
    if change.name == ERASED:
        mark = mark_of(change)
        mark = replace(mark, number=mark.number if number is None else number)
        return replace(change, body=msgspec.Raw(msgspec.json.encode(mark)))
    fields = msgspec.json.decode(change.body)
    # Rows from before the sealing of an old log lack the pseudonym, which is the id.
    its_id = fields.get("tiktok_video_id", UNREADABLE)
    if its_id != UNREADABLE and fields.get("pseudonym") is None:
        fields["pseudonym"] = its_id
    kept = {
        name: UNREADABLE if name in {"handle", "tiktok_video_id"} else value
        # Sorted, so that rows with an added field have the same order.
        for name, value in sorted(fields.items())
        if name not in {"title", "tags", "attributes"}
    }
    return replace(change, body=msgspec.Raw(msgspec.json.encode(kept)))


def _says_nothing(change: Change) -> bool:
    if change.name != DETAILS:
        return False
    details = msgspec.json.decode(change.body, type=ObservedDetails)
    return details.posted_at is None and details.title is None


encode_changes = msgspec.json.Encoder().encode
decode_changes = msgspec.json.Decoder(list[Change]).decode

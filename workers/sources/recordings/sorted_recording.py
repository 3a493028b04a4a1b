"""A recording on disk, read to its end and sorted by creator and time."""

import os
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import chain, groupby
from operator import attrgetter, itemgetter
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from msgspec import UNSET
from msgspec.structs import asdict, astuple

from application.progress import Advance
from domain import commands as c
from domain.scrape.importing import RunContent
from domain.scrape.observations import VideoObservation
from domain.scrape.recorded_lines import ObservationLine, ObservedContent
from domain.video.attributes import ATTRIBUTES
from workers.sources.recordings.file_format import (
    BadLineError,
    Observation,
    RecordingError,
    encode_observations,
    read_at_once,
)


class AccountHandles:
    """The handles of each account, by the ids of accounts in profiles.

    A handle under which several accounts were observed stands for itself.
    """

    def __init__(self) -> None:
        self._accounts: dict[str, set[str]] = {}
        self._newest: dict[str, tuple[datetime, str]] = {}

    def note(self, handle: str, observed_at: datetime, user_id: str | None) -> None:
        """Note the account of a profile under a handle; null if it is unknown."""
        if user_id is None:
            return
        self._accounts.setdefault(handle, set()).add(user_id)
        newest = (observed_at, handle)
        self._newest[user_id] = max(self._newest.get(user_id, newest), newest)

    def account(self, handle: str) -> str | None:
        """Return the account id of a handle; None if it is unknown or not unique."""
        accounts = self._accounts.get(handle, set())
        return next(iter(accounts)) if len(accounts) == 1 else None

    def user_ids(self, handle: str) -> set[str]:
        """Return the accounts that were observed under a handle."""
        return self._accounts.get(handle, set())

    def newest(self, handle: str) -> str:
        """Return the newest handle of the account with this handle."""
        user_id = self.account(handle)
        if user_id is None:
            return handle
        _, found = self._newest[user_id]
        # A handle that another account has, too, may belong to that account.
        return found if len(self._accounts[found]) == 1 else handle


# The clock of a recording may be ahead of ours by this much.
SKEW = timedelta(days=1)
NAMED_BAD_LINES = 20

# This many lines wait for others of their group, because creators may alternate.
_GATHERED_AT_ONCE = 1_000
# For smaller groups, decoding the content takes longer than reading the lines again.
_CONTENT_FROM = 8

_FIELDS = VideoObservation.__struct_fields__
_group_of = attrgetter("name", "observed_at")
_video_id_of = attrgetter("tiktok_video_id")
_encode_content = msgspec.msgpack.Encoder().encode
_decode_content = msgspec.msgpack.Decoder(RunContent).decode
_decode_lines = msgspec.json.Decoder(ObservedContent).decode_lines


class BadLines(msgspec.Struct):
    """The number of lines that are no observations, and the first of them."""

    count: int = 0
    first: list[BadLineError] = []


class GroupLocation(msgspec.Struct, frozen=True, kw_only=True):
    """The place of the lines of one creator at one time, and their number.

    ``handle`` is the creator's newest one in the recording.
    """

    handle: str
    observed_at: datetime
    observations: int
    spans: tuple[int, ...]


class SortedRecording(AbstractContextManager["SortedRecording"]):
    """A recording that was read completely, sorted by creator and time.

    The lines of one creator at one time are a group. They are stored in a temporary
    file, after their ``RunContent`` if they were together and make one run. Memory
    holds only the position of each group: some 400 bytes, and 32 more for each
    interruption of its lines. Nothing else that an import needs grows with the
    recording: two batches of groups, and the known details of one creator's videos.
    """

    def __init__(self) -> None:
        self.observations = 0
        self.bad = BadLines()
        self._file = tempfile.TemporaryFile(  # noqa: SIM115 - closed on leaving
            buffering=1 << 20
        )
        self._end = 0
        # For each span: the number of lines, its begin, the begin of its lines, and its
        # end.
        self._spans: dict[str, dict[datetime, array[int]]] = {}
        self._accounts = AccountHandles()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    @classmethod
    def read(cls, path: Path, *, now: datetime, advance: Advance) -> Self:
        """Read a recording; bad lines are counted and left out.

        ``advance`` is called with the number of lines since the last call.

        Raises:
            RecordingError: the recording cannot be read to its end.
        """
        return cls.of(read_at_once(path, until=now + SKEW), advance=advance)

    @classmethod
    def of(
        cls,
        reads: Iterable[list[Observation] | RecordingError],
        *,
        advance: Advance,
    ) -> Self:
        """Sort what was read of a recording; see ``read``.

        Raises:
            RecordingError: the recording cannot be read to its end.
        """
        recording = cls()
        try:
            recording._take_in(reads, advance=advance)
            recording._file.flush()
        except BaseException:
            recording._file.close()
            raise
        return recording

    @property
    def handles(self) -> list[str]:
        """The recording's handles, sorted; of each account, the newest one."""
        return sorted({self._accounts.newest(handle) for handle in self._spans})

    def newest(self, handle: str) -> str:
        """Return the newest handle of an account in the recording."""
        return self._accounts.newest(handle)

    def older_handles(self, handle: str) -> list[str]:
        """Return the other handles of the account with this newest handle."""
        newest = self._accounts.newest
        return sorted(h for h in self._spans if h != handle and newest(h) == handle)

    def account(self, handle: str) -> str | None:
        """Return the id of the account of a handle; None if it is not known."""
        return self._accounts.account(handle)

    def user_ids(self, handle: str) -> set[str]:
        """Return the accounts that were observed under a handle."""
        return self._accounts.user_ids(handle)

    def groups(self) -> Iterator[GroupLocation]:
        """Yield the position of each group, by creator and then by time."""
        handles_of: dict[str, list[str]] = {}
        for handle in sorted(self._spans):
            handles_of.setdefault(self._accounts.newest(handle), []).append(handle)
        for handle in sorted(handles_of):
            spans_by_time = _joined([self._spans[one] for one in handles_of[handle]])
            for observed_at in sorted(spans_by_time):
                spans = spans_by_time[observed_at]
                yield GroupLocation(
                    handle=handle,
                    observed_at=observed_at,
                    observations=sum(spans[::4]),
                    spans=tuple(spans),
                )

    def content(self, location: GroupLocation) -> RunContent | None:
        """Return the group's content, if its lines are known to make one run."""
        if len(location.spans) != 4:
            return None
        _, start, end, _ = location.spans
        if start == end:
            return None
        return _decode_content(os.pread(self._file.fileno(), end - start, start))

    def lines(self, location: GroupLocation) -> list[ObservationLine]:
        """Return the group's canonical lines, each with its observation.

        They are in the order of the recording: among lines that contradict each other,
        the later one counts.
        """
        number = self._file.fileno()
        text = b"".join(
            os.pread(number, end - start, start)
            for start, end in zip(
                location.spans[2::4], location.spans[3::4], strict=True
            )
        )
        return list(zip(text.splitlines(), _decode_lines(text), strict=True))

    def _take_in(
        self, reads: Iterable[list[Observation] | RecordingError], *, advance: Advance
    ) -> None:
        gathered: dict[tuple[str, datetime], list[Observation]] = {}
        held = 0
        for read in reads:
            if isinstance(read, RecordingError):
                self._note(read)
                continue
            for group, observations in groupby(read, key=_group_of):
                gathered.setdefault(group, []).extend(observations)
            held += len(read)
            if held > _GATHERED_AT_ONCE:
                # The group of the last line most likely continues.
                last, observations = gathered.popitem()
                self._put_all(gathered)
                gathered, held = {last: observations}, len(observations)
            advance(len(read))
        self._put_all(gathered)

    def _put_all(
        self, gathered: Mapping[tuple[str, datetime], Sequence[Observation]]
    ) -> None:
        for (handle, observed_at), observations in gathered.items():
            self._put(handle, observed_at, observations)

    def _put(
        self, handle: str, observed_at: datetime, observations: Sequence[Observation]
    ) -> None:
        encoded = (
            _content_of(observations) if len(observations) >= _CONTENT_FROM else None
        )
        head, text = encoded or (b"", encode_observations(observations))
        self._file.writelines((head, text))
        for each in observations:
            if each.profile is not None:
                self._accounts.note(handle, observed_at, each.profile.user_id)
        start, begin = self._end, self._end + len(head)
        self._end = begin + len(text)
        self._spans.setdefault(handle, {}).setdefault(observed_at, array("Q")).extend(
            (len(observations), start, begin, self._end)
        )
        self.observations += len(observations)

    def _note(self, error: RecordingError) -> None:
        if not isinstance(error, BadLineError):
            raise error
        self.bad.count += 1
        if self.bad.count <= NAMED_BAD_LINES:
            self.bad.first.append(error)


def _joined(
    parts: Sequence[Mapping[datetime, "array[int]"]],
) -> Mapping[datetime, "array[int]"]:
    """Return the spans of several handles, by time, in the order of the recording."""
    if len(parts) == 1:
        return parts[0]
    found: dict[datetime, array[int]] = {}
    for part in parts:
        for observed_at, spans in part.items():
            both = [*found.get(observed_at, ()), *spans]
            # Lines that are later in the recording are later in the temporary file.
            each = sorted(zip(*[iter(both)] * 4, strict=True), key=itemgetter(1))
            found[observed_at] = array("Q", chain.from_iterable(each))
    return found


def _content_of(observations: Sequence[Observation]) -> tuple[bytes, bytes] | None:
    """Return the encoded content of these lines, and their text.

    The result is None if they do not make one run. Only ids are compared: the order of
    ids, which are digits, is the order of the lines' text, and a profile's line comes
    before them.
    """
    videos = [video for each in observations if (video := each.video) is not None]
    others = [each for each in observations if each.video is None]
    if not videos or len(others) > 1 or (others and others[0].profile is None):
        return None
    ids = [video.tiktok_video_id for video in videos]
    ordered = sorted(set(ids))
    if len(ordered) < len(ids):
        return None
    if ids != ordered or (others and observations[0] is not others[0]):
        observations = sorted(observations, key=_place_of)
        videos = sorted(videos, key=_video_id_of)
    text = encode_observations(observations)
    values = zip(*map(astuple, videos), strict=True)
    column = dict(zip(_FIELDS, values, strict=True))
    urls = column["thumbnail_url"]
    profile = others[0].profile if others else None
    content = RunContent(
        payload_sha256=sha256(memoryview(text)[:-1]).hexdigest(),
        profile=c.ProfileSnapshot(**asdict(profile)) if profile else None,
        videos=c.VideoColumns(
            video_ids=column["tiktok_video_id"],
            view_counts=column["view_count"],
            like_counts=column["like_count"],
            comment_counts=column["comment_count"],
            share_counts=column["share_count"],
            save_counts=column["save_count"],
            kinds=column["kind"],
            titles=column["title"],
            posted_at=column["posted_at"],
            thumbnail_urls=tuple(url or None for url in urls) if any(urls) else (),
            attributes=tuple(video.attributes for video in videos)
            if any(column[name].count(UNSET) < len(videos) for name in ATTRIBUTES)
            else (),
        ),
    )
    return _encode_content(content), text


def _place_of(observation: Observation) -> str:
    video = observation.video
    return "" if video is None else video.tiktok_video_id

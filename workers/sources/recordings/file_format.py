"""The file format of recordings: one observation of a creator on each line.

The replay provider, imports and exports use it: JSON Lines in UTF-8, plain or gzipped.
Lines may be in any order.
"""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from io import BufferedReader
from operator import attrgetter
from pathlib import Path
from typing import Literal, cast

import msgspec
from msgspec.structs import astuple, force_setattr, replace

from domain.creator.handle import normalize_handle
from domain.errors import InvalidHandleError
from domain.scrape.observations import (
    AwareDatetime,
    ProfileObservation,
    VideoObservation,
)


@lru_cache(maxsize=65_536)
def plain_handle(text: str) -> str:
    """Return the handle in lower case.

    Recordings allow no other variation.

    Raises:
        ValueError: the text is no plain handle.
    """
    try:
        plain = normalize_handle(text)
    except InvalidHandleError as error:
        raise ValueError(str(error)) from error
    if plain != text.lower():
        message = f"Expected the plain handle {plain!r}, got {text!r}"
        raise ValueError(message)
    return plain


def in_utc(time: datetime) -> datetime:
    """Return the time in UTC.

    Raises:
        ValueError: the year cannot be written.
    """
    try:
        return time.astimezone(UTC)
    except OverflowError as error:
        message = f"{time.isoformat()} is outside the years 1 to 9999 in UTC"
        raise ValueError(message) from error


SUFFIXES = (".jsonl", ".jsonl.gz")

RecordedOutcome = Literal[
    "not_found",
    "private",
    "unavailable",
    "blocked",
    "rate_limited",
    "transient",
    "schema_changed",
]


class Observation(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    gc=False,
):
    """One observation of a handle at one time: a profile, a video or an outcome.

    ``present_handle`` is the creator's handle at the time of the recording, if it is
    another. ``in_log_order`` is set for rounded profiles in exports: the lines before
    it in the file were recorded before it, so an exact one among them has no
    precedence. The handle is in its plain form, and both times are in UTC, however they
    were written.

    Raises:
        ValueError: there is not exactly one of the three, or the handle or the
            video's id is invalid. While decoding, msgspec turns it into its own
            ``ValidationError``.
    """

    observed_at: AwareDatetime
    handle: str
    profile: ProfileObservation | None = None
    video: VideoObservation | None = None
    outcome: RecordedOutcome | None = None
    present_handle: str | None = None
    in_log_order: bool = False

    @property
    def name(self) -> str:
        """Return the handle by which the creator is known."""
        return self.present_handle or self.handle

    def __post_init__(self) -> None:
        # This runs for every line, so that half a microsecond matters.
        video = self.video
        others = (self.profile is not None) + (self.outcome is not None)
        if others != (video is None):
            message = "Expected exactly one of `profile`, `video` and `outcome`"
            raise ValueError(message)
        plain = plain_handle(self.handle)
        if plain != self.handle:
            force_setattr(self, "handle", plain)
        if self.present_handle is not None:
            force_setattr(self, "present_handle", plain_handle(self.present_handle))
        if self.observed_at.tzinfo is not UTC:
            force_setattr(self, "observed_at", in_utc(self.observed_at))
        if video is None:
            return
        video_id = video.tiktok_video_id
        if not (video_id.isdecimal() and video_id.isascii()):
            message = "Expected only digits in `tiktok_video_id`"
            raise ValueError(message)
        if (posted_at := video.posted_at) is None:
            return
        if posted_at.tzinfo is not UTC:
            force_setattr(self, "video", replace(video, posted_at=in_utc(posted_at)))


class RecordingError(Exception):
    """A recording, or a part of one, cannot be read."""


class BadFileError(RecordingError):
    """A file is missing, forbidden or cut off, so it cannot be read to its end."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class BadLineError(RecordingError):
    """A line is no observation; lines are counted from 1.

    ``column`` is the heading of the bad cell in a CSV file, if it is known.
    """

    def __init__(
        self,
        path: Path,
        *,
        line_number: int,
        reason: str,
        column: str | None = None,
    ) -> None:
        super().__init__(f"{path}, line {line_number}: {reason}")
        self.path = path
        self.line_number = line_number
        self.reason = reason
        self.column = column


def read_recording(
    path: Path, *, until: datetime | None = None
) -> Iterator[Observation | RecordingError]:
    """Read a recording as ``read_at_once`` does, line by line."""
    for read in read_at_once(path, until=until):
        if isinstance(read, RecordingError):
            yield read
        else:
            yield from read


def read_at_once(
    path: Path, *, until: datetime | None = None
) -> Iterator[list[Observation] | RecordingError]:
    """Read a file, or every recording directly in a folder, by name.

    Observations come in the order of their lines, as many at once as were read. A line
    or file that cannot be read is returned as an error in its place, not raised, and
    reading continues after it: the caller decides whether to stop. Blank lines are
    ignored. A line that was observed after ``until`` is bad. A single file may have any
    name; in a folder only ``SUFFIXES`` count, and hidden files do not.
    """
    try:
        files = _files_of(path)
    except OSError as error:
        yield BadFileError(path, reason_of(error))
        return
    if not files:
        reason = f"The folder holds no recording ({' or '.join(SUFFIXES)})"
        yield BadFileError(path, reason)
    for file in files:
        yield from _read_file(file, until)


def encode_observations(observations: Sequence[Observation]) -> bytes:
    """Return the observations' canonical lines, each with its line end."""
    return _ENCODER.encode_lines(observations)


def encode_observation(observation: Observation) -> bytes:
    """Return the observation's canonical line, without a line end."""
    return _ENCODER.encode(observation)


# The fastest of 64 to 1,024 kB, because a processor's cache holds it.
_BYTES_AT_ONCE = 1 << 16
# The same limit as for a request: no observation comes near it.
MOST_LINE_BYTES = 1_000_000
_TOO_LONG = f"The line is longer than {MOST_LINE_BYTES:,} bytes"
_UNREADABLE = (OSError, EOFError, zlib.error)
# Searching for the escape avoids decoding nearly every line.
_NUL = b"\\u0000"
_observed_at = attrgetter("observed_at")
_DECODER = msgspec.json.Decoder(Observation)
_ENCODER = msgspec.json.Encoder()


def _files_of(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(
        file
        for file in path.iterdir()
        if file.name.endswith(SUFFIXES) and not file.name.startswith(".")
    )


def _read_file(
    path: Path, until: datetime | None
) -> Iterator[list[Observation] | RecordingError]:
    first = 1
    try:
        with _opened(path) as file:
            for text in _whole_lines(file):
                if text is None:
                    yield BadLineError(path, line_number=first, reason=_TOO_LONG)
                    first += 1
                    continue
                good = _all_good(text, until)
                if good is None:
                    yield from _one_by_one(path, text, first, until)
                    first += text.count(b"\n")
                else:
                    yield good
                    first += len(good)
    except _UNREADABLE as error:
        yield BadFileError(path, reason_of(error))


def _opened(path: Path) -> BufferedReader | gzip.GzipFile:
    if path.suffix == ".gz":
        return gzip.open(path, "rb")
    return path.open("rb")


def _whole_lines(file: BufferedReader | gzip.GzipFile) -> Iterator[bytes | None]:
    """Yield the file's text in pieces that end with a line, except for the last.

    Complete lines before an error come before it. A line that is too long is None, and
    is never in memory as a whole.
    """
    begun: list[bytes] = []
    size, is_too_long = 0, False
    # Each round reads at most once, so that an error loses no complete line.
    while text := file.read1(_BYTES_AT_ONCE):
        first = text.find(b"\n")
        size += len(text) if first < 0 else first
        if is_too_long or size > MOST_LINE_BYTES:
            begun, is_too_long = [], True
            if first < 0:
                continue
            yield None
            text, is_too_long = text[first + 1 :], False
        if end := text.rfind(b"\n") + 1:
            yield b"".join((*begun, text[:end]))
            begun = []
        if first >= 0:
            size = len(text) - end
        if text[end:]:
            begun.append(text[end:])
    if is_too_long:
        yield None
    elif last := b"".join(begun):
        yield last


def _all_good(text: bytes, until: datetime | None) -> list[Observation] | None:
    """Return the observations of lines that are all good; None if that is unsure."""
    if _NUL in text:
        return None
    try:
        observations = _DECODER.decode_lines(text)
    except msgspec.MsgspecError:
        return None
    # One line may have several observations, or none.
    if len(observations) != text.count(b"\n") + (not text.endswith(b"\n")):
        return None
    if until is not None and max(map(_observed_at, observations)) > until:
        return None
    return observations


def _one_by_one(
    path: Path, text: bytes, first: int, until: datetime | None
) -> Iterator[list[Observation] | BadLineError]:
    for line_number, line in enumerate(text.split(b"\n"), start=first):
        try:
            observation = _DECODER.decode(line)
        except msgspec.MsgspecError as error:
            if line.strip():
                reason = reason_of(error)
                yield BadLineError(path, line_number=line_number, reason=reason)
            continue
        if _NUL in line and holds_nul(observation):
            reason = "NUL characters cannot be kept"
            yield BadLineError(path, line_number=line_number, reason=reason)
            continue
        if until is not None and observation.observed_at > until:
            reason = f"{observation.observed_at.isoformat()} is in the future"
            yield BadLineError(path, line_number=line_number, reason=reason)
            continue
        yield [observation]


def holds_nul(observation: Observation) -> bool:
    """Tell whether a text has a NUL character, which PostgreSQL cannot keep."""
    observed = observation.profile or observation.video
    if observed is None:
        return False
    return _has_nul(observed)


def _has_nul(value: object) -> bool:
    if isinstance(value, msgspec.Struct):
        value = astuple(value)
    if isinstance(value, tuple):
        return any(map(_has_nul, cast("tuple[object, ...]", value)))
    return isinstance(value, str) and "\0" in value


def reason_of(error: Exception) -> str:
    """Return the reason of an error, without a number or a path."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__

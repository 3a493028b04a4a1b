"""The preview of an import of a CSV file: the result of each line."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from domain.scrape.recorded_lines import ObservationKey, ObservedContent, key_of
from infra.eventstore.append import Context
from infra.eventstore.store import Store
from infra.ids import new_id
from workers.sources.recordings.csv_file import CsvTable
from workers.sources.recordings.file_format import (
    BadFileError,
    BadLineError,
    Observation,
    encode_observation,
)
from workers.sources.recordings.import_creators import ImportCreators
from workers.sources.recordings.import_recording import new_in_recording
from workers.sources.recordings.sorted_recording import SortedRecording

SHOWN_LINES = 100
LineStatus = Literal["new", "known", "repeated", "unknown_creator", "skipped", "bad"]
_decode = msgspec.json.Decoder(ObservedContent).decode
_Moment = tuple[str, datetime]
_PROFILE = ("follower_count", "following_count", "total_likes_count", "video_count")
_VIDEO = ("view_count", "like_count", "comment_count", "share_count", "save_count")


class PreviewLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a CSV file, and the result that an import would have for it.

    ``new`` is stored, ``known`` was stored before, ``repeated`` is the same as an
    earlier line. ``unknown_creator`` has a handle that the project does not track, and
    ``skipped`` an account that was erased and is banned. ``bad`` cannot be read:
    ``error`` says why, and ``column`` is the heading of the bad cell. ``numbers`` are
    the counts of the line.
    """

    line: int
    status: LineStatus
    tiktok_handle: str | None = None
    observed_at: datetime | None = None
    tiktok_video_id: str | None = None
    numbers: dict[str, int] = {}
    column: str | None = None
    error: str | None = None


class ImportPreview(msgspec.Struct, frozen=True, kw_only=True):
    """The lines of a preview, and the number of observations of each kind."""

    lines: list[PreviewLine]
    bad_lines: list[PreviewLine]
    new: int
    there_already: int
    repeated: int
    unknown: int
    skipped: int


class NotedRows:
    """Passes the rows of a file on, and keeps the first ones and the first bad."""

    def __init__(self) -> None:
        self.first: list[tuple[int, list[Observation] | BadLineError]] = []
        self.bad: list[BadLineError] = []
        self._amount = 0

    def of(
        self, table: CsvTable, *, until: datetime, most: int
    ) -> Iterator[list[Observation] | BadLineError | BadFileError]:
        """Yield the observations of a file of at most so many rows.

        Raises:
            TooManyRowsError: the file has more rows.
        """
        for line, read in table.rows(until=until):
            self._amount += 1
            if self._amount > most:
                raise TooManyRowsError
            if not isinstance(read, BadFileError) and len(self.first) < SHOWN_LINES:
                self.first.append((line, read))
            if isinstance(read, BadLineError) and len(self.bad) < SHOWN_LINES:
                self.bad.append(read)
            yield read


class TooManyRowsError(Exception):
    """A file has more rows than one import takes."""


def preview_import(
    store: Store,
    recording: SortedRecording,
    noted: NotedRows,
    found: ImportCreators,
    *,
    creates: bool,
    organization_id: UUID,
    project_id: UUID,
    context: Context,
) -> ImportPreview:
    """Return the result that an import would have; ``creates`` adds missing creators.

    Raises:
        ProjectionBehindError: the list of videos has not applied an erasure.
    """
    holders, missing = found.holders, {*found.holders.missing}
    creators = dict(holders.creators)
    if creates:
        # Nothing is stored of them yet, so any new id has the same result.
        creators |= {handle: new_id() for handle in missing}
    shown = {
        (recording.newest(each.name), each.observed_at)
        for _, read in noted.first
        if not isinstance(read, BadLineError)
        for each in read
    }
    new = there_already = taken = 0
    keys: dict[_Moment, frozenset[ObservationKey]] = {}
    for location, result in new_in_recording(
        store,
        recording,
        creators,
        organization_id=organization_id,
        project_id=project_id,
        context=context,
    ):
        new += len(result.keys)
        there_already += result.there_already
        taken += location.observations
        moment = location.handle, location.observed_at
        if moment in shown:
            keys[moment] = result.keys
    unknown = 0
    if not creates:
        unknown = sum(
            location.observations
            for location in recording.groups()
            if location.handle in missing
        )
    seen: set[tuple[_Moment, ObservationKey]] = set()
    return ImportPreview(
        lines=[
            bad_line(read)
            if isinstance(read, BadLineError)
            else _line(line, read, recording, missing, keys, seen)
            for line, read in noted.first
        ],
        bad_lines=[bad_line(read) for read in noted.bad],
        new=new,
        there_already=there_already,
        repeated=taken - new - there_already,
        unknown=unknown,
        skipped=recording.observations - taken - unknown,
    )


def bad_line(error: BadLineError) -> PreviewLine:
    return PreviewLine(
        line=error.line_number, status="bad", column=error.column, error=error.reason
    )


def _line(
    line: int,
    read: list[Observation],
    recording: SortedRecording,
    missing: set[str],
    keys: dict[_Moment, frozenset[ObservationKey]],
    seen: set[tuple[_Moment, ObservationKey]],
) -> PreviewLine:
    statuses: list[LineStatus] = []
    numbers: dict[str, int] = {}
    video_id = handle = observed_at = None
    for each in read:
        handle, observed_at = each.name, each.observed_at
        moment = recording.newest(each.name), each.observed_at
        key = key_of(_decode(encode_observation(each)))
        statuses.append(_status(moment, key, missing, keys, seen))
        seen.add((moment, key))
        for observed, names in ((each.profile, _PROFILE), (each.video, _VIDEO)):
            for name in names if observed is not None else ():
                if (count := getattr(observed, name)) is not None:
                    numbers[name] = count
        if each.video is not None:
            video_id = each.video.tiktok_video_id
    # A line with a new observation is new, though another one is stored.
    status = "new" if "new" in statuses else statuses[0] if statuses else "skipped"
    if status == "skipped":
        return PreviewLine(line=line, status=status)
    return PreviewLine(
        line=line,
        status=status,
        tiktok_handle=handle,
        observed_at=observed_at,
        tiktok_video_id=video_id,
        numbers=numbers,
    )


def _status(
    moment: _Moment,
    key: ObservationKey,
    missing: set[str],
    keys: dict[_Moment, frozenset[ObservationKey]],
    seen: set[tuple[_Moment, ObservationKey]],
) -> LineStatus:
    if moment not in keys:
        return "unknown_creator" if moment[0] in missing else "skipped"
    if (moment, key) in seen:
        return "repeated"
    return "new" if key in keys[moment] else "known"

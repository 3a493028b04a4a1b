"""Importing: a recording's observations into the log, as the runs that saw them."""

import os
import tempfile
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

import msgspec

from domain.importing import Known, Moment, Observed
from infra.appending import Context
from infra.handlers.imports import keep_moments
from infra.ids import new_id
from infra.store import Store
from workers.recordings import (
    BadLineError,
    Observation,
    RecordingError,
    encode_observations,
    read_recording,
)

# How far the clock of whoever wrote the recording may go before ours.
SKEW = timedelta(days=1)
NAMED_BAD_LINES = 20

# An append holds up all others for a moment, so neither number may be very large.
_MOMENTS_AT_ONCE = 350
_OBSERVATIONS_AT_ONCE = 80_000

_decode_lines = msgspec.json.Decoder(Observed).decode_lines

Advance = Callable[[int], None]
Batch = tuple[list[Moment], int]


class BadLines(msgspec.Struct):
    """How many lines are no observations, and the first of them."""

    count: int = 0
    first: list[BadLineError] = []


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a recording's observations.

    ``there_already`` were stored before, ``repeated`` only say again what another line
    says; ``position`` is that of the last new fact, None if there is none.
    """

    observations: int
    stored: int
    there_already: int
    repeated: int
    runs: int
    position: int | None


class Pile(AbstractContextManager["Pile"]):
    """A recording that was read to its end, sorted by creator and moment.

    Its lines lie in a temporary file; in memory is where each moment's lines are:
    some 400 bytes a moment, and 16 more for each time its lines are interrupted. What
    else an import needs does not grow with the recording: one batch of moments, and
    what is known of one creator's videos.
    """

    def __init__(self) -> None:
        self.observations = 0
        self.bad = BadLines()
        self._file = tempfile.TemporaryFile(  # noqa: SIM115 - closed on leaving
            buffering=1 << 20
        )
        self._end = 0
        self._spans: dict[str, dict[datetime, array[int]]] = {}

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

        ``advance`` is told how many lines more were read.

        Raises:
            RecordingError: it cannot be read to its end.
        """
        pile = cls()
        try:
            pile._take_in(path, until=now + SKEW, advance=advance)
        except BaseException:
            pile._file.close()
            raise
        return pile

    @property
    def handles(self) -> list[str]:
        """Whom it is about, by name."""
        return sorted(self._spans)

    def moments(self) -> Iterator[tuple[str, datetime, list[bytes]]]:
        """Yield each moment's handle, time and canonical lines.

        A creator's moments come in the order of time, one creator after the other.
        """
        self._file.flush()
        number = self._file.fileno()
        for handle in self.handles:
            spans_by_time = self._spans[handle]
            for observed_at in sorted(spans_by_time):
                spans = spans_by_time[observed_at]
                text = b"".join(
                    os.pread(number, end - start, start)
                    for start, end in zip(spans[::2], spans[1::2], strict=True)
                )
                yield handle, observed_at, text.splitlines()

    def _take_in(self, path: Path, *, until: datetime, advance: Advance) -> None:
        handle, observed_at = "", until
        seen: list[Observation] = []
        for read in read_recording(path, until=until):
            if isinstance(read, RecordingError):
                self._note(read)
                continue
            if read.observed_at != observed_at or read.handle != handle:
                if seen:
                    self._put(handle, observed_at, seen)
                    advance(len(seen))
                handle, observed_at = read.handle, read.observed_at
                seen = []
            seen.append(read)
        if seen:
            self._put(handle, observed_at, seen)
            advance(len(seen))

    def _put(
        self, handle: str, observed_at: datetime, seen: Sequence[Observation]
    ) -> None:
        text = encode_observations(seen)
        self._file.write(text)
        self._spans.setdefault(handle, {}).setdefault(observed_at, array("Q")).extend(
            (self._end, self._end + len(text))
        )
        self._end += len(text)
        self.observations += len(seen)

    def _note(self, error: RecordingError) -> None:
        if not isinstance(error, BadLineError):
            raise error
        self.bad.count += 1
        if self.bad.count <= NAMED_BAD_LINES:
            self.bad.first.append(error)


def store_pile(
    store: Store,
    pile: Pile,
    creators: dict[str, UUID],
    *,
    organization_id: UUID,
    project_id: UUID,
    context: Context,
    advance: Advance,
) -> Imported:
    """Store what of the recording is not stored yet, batch by batch.

    ``creators`` says who has each handle. When it is cut short, what was stored so far
    stays, and the next import of the same recording goes on behind it.

    Raises:
        BusyError: others import the same just now.
    """
    stored = there_already = runs = 0
    position: int | None = None
    known: dict[UUID, Known] = {}
    for moments, observations in _batches(
        pile, creators, organization_id=organization_id, project_id=project_id
    ):
        kept = keep_moments(
            store,
            moments,
            known=known,
            context=Context(
                actor=context.actor,
                command_id=new_id(),
                correlation_id=context.command_id,
            ),
        )
        stored += kept.stored
        there_already += kept.there_already
        runs += kept.runs
        position = kept.position or position
        # Only the last creator's moments can go on in the next batch.
        last = moments[-1].creator_id
        known = {last: kept.known[last]}
        advance(observations)
    return Imported(
        observations=pile.observations,
        stored=stored,
        there_already=there_already,
        repeated=pile.observations - there_already - stored,
        runs=runs,
        position=position,
    )


def _batches(
    pile: Pile, creators: dict[str, UUID], *, organization_id: UUID, project_id: UUID
) -> Iterator[Batch]:
    """Yield moments, and how many lines they have in the recording."""
    moments: list[Moment] = []
    observations = 0
    for handle, observed_at, lines in pile.moments():
        # In the order of their text, so that the order of the file decides nothing.
        ordered = sorted(lines)
        if moments and (
            len(moments) == _MOMENTS_AT_ONCE
            or observations + len(lines) > _OBSERVATIONS_AT_ONCE
        ):
            yield moments, observations
            moments, observations = [], 0
        moments.append(
            Moment(
                organization_id=organization_id,
                project_id=project_id,
                creator_id=creators[handle],
                handle=handle,
                observed_at=observed_at,
                lines=list(
                    zip(ordered, _decode_lines(b"\n".join(ordered)), strict=True)
                ),
            )
        )
        observations += len(lines)
    if moments:
        yield moments, observations

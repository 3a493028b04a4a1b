"""The eventsourcing library's own test cases for recorders, run against ours.

Where they ask for what is refused here on purpose, they get a recorder that translates.
Its class says why; the rest is in docs/adr/0035-the-library-reads-goatherd-writes.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from eventsourcing.persistence import NotSupportedError, StoredEvent, Tracking
from eventsourcing.tests.persistence import (
    AggregateRecorderTestCase,
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
)

from infra.eventstore import append
from infra.eventstore.recorder import Recorder
from infra.ids import new_id
from tests.kit.builders import asking, opened_store


class AskingRecorder(Recorder):
    """The recorder, told with every append who asks.

    Nothing gets into the log without that, and the library's cases do not say it.
    """

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        tracking: Tracking | None = None,
        **kwargs: Any,  # noqa: ANN401 - as the library has it
    ) -> Sequence[int]:
        return super().insert_events(
            stored_events, tracking=tracking, context=asking(), **kwargs
        )


class RecorderFromZero(AskingRecorder):
    """The recorder for cases that count versions from 0, each stored one higher.

    Streams begin at version 1 here: 0 is the version of a stream that has no event.
    """

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        tracking: Tracking | None = None,
        **kwargs: Any,  # noqa: ANN401 - as the library has it
    ) -> Sequence[int]:
        return super().insert_events(
            [_moved(event, by=1) for event in stored_events],
            tracking=tracking,
            **kwargs,
        )

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        events = super().select_events(
            originator_id,
            gt=None if gt is None else gt + 1,
            lte=None if lte is None else lte + 1,
            desc=desc,
            limit=limit,
        )
        return [_moved(event, by=-1) for event in events]


class SilentRecorder(RecorderFromZero):
    """The recorder for cases of recorders that know no positions."""

    def insert_events(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, stored_events: Sequence[StoredEvent]
    ) -> None:
        super().insert_events(stored_events)


def _moved(event: StoredEvent, *, by: int) -> StoredEvent:
    return replace(event, originator_version=event.originator_version + by)


class OnOurRecorder:
    """A case's recorder, on a database of its own."""

    recorder_class: type[AskingRecorder] = AskingRecorder
    copy_from = append.COPY_FROM

    @pytest.fixture(autouse=True)
    def _on_a_database(
        self, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[None]:
        monkeypatch.setattr(append, "COPY_FROM", self.copy_from)
        with opened_store(database_url, pool_size=8) as store:
            self._pool = store.pool
            yield

    def create_recorder(self) -> AskingRecorder:
        return self.recorder_class(self._pool)


class TestApplicationRecorder(OnOurRecorder, ApplicationRecorderTestCase[Recorder]):
    def test_concurrent_no_conflicts(self, initial_position: int = 0):  # noqa: PT028
        self.recorder_class = RecorderFromZero
        super().test_concurrent_no_conflicts(initial_position)

    def test_concurrent_throughput(self):
        self.recorder_class = RecorderFromZero
        super().test_concurrent_throughput()

    def test_insert_subscribe(self):
        self.optional_test_insert_subscribe()


class TestApplicationRecorderByCopy(TestApplicationRecorder):
    copy_from = 1


class TestAggregateRecorder(OnOurRecorder, AggregateRecorderTestCase):
    INITIAL_VERSION = 0
    recorder_class = SilentRecorder


class TestAggregateRecorderByCopy(TestAggregateRecorder):
    copy_from = 1


class TestOrderOfPositions(OnOurRecorder, NonInterleavingNotificationIDsBaseCase):
    recorder_class = RecorderFromZero


class TestOrderOfPositionsByCopy(TestOrderOfPositions):
    copy_from = 1


def test_the_recorder_stores_nothing_that_nobody_asked_for(database_url: str):
    event = StoredEvent(new_id(), 1, "handle_banned", b'{"handle":"ada"}')

    with opened_store(database_url) as store:
        with pytest.raises(TypeError, match="context"):
            store.recorder.insert_events([event])

        assert store.head() == 0


def test_the_recorder_refuses_to_track_a_position(database_url: str):
    event = StoredEvent(new_id(), 1, "handle_banned", b'{"handle":"ada"}')

    with opened_store(database_url) as store:
        recorder = AskingRecorder(store.pool)
        with pytest.raises(NotSupportedError, match="tracking"):
            recorder.insert_events([event], tracking=Tracking("another", 1))

        assert store.head() == 0

from uuid import UUID

import msgspec

from domain import commands as c
from domain import events as e
from domain.scrape.handlers.import_observations import import_observations
from domain.scrape.importing import KnownDetails, ObservationGroup
from domain.scrape.recorded_lines import ObservedContent
from domain.streams import imported_run_stream
from tests.kit.builders import ADA, NAMES, NOON, ORGANIZATION, PROJECT
from tests.kit.deciding import decide_on

NAME = NAMES.pseudonym("71")


def video(name: str, views: int, *, title: str | None = None) -> ObservedContent:
    return ObservedContent(
        video=c.VideoSnapshot(tiktok_video_id=name, view_count=views, title=title)
    )


def group(*observed: ObservedContent) -> ObservationGroup:
    lines = [(msgspec.json.encode(each), each) for each in observed]
    return ObservationGroup(
        organization_id=ORGANIZATION,
        project_id=PROJECT,
        creator_id=ADA,
        handle="ada",
        observed_at=NOON,
        read_lines=lambda: lines,
    )


def part(number: int) -> UUID:
    return imported_run_stream(PROJECT, ADA, NOON, number)


def imported(
    groups: list[ObservationGroup],
    *,
    known: dict[UUID, KnownDetails] | None = None,
):
    return import_observations(groups, known=known or {}, names=NAMES)


def stored(*observed: ObservedContent) -> list[e.Event]:
    """The events of the run that an import of these stores."""
    decision = decide_on({}, imported([group(*observed)]))
    return [event for _, event in decision.events]


def test_what_nobody_stored_becomes_a_run():
    decision = decide_on(
        {},
        import_observations(
            [group(video("71", 5), video("72", 6))], known={}, names=NAMES
        ),
    )

    result = decision.result
    assert (result.stored, result.there_already, result.runs) == (2, 0, 1)
    assert {stream for stream, _ in decision.events} == {part(0)}
    assert isinstance(decision.events[0][1], e.ScrapeRequested)


def test_what_is_stored_already_is_left_alone():
    history = stored(video("71", 5))

    decision = decide_on(
        {part(0): history},
        imported([group(video("71", 5))]),
    )

    result = decision.result
    assert (result.stored, result.there_already, result.runs) == (0, 1, 0)
    assert decision.events == []


def test_what_a_longer_recording_adds_goes_into_the_next_part():
    history = stored(video("71", 5))

    decision = decide_on(
        {part(0): history},
        import_observations(
            [group(video("71", 5), video("72", 6))], known={}, names=NAMES
        ),
    )

    assert (decision.result.stored, decision.result.there_already) == (1, 1)
    assert {stream for stream, _ in decision.events} == {part(1)}


def test_details_that_are_known_are_not_told_again():
    known: dict[UUID, KnownDetails] = {ADA: {NAME: (None, "Hay", None, None, None)}}

    decision = decide_on(
        {},
        import_observations(
            [group(video("71", 5, title="Hay"))], known=known, names=NAMES
        ),
    )

    (snapshot,) = (
        event
        for _, event in decision.events
        if isinstance(event, e.VideoStatsSnapshotRecorded)
    )
    assert snapshot.titles in {(), (None,)}
    assert known == {ADA: {NAME: (None, "Hay", None, None, None)}}


def test_what_is_stored_teaches_the_details_of_what_follows():
    history = stored(video("71", 5, title="Hay"))

    decision = decide_on(
        {part(0): history},
        imported([group(video("71", 5))]),
    )

    assert decision.result.known == {ADA: {NAME: (None, "Hay", None, None, None)}}

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest

from domain import commands as c
from domain import events as e
from domain.organization.plans import DEFAULT_PLANS
from domain.streams import video_stream
from domain.video import commands as vc
from domain.video.decider import VideoState, decide, video_of
from domain.video.handlers.videos import ListedVideo
from infra.eventstore.store import RecordedEvent, Store, plain_events
from tests.infra.commands.test_races import Queue
from tests.kit import videos
from tests.kit.builders import (
    ANOTHER_SCRAPE,
    NAMES,
    NOON,
    SCRAPE,
    Home,
    asking,
    make_home,
    next_events,
)
from tests.kit.commands import (
    change_organization,
    discover_videos,
    move_window,
    report_missing,
)
from tests.kit.videos import set_window

MARCH = date(2026, 3, 1)
IN_FEBRUARY = datetime(2026, 2, 20, 12, tzinfo=UTC)
IN_MARCH = datetime(2026, 3, 10, 12, tzinfo=UTC)


a_creator = partial(videos.a_creator, start=MARCH)


def listed(video_id: str, posted_at: datetime | None = IN_MARCH) -> ListedVideo:
    return ListedVideo(
        pseudonym=NAMES.pseudonym(video_id),
        tiktok_video_id=video_id,
        scrape_id=SCRAPE,
        kind="video",
        title=f"Video {video_id}",
        posted_at=posted_at,
    )


def discover(home: Home, creator_id: UUID, *videos: ListedVideo) -> list[RecordedEvent]:
    return discover_videos(
        home.store,
        creator_id,
        videos,
        organization_id=home.organization_id,
        project_id=home.project_id,
        context=asking("policy:discovery"),
    )


def stream_of(home: Home, video_id: str) -> UUID:
    return video_stream(home.project_id, NAMES.pseudonym(video_id))


def the_video(home: Home, video_id: str) -> VideoState:
    stream = stream_of(home, video_id)
    video = video_of(plain_events(home.store.load(stream)[stream]))
    assert video is not None
    return video


def ask(home: Home, video_id: str, command: vc.VideoCommand) -> None:
    """Carry out a command about a video as its own handler would."""
    stream = stream_of(home, video_id)
    recorded = home.store.load(stream)[stream]
    entries = next_events(
        stream, recorded, decide(video_of(plain_events(recorded)), command)
    )
    home.store.append(entries, context=asking())


def add_by_hand(home: Home, video_id: str) -> None:
    added = vc.AddVideo(
        organization_id=home.organization_id,
        project_id=home.project_id,
        tiktok_video_id=video_id,
        pseudonym=NAMES.pseudonym(video_id),
        handle="billie",
        kind="video",
    )
    ask(home, video_id, added)


def set_zone(home: Home, time_zone: str) -> None:
    change_organization(
        home.store,
        home.organization_id,
        c.ChangeOrganizationSettings(time_zone=time_zone),
        plans=DEFAULT_PLANS,
        context=asking(),
    )


# discovering


def test_what_a_run_lists_becomes_known_in_one_append(home: Home):
    billie = a_creator(home)

    events = discover(
        home, billie, listed("71"), listed("72", IN_FEBRUARY), listed("73", None)
    )

    assert [recorded.stream for recorded in events] == [
        stream_of(home, video_id) for video_id in ("71", "72", "73")
    ]
    assert len({recorded.causation_id for recorded in events}) == 1
    assert events[0].event == e.VideoDiscovered(
        organization_id=home.organization_id,
        project_id=home.project_id,
        creator_id=billie,
        tiktok_video_id="71",
        pseudonym=NAMES.pseudonym("71"),
        handle="billie",
        tracking_status="auto_tracked",
        scrape_id=SCRAPE,
        kind="video",
        title="Video 71",
        posted_at=IN_MARCH,
    )
    assert statuses(events) == ["auto_tracked", "out_of_window", "pending_review"]


def statuses(events: Sequence[RecordedEvent]) -> list[e.TrackingStatus]:
    return [
        recorded.event.tracking_status
        for recorded in events
        if isinstance(recorded.event, e.VideoDiscovered)
    ]


def test_what_a_selective_creator_posts_waits_for_review(home: Home):
    billie = a_creator(home, mode="selective")

    events = discover(home, billie, listed("71"), listed("72", IN_FEBRUARY))

    assert statuses(events) == ["pending_review", "out_of_window"]


def test_days_begin_where_the_organization_is(store: Store):
    home = make_home(store, time_zone="America/Los_Angeles")
    billie = a_creator(home)
    still_february = datetime(2026, 3, 1, 7, 59, tzinfo=UTC)

    events = discover(
        home,
        billie,
        listed("71", still_february),
        listed("72", still_february + timedelta(minutes=1)),
    )

    assert statuses(events) == ["out_of_window", "auto_tracked"]


def test_discovering_twice_is_discovering_once(home: Home):
    billie = a_creator(home)
    discover(home, billie, listed("71"), listed("72", IN_FEBRUARY))

    again = discover(home, billie, listed("72", IN_FEBRUARY), listed("71"))
    more = discover(home, billie, listed("71"), listed("73"))

    assert again == []
    assert [recorded.stream for recorded in more] == [stream_of(home, "73")]


def test_a_video_that_was_put_aside_is_not_discovered_again(home: Home):
    billie = a_creator(home)
    discover(home, billie, listed("71"))
    ask(home, "71", vc.ExcludeVideo())

    assert discover(home, billie, listed("71")) == []
    assert the_video(home, "71").tracking_status == "excluded"


def test_of_a_video_added_by_hand_it_becomes_known_whose_it_is(home: Home):
    billie = a_creator(home)
    add_by_hand(home, "71")

    (event,) = discover(home, billie, listed("71", IN_FEBRUARY))

    assert (event.stream, event.version) == (stream_of(home, "71"), 2)
    known = the_video(home, "71")
    assert (known.creator_id, known.tracking_status) == (billie, "direct_add")
    assert discover(home, billie, listed("71", IN_FEBRUARY)) == []


def test_a_video_stays_with_the_creator_it_was_first_seen_at(home: Home):
    billie, nanny = a_creator(home), a_creator(home, "nanny", start=None)
    discover(home, billie, listed("71", IN_FEBRUARY))

    events = discover(home, nanny, listed("71", IN_FEBRUARY))

    assert events == []
    known = the_video(home, "71")
    assert (known.creator_id, known.tracking_status) == (billie, "out_of_window")


def test_of_a_removed_creator_nothing_is_discovered(home: Home):
    billie = a_creator(home)
    home.remove(billie)

    assert discover(home, billie, listed("71")) == []


def test_of_a_disabled_creator_what_was_seen_is_kept(home: Home):
    billie = a_creator(home)
    home.disable(billie)

    assert statuses(discover(home, billie, listed("71"))) == ["auto_tracked"]


def test_a_list_of_thousands_is_still_one_append(home: Home):
    billie = a_creator(home)

    events = discover(home, billie, *(listed(str(number)) for number in range(5_000)))

    assert len(events) == 5_000
    assert events[-1].position - events[0].position == 4_999


# windows that move


def test_a_window_that_grows_brings_in_what_was_remembered_outside(home: Home):
    billie = a_creator(home)
    discover(home, billie, listed("71", IN_FEBRUARY), listed("72", IN_FEBRUARY))
    long_ago = datetime(2024, 1, 1, tzinfo=UTC)
    discover(home, billie, listed("73", long_ago))
    ask(home, "72", vc.IncludeVideo())
    set_window(home, billie, date(2026, 2, 1))

    events = move(home, billie, {"71": IN_FEBRUARY, "72": IN_FEBRUARY, "73": long_ago})
    again = move(home, billie, {"71": IN_FEBRUARY, "73": long_ago})

    assert [(recorded.stream, recorded.event) for recorded in events] == [
        (
            stream_of(home, "71"),
            e.VideoCameIntoWindow(
                organization_id=home.organization_id, tracking_status="auto_tracked"
            ),
        )
    ]
    assert again == []
    assert the_video(home, "72").tracking_status == "included"
    assert the_video(home, "73").tracking_status == "out_of_window"


def move(
    home: Home, creator_id: UUID, outside: dict[str, datetime]
) -> list[RecordedEvent]:
    return move_window(
        home.store,
        creator_id,
        {stream_of(home, video_id): at for video_id, at in outside.items()},
        organization_id=home.organization_id,
        context=asking("policy:window"),
    )


def test_in_a_selective_creators_window_they_wait_for_review(home: Home):
    billie = a_creator(home, mode="selective")
    discover(home, billie, listed("71", IN_FEBRUARY))
    set_window(home, billie, None)

    move(home, billie, {"71": IN_FEBRUARY})

    assert the_video(home, "71").tracking_status == "pending_review"


def test_a_removed_creators_videos_stay_where_they_are(home: Home):
    billie = a_creator(home)
    discover(home, billie, listed("71", IN_FEBRUARY))
    set_window(home, billie, None)
    home.remove(billie)

    assert move(home, billie, {"71": IN_FEBRUARY}) == []


# videos that are gone


def test_a_confirmed_absence_is_told_once(home: Home):
    billie = a_creator(home)
    discover(home, billie, listed("71"), listed("72"))
    gone = {stream_of(home, "71"): NOON, stream_of(home, "unheard-of"): NOON}

    events = missing(home, gone, SCRAPE)
    again = missing(home, gone, ANOTHER_SCRAPE)

    assert [(recorded.stream, recorded.event) for recorded in events] == [
        (
            stream_of(home, "71"),
            e.VideoWentMissing(
                organization_id=home.organization_id,
                missing_since=NOON,
                scrape_id=SCRAPE,
            ),
        )
    ]
    assert again == []


def missing(
    home: Home, gone: dict[UUID, datetime], scrape_id: UUID
) -> list[RecordedEvent]:
    return report_missing(
        home.store, gone, scrape_id=scrape_id, context=asking("policy:missing")
    )


def test_a_video_that_was_back_may_go_missing_again(home: Home):
    billie = a_creator(home)
    discover(home, billie, listed("71"))
    stream = stream_of(home, "71")
    missing(home, {stream: NOON}, SCRAPE)

    events = missing(home, {stream: NOON + timedelta(days=9)}, ANOTHER_SCRAPE)

    assert len(events) == 1
    assert the_video(home, "71").missing_since == NOON + timedelta(days=9)


# races


@pytest.fixture
def queue(database_url: str) -> Iterator[Queue]:
    with Queue(database_url) as queue:
        yield queue


def test_a_discovery_that_loses_to_a_window_decides_by_the_new_one(
    home: Home, queue: Queue
):
    billie = a_creator(home)

    widened = queue.line_up(lambda: set_window(home, billie, None))
    discovered = queue.line_up(
        lambda: discover(home, billie, listed("71", IN_FEBRUARY))
    )
    queue.move()

    assert widened.exception() is None
    assert statuses(discovered.result()) == ["auto_tracked"]


def test_a_discovery_that_loses_to_a_time_zone_decides_by_the_new_one(
    home: Home, queue: Queue
):
    billie = a_creator(home)
    late = datetime(2026, 2, 28, 23, 30, tzinfo=UTC)

    moved = queue.line_up(lambda: set_zone(home, "Europe/Berlin"))
    discovered = queue.line_up(lambda: discover(home, billie, listed("71", late)))
    queue.move()

    assert moved.exception() is None
    assert statuses(discovered.result()) == ["auto_tracked"]


def test_a_discovery_that_loses_to_a_removal_discovers_nothing(
    home: Home, queue: Queue
):
    billie = a_creator(home)

    removed = queue.line_up(lambda: home.remove(billie))
    discovered = queue.line_up(lambda: discover(home, billie, listed("71")))
    queue.move()

    assert removed.exception() is None
    assert discovered.result() == []


def test_of_two_who_discover_the_same_both_are_content_and_one_wrote(
    home: Home, queue: Queue
):
    billie = a_creator(home)

    one = queue.line_up(lambda: discover(home, billie, listed("71"), listed("72")))
    other = queue.line_up(lambda: discover(home, billie, listed("72"), listed("73")))
    queue.move()

    assert [recorded.stream for recorded in one.result()] == [
        stream_of(home, "71"),
        stream_of(home, "72"),
    ]
    assert [recorded.stream for recorded in other.result()] == [stream_of(home, "73")]


def test_a_window_that_shrinks_meanwhile_keeps_the_video_outside(
    home: Home, queue: Queue
):
    billie = a_creator(home)
    discover(home, billie, listed("71", IN_FEBRUARY))
    set_window(home, billie, None)

    shrunk = queue.line_up(lambda: set_window(home, billie, MARCH))
    moved = queue.line_up(lambda: move(home, billie, {"71": IN_FEBRUARY}))
    queue.move()

    assert shrunk.exception() is None
    assert moved.result() == []
    assert the_video(home, "71").tracking_status == "out_of_window"

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import events as e
from domain.commands import BanHandle
from domain.creator.handle_ban import decide as decide_ban
from domain.decisions import ItemResults
from domain.errors import (
    CreatorBannedError,
    CreatorRemovedError,
    InvalidVideoUrlError,
    LimitReachedError,
    NotFoundError,
    StaleVersionError,
)
from domain.organization.plans import DEFAULT_PLANS
from domain.scrape.handlers.scrapes import RequestedVideoRun
from domain.streams import scrape_stream, video_stream
from domain.video import commands as c
from domain.video.decider import video_of
from domain.video.handlers.videos import ReviewDecision
from infra.eventstore.append import Context
from infra.eventstore.execute import Executed
from infra.eventstore.store import Store, plain_events
from tests.kit.builders import NOON, SCRAPE, Home, asking, make_home, next_events
from tests.kit.commands import (
    add_video,
    change_video,
    disable_videos,
    exclude_video,
    request_video_scrape,
    review_videos,
)

ID = "7185729796075474222"
URL = f"https://www.tiktok.com/@Ada/photo/{ID}"


def events_of(store: Store, stream: UUID) -> list[e.Event]:
    return [recorded_event.event for recorded_event in store.load(stream)[stream]]


def id_of(home: Home) -> UUID:
    return video_stream(home.project_id, home.store.names.pseudonym(ID))


def found(
    home: Home,
    creator_id: UUID,
    status: e.TrackingStatus = "auto_tracked",
    tiktok_video_id: str = ID,
) -> UUID:
    """Let a run have found a video of the creator's."""
    video_id = video_stream(
        home.project_id, home.store.names.pseudonym(tiktok_video_id)
    )
    event = e.VideoDiscovered(
        organization_id=home.organization_id,
        project_id=home.project_id,
        creator_id=creator_id,
        tiktok_video_id=tiktok_video_id,
        pseudonym=home.store.names.pseudonym(tiktok_video_id),
        handle="ada",
        tracking_status=status,
        scrape_id=SCRAPE,
    )
    recorded_event = home.store.load(video_id)[video_id]
    home.store.append(next_events(video_id, recorded_event, [event]), context=asking())
    return video_id


def add(
    home: Home, url: str = URL, *, context: Context | None = None
) -> Executed[UUID]:
    return add_video(
        home.store,
        url,
        organization_id=home.organization_id,
        project_id=home.project_id,
        context=context or asking(),
    )


def change(home: Home, video_id: UUID, **options: Any) -> Executed[UUID]:  # noqa: ANN401
    return change_video(
        home.store,
        video_id,
        options.pop("command", c.ChangeVideoDetails(readme="# Goats")),
        organization_id=options.pop("organization_id", home.organization_id),
        context=asking(),
        **options,
    )


def exclude(home: Home, video_id: UUID, **options: Any) -> Executed[UUID]:  # noqa: ANN401
    return exclude_video(
        home.store,
        video_id,
        organization_id=options.pop("organization_id", home.organization_id),
        context=asking(),
        **options,
    )


def scrape(
    home: Home,
    video_id: UUID,
    *,
    after: timedelta = timedelta(0),
    context: Context | None = None,
) -> Executed[RequestedVideoRun]:
    return request_video_scrape(
        home.store,
        video_id,
        organization_id=home.organization_id,
        plans=DEFAULT_PLANS,
        now=NOON + after,
        context=context or asking(),
    )


def review(
    home: Home, *decisions: tuple[UUID, ReviewDecision]
) -> Executed[ItemResults]:
    return review_videos(
        home.store,
        decisions,
        organization_id=home.organization_id,
        project_id=home.project_id,
        context=asking(),
    )


def disable(home: Home, *video_ids: UUID) -> Executed[ItemResults]:
    return disable_videos(
        home.store,
        video_ids,
        organization_id=home.organization_id,
        project_id=home.project_id,
        context=asking(),
    )


def reported(done: Executed[ItemResults]) -> Sequence[tuple[str, str | None]]:
    return [(result.status, result.reason) for result in done.result]


def test_a_new_video_is_looked_at_in_the_append_that_adds_it(store: Store, home: Home):
    context = asking()

    done = add(home, context=context)

    video_id = id_of(home)
    run = scrape_stream(context.command_id, video_id, "video_stats")
    assert (done.result, done.is_new(video_id)) == (video_id, True)
    assert events_of(store, video_id) == [
        e.VideoAdded(
            organization_id=home.organization_id,
            project_id=home.project_id,
            tiktok_video_id=ID,
            pseudonym=home.store.names.pseudonym(ID),
            handle="ada",
            kind="photo",
        )
    ]
    assert events_of(store, run) == [
        e.ScrapeRequested(
            organization_id=home.organization_id,
            project_id=home.project_id,
            creator_id=None,
            handle="ada",
            job_type="video_stats",
            trigger="added",
            tiktok_video_ids=(ID,),
            video_id=video_id,
        )
    ]
    assert done.position == store.head()


def test_a_video_that_is_tracked_is_left_as_it_is(store: Store, home: Home):
    add(home)
    before = store.head()

    again = add(home, URL.replace("photo", "video"))

    assert (again.is_new(again.result), again.position) == (False, None)
    assert len(again.history(again.result)) == 1
    assert store.head() == before


@pytest.mark.parametrize("status", ("pending_review", "out_of_window", "excluded"))
def test_a_video_that_was_not_counted_is_tracked_and_not_looked_at_anew(
    store: Store, home: Home, status: e.TrackingStatus
):
    video_id = found(home, home.creator("ada"), status)
    before = store.head()

    done = add(home)

    video = video_of(plain_events(done.history(done.result)))
    assert video is not None
    assert video.tracking_status == "direct_add"
    assert (done.is_new(done.result), done.position) == (False, before + 1)
    assert store.head() == before + 1
    assert len(events_of(store, video_id)) == 2


def test_a_video_is_only_added_to_a_project_of_ones_own(store: Store, home: Home):
    other = make_home(store)
    before = store.head()

    with pytest.raises(NotFoundError, match="project"):
        add_video(
            store,
            URL,
            organization_id=home.organization_id,
            project_id=other.project_id,
            context=asking(),
        )

    assert store.head() == before


def test_no_video_is_added_by_what_is_no_url(store: Store, home: Home):
    before = store.head()

    with pytest.raises(InvalidVideoUrlError):
        add(home, "https://vm.tiktok.com/ZMabc/")

    assert store.head() == before


def test_no_video_of_a_banned_handle_is_added(store: Store, home: Home):
    ban = store.names.ban_stream("ada")
    events = decide_ban(False, BanHandle(handle="ada", reason=None))  # noqa: FBT003
    store.append(next_events(ban, [], events), context=asking())

    with pytest.raises(CreatorBannedError):
        add(home)

    assert events_of(store, id_of(home)) == []


def test_one_video_in_two_projects_is_two(store: Store, home: Home):
    other = make_home(store)

    first, second = add(home), add(other)

    assert first.result != second.result
    assert second.is_new(second.result)


def test_of_many_who_add_one_video_at_once_one_adds_it(store: Store, home: Home):
    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda _: add(home), range(6)))

    assert sorted(one.is_new(one.result) for one in done) == [False] * 5 + [True]
    assert {one.result for one in done} == {id_of(home)}
    assert len(events_of(store, done[0].result)) == 1


def test_notes_on_a_video_are_changed_once(store: Store, home: Home):
    video_id = add(home).result

    done, again = change(home, video_id), change(home, video_id)

    assert events_of(store, video_id)[1:] == [
        e.VideoDetailsChanged(organization_id=home.organization_id, readme="# Goats")
    ]
    assert done.position == store.head()
    assert (again.position, len(again.history(again.result))) == (None, 2)


def test_a_video_is_not_changed_over_the_head_of_somebody_else(
    store: Store, home: Home
):
    video_id = add(home).result
    change(home, video_id, expected_versions={1})
    before = store.head()

    for spoil in (change, exclude):
        with pytest.raises(StaleVersionError) as refused:
            spoil(home, video_id, expected_versions={1, 3})
        assert refused.value.current == 2

    assert store.head() == before


def test_excluding_happens_once(store: Store, home: Home):
    video_id = add(home).result

    done, again = exclude(home, video_id), exclude(home, video_id)

    assert events_of(store, video_id)[1:] == [
        e.VideoExcluded(organization_id=home.organization_id)
    ]
    assert done.position == store.head()
    assert again.position is None


def test_an_excluded_video_is_not_there_but_for_being_excluded(
    store: Store, home: Home
):
    video_id = add(home).result
    exclude(home, video_id)
    before = store.head()

    with pytest.raises(NotFoundError):
        change(home, video_id)
    with pytest.raises(NotFoundError):
        change(home, video_id, command=c.DisableTracking())
    with pytest.raises(NotFoundError):
        scrape(home, video_id)

    assert reported(disable(home, video_id)) == [("failed", "not_found")]
    assert store.head() == before


def test_another_organization_s_video_is_not_there(store: Store, home: Home):
    other = make_home(store)
    video_id = add(other).result
    before = store.head()

    for id_ in (video_id, uuid4(), home.organization_id):
        with pytest.raises(NotFoundError, match="video"):
            change(home, id_)
        with pytest.raises(NotFoundError, match="video"):
            exclude(home, id_)
        with pytest.raises(NotFoundError, match="video"):
            scrape(home, id_)
        assert reported(disable(home, id_)) == [("failed", "not_found")]
        assert reported(review(home, (id_, "exclude"))) == [("failed", "not_found")]

    assert store.head() == before


def test_tracking_is_disabled_once_and_begins_anew_by_adding(store: Store, home: Home):
    video_id = add(home).result

    for _ in range(2):
        change(home, video_id, command=c.DisableTracking())
    added = add(home)

    kinds = [type(event) for event in events_of(store, video_id)]
    assert kinds == [e.VideoAdded, e.VideoTrackingDisabled, e.VideoAdded]
    video = video_of(plain_events(added.history(added.result)))
    assert video is not None
    assert video.is_counted


def test_a_creator_s_video_is_looked_at_as_the_creator_s(store: Store, home: Home):
    ada = home.creator("ada")
    video_id = found(home, ada)
    home.rename(ada, "lovelace")
    context = asking()

    requested = scrape(home, video_id, context=context)

    run = scrape_stream(context.command_id, video_id, "video_stats")
    assert requested.result == RequestedVideoRun(
        scrape_id=run, video_id=video_id, creator_id=ada, job_type="video_stats"
    )
    assert requested.position == store.head()
    assert events_of(store, run) == [
        e.ScrapeRequested(
            organization_id=home.organization_id,
            project_id=home.project_id,
            creator_id=ada,
            handle="lovelace",
            job_type="video_stats",
            trigger="manual",
            tiktok_video_ids=(ID,),
            video_id=video_id,
        )
    ]


def test_a_removed_creator_s_videos_are_looked_at_only_if_added_by_hand(
    store: Store, home: Home
):
    ada = home.creator("ada")
    video_id = found(home, ada)
    home.remove(ada)
    before = store.head()

    with pytest.raises(CreatorRemovedError):
        scrape(home, video_id)
    nothing_stored = store.head() == before
    exclude(home, video_id)
    add(home)
    requested = scrape(home, video_id)

    assert nothing_stored
    (request,) = events_of(store, requested.result.scrape_id)
    assert isinstance(request, e.ScrapeRequested)
    assert (requested.result.creator_id, request.creator_id, request.handle) == (
        None,
        None,
        "ada",
    )


def test_looks_at_videos_and_creators_by_hand_count_together(store: Store):
    home = make_home(store, plan="free")
    video_id = add(home).result

    scrape(home, video_id)
    with pytest.raises(LimitReachedError) as refused:
        scrape(home, video_id, after=timedelta(hours=11, minutes=59))
    scrape(home, video_id, after=timedelta(hours=12))

    assert refused.value.limit_key == "max_manual_scrape_triggers_per_day"


def test_a_review_takes_each_decision_in_one_append(store: Store, home: Home):
    ada = home.creator("ada")
    pending, rejected, tracked, gone = (
        found(home, ada, status, f"{number}")
        for number, status in enumerate(
            ("pending_review", "pending_review", "auto_tracked", "excluded"), 1
        )
    )
    before = store.head()

    done = review(
        home,
        (pending, "include"),
        (rejected, "exclude"),
        (tracked, "include"),
        (gone, "exclude"),
        (uuid4(), "include"),
        (gone, "include"),
        (pending, "include"),
    )

    assert reported(done) == [
        ("ok", None),
        ("ok", None),
        ("skipped", "already tracked"),
        ("skipped", "already excluded"),
        ("failed", "not_found"),
        ("ok", None),
        ("skipped", "already tracked"),
    ]
    assert [result.id for result in done.result[:2]] == [pending, rejected]
    assert done.position == store.head() == before + 3
    last = [events_of(store, video_id)[-1] for video_id in (pending, rejected, gone)]
    assert [type(event) for event in last] == [
        e.VideoIncluded,
        e.VideoExcluded,
        e.VideoIncluded,
    ]
    recorded = {store.load(v)[v][-1].causation_id for v in (pending, rejected, gone)}
    assert len(recorded) == 1


def test_a_review_puts_back_what_was_decided_and_nothing_else(store: Store, home: Home):
    ada = home.creator("ada")
    pending, tracked, gone = (
        found(home, ada, status, f"{number}")
        for number, status in enumerate(
            ("pending_review", "auto_tracked", "excluded"), 1
        )
    )
    review(home, (pending, "include"))

    done = review(
        home, (pending, "put_back"), (tracked, "put_back"), (gone, "put_back"),
        (pending, "put_back"), (uuid4(), "put_back"),
    )  # fmt: skip

    assert reported(done) == [
        ("ok", None),
        ("skipped", "not decided about"),
        ("ok", None),
        ("skipped", "not decided about"),
        ("failed", "not_found"),
    ]
    for video_id in (pending, gone):
        assert isinstance(events_of(store, video_id)[-1], e.VideoPutBack)
    assert len(events_of(store, tracked)) == 1


def test_two_decisions_about_one_video_are_taken_in_order(store: Store, home: Home):
    video_id = found(home, home.creator("ada"), "pending_review")

    done = review(home, (video_id, "include"), (video_id, "exclude"))

    assert reported(done) == [("ok", None), ("ok", None)]
    assert [
        recorded_event.version for recorded_event in store.load(video_id)[video_id]
    ] == [1, 2, 3]
    assert isinstance(events_of(store, video_id)[-1], e.VideoExcluded)


def test_many_videos_stop_counting_at_once(store: Store, home: Home):
    ada = home.creator("ada")
    tracked, pending = (
        found(home, ada, status, f"{number}")
        for number, status in enumerate(("auto_tracked", "pending_review"), 1)
    )
    added = add(home).result
    before = store.head()

    done = disable(home, tracked, pending, added, tracked)

    assert reported(done) == [
        ("ok", None),
        ("skipped", "not tracked"),
        ("ok", None),
        ("skipped", "not tracked"),
    ]
    assert done.position == before + 2
    assert disable(home, tracked).position is None


def test_nothing_is_decided_in_a_project_of_another_organization(
    store: Store, home: Home
):
    other = make_home(store)
    video_id = add(other).result
    before = store.head()
    elsewhere: dict[str, Any] = {
        "organization_id": home.organization_id,
        "project_id": other.project_id,
        "context": asking(),
    }

    with pytest.raises(NotFoundError, match="project"):
        review_videos(store, [(video_id, "exclude")], **elsewhere)
    with pytest.raises(NotFoundError, match="project"):
        disable_videos(store, [video_id], **elsewhere)

    assert store.head() == before

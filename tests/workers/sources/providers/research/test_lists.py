"""Listing videos: windows newest first, page after page, and ids one by one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from structlog.testing import capture_logs

from domain.scrape.observations import VideoObservation
from domain.scrape.verdicts import (
    Ok,
    SchemaChanged,
    Transient,
    Verdict,
)
from domain.video.attributes import Sound
from tests.workers.sources.providers.research.building import (
    BILLIE,
    NOON,
    Researcher,
    days_ago,
    ids_in,
    reason_in,
)
from tests.workers.sources.providers.research.server import (
    VIDEO_PATH,
    ResearchServer,
    answer_data,
    html,
    internal_error,
)
from workers.sources.port import (
    Provider,
    Target,
)
from workers.sources.providers.research.shapes import page_of

MUSICALLY = "70287439506849496"


def requested_of(*ids: object) -> Target:
    return Target(handle="billie.goat", video_ids=tuple(map(str, ids)))


def spans(server: ResearchServer) -> list[tuple[str, str]]:
    return [
        (request.body["start_date"], request.body["end_date"])
        for request in server.requests(VIDEO_PATH)
    ]


def post_videos(server: ResearchServer, amount: int) -> list[str]:
    """Post one a minute; return the ids, newest first."""
    videos = [
        server.add_video("billie.goat", NOON - timedelta(minutes=number))
        for number in range(amount)
    ]
    return [str(video["id"]) for video in videos]


# Fields of a video


def test_a_video_is_read_with_everything_that_the_api_shows(
    server: ResearchServer, researcher: Researcher
):
    video = server.add_video("billie.goat", days_ago(2))
    server.add_video("nanny", days_ago(2))
    provider: Provider = researcher.provider(windows=1)

    verdict = provider.discover_videos(BILLIE)

    assert isinstance(verdict, Ok)
    assert verdict.observed_at == NOON
    assert verdict.profile is None
    assert verdict.videos == (
        VideoObservation(
            tiktok_video_id=str(video["id"]),
            title="goat 0 #goats",
            posted_at=days_ago(2),
            view_count=1_050,
            like_count=42,
            comment_count=7,
            share_count=3,
            save_count=5,
            duration_s=15,
            sound=Sound(id="703847506349838790"),
            hashtags=("goats",),
            mentions=(),
        ),
    )


def test_a_list_is_asked_for_as_the_api_wants_it(
    server: ResearchServer, researcher: Researcher
):
    researcher.provider(windows=1).discover_videos(BILLIE)

    (request,) = server.requests(VIDEO_PATH)
    assert request.body == {
        "query": {
            "and": [
                {
                    "operation": "EQ",
                    "field_name": "username",
                    "field_values": ["billie.goat"],
                }
            ]
        },
        "start_date": "20260214",
        "end_date": "20260315",
        "max_count": 100,
    }
    assert "favorites_count" in request.fields.split(",")


@pytest.mark.parametrize(
    "video_id", (1, 702_874_395_068_494_965, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1)
)
def test_an_id_comes_over_the_wire_digit_for_digit(
    video_id: int, server: ResearchServer, researcher: Researcher
):
    server.add_video("billie.goat", days_ago(1), id=video_id)

    verdict = researcher.provider(windows=1).discover_videos(BILLIE)

    assert ids_in(verdict) == [str(video_id)]


@given(video_id=st.integers(1, 2**64 - 1), old=st.booleans(), text=st.booleans())
def test_an_id_is_kept_exactly_as_a_number_or_a_string_of_any_length(
    video_id: int, *, old: bool, text: bool
):
    written = str(video_id) if text else video_id
    row = {"video_id" if old else "id": written}

    page = page_of(Raw(msgspec.json.encode({"videos": [row]})))

    assert [video.tiktok_video_id for video in page.videos] == [str(video_id)]


@pytest.mark.parametrize("unreadable", (None, "many", 1.5, 1e9, False, 2**63, {}))
def test_what_cannot_be_read_of_a_video_is_null_and_not_0(
    unreadable: object, server: ResearchServer, researcher: Researcher
):
    fields = ("view_count", "like_count", "comment_count", "share_count")
    video = dict.fromkeys((*fields, "favorites_count", "create_time"), unreadable)
    server.next_time(VIDEO_PATH, answer_data({"videos": [{"id": 7} | video]}))

    verdict = researcher.provider(windows=1).discover_videos(BILLIE)

    assert isinstance(verdict, Ok)
    assert verdict.videos == (VideoObservation(tiktok_video_id="7"),)


@pytest.mark.parametrize("second", (0, -1, 10**12, "0"))
def test_a_time_that_cannot_be_is_null(
    second: object, server: ResearchServer, researcher: Researcher
):
    row = {"id": 7, "create_time": second}
    server.next_time(VIDEO_PATH, answer_data({"videos": [row]}))

    verdict = researcher.provider(windows=1).discover_videos(BILLIE)

    assert isinstance(verdict, Ok)
    assert verdict.videos[0].posted_at is None


@pytest.mark.parametrize("unreadable", (None, 7.2e18, 0, -7, 2**64, "", "7.2e18", True))
def test_a_video_that_nobody_can_name_is_left_out(
    unreadable: object, server: ResearchServer, researcher: Researcher
):
    rows = [{"id": 7}, {"id": unreadable, "view_count": 5}]
    server.next_time(VIDEO_PATH, answer_data({"videos": rows}))

    with capture_logs() as logs:
        verdict = researcher.provider(windows=1).discover_videos(BILLIE)

    assert ids_in(verdict) == ["7"]
    assert [log["event"] for log in logs] == ["videos_without_id"]


@pytest.mark.parametrize(
    "data",
    (
        {"videos": [{"view_count": 5}]},
        {"videos": ["7"]},
        {"videos": {"id": 7}},
        {"videos": [], "has_more": "no"},
        {"videos": [], "has_more": True},
        {"videos": [], "has_more": True, "cursor": 0},
        {"videos": [], "has_more": True, "cursor": 1e2},
        {"videos": [], "has_more": True, "cursor": 2**63},
        None,
        [],
    ),
)
def test_a_page_of_another_shape_is_a_changed_schema(
    data: object, server: ResearchServer, researcher: Researcher
):
    server.next_time(VIDEO_PATH, answer_data(data))

    verdict = researcher.provider().discover_videos(BILLIE)

    assert isinstance(verdict, SchemaChanged)
    assert researcher.pauses == []


def test_an_empty_page_need_not_say_so(server: ResearchServer, researcher: Researcher):
    server.next_time(VIDEO_PATH, answer_data({}))

    verdict = researcher.provider(windows=1).discover_videos(BILLIE)

    assert ids_in(verdict) == []


# Pages


def test_every_page_of_a_window_is_read(server: ResearchServer, researcher: Researcher):
    posted = post_videos(server, 230)

    verdict = researcher.provider(windows=1).discover_videos(BILLIE)

    assert ids_in(verdict) == posted
    assert isinstance(verdict, Ok)
    assert verdict.pages == 3
    first, second, third = (request.body for request in server.requests(VIDEO_PATH))
    assert "search_id" not in first
    assert second["search_id"] == third["search_id"] == "7201388525814961198"
    assert [second["cursor"], third["cursor"]] == [100, 200]
    assert second["query"] == first["query"]


def test_a_short_or_empty_page_is_not_the_last(
    server: ResearchServer, researcher: Researcher
):
    posted = post_videos(server, 330)
    server.hidden = {int(video_id) for video_id in posted[3:200]}

    verdict = researcher.provider(windows=1).discover_videos(BILLIE)

    assert ids_in(verdict) == [*posted[:3], *posted[200:]]


def test_a_search_that_is_not_known_yet_is_asked_for_again(
    server: ResearchServer, researcher: Researcher
):
    posted = post_videos(server, 150)
    server.unknown_for = 3

    verdict = researcher.provider(windows=1).discover_videos(BILLIE)

    assert ids_in(verdict) == posted
    assert len(server.requests(VIDEO_PATH)) == 5
    assert len(researcher.pauses) == 3


def test_a_search_that_never_becomes_known_is_given_up(
    server: ResearchServer, researcher: Researcher
):
    post_videos(server, 150)
    server.unknown_for = 1_000

    verdict = researcher.provider(windows=1).discover_videos(BILLIE)

    assert isinstance(verdict, Transient)
    assert "is invalid or expired" in verdict.detail
    assert len(server.requests(VIDEO_PATH)) == 1 + 5


def test_a_video_on_two_pages_is_one_video(
    server: ResearchServer, researcher: Researcher
):
    more = {"has_more": True, "cursor": 100, "search_id": 7_201}
    server.next_time(
        VIDEO_PATH,
        answer_data({"videos": [{"id": 7, "view_count": 2}, {"id": 8}], **more}),
        answer_data({"videos": [{"id": 7, "view_count": 1}, {"id": 9}]}),
    )

    verdict = researcher.provider(windows=1).discover_videos(BILLIE)

    assert ids_in(verdict) == ["7", "8", "9"]
    assert server.requests(VIDEO_PATH)[1].body["search_id"] == "7201"


def test_a_list_without_end_is_a_changed_schema(
    server: ResearchServer, researcher: Researcher
):
    for cursor in range(1, 60):
        page = {"videos": [{"id": 7}], "has_more": True, "cursor": cursor}
        server.next_time(VIDEO_PATH, answer_data(page))

    verdict = researcher.provider(windows=1).discover_videos(BILLIE)

    assert isinstance(verdict, SchemaChanged)
    assert len(server.requests(VIDEO_PATH)) == 50


def test_a_list_is_whole_or_not_at_all(server: ResearchServer, researcher: Researcher):
    first = {"videos": [{"id": 7}], "has_more": True, "cursor": 100}
    server.next_time(VIDEO_PATH, answer_data(first), html)

    verdict = researcher.provider(windows=1).discover_videos(BILLIE)

    assert isinstance(verdict, SchemaChanged)


# Windows


def test_the_list_goes_back_window_by_window_as_far_as_it_may(
    server: ResearchServer, researcher: Researcher
):
    posted = [server.add_video("billie.goat", days_ago(30 * n + 5)) for n in range(5)]

    verdict = researcher.provider(windows=4).discover_videos(BILLIE)

    assert ids_in(verdict) == [str(video["id"]) for video in posted[:4]]
    assert reason_in(verdict) == "The list goes back 120 days."
    assert spans(server) == [
        ("20260214", "20260315"),
        ("20260115", "20260213"),
        ("20251216", "20260114"),
        ("20251116", "20251215"),
    ]


def test_videos_on_both_sides_of_midnight_between_windows_are_seen(
    server: ResearchServer, researcher: Researcher
):
    border = datetime(2026, 2, 14, tzinfo=UTC)
    after = server.add_video("billie.goat", border)
    before = server.add_video("billie.goat", border - timedelta(seconds=1))

    verdict = researcher.provider(windows=2).discover_videos(BILLIE)

    assert ids_in(verdict) == [str(after["id"]), str(before["id"])]


def test_a_creator_who_is_quiet_for_a_while_is_followed_on(
    server: ResearchServer, researcher: Researcher
):
    posted = [server.add_video("billie.goat", days_ago(30 * n + 5)) for n in (2, 5)]

    verdict = researcher.provider().discover_videos(BILLIE)

    assert ids_in(verdict) == [str(video["id"]) for video in posted]


def test_after_three_windows_without_a_video_the_list_ends(
    server: ResearchServer, researcher: Researcher
):
    server.add_video("billie.goat", days_ago(5))
    server.add_video("billie.goat", days_ago(30 * 4 + 5))

    verdict = researcher.provider().discover_videos(BILLIE)

    assert len(ids_in(verdict)) == 1
    assert reason_in(verdict) is None
    assert len(spans(server)) == 4


def test_no_older_window_is_begun_when_half_of_the_time_is_gone(
    server: ResearchServer, researcher: Researcher
):
    newer = server.add_video("billie.goat", days_ago(5))
    server.add_video("billie.goat", days_ago(35))
    server.next_time(VIDEO_PATH, internal_error, internal_error)
    provider = researcher.provider(patience=5.9)

    verdict = provider.discover_videos(BILLIE)

    assert sum(researcher.pauses) > 2.95
    assert ids_in(verdict) == [str(newer["id"])]
    assert reason_in(verdict) == "The time of a run was over before the list was."


# Ids


def test_videos_are_found_by_id_in_the_days_around_it(
    server: ResearchServer, researcher: Researcher
):
    ages = (0, 3, 100, 101, 900)
    posted = [str(server.add_video("billie.goat", days_ago(n))["id"]) for n in ages]
    server.add_video("billie.goat", days_ago(3))

    verdict = researcher.provider().video_stats(requested_of(*posted))

    assert ids_in(verdict) == posted
    assert spans(server) == [
        ("20260311", "20260315"),
        ("20251203", "20251206"),
        ("20230926", "20230928"),
    ]
    (condition,) = server.requests(VIDEO_PATH)[0].body["query"]["and"]
    assert condition["operation"] == "IN"
    assert condition["field_name"] == "video_id"
    assert condition["field_values"] == posted[:2]


@pytest.mark.parametrize("hours", (-16.2, 16.2))
def test_a_video_that_was_shown_hours_beside_its_id_is_found(
    hours: float, server: ResearchServer, researcher: Researcher
):
    shown_at = days_ago(50) + timedelta(hours=hours)
    video = server.add_video("billie.goat", days_ago(50))
    video["create_time"] = int(shown_at.timestamp())

    verdict = researcher.provider().video_stats(requested_of(video["id"]))

    assert ids_in(verdict) == [str(video["id"])]


def test_a_video_is_found_by_id_after_its_creator_was_renamed(
    server: ResearchServer, researcher: Researcher
):
    video = server.add_video("billie.was.here", days_ago(9))

    verdict = researcher.provider().video_stats(requested_of(video["id"]))

    assert ids_in(verdict) == [str(video["id"])]


def test_more_ids_than_a_page_holds_are_asked_for_in_parts(
    server: ResearchServer, researcher: Researcher
):
    posted = post_videos(server, 250)

    verdict = researcher.provider().video_stats(requested_of(*posted))

    assert sorted(ids_in(verdict)) == sorted(posted)
    parts = [
        len(request.body["query"]["and"][0]["field_values"])
        for request in server.requests(VIDEO_PATH)
    ]
    assert parts == [100, 100, 50]


def test_videos_that_nobody_asked_for_are_not_told(
    server: ResearchServer, researcher: Researcher
):
    video = server.add_video("billie.goat", days_ago(1))
    rows = [{"id": 7_000_000_000_000_000_000}, {"id": video["id"]}]
    server.next_time(VIDEO_PATH, answer_data({"videos": rows}))

    verdict = researcher.provider().video_stats(requested_of(video["id"]))

    assert ids_in(verdict) == [str(video["id"])]


def test_ids_that_do_not_tell_their_time_are_left_out_and_said_so(
    server: ResearchServer, researcher: Researcher
):
    video = server.add_video("billie.goat", days_ago(1))

    with capture_logs() as logs:
        verdict = researcher.provider().video_stats(
            requested_of(MUSICALLY, video["id"])
        )

    assert ids_in(verdict) == [str(video["id"])]
    (log,) = logs
    assert (log["event"], log["amount"]) == ("research_ids_not_sought", 1)


def test_ids_of_which_none_tells_its_time_cost_no_request(
    server: ResearchServer, researcher: Researcher
):
    verdict = researcher.provider().video_stats(requested_of(MUSICALLY))

    assert verdict == Ok(observed_at=NOON, pages=0)
    assert server.received == []


def test_ids_for_which_no_time_is_left_are_left_out_and_said_so(
    server: ResearchServer, researcher: Researcher
):
    posted = [str(server.add_video("billie.goat", days_ago(n))["id"]) for n in (1, 90)]
    server.next_time(VIDEO_PATH, internal_error, internal_error)
    provider = researcher.provider(patience=5.9)

    with capture_logs() as logs:
        verdict = provider.video_stats(requested_of(*posted))

    assert ids_in(verdict) == posted[:1]
    assert logs[-1]["event"] == "research_ids_not_sought"


def test_without_ids_the_stats_are_those_of_the_list(
    server: ResearchServer, researcher: Researcher
):
    posted = post_videos(server, 3)

    verdict = researcher.provider().video_stats(BILLIE)

    assert ids_in(verdict) == posted


@pytest.mark.parametrize(
    "look",
    (
        lambda provider: provider.discover_videos(BILLIE),
        lambda provider: provider.video_stats(requested_of("7617000000000000000")),
    ),
)
def test_what_goes_wrong_with_a_list_is_the_answer(
    look: Callable[[Provider], Verdict],
    server: ResearchServer,
    researcher: Researcher,
):
    server.next_time(VIDEO_PATH, html)

    verdict = look(researcher.provider())

    assert isinstance(verdict, SchemaChanged)

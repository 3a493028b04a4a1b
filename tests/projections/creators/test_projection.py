from datetime import date, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from infra.eventstore.store import RecordedEvent
from projections.creators.projection import CreatorList
from tests.kit.expected import creator_list, expected, rows_of
from tests.kit.histories import (
    AWAY,
    HOME,
    MONDAY,
    PROJECT,
    History,
    added,
    connected,
    connection_lost,
    failed,
    requested,
    snapshot,
    succeeded,
)
from tests.projections.analytics.test_batches import SLOWLY

BILLIE = UUID("b1111111-0000-4000-8000-000000000000")
SCRAPE = UUID("5c5c5c5c-0000-4000-8000-000000000000")

_TEXTS = ("display_name", "avatar_url")
_KINDS = st.sampled_from(("creator_profiles", "video_stats"))
_OTHER_COUNTS = ("following_count", "total_likes_count", "video_count")

Reading = Connection[TupleRow]


def take_in(connection: Reading, *events: RecordedEvent) -> None:
    with connection.cursor() as cursor:
        CreatorList().write(cursor, events)


def the_row(connection: Reading) -> dict[str, Any]:
    (row,) = rows_of(connection, "creator_list")
    return row


def test_an_added_creator_is_a_row_with_everything_that_was_asked(
    connection: Reading, history: History
):
    query = added(
        "billie.the-goat_1",
        tracking_mode="selective",
        tracking_start_date=date(2026, 1, 31),
        tracking_end_date=date(2026, 12, 31),
        description="Eats everything",
        readme="# Billie\n",
        metadata={"shelf": {"row": 3}, "tags": ["a", None, 1.5], "ß": "\u2603"},
    )

    events = history.happened(BILLIE, query)
    take_in(connection, *events)

    row = the_row(connection)
    (whole,) = expected(events)["creator_list"]
    assert row == whole
    assert (row["organization_id"], row["id"], row["project_id"]) == (
        *(HOME, BILLIE, PROJECT),
    )
    for name in {*query.__struct_fields__} - {"platform"}:
        column = "tiktok_handle" if name == "handle" else name
        assert row[column] == getattr(query, name)
    assert (row["status"], row["version"], row["created_at"]) == ("active", 1, MONDAY)


@pytest.mark.parametrize(
    ("event", "changes"),
    (
        (
            e.HandleChanged(organization_id=HOME, old="billie", new="william"),
            {"tiktok_handle": "william", "searched": "william"},
        ),
        (
            e.CreatorDetailsChanged(
                organization_id=HOME, display_name="Billie", description=None
            ),
            {
                "display_name": "Billie",
                "description": None,
                "searched": "billie",
            },
        ),
        (
            e.CreatorDetailsChanged(
                organization_id=HOME, readme="New", metadata={"a": 1}
            ),
            {"readme": "New", "metadata": {"a": 1}},
        ),
        (
            e.CreatorDetailsChanged(organization_id=HOME, tags=["Spring", "b"]),
            {
                "tags": ["Spring", "b"],
                "tag_keys": ["spring", "b"],
                "searched": "billie\nspring\nb",
            },
        ),
        (
            e.TrackingModeChanged(organization_id=HOME, old="auto", new="selective"),
            {"tracking_mode": "selective"},
        ),
        (
            e.TrackingWindowChanged(
                organization_id=HOME, tracking_end_date=date(2026, 3, 1)
            ),
            {"tracking_start_date": None, "tracking_end_date": date(2026, 3, 1)},
        ),
        (e.CreatorRemoved(organization_id=HOME), {"status": "removed"}),
        (
            e.CreatorAutoDisabled(
                organization_id=HOME, verdict="private", scrape_id=SCRAPE
            ),
            {"status": "disabled", "disabled_reason": "private"},
        ),
    ),
    ids=["handle", "name", "readme", "tags", "mode", "window", "removal", "disabling"],
)
def test_a_change_shows_and_leaves_the_rest_alone(
    connection: Reading,
    history: History,
    event: e.CreatorEvent,
    changes: dict[str, Any],
):
    settings: dict[str, Any] = {
        "description": "Old",
        "readme": "Old",
        "metadata": {"old": True},
        "tracking_start_date": date(2026, 1, 1),
    }
    take_in(connection, *history.happened(BILLIE, added(**settings)))
    before = the_row(connection)

    take_in(connection, *history.happened(BILLIE, event))

    later = {"version": 2, "updated_at": MONDAY + timedelta(seconds=1)}
    assert the_row(connection) == {**before, **changes, **later}


def test_a_second_chance_clears_the_reason_and_a_return_brings_its_own_settings(
    connection: Reading, history: History
):
    disabled = e.CreatorAutoDisabled(
        organization_id=HOME, verdict="not_found", scrape_id=SCRAPE
    )
    again = e.CreatorReactivated(
        organization_id=HOME,
        tracking_mode="selective",
        tracking_start_date=date(2026, 5, 1),
    )
    take_in(connection, *history.happened(BILLIE, added(), disabled))

    take_in(
        connection,
        *history.happened(BILLIE, e.CreatorReenabled(organization_id=HOME, at=MONDAY)),
    )
    reenabled = the_row(connection)
    take_in(
        connection,
        *history.happened(BILLIE, disabled, e.CreatorRemoved(organization_id=HOME)),
    )
    removed = the_row(connection)
    take_in(connection, *history.happened(BILLIE, again))
    returned = the_row(connection)

    assert (reenabled["status"], reenabled["disabled_reason"]) == ("active", None)
    assert (removed["status"], removed["disabled_reason"]) == ("removed", None)
    assert (returned["status"], returned["tracking_mode"]) == ("active", "selective")
    assert returned["tracking_start_date"] == date(2026, 5, 1)
    assert returned["tracking_end_date"] is None
    assert returned["version"] == 6


def test_a_snapshot_sets_the_figures_and_not_the_version(
    connection: Reading, history: History
):
    take_in(connection, *history.happened(BILLIE, added()))
    before = the_row(connection)
    seen = snapshot(
        BILLIE,
        day=1,
        display_name="Billie",
        avatar_url="https://example.com/b.webp",
        follower_count=2**63 - 1,
        following_count=0,
        total_likes_count=-(2**63),
        video_count=7,
    )

    take_in(connection, *history.happened(SCRAPE, seen))

    assert the_row(connection) == {
        **before,
        "scraped_display_name": "Billie",
        "avatar_url": "https://example.com/b.webp",
        "follower_count": 2**63 - 1,
        "following_count": 0,
        # It is negative, so it is unknown.
        "total_likes_count": None,
        "video_count": 7,
        "profile_observed_at": MONDAY + timedelta(days=1),
        "profile_position": 2,
    }


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))), ids=str)
@pytest.mark.parametrize("at_once", (True, False), ids=["one batch", "one by one"])
def test_the_newest_observation_wins_in_whatever_order_they_come(
    connection: Reading, history: History, order: tuple[int, ...], *, at_once: bool
):
    take_in(connection, *history.happened(BILLIE, added()))
    seen = [
        history.happened(SCRAPE, snapshot(BILLIE, day=day, follower_count=day * 100))[0]
        for day in order
    ]

    for batch in [seen] if at_once else [[event] for event in seen]:
        take_in(connection, *batch)

    row = the_row(connection)
    assert row["follower_count"] == 300
    assert row["profile_observed_at"] == MONDAY + timedelta(days=3)
    assert row["profile_position"] == 2 + order.index(3)


def test_of_two_observations_at_one_moment_the_later_in_the_log_wins(
    connection: Reading, history: History
):
    take_in(connection, *history.happened(BILLIE, added()))
    first = history.happened(SCRAPE, snapshot(BILLIE, follower_count=100))
    second = history.happened(SCRAPE, snapshot(BILLIE, follower_count=90))

    take_in(connection, *first, *second)
    once = the_row(connection)
    take_in(connection, *first)

    assert once["follower_count"] == 90
    assert the_row(connection) == once


def test_what_the_newest_observation_left_out_keeps_its_last_known_value(
    connection: Reading, history: History
):
    take_in(connection, *history.happened(BILLIE, added()))
    whole = snapshot(BILLIE, day=1, display_name="B", follower_count=5, video_count=2)
    partial = snapshot(BILLIE, day=2, follower_count=None, video_count=0)

    take_in(connection, *history.happened(SCRAPE, whole))
    take_in(connection, *history.happened(SCRAPE, partial))

    row = the_row(connection)
    assert (row["scraped_display_name"], row["follower_count"]) == ("B", 5)
    assert row["video_count"] == 0
    assert row["profile_observed_at"] == MONDAY + timedelta(days=2)


def seen_as(*followers: tuple[e.Precision | None, int]) -> list[dict[str, Any]]:
    return [
        {
            "day": day,
            "precision": precision,
            "follower_count": count,
            # Whole, so that nothing of those before it is needed if it is exact.
            **dict.fromkeys(_TEXTS, "https://b"),
            **dict.fromkeys(_OTHER_COUNTS, 1),
        }
        for day, (precision, count) in enumerate(followers)
    ]


@pytest.mark.parametrize(
    ("seen", "level", "is_rounded"),
    (
        (seen_as(("rounded", 3_800_000)), 3_800_000, True),
        (seen_as(("rounded", 9_999)), 9_999, False),
        (seen_as((None, 3_800_000)), 3_800_000, False),
        (seen_as(("exact", 3_841_656), ("rounded", 3_800_000)), 3_841_656, False),
        (seen_as(("exact", 3_700_000), ("rounded", 3_800_000)), 3_800_000, True),
        (seen_as(("rounded", 3_800_000), ("exact", 3_841_656)), 3_841_656, False),
        (
            seen_as(
                ("exact", 3_841_656), ("rounded", 3_900_000), ("rounded", 4_000_000),
                ("rounded", 3_900_000),
            ),
            3_900_000,
            True,
        ),
    ),
    ids=[
        *("rounded", "a small one", "unsaid", "confirmed", "another", "sharpened"),
        "back where an exact one was",
    ],
)  # fmt: skip
@pytest.mark.parametrize("at_once", (True, False), ids=["one batch", "one by one"])
def test_a_rounded_count_is_marked_unless_it_only_confirms_an_exact_one(
    connection: Reading,
    history: History,
    seen: list[dict[str, Any]],
    level: int,
    *,
    is_rounded: bool,
    at_once: bool,
):
    take_in(connection, *history.happened(BILLIE, added()))
    observed = [history.happened(SCRAPE, snapshot(BILLIE, **each))[0] for each in seen]

    for batch in [observed] if at_once else [[event] for event in observed]:
        take_in(connection, *batch)

    row = the_row(connection)
    assert row["follower_count"] == level
    assert row["rounded_counts"] == (["follower_count"] if is_rounded else [])


@settings(SLOWLY)
@given(
    happened=st.lists(
        st.one_of(
            st.builds(
                snapshot,
                st.just(BILLIE),
                day=st.integers(0, 3),
                precision=st.sampled_from((None, "exact", "rounded")),
                follower_count=st.sampled_from((None, 49_950, 50_000, 50_100)),
                **{name: st.sampled_from((None, "https://b")) for name in _TEXTS},
                **{name: st.sampled_from((None, 7)) for name in _OTHER_COUNTS},
            ),
            st.builds(succeeded, st.just(BILLIE), job_type=_KINDS),
            st.builds(
                failed,
                st.just(BILLIE),
                job_type=_KINDS,
                outcome=st.sampled_from(("blocked", "not_in_recording", None)),
            ),
            st.sampled_from(
                (
                    e.CreatorRemoved(organization_id=HOME),
                    e.CreatorReactivated(organization_id=HOME, tracking_mode="auto"),
                )
            ),
        ),
        max_size=9,
    ),
    batch=st.integers(1, 9),
)
def test_whatever_happens_in_one_batch_leaves_the_row_of_a_plain_fold(
    connection: Reading, happened: list[Any], batch: int
):
    history = History()
    history.happened(BILLIE, added())
    for event in happened:
        history.happened(BILLIE if isinstance(event, e.CreatorEvent) else SCRAPE, event)

    with connection.transaction(force_rollback=True):
        for first in range(0, len(history.events), batch):
            take_in(connection, *history.events[first : first + batch])
        row = the_row(connection)

    assert row == creator_list(history.events)[BILLIE]


def test_a_name_that_somebody_set_stays_until_it_is_set_to_null(
    connection: Reading, history: History
):
    def shown() -> str | None:
        row = the_row(connection)
        own, scraped = row["display_name"], row["scraped_display_name"]
        return scraped if own is None else own

    def set_name(name: str | None) -> None:
        event = e.CreatorDetailsChanged(organization_id=HOME, display_name=name)
        take_in(connection, *history.happened(BILLIE, event))

    def scrape(day: int, name: str) -> None:
        seen = snapshot(BILLIE, day=day, display_name=name)
        take_in(connection, *history.happened(SCRAPE, seen))

    take_in(connection, *history.happened(BILLIE, added()))
    scrape(1, "as TikTok says")
    of_tiktok = shown()
    set_name("as we say")
    scrape(2, "as TikTok says now")
    of_ours = shown()
    set_name(None)

    assert of_tiktok == "as TikTok says"
    assert of_ours == "as we say"
    assert shown() == "as TikTok says now"


def test_the_last_good_scrape_is_remembered(connection: Reading, history: History):
    take_in(connection, *history.happened(BILLIE, added()))
    first = history.happened(SCRAPE, requested(BILLIE), succeeded(BILLIE))
    second = history.happened(SCRAPE, succeeded(BILLIE))
    events = [event for event in [*first, *second] if event.version > 1]

    take_in(connection, *events)
    take_in(connection, events[0])

    assert the_row(connection)["last_scraped_at"] == second[0].recorded_at


def failing(connection: Reading) -> tuple[Any, ...]:
    row = the_row(connection)
    return row["failed_scrapes"], row["failing_since"], row["last_outcome"]


def test_failures_are_counted_from_the_first_since_a_good_scrape(
    connection: Reading, history: History
):
    creator = history.happened(BILLIE, added())
    good = history.happened(SCRAPE, succeeded(BILLIE))
    first = history.happened(SCRAPE, failed(BILLIE, outcome="blocked"))
    second = history.happened(SCRAPE, failed(BILLIE, outcome="private"))
    again = history.happened(SCRAPE, succeeded(BILLIE))

    take_in(connection, *creator, *good, *first, *second)
    take_in(connection, *first)
    of_two = failing(connection)
    take_in(connection, *again)

    assert of_two == (2, first[0].recorded_at, "private")
    assert failing(connection) == (0, None, "ok")


def test_a_profile_that_is_scraped_well_does_not_hide_that_videos_fail(
    connection: Reading, history: History
):
    def end(event: e.ScrapeEvent) -> RecordedEvent:
        (recorded,) = history.happened(SCRAPE, event)
        return recorded

    take_in(connection, *history.happened(BILLIE, added()))
    videos = end(failed(BILLIE, outcome="blocked", job_type="video_stats"))
    profile = end(failed(BILLIE, outcome="transient"))
    take_in(connection, videos, profile)
    of_both = failing(connection)
    again = end(failed(BILLIE, outcome=None, job_type="video_stats"))
    take_in(connection, again, end(succeeded(BILLIE)))
    of_videos = the_row(connection)
    take_in(connection, end(succeeded(BILLIE, job_type="video_stats")))

    assert of_both == (2, videos.recorded_at, "transient")
    assert of_videos["failing_since"] == videos.recorded_at
    assert of_videos["failing_kinds"] == [
        {
            "job_type": "video_stats",
            "failing_since": videos.recorded_at.isoformat().replace("+00:00", "Z"),
            "failed_scrapes": 2,
            "last_outcome": None,
        }
    ]
    assert failing(connection) == (0, None, "ok")
    assert the_row(connection)["failing_kinds"] == []


def test_a_connection_is_told_from_when_it_began_until_it_is_lost(
    connection: Reading, history: History
):
    def after(event: e.CreatorEvent) -> Any:  # noqa: ANN401 - a column
        take_in(connection, *history.happened(BILLIE, event))
        assert [the_row(connection)] == expected(history.events)["creator_list"]
        return the_row(connection)["connected_at"]

    take_in(connection, *history.happened(BILLIE, added()))
    before = the_row(connection)["connected_at"]

    assert before is None
    assert after(connected()) == history.events[-1].recorded_at
    # With other scopes, or after a token that was refused.
    assert after(connected()) == history.events[-1].recorded_at
    assert after(connection_lost()) is None


def test_an_erased_creator_is_not_connected(connection: Reading, history: History):
    erased = e.SubjectErased(organization_id=HOME, number=7, figures="anonymous")

    take_in(connection, *history.happened(BILLIE, added(), connected(), erased))

    assert the_row(connection)["connected_at"] is None


def test_that_a_recording_has_nothing_of_a_creator_is_no_failure(
    connection: Reading, history: History
):
    take_in(
        connection,
        *history.happened(BILLIE, added()),
        *history.happened(SCRAPE, failed(BILLIE, outcome="not_in_recording")),
    )

    assert failing(connection) == (0, None, "not_in_recording")


def test_who_comes_back_fails_no_more_and_what_failed_meanwhile_never_counts(
    connection: Reading, history: History
):
    came_back = e.CreatorReactivated(organization_id=HOME, tracking_mode="auto")
    take_in(connection, *history.happened(BILLIE, added()))
    take_in(connection, *history.happened(SCRAPE, failed(BILLIE, outcome="blocked")))
    take_in(
        connection,
        *history.happened(BILLIE, e.CreatorRemoved(organization_id=HOME)),
    )
    while_gone = history.happened(SCRAPE, failed(BILLIE, outcome=None))
    take_in(connection, *while_gone, *history.happened(BILLIE, came_back))

    take_in(connection, *while_gone)

    assert failing(connection) == (0, None, None)


def test_events_about_a_creator_that_nobody_added_leave_no_row(
    connection: Reading, history: History
):
    take_in(
        connection,
        *history.happened(SCRAPE, snapshot(BILLIE), succeeded(BILLIE)),
        *history.happened(BILLIE, e.CreatorRemoved(organization_id=HOME)),
    )

    assert rows_of(connection, "creator_list") == []
    assert rows_of(connection, "creator_search") == []


def test_the_same_events_twice_leave_the_same_rows(
    connection: Reading, history: History
):
    history.happened(BILLIE, added(metadata={"a": 1}))
    history.happened(SCRAPE, snapshot(BILLIE, day=2, follower_count=2))
    history.happened(SCRAPE, snapshot(BILLIE, day=1, follower_count=1))
    history.happened(
        BILLIE,
        e.HandleChanged(organization_id=HOME, old="billie", new="william"),
        e.CreatorRemoved(organization_id=HOME),
    )
    take_in(connection, *history.events)
    once = [rows_of(connection, name) for name in ("creator_list", "creator_search")]

    take_in(connection, *history.events)

    twice = [rows_of(connection, name) for name in ("creator_list", "creator_search")]
    assert once == twice
    wanted = expected(history.events)
    assert once == [wanted["creator_list"], wanted["creator_search"]]


def test_an_old_event_that_comes_again_turns_nothing_back(
    connection: Reading, history: History
):
    take_in(connection, *history.happened(BILLIE, added()))
    old = history.happened(
        BILLIE, e.HandleChanged(organization_id=HOME, old="billie", new="bill")
    )
    new = history.happened(
        BILLIE, e.HandleChanged(organization_id=HOME, old="bill", new="william")
    )
    take_in(connection, *old, *new)
    before = the_row(connection)

    take_in(connection, *old)

    assert the_row(connection) == before
    (searched,) = rows_of(connection, "creator_search")
    assert searched["tiktok_handle"] == "william"


def test_an_organization_is_not_touched_by_events_that_name_another(
    connection: Reading, history: History
):
    take_in(connection, *history.happened(BILLIE, added()))
    before = the_row(connection)
    of_another = snapshot(BILLIE, organization_id=AWAY, follower_count=666)

    take_in(connection, *history.happened(SCRAPE, of_another))

    assert the_row(connection) == before


def test_a_request_is_no_event_of_this_list(connection: Reading, history: History):
    take_in(connection, *history.happened(BILLIE, added()))

    with pytest.raises(TypeError, match="ScrapeRequested"):
        take_in(
            connection,
            *history.happened(BILLIE, requested(BILLIE)),
        )

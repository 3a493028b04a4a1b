"""A creator's change log, its state as of a moment, and two states side by side."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import events as e
from domain.messages import Precision
from infra.ids import new_id
from tests.kit.application import SETTINGS, Tenant, code_of, data_of
from tests.kit.builders import NOON

Json = dict[str, Any]

PROFILES = "profile_snapshot_recorded,follower_milestone_passed"


def history(tenant: Tenant, creator_id: str, **requested: object) -> list[Json]:
    """The whole change log as it is once the followers are level."""
    tenant.goatherd.catch_up()
    answer = tenant.get(
        f"/creators/{creator_id}/history", params={"limit": 100, **requested}
    )
    assert answer.json()["meta"]["nextCursor"] is None
    return data_of(answer)


def reported(entries: list[Json]) -> list[str]:
    return [entry["summary"] for entry in entries]


def as_of(tenant: Tenant, creator_id: str, at: object) -> Json:
    return data_of(tenant.get(f"/creators/{creator_id}", params={"as_of": at}))


def diff(tenant: Tenant, creator_id: str, **requested: object) -> Json:
    tenant.goatherd.catch_up()
    return data_of(tenant.get(f"/creators/{creator_id}/diff", params=requested))


def saw(
    tenant: Tenant,
    creator_id: str,
    *followers: int,
    hour: int = 0,
    precision: Precision | None = None,
) -> None:
    """Let scrapes have seen these followers, an hour apart."""
    for number, count in enumerate(followers):
        at = NOON + timedelta(hours=hour + number)
        tenant.saw(
            creator_id, observed_at=at, precision=precision, follower_count=count
        )


def test_what_happened_is_told_newest_first_with_who_did_it(home: Tenant):
    creator = home.add("ada")
    home.patch(f"/creators/{creator['id']}", {"tiktok_handle": "ada.l"})
    home.delete(f"/creators/{creator['id']}")

    entries = history(home, creator["id"])

    today = datetime.now(UTC).date()
    by = "by key First key"
    assert reported(entries) == [
        f"Removed {by}.",
        f"Scrape of the profile asked for {by}, because the creator was renamed.",
        f"Renamed from @ada to @ada.l {by}.",
        f"Scrape of new videos asked for {by}, because the creator was added.",
        f"Scrape of the profile asked for {by}, because the creator was added.",
        (
            f"Added as @ada, tracked from {today} on, with new videos included at "
            f"once, {by}."
        ),
    ]
    positions = [entry["position"] for entry in entries]
    assert positions == sorted(positions, reverse=True)


def test_an_entry_has_the_whole_envelope(home: Tenant):
    creator = home.add("ada")
    home.patch(f"/creators/{creator['id']}", {"tiktok_handle": "ada.l"})
    (recorded,) = [
        each
        for each in home.goatherd.log(creator["id"])
        if isinstance(each.event, e.HandleChanged)
    ]

    (entry,) = history(home, creator["id"], event="handle_changed")

    at = entry["recorded_at"]
    assert datetime.fromisoformat(at) == recorded.recorded_at
    assert entry == {
        "position": recorded.position,
        "version": 2,
        "event": "handle_changed",
        "about": "creator",
        "stream": creator["id"],
        "at": at,
        "recorded_at": at,
        "actor": f"key:{home.key_id}",
        "actor_name": "key First key",
        "summary": "Renamed from @ada to @ada.l by key First key.",
        "data": {"old": "ada", "new": "ada.l"},
        "is_derived": False,
        "correlation_id": str(recorded.correlation_id),
        "causation_id": str(recorded.causation_id),
    }


def test_what_was_observed_says_when_it_was_and_when_it_became_known(home: Tenant):
    creator = home.add("ada")
    home.saw(creator["id"], follower_count=12)

    (entry,) = history(home, creator["id"], event=PROFILES)

    assert entry["summary"] == "Profile seen with 12 followers."
    assert datetime.fromisoformat(entry["at"]) == NOON
    assert datetime.fromisoformat(entry["recorded_at"]) > NOON
    assert entry["about"] == "scrape"


def test_videos_of_the_creator_are_told_of_whoever_added_them_first(home: Tenant):
    creator = home.add("ada")
    url = "https://www.tiktok.com/@ada/video/7300000000000000001"
    path = f"/projects/{home.project_id}/videos"
    video = data_of(home.post(path, {"url": url}), status=201)
    before = history(home, creator["id"])
    pseudonym = home.goatherd.store.names.pseudonym("7300000000000000001")
    home.found(creator["id"], "7300000000000000001", pseudonym=pseudonym)
    home.delete(f"/videos/{video['id']}")

    entries = history(
        home, creator["id"], event="video_added,video_discovered,video_excluded"
    )

    assert "video" not in {entry["about"] for entry in before}
    assert [entry["event"] for entry in entries] == [
        "video_excluded",
        "video_discovered",
        "video_added",
    ]
    assert {entry["stream"] for entry in entries} == {video["id"]}
    assert all("Video 7300000000000000001" in text for text in reported(entries))


def test_a_snapshot_of_videos_is_counted_and_not_unrolled(home: Tenant):
    creator = home.add("ada")
    home.saw_videos(creator["id"], {"1": 1, "2": 2})

    (entry,) = history(home, creator["id"], event="video_stats_snapshot_recorded")

    assert entry["summary"] == "Figures of 2 videos seen."
    assert entry["data"]["video_count"] == 2
    assert {*entry["data"]} == {"observed_at", "provider", "video_count"}


def test_milestones_stand_above_the_snapshot_that_shows_them(home: Tenant):
    creator = home.add("ada")
    saw(home, creator["id"], 900, 10_100, 800, 10_200)

    entries = history(home, creator["id"], event=PROFILES)

    assert reported(entries) == [
        "Profile seen with 10,200 followers.",
        "Profile seen with 800 followers.",
        "Passed 10,000 followers, with 10,100 seen.",
        "Passed 5,000 followers, with 10,100 seen.",
        "Passed 1,000 followers, with 10,100 seen.",
        "Profile seen with 10,100 followers.",
        "Profile seen with 900 followers.",
    ]
    assert [entry["is_derived"] for entry in entries] == [0, 0, 1, 1, 1, 0, 0]
    assert len({entry["position"] for entry in entries[2:6]}) == 1


def test_an_observation_told_late_moves_a_milestone(home: Tenant):
    creator = home.add("ada")
    saw(home, creator["id"], 900, 1_100, hour=5)
    before = history(home, creator["id"], event="follower_milestone_passed")
    saw(home, creator["id"], 950, 1_050, hour=0)

    after = history(home, creator["id"], event="follower_milestone_passed")

    assert reported(before) == ["Passed 1,000 followers, with 1,100 seen."]
    assert reported(after) == ["Passed 1,000 followers, with 1,050 seen."]


def test_a_milestone_says_how_precisely_it_was_seen(home: Tenant):
    creator = home.add("ada")
    saw(home, creator["id"], 9_000, 10_000, hour=0, precision="rounded")
    # No site would round so, which alone lets a number be passed by becoming exact.
    saw(home, creator["id"], 4_950_000, hour=2, precision="rounded")
    saw(home, creator["id"], 5_000_100, hour=3, precision="exact")

    entries = history(home, creator["id"], event="follower_milestone_passed")

    assert reported(entries)[0] == (
        "Passed 5,000,000 followers, with 5,000,100 seen, when a rounded number became "
        "exact."
    )
    assert (
        reported(entries)[-1] == "Passed 10,000 followers, with 10,000 seen (rounded)."
    )
    assert [(o["data"]["rounded"], o["data"]["sharpened"]) for o in entries] == [
        (False, True),
        *[(True, False)] * (len(entries) - 1),
    ]


@pytest.mark.parametrize("limit", (1, 2, 3))
@pytest.mark.parametrize("event", (None, PROFILES, "follower_milestone_passed"))
def test_pages_laid_end_to_end_are_the_whole_history(
    home: Tenant, limit: int, event: str | None
):
    creator = home.add("ada")
    saw(home, creator["id"], 900, 10_100, 60_000)
    requested: dict[str, object] = {} if event is None else {"event": event}
    whole = history(home, creator["id"], **requested)

    paged: list[Json] = []
    cursor: str | None = None
    while cursor is not None or not paged:
        params = {**requested, "limit": limit, **({"cursor": cursor} if cursor else {})}
        answer = home.get(f"/creators/{creator['id']}/history", params=params)
        paged += data_of(answer)
        cursor = answer.json()["meta"]["nextCursor"]

    assert paged == whole
    assert len(whole) >= 4


def test_a_cursor_is_of_its_own_filters(home: Tenant):
    creator = home.add("ada")
    home.goatherd.catch_up()
    path = f"/creators/{creator['id']}/history"
    cursor = home.get(path, params={"limit": 1}).json()["meta"]["nextCursor"]

    answer = home.get(path, params={"cursor": cursor, "event": "creator_added"})

    assert code_of(answer) == (400, "invalid_cursor")


def test_from_and_to_bound_when_things_became_known(home: Tenant):
    creator = home.add("ada")
    saw(home, creator["id"], 900, 1_100, 1_200)
    entries = history(home, creator["id"], event=PROFILES)
    newest, second, milestone, oldest = (
        entries[0],
        entries[2],
        entries[1],
        entries[3],
    )

    def between(start: Any, end: Any) -> list[Json]:  # noqa: ANN401
        return history(
            home, creator["id"], event=PROFILES, **{"from": start, "to": end}
        )

    inner = [milestone, second]
    assert between(second["position"], second["position"]) == inner
    assert between(second["recorded_at"], second["recorded_at"]) == inner
    assert between(oldest["position"] + 1, newest["position"] - 1) == inner
    assert between("2001-01-01T00:00:00Z", "2002-01-01T00:00:00Z") == []
    assert between("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00") == entries
    assert between(0, "9" * 18) == entries


@pytest.mark.parametrize(
    ("name", "value"),
    (
        ("event", "handle_changed,nothing"),
        ("event", ""),
        ("from", "yesterday"),
        ("from", "2026-01-01"),
        ("to", "2026-01-01T00:00:00"),
        ("to", "-1"),
        ("to", "9" * 19),
    ),
)
def test_what_no_history_can_be_asked_is_refused(home: Tenant, name: str, value: str):
    creator = home.add("ada")
    home.goatherd.catch_up()

    answer = home.get(f"/creators/{creator['id']}/history", params={name: value})

    assert code_of(answer) == (400, "invalid_query")
    assert answer.json()["meta"]["fields"][0]["path"] == f"/{name}"


@pytest.mark.parametrize("late", ("creator_list", "creator_history"))
def test_the_history_waits_for_each_read_model_it_looks_into(home: Tenant, late: str):
    creator = home.add("ada")
    head = {"Goatherd-Min-Position": str(home.goatherd.head)}
    path = f"/creators/{creator['id']}/history"

    home.goatherd.catch_up(but=late)
    behind = home.get(path, headers=head)
    home.goatherd.catch_up()
    level = home.get(path, headers=head)

    assert code_of(behind) == (503, "projection_behind")
    assert len(data_of(level)) == 3


def test_a_creator_as_of_now_is_the_creator(home: Tenant):
    creator = home.add("ada", **SETTINGS)
    home.saw(creator["id"], follower_count=12, display_name="Ada", video_count=3)
    home.patch(f"/creators/{creator['id']}", {"tiktok_handle": "ada.l"})
    now = home.shown(creator["id"])

    assert as_of(home, creator["id"], home.goatherd.head) == now


def test_a_creator_as_of_the_past_is_what_was_shown_then(home: Tenant):
    creator = home.add("ada")
    shown = [(home.goatherd.head, home.shown(creator["id"]))]
    for change in ({"tiktok_handle": "ada.l"}, {"description": "Climbs."}):
        home.patch(f"/creators/{creator['id']}", change)
        shown.append((home.goatherd.head, home.shown(creator["id"])))
    home.saw(creator["id"], follower_count=12)
    shown.append((home.goatherd.head, home.shown(creator["id"])))
    home.delete(f"/creators/{creator['id']}")
    shown.append((home.goatherd.head, home.shown(creator["id"])))

    for position, then in shown:
        recorded_at = home.goatherd.query(
            "SELECT recorded_at FROM goatherd_events WHERE notification_id = %s",
            position,
        )[0][0]
        assert as_of(home, creator["id"], position) == then
        assert as_of(home, creator["id"], recorded_at.isoformat()) == then


def test_a_creator_was_not_there_before_it_was_added(home: Tenant):
    before = home.goatherd.head
    creator = home.add("ada")
    home.goatherd.catch_up()

    for moment in (before, 0, "2001-01-01T00:00:00Z"):
        answer = home.get(f"/creators/{creator['id']}", params={"as_of": moment})
        assert code_of(answer) == (404, "not_found")


def test_the_past_is_always_answered_in_full(home: Tenant):
    creator = home.add("ada")
    home.goatherd.catch_up()

    for tag in ('"1"', "*"):
        answer = home.get(
            f"/creators/{creator['id']}",
            params={"as_of": home.goatherd.head},
            headers={"If-None-Match": tag},
        )
        assert answer.status_code == 200
        assert "ETag" not in answer.headers


def test_the_past_waits_for_the_read_model_without_being_told(
    home: Tenant, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("projections.engine.reader.PATIENCE_SECONDS", 0.05)
    creator = home.add("ada")
    head = home.goatherd.head
    path = f"/creators/{creator['id']}"

    behind = home.get(path, params={"as_of": head})
    home.goatherd.catch_up()
    level = home.get(path, params={"as_of": head})

    assert code_of(behind) == (503, "projection_behind")
    assert data_of(level)["version"] == 1


@pytest.mark.parametrize("moment", ("", "soon", "2026-01-01", "9" * 19, "null"))
def test_a_moment_that_is_none_is_refused(home: Tenant, moment: str):
    creator = home.add("ada")
    path = f"/creators/{creator['id']}"

    for requested, params in (
        ("as_of", {"as_of": moment}),
        ("from", {"from": moment}),
        ("to", {"from": "1", "to": moment}),
    ):
        suffix = "" if requested == "as_of" else "/diff"
        answer = home.get(path + suffix, params=params)
        assert code_of(answer) == (400, "invalid_query")
        assert answer.json()["meta"]["fields"][0]["path"] == f"/{requested}"


def test_nothing_is_known_as_of_the_future(home: Tenant):
    creator = home.add("ada")
    future = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    path = f"/creators/{creator['id']}"

    beyond = str(home.goatherd.head + 1)

    answers = [
        home.get(f"{path}{at}", params=requested)
        for to_come in (future, beyond, "9" * 18)
        for at, requested in (
            ("", {"as_of": to_come}),
            ("/diff", {"from": "1", "to": to_come}),
        )
    ]

    assert [code_of(answer) for answer in answers] == [(400, "invalid_query")] * 6


def test_the_past_of_another_organization_is_not_found(home: Tenant, stranger: Tenant):
    creator = stranger.add("ada")
    head = home.post("/projects", {"name": "Own"}).headers["Goatherd-Position"]
    home.goatherd.catch_up()

    for id_ in (creator["id"], str(uuid4())):
        path = f"/creators/{id_}"
        for answer in (
            home.get(path, params={"as_of": head}),
            home.get(f"{path}/diff", params={"from": "1", "to": head}),
            home.get(f"{path}/history", params={"from": "1"}),
        ):
            assert code_of(answer) == (404, "not_found")


def test_past_states_and_a_diff_say_which_counts_are_rounded(home: Tenant):
    creator = home.add("ada")
    saw(home, creator["id"], 3_800_000, precision="rounded")
    rounded = home.goatherd.head
    saw(home, creator["id"], 3_894_656, hour=1, precision="exact")
    exact = home.goatherd.head
    saw(home, creator["id"], 3_800_000, hour=2, precision="rounded")
    confirmed = home.goatherd.head

    home.goatherd.catch_up()
    states = [as_of(home, creator["id"], at) for at in (rounded, exact, confirmed)]
    shown = diff(home, creator["id"], **{"from": rounded, "to": confirmed})
    nothing = diff(home, creator["id"], **{"from": exact, "to": confirmed})

    assert [(s["follower_count"], s["rounded_counts"]) for s in states] == [
        (3_800_000, ["follower_count"]),
        (3_894_656, []),
        (3_894_656, []),
    ]
    assert shown["changes"] == [
        {
            "field": "follower_count",
            "before": 3_800_000,
            "after": 3_894_656,
            "before_rounded": True,
            "after_rounded": False,
        }
    ]
    assert nothing["changes"] == []


def test_a_diff_says_that_the_same_number_became_exact(home: Tenant):
    creator = home.add("ada")
    saw(home, creator["id"], 3_800_000, precision="rounded")
    rounded = home.goatherd.head
    saw(home, creator["id"], 3_800_000, hour=1, precision="exact")

    (change,) = diff(home, creator["id"], **{"from": rounded})["changes"]

    assert (change["before"], change["after"]) == (3_800_000, 3_800_000)
    assert (change["before_rounded"], change["after_rounded"]) == (True, False)


def test_a_diff_shows_each_field_that_changed_and_the_events_between(home: Tenant):
    creator = home.add("ada", metadata={"a": 1})
    before = home.goatherd.head
    home.patch(
        f"/creators/{creator['id']}",
        {"tiktok_handle": "ada.l", "metadata": {"a": 1.5}},
    )
    home.saw(creator["id"], follower_count=12)
    after = home.goatherd.head
    home.delete(f"/creators/{creator['id']}")

    shown = diff(home, creator["id"], **{"from": before, "to": after})

    changes = {c["field"]: (c["before"], c["after"]) for c in shown["changes"]}
    assert changes.pop("updated_at")[0] == creator["updated_at"]
    assert changes == {
        "tiktok_handle": ("ada", "ada.l"),
        "metadata": ({"a": 1}, {"a": 1.5}),
        "follower_count": (None, 12),
        "version": (1, 3),
    }
    assert [entry["event"] for entry in shown["events"]] == [
        "profile_snapshot_recorded",
        "scrape_requested",
        "creator_details_changed",
        "handle_changed",
    ]
    assert shown["was_there"]
    assert not shown["has_more_events"]
    assert shown["from"]["position"] == before
    assert shown["to"]["position"] == after


def test_a_diff_ends_now_and_may_begin_before_the_creator(home: Tenant):
    creator = home.add("ada")

    shown = diff(home, creator["id"], **{"from": 0})

    changes = {c["field"]: (c["before"], c["after"]) for c in shown["changes"]}
    assert not shown["was_there"]
    assert changes["tiktok_handle"] == (None, "ada")
    assert changes["version"] == (None, 1)
    assert "metadata" not in changes
    assert len(shown["events"]) == 3


def test_metadata_that_were_emptied_are_a_change_and_so_are_the_first(home: Tenant):
    creator = home.add("ada", metadata={"a": 1})
    added = home.goatherd.head
    home.patch(f"/creators/{creator['id']}", {"metadata": {}})

    first = diff(home, creator["id"], **{"from": 0, "to": added})
    emptied = diff(home, creator["id"], **{"from": added})

    for shown, change in ((first, (None, {"a": 1})), (emptied, ({"a": 1}, {}))):
        changes = {c["field"]: (c["before"], c["after"]) for c in shown["changes"]}
        assert changes["metadata"] == change


def test_a_diff_of_one_moment_is_empty(home: Tenant):
    creator = home.add("ada")
    head = home.goatherd.head

    shown = diff(home, creator["id"], **{"from": head, "to": head})

    assert (shown["changes"], shown["events"]) == ([], [])


def test_a_diff_says_when_its_events_were_cut(home: Tenant):
    creator = home.add("ada")
    start = home.goatherd.head
    saw(home, creator["id"], *range(101))

    shown = diff(home, creator["id"], **{"from": start})

    assert shown["has_more_events"]
    assert len(shown["events"]) == 100
    assert shown["events"][0]["data"]["follower_count"] == 100


def test_a_diff_does_not_run_backwards(home: Tenant):
    creator = home.add("ada")
    home.goatherd.catch_up()

    answer = home.get(
        f"/creators/{creator['id']}/diff", params={"from": "2", "to": "1"}
    )

    assert code_of(answer) == (400, "invalid_query")
    assert answer.json()["meta"]["fields"][0]["path"] == "/from"


def test_videos_that_a_run_found_gone_are_told_by_their_ids_on_tiktok(home: Tenant):
    creator = home.add("ada")
    names, run = home.goatherd.store.names, new_id()
    home.found(creator["id"], "71", pseudonym=names.pseudonym("71"))
    of: Json = {
        "organization_id": home.organization_id,
        "creator_id": UUID(creator["id"]),
        "job_type": "video_stats",
    }
    home.goatherd.append(
        run,
        e.ScrapeRequested(
            project_id=home.project_id, handle="ada", trigger="scheduled", **of
        ),
        e.ScrapeSucceeded(
            provider="test",
            attempts=1,
            observed_at=NOON,
            duration_ms=1,
            missing_video_ids=(names.pseudonym("71"), names.pseudonym("72")),
            **of,
        ),
    )

    (entry,) = history(home, creator["id"], event="scrape_succeeded")

    # Nothing says what the second one is called on TikTok.
    assert entry["data"]["missing_video_ids"] == ["71", names.pseudonym("72")]
    assert "2 videos found gone" in entry["summary"]

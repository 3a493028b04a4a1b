"""Many creators at once: each answered for itself, all in one append."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain import events as e
from infra.ids import new_id
from tests.kit.application import Goatherd, Tenant, data_of

BULK = ("bulk-remove", "bulk-disable", "bulk-reenable", "bulk-tag")


def statuses(answer: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(item["status"], item["reason"]) for item in answer["results"]]


def counts(answer: dict[str, Any]) -> tuple[int, int, int]:
    return answer["ok_count"], answer["skipped_count"], answer["failed_count"]


@pytest.fixture
def mixed(home: Tenant) -> list[dict[str, Any]]:
    """Wanted creators, one for each thing that can become of one."""
    home.add("taken.goat")
    home.delete(f"/creators/{home.add('former.goat')['id']}")
    home.ask("PUT", "/admin/bans/banned.goat", json={"reason": "Spam"})
    return [
        {"tiktok_handle": "@New.goat", "metadata": {"number": 1}},
        {"tiktok_handle": "former.goat", "tracking_mode": "selective"},
        {"tiktok_handle": "taken.goat"},
        {"tiktok_handle": "banned.goat"},
        {"tiktok_handle": "not a handle"},
        {"tiktok_handle": "new.goat"},
        {
            "tiktok_handle": "late.goat",
            "tracking_start_date": "2026-02-01",
            "tracking_end_date": "2026-01-31",
        },
        {"tiktok_handle": "other.goat", "tracking_start_date": None},
    ]


def test_of_many_each_is_answered_for_itself_in_the_order_asked(
    home: Tenant, mixed: list[dict[str, Any]]
):
    answer = home.post(home.creators, {"creators": mixed})

    added = data_of(answer, status=201)
    assert [
        (item["index"], item["tiktok_handle"], item["status"], item["code"])
        for item in added["results"]
    ] == [
        (0, "new.goat", "created", None),
        (1, "former.goat", "reactivated", None),
        (2, "taken.goat", "failed", "handle_taken"),
        (3, "banned.goat", "failed", "creator_banned"),
        (4, "not a handle", "failed", "invalid_handle"),
        (5, "new.goat", "failed", "handle_taken"),
        (6, "late.goat", "failed", "invalid_body"),
        (7, "other.goat", "created", None),
    ]
    for item in added["results"]:
        failed = item["status"] == "failed"
        assert (item["creator"] is None, item["error"] is not None) == (failed, failed)
    assert (
        added["added_count"],
        added["created_count"],
        added["reactivated_count"],
        added["failed_count"],
    ) == (3, 2, 1, 5)
    assert home.counted == 4


def test_an_answer_in_which_nothing_was_added_says_so(home: Tenant):
    home.add("taken.goat")
    home.ask("PUT", "/admin/bans/banned.goat")
    wanted = [{"tiktok_handle": name} for name in ("taken.goat", "banned.goat")]

    answer = home.post(home.creators, {"creators": wanted})

    added = data_of(answer)
    assert (added["added_count"], added["failed_count"]) == (0, 2)


def test_of_many_those_that_can_be_are_added_in_one_append(
    home: Tenant, mixed: list[dict[str, Any]]
):
    head = home.goatherd.head

    answer = home.post(home.creators, {"creators": mixed})

    results = data_of(answer, status=201)["results"]
    recorded = home.goatherd.since(head)
    assert [type(each.event) for each in recorded] == [
        *(e.CreatorAdded, e.HandleClaimed, e.ScrapeRequested, e.ScrapeRequested),
        *(e.CreatorReactivated, e.HandleClaimed, e.ScrapeRequested, e.ScrapeRequested),
        *(e.CreatorAdded, e.HandleClaimed, e.ScrapeRequested, e.ScrapeRequested),
    ]
    assert len({each.causation_id for each in recorded}) == 1
    assert len({each.recorded_at for each in recorded}) == 1
    assert int(answer.headers["Goatherd-Position"]) == recorded[-1].position
    for item in results:
        if item["creator"] is not None:
            assert home.shown(item["creator"]["id"]) == item["creator"]


def test_of_many_none_is_new_is_no_creation(home: Tenant):
    creator = home.add("former.goat")
    home.delete(f"/creators/{creator['id']}")

    back = home.post(home.creators, {"creators": [{"tiktok_handle": "former.goat"}]})
    taken = home.post(home.creators, {"creators": [{"tiktok_handle": "former.goat"}]})

    assert data_of(back, status=200)["reactivated_count"] == 1
    assert data_of(taken, status=200)["failed_count"] == 1
    claimed = home.goatherd.log(
        home.goatherd.store.names.claim_stream(home.project_id, "former.goat")
    )[-1]
    assert int(taken.headers["Goatherd-Position"]) == claimed.position


def test_fifty_creators_are_added_at_once_and_not_one_more(home: Tenant):
    wanted = [{"tiktok_handle": f"goat{number}"} for number in range(51)]
    kept = home.goatherd.kept()

    refused = home.post(home.creators, {"creators": wanted})
    kept_after_refusal = home.goatherd.kept()
    accepted = home.post(home.creators, {"creators": wanted[:50]})

    assert refused.status_code == 400
    assert refused.json()["meta"]["fields"][0]["path"] == "/creators"
    assert kept_after_refusal == kept
    results = data_of(accepted, status=201)["results"]
    assert [item["creator"]["tiktok_handle"] for item in results] == [
        item["tiktok_handle"] for item in wanted[:50]
    ]


def test_a_plan_without_room_for_all_adds_none_of_them(goatherd: Goatherd):
    home = goatherd.tenant(plan="free")
    for number in range(3):
        home.add(f"goat{number}")
    wanted = [{"tiktok_handle": f"kid{number}"} for number in range(3)]
    kept = goatherd.kept()

    refused = home.post(home.creators, {"creators": wanted})
    kept_after_refusal = goatherd.kept()
    # One that fails alone needs no room.
    fitting = [*wanted[:2], {"tiktok_handle": "goat0"}]
    accepted = home.post(home.creators, {"creators": fitting})

    assert refused.status_code == 402
    assert (
        refused.json()["error"]
        == "The plan allows 5 creators, and there are 3 already."
    )
    assert refused.json()["meta"] == {
        "code": "limit_reached",
        "requestId": refused.headers["X-Request-Id"],
        "limitKey": "max_creators_per_org",
        "current": 3,
        "max": 5,
    }
    assert kept_after_refusal == kept
    assert data_of(accepted, status=201)["created_count"] == 2
    assert home.counted == 5


def test_removing_makes_room_and_coming_back_takes_it(goatherd: Goatherd):
    home = goatherd.tenant(plan="free")
    added = [home.add(f"goat{number}") for number in range(5)]

    full = home.post(home.creators, {"tiktok_handle": "kid"})
    home.delete(f"/creators/{added[0]['id']}")
    fits = home.post(home.creators, {"tiktok_handle": "kid"})
    full_again = home.post(home.creators, {"tiktok_handle": "goat0"})

    assert [full.status_code, fits.status_code, full_again.status_code] == [
        *(402, 201, 402)
    ]


def test_a_limited_plan_says_what_is_left(goatherd: Goatherd):
    home = goatherd.tenant(plan="free")

    answer = home.get("/creators")

    assert answer.headers["X-RateLimit-Remaining"] == "9999"
    assert answer.headers["RateLimit-Policy"] == (
        '"key";q=10000;w=60, "org-day";q=100000;w=86400'
    )


def test_many_creators_are_removed_in_one_append(home: Tenant):
    first, second, third = (home.add(f"goat{n}")["id"] for n in range(3))
    home.delete(f"/creators/{second}")
    home.disable(third)
    unknown = str(new_id())
    head = home.goatherd.head

    answer = home.post(
        f"{home.creators}/bulk-remove",
        {"creator_ids": [first, second, unknown, third, first]},
    )

    removed = data_of(answer)
    assert removed == {
        "ok_count": 2,
        "skipped_count": 2,
        "failed_count": 1,
        "results": [
            {"index": 0, "creator_id": first, "status": "ok", "reason": None},
            {
                "index": 1,
                "creator_id": second,
                "status": "skipped",
                "reason": "already removed",
            },
            {
                "index": 2,
                "creator_id": unknown,
                "status": "failed",
                "reason": "not_found",
            },
            {"index": 3, "creator_id": third, "status": "ok", "reason": None},
            {
                "index": 4,
                "creator_id": first,
                "status": "skipped",
                "reason": "already removed",
            },
        ],
    }
    recorded = home.goatherd.since(head)
    assert [type(each.event) for each in recorded] == [
        *(e.CreatorRemoved, e.HandleReleased) * 2
    ]
    assert [each.stream for each in recorded[::2]] == [UUID(first), UUID(third)]
    assert len({each.recorded_at for each in recorded}) == 1
    assert int(answer.headers["Goatherd-Position"]) == recorded[-1].position
    # A disabled creator did not count, so removing it frees nothing.
    assert home.counted == 0
    assert {home.shown(id_)["status"] for id_ in (first, second, third)} == {"removed"}


def test_creators_are_disabled_by_hand_and_enabled_on_the_same_day(home: Tenant):
    ada, bea, cleo = (home.add(name)["id"] for name in ("ada", "bea", "cleo"))
    home.disable(bea)
    home.delete(f"/creators/{cleo}")
    unknown = str(new_id())
    head, before = home.goatherd.head, home.counted

    answer = home.post(
        f"{home.creators}/bulk-disable", {"creator_ids": [ada, bea, cleo, unknown, ada]}
    )

    disabled = data_of(answer)
    assert counts(disabled) == (1, 2, 2)
    assert statuses(disabled) == [
        ("ok", None),
        ("skipped", "already disabled"),
        ("failed", "creator_removed"),
        ("failed", "not_found"),
        ("skipped", "already disabled"),
    ]
    (recorded,) = home.goatherd.since(head)
    assert recorded.stream == UUID(ada)
    assert recorded.event == e.CreatorDisabled(organization_id=home.organization_id)
    assert home.counted == before - 1
    shown = home.shown(ada)
    assert (shown["status"], shown["disabled_reason"]) == ("disabled", "by_hand")
    assert home.shown(bea)["disabled_reason"] == "private"

    for _ in range(2):
        again = home.post(f"{home.creators}/bulk-reenable", {"creator_ids": [ada]})
        assert statuses(data_of(again)) == [("ok", None)]
        assert home.shown(ada)["status"] == "active"
        data_of(home.post(f"/creators/{ada}/disable"))


def test_disabled_creators_get_another_try_once_a_day(home: Tenant):
    disabled, active, cooling = (home.add(f"goat{n}")["id"] for n in range(3))
    home.disable(disabled)
    home.disable(cooling)
    home.goatherd.append(
        cooling,
        e.CreatorReenabled(
            organization_id=home.organization_id,
            at=datetime.now(UTC) - timedelta(hours=23, minutes=59),
        ),
    )
    home.disable(cooling)
    unknown = str(new_id())
    head, before = home.goatherd.head, home.counted

    answer = home.post(
        f"{home.creators}/bulk-reenable",
        {"creator_ids": [disabled, active, cooling, unknown, disabled]},
    )

    reenabled = data_of(answer)
    assert counts(reenabled) == (1, 3, 1)
    assert statuses(reenabled) == [
        ("ok", None),
        ("skipped", "not auto-disabled"),
        ("skipped", "re-enabled within 24 hours"),
        ("failed", "not_found"),
        ("skipped", "not auto-disabled"),
    ]
    event, profile, videos = (each.event for each in home.goatherd.since(head))
    assert isinstance(event, e.CreatorReenabled)
    about: dict[str, Any] = {
        "organization_id": home.organization_id,
        "project_id": home.project_id,
        "creator_id": UUID(disabled),
        "handle": "goat0",
        "trigger": "reenabled",
    }
    assert profile == e.ScrapeRequested(**about, job_type="creator_profiles")
    assert videos == e.ScrapeRequested(**about, job_type="discover_videos")
    assert home.counted == before + 1
    assert home.shown(disabled)["status"] == "active"
    assert home.shown(cooling)["status"] == "disabled"


def test_a_day_after_another_try_there_may_be_the_next(home: Tenant):
    creator_id = home.add("recovering.goat")["id"]
    home.disable(creator_id)
    home.goatherd.append(
        creator_id,
        e.CreatorReenabled(
            organization_id=home.organization_id,
            at=datetime.now(UTC) - timedelta(hours=24),
        ),
    )
    home.disable(creator_id)

    answer = home.post(f"{home.creators}/bulk-reenable", {"creator_ids": [creator_id]})

    assert counts(data_of(answer)) == (1, 0, 0)


@pytest.mark.parametrize(
    "bulk", ("bulk-remove", "bulk-disable", "bulk-reenable", "bulk-tag")
)
def test_creators_of_another_project_are_unknown_to_this_one(home: Tenant, bulk: str):
    other = data_of(home.post("/projects", {"name": "Other"}), status=201)
    creator_id = home.add("elsewhere.goat")["id"]
    home.disable(creator_id)
    kept = home.goatherd.kept()

    answer = home.post(
        f"/projects/{other['id']}/creators/{bulk}", {"creator_ids": [creator_id]}
    )

    assert statuses(data_of(answer)) == [("failed", "not_found")]
    disabled = home.goatherd.log(creator_id)[-1]
    assert int(answer.headers["Goatherd-Position"]) == disabled.position
    assert home.goatherd.kept() == kept


@pytest.mark.parametrize(
    "bulk", ("bulk-remove", "bulk-disable", "bulk-reenable", "bulk-tag")
)
@pytest.mark.parametrize("amount", (0, 101))
def test_a_bulk_command_is_for_one_to_a_hundred(home: Tenant, bulk: str, amount: int):
    ids = [str(new_id()) for _ in range(amount)]

    refused = home.post(f"{home.creators}/{bulk}", {"creator_ids": ids})

    assert refused.status_code == 400
    assert refused.json()["meta"]["fields"][0]["path"] == "/creator_ids"


def test_a_hundred_creators_are_removed_at_once(home: Tenant):
    ids: list[str] = []
    for half in range(2):
        wanted = [{"tiktok_handle": f"goat{half}.{number}"} for number in range(50)]
        added = data_of(home.post(home.creators, {"creators": wanted}), status=201)
        ids += [item["creator"]["id"] for item in added["results"]]

    answer = home.post(f"{home.creators}/bulk-remove", {"creator_ids": ids})

    assert counts(data_of(answer)) == (100, 0, 0)
    assert home.counted == 0


def test_tags_of_many_are_added_and_taken_away(home: Tenant, stranger: Tenant):
    ada, bea, cleo, full, removed = (
        home.add(name, tags=tags)["id"]
        for name, tags in (
            ("ada", ["Winter", "tier A"]),
            ("bea", ["spring"]),
            ("cleo", []),
            ("full", [f"tag {number}" for number in range(20)]),
            ("removed", []),
        )
    )
    home.delete(f"/creators/{removed}")
    theirs = stranger.add("theirs")["id"]
    ids = [ada, bea, cleo, cleo, full, removed, theirs]
    change = {"add": [" Spring "], "remove": ["winter"]}

    answer = home.post(f"{home.creators}/bulk-tag", {"creator_ids": ids, **change})

    assert statuses(data_of(answer)) == [
        ("ok", None),
        ("skipped", "tags stay the same"),
        ("ok", None),
        ("skipped", "tags stay the same"),
        ("failed", "must be at most 20 tags, not 21"),
        ("failed", "creator_removed"),
        ("failed", "not_found"),
    ]
    assert counts(data_of(answer)) == (2, 2, 3)
    home.goatherd.catch_up()
    assert home.shown(ada)["tags"] == ["tier A", "Spring"]
    assert home.shown(bea)["tags"] == ["spring"]
    assert home.shown(cleo)["tags"] == ["Spring"]
    for wrong in ("a, b", " "):
        body = {"creator_ids": [ada], "add": [wrong]}
        refused = home.post(f"{home.creators}/bulk-tag", body)
        assert refused.status_code == 400, wrong
        assert refused.json()["meta"]["fields"][0]["path"] == "/add", wrong
    assert home.shown(ada)["tags"] == ["tier A", "Spring"]

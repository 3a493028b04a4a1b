"""One creator, removed, brought back, or disabled for want of an account."""

from uuid import UUID

from domain import events as e
from infra.ids import new_id
from tests.kit.application import SETTINGS, Tenant, code_of, data_of


def test_a_removed_creator_is_not_active_and_keeps_its_history(home: Tenant):
    before = home.add("leaving.goat", **SETTINGS)
    head = home.goatherd.head

    answer = home.delete(f"/creators/{before['id']}")

    creator = data_of(answer)
    assert creator == {
        **before,
        "is_active": False,
        "status": "removed",
        "version": 2,
        "updated_at": creator["updated_at"],
    }
    removed, released = home.goatherd.since(head)
    assert removed.event == e.CreatorRemoved(organization_id=home.organization_id)
    assert released.event == e.HandleReleased(
        organization_id=home.organization_id,
        project_id=home.project_id,
        handle="leaving.goat",
        creator_id=UUID(creator["id"]),
    )
    assert answer.headers["ETag"].startswith('W/"2-')
    assert int(answer.headers["Goatherd-Position"]) == released.position
    assert home.counted == 0
    assert home.shown(creator["id"]) == creator


def test_removing_a_creator_twice_is_the_same_as_once(home: Tenant):
    creator_id = home.add("leaving.goat")["id"]
    first = home.delete(f"/creators/{creator_id}")
    kept = home.goatherd.kept()

    second = home.delete(f"/creators/{creator_id}")

    assert data_of(second) == data_of(first)
    assert second.headers["ETag"] == first.headers["ETag"]
    removed = home.goatherd.log(creator_id)[-1]
    assert int(second.headers["Goatherd-Position"]) == removed.position
    assert home.goatherd.kept() == kept


def test_a_removed_creator_comes_back_as_itself_with_the_settings_that_are_named(
    home: Tenant,
):
    first = home.add("returning.goat", **SETTINGS)
    home.saw(first["id"], follower_count=12, display_name="Billy")
    home.delete(f"/creators/{first['id']}")
    home.goatherd.catch_up()
    head = home.goatherd.head

    answer = home.post(
        home.creators,
        {
            "tiktok_handle": "RETURNING.goat",
            "tracking_start_date": "2026-02-01",
            "readme": None,
            "metadata": {},
        },
    )

    creator = data_of(answer, status=200)
    assert creator == {
        **first,
        "tracking_start_date": "2026-02-01",
        "readme": None,
        "metadata": {},
        "follower_count": 12,
        "display_name": "Billy",
        "version": 4,
        "updated_at": creator["updated_at"],
    }
    assert [type(each.event) for each in home.goatherd.since(head)] == [
        e.CreatorReactivated,
        e.CreatorDetailsChanged,
        e.HandleClaimed,
        e.ScrapeRequested,
        e.ScrapeRequested,
    ]
    assert {
        each.event.trigger
        for each in home.goatherd.since(head)
        if isinstance(each.event, e.ScrapeRequested)
    } == {"reactivated"}
    assert answer.headers["ETag"].startswith('W/"4-')
    assert home.counted == 1
    assert home.shown(creator["id"]) == creator


def test_a_removed_creator_that_comes_back_by_its_handle_alone_is_as_it_was(
    home: Tenant,
):
    first = home.add("returning.goat", **SETTINGS)
    home.delete(f"/creators/{first['id']}")

    creator = data_of(
        home.post(home.creators, {"tiktok_handle": "returning.goat"}), status=200
    )

    moved = {name: creator[name] for name in ("version", "updated_at")}
    assert creator == {**first, **moved}
    assert SETTINGS.items() <= creator.items()


def test_a_creator_is_disabled_by_hand_once(home: Tenant):
    added = home.add("resting.goat")
    path = f"/creators/{added['id']}/disable"
    head = home.goatherd.head

    stopped, again = home.post(path), home.post(path)

    creator = data_of(stopped)
    moved = {name: creator[name] for name in ("version", "updated_at")}
    assert creator == {
        **added,
        **moved,
        "status": "disabled",
        "disabled_reason": "by_hand",
        "is_active": False,
    }
    assert creator["version"] == added["version"] + 1
    assert data_of(again) == creator
    assert home.shown(added["id"]) == creator
    assert [type(each.event) for each in home.goatherd.since(head)] == [
        e.CreatorDisabled
    ]
    assert home.counted == 0


def test_what_is_disabled_by_scrapes_keeps_its_reason(home: Tenant):
    creator_id = home.add("hidden.goat")["id"]
    home.disable(creator_id)

    answer = home.post(f"/creators/{creator_id}/disable")

    assert data_of(answer)["disabled_reason"] == "private"


def test_a_creator_that_is_not_tracked_is_not_disabled(home: Tenant, stranger: Tenant):
    removed = home.add("leaving.goat")["id"]
    home.delete(f"/creators/{removed}")
    active = home.add("staying.goat")["id"]
    kept = home.goatherd.kept()

    answers = [
        home.post(f"/creators/{removed}/disable"),
        home.post(f"/creators/{new_id()}/disable"),
        stranger.post(f"/creators/{active}/disable"),
        home.post(f"/creators/{active}/disable", headers={"If-Match": '"7"'}),
    ]

    assert [code_of(each) for each in answers] == [
        (409, "creator_removed"),
        (404, "not_found"),
        (404, "not_found"),
        (412, "version_conflict"),
    ]
    assert home.goatherd.kept() == kept


def test_disabled_creators_are_listed_by_their_reason(home: Tenant):
    ada, bea, _ = (home.add(name)["id"] for name in ("ada", "bea", "cleo"))
    home.post(f"/creators/{ada}/disable")
    home.disable(bea)
    home.goatherd.catch_up()

    def listed(reasons: str, **params: str) -> list[str]:
        query = {"disabled_reason": reasons, "sort": "tiktok_handle", **params}
        found = home.get("/creators", params=query)
        return [each["tiktok_handle"] for each in data_of(found)]

    assert listed("by_hand") == ["ada"]
    assert listed("by_hand", search="b") == []
    assert listed("private,not_found") == ["bea"]
    assert listed("by_hand,private") == ["ada", "bea"]
    assert listed("by_hand", health="disabled") == ["ada"]
    refused = home.get("/creators", params={"disabled_reason": "boredom"})
    assert refused.status_code == 400


def test_a_run_that_is_given_up_does_not_make_a_disabled_creator_fail(home: Tenant):
    creator_id = home.add("resting.goat")["id"]
    run = data_of(home.post(f"/creators/{creator_id}/scrape"), status=202)
    home.post(f"/creators/{creator_id}/disable")

    home.failed(run["scrape_id"], outcome=None)

    creator = home.shown(creator_id)
    assert (creator["failing_kinds"], creator["failed_scrapes"]) == ([], 0)


def test_a_disabled_creator_says_why_and_is_not_active(home: Tenant):
    creator_id = home.add("hidden.goat")["id"]

    home.disable(creator_id)

    creator = home.shown(creator_id)
    assert (creator["status"], creator["disabled_reason"]) == ("disabled", "private")
    assert creator["is_active"] is False
    assert home.counted == 0

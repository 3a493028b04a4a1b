"""One creator, removed, brought back, or disabled for want of an account."""

from uuid import UUID

from domain import events as e
from tests.kit.application import SETTINGS, Tenant, data_of


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


def test_a_disabled_creator_says_why_and_is_not_active(home: Tenant):
    creator_id = home.add("hidden.goat")["id"]

    home.disable(creator_id)

    creator = home.shown(creator_id)
    assert (creator["status"], creator["disabled_reason"]) == ("disabled", "private")
    assert creator["is_active"] is False
    assert home.counted == 0

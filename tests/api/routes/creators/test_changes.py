"""One creator, changed: described, tracked otherwise, renamed."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from domain import events as e
from tests.kit.application import SETTINGS, Tenant, code_of, data_of


@pytest.mark.parametrize(
    "change",
    (
        {"display_name": "The Goat"},
        {"description": "New."},
        {"description": None},
        {"readme": "New."},
        {"readme": None},
        {"metadata": {"new": [1]}},
        {"tags": ["New", "b"]},
        {"tags": []},
        {"description": None, "readme": "New.", "metadata": {}},
    ),
    ids=lambda change: "-".join(f"{k}={v}" for k, v in change.items()),
)
def test_a_detail_is_changed_and_the_rest_stays(home: Tenant, change: dict[str, Any]):
    before = home.add("changing.goat", **SETTINGS)

    answer = home.patch(f"/creators/{before['id']}", change)

    creator = data_of(answer)
    assert creator == {
        **before,
        **change,
        "version": 2,
        "updated_at": creator["updated_at"],
    }
    assert creator["updated_at"] > before["updated_at"]
    assert home.goatherd.events(creator["id"])[1:] == [
        e.CreatorDetailsChanged(organization_id=home.organization_id, **change)
    ]
    assert answer.headers["ETag"].startswith('W/"2-')
    assert int(answer.headers["Goatherd-Position"]) == home.goatherd.head
    assert home.shown(creator["id"]) == creator


def test_how_a_creator_is_tracked_is_changed_in_one_append(home: Tenant):
    before = home.add("tracked.goat", tracking_start_date="2026-03-01")
    change = {
        "tracking_mode": "selective",
        "tracking_start_date": None,
        "tracking_end_date": "2026-04-01",
    }

    creator = data_of(home.patch(f"/creators/{before['id']}", change))

    assert creator | change == creator
    assert creator["version"] == 3
    _, mode, window = home.goatherd.log(creator["id"])
    assert mode.event == e.TrackingModeChanged(
        organization_id=home.organization_id, old="auto", new="selective"
    )
    assert window.event == e.TrackingWindowChanged(
        organization_id=home.organization_id,
        tracking_start_date=None,
        tracking_end_date=date(2026, 4, 1),
    )
    assert mode.position + 1 == window.position
    assert home.shown(creator["id"]) == creator


def test_a_change_to_what_is_so_already_is_answered_and_not_stored(home: Tenant):
    before = home.add("settled.goat", **SETTINGS)
    kept = home.goatherd.kept()

    answer = home.patch(f"/creators/{before['id']}", SETTINGS)

    assert data_of(answer) == before
    assert answer.headers["ETag"].startswith('W/"1-')
    (added,) = home.goatherd.log(before["id"])
    assert int(answer.headers["Goatherd-Position"]) == added.position
    assert home.goatherd.kept() == kept


def test_a_change_of_nothing_is_refused(home: Tenant):
    creator_id = home.add("settled.goat")["id"]

    answer = home.patch(f"/creators/{creator_id}", {})

    assert code_of(answer) == (400, "invalid_body")
    assert "at least one of tiktok_handle, display_name" in answer.json()["error"]


def test_a_name_that_was_set_hides_the_scraped_one_until_it_is_cleared(home: Tenant):
    creator_id = home.add("famous.goat")["id"]
    home.saw(creator_id, display_name="Billy", follower_count=7)

    scraped = home.shown(creator_id)
    named = data_of(home.patch(f"/creators/{creator_id}", {"display_name": "William"}))
    cleared = data_of(home.patch(f"/creators/{creator_id}", {"display_name": None}))

    names = [state["display_name"] for state in (scraped, named, cleared)]
    assert names == ["Billy", "William", "Billy"]
    assert cleared["follower_count"] == 7
    assert home.shown(creator_id) == cleared


def test_a_rename_keeps_everything_and_scrapes_anew(home: Tenant):
    before = home.add("old.goat", **SETTINGS)
    head = home.goatherd.head

    answer = home.patch(f"/creators/{before['id']}", {"tiktok_handle": "@New.Goat"})

    creator = data_of(answer)
    assert creator == {
        **before,
        "tiktok_handle": "new.goat",
        "version": 2,
        "updated_at": creator["updated_at"],
    }
    creator_id = UUID(creator["id"])
    mine = {"organization_id": home.organization_id}
    place: dict[str, Any] = {
        **mine,
        "project_id": home.project_id,
        "creator_id": creator_id,
    }
    assert [each.event for each in home.goatherd.since(head)] == [
        e.HandleChanged(**mine, old="old.goat", new="new.goat"),
        e.HandleClaimed(**place, handle="new.goat"),
        e.HandleReleased(**place, handle="old.goat"),
        e.ScrapeRequested(
            **place,
            handle="new.goat",
            job_type="creator_profiles",
            trigger="renamed",
        ),
    ]
    assert home.counted == 1
    assert home.shown(creator["id"]) == creator


def test_a_handle_that_a_rename_left_behind_is_free(home: Tenant):
    renamed = home.add("first.goat")
    home.patch(f"/creators/{renamed['id']}", {"tiktok_handle": "second.goat"})

    other = home.add("first.goat")

    assert other["id"] != renamed["id"]
    back = home.patch(f"/creators/{renamed['id']}", {"tiktok_handle": "first.goat"})
    assert back.json()["meta"]["code"] == "handle_taken"


def test_a_rename_with_details_is_all_or_nothing(home: Tenant):
    before = home.add("whole.goat", tracking_start_date="2026-03-01")
    kept = home.goatherd.kept()

    refused = home.patch(
        f"/creators/{before['id']}",
        {
            "tiktok_handle": "half.goat",
            "description": "Half.",
            "tracking_end_date": "2026-02-28",
        },
    )
    kept_after_refusal = home.goatherd.kept()
    accepted = home.patch(
        f"/creators/{before['id']}",
        {"tiktok_handle": "half.goat", "description": "Whole."},
    )

    assert refused.status_code == 400
    assert refused.json()["meta"]["fields"][0]["path"] == "/tracking_end_date"
    assert kept_after_refusal == kept
    creator = data_of(accepted)
    assert (creator["tiktok_handle"], creator["description"]) == ("half.goat", "Whole.")
    assert home.shown(creator["id"]) == creator


@pytest.mark.parametrize("condition", ('"1"', '"7", "1"', "*", ' "1" '))
@pytest.mark.parametrize("method", ("PATCH", "DELETE"))
def test_a_change_is_made_where_if_match_names_the_version(
    home: Tenant, method: str, condition: str
):
    creator = home.add("matched.goat")
    body: dict[str, Any] = {"json": {"description": "New."}}
    if method == "DELETE":
        body = {}

    answer = home.ask(
        method, f"/creators/{creator['id']}", headers={"If-Match": condition}, **body
    )

    assert data_of(answer)["version"] == 2

"""Annotations: written, listed, changed and deleted, and shown in answers."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from domain import events as e
from infra.ids import new_id
from tests.kit.application import NOON, Goatherd, Tenant, code_of, data_of

PATH = "/analytics/annotations"
MARCH = {"from": "2026-03-01", "to": "2026-03-31"}


@pytest.fixture
def away(goatherd: Goatherd) -> Tenant:
    return goatherd.tenant()


@pytest.fixture
def creator(home: Tenant) -> dict[str, Any]:
    return home.add(f"goat.{uuid4().hex[:20]}")


def note(tenant: Tenant, scope: str, scope_id: object, **fields: object) -> Any:  # noqa: ANN401
    body = {"starts_on": "2026-03-02", "text": "The sale began.", **fields}
    answer = tenant.post(PATH, {"scope": scope, "scope_id": str(scope_id), **body})
    return data_of(answer, status=201)


def listed(tenant: Tenant, **params: str) -> list[dict[str, Any]]:
    tenant.goatherd.catch_up()
    return data_of(tenant.get(PATH, params=params))


def shown(tenant: Tenant, entity: str, entity_id: object, **params: str) -> list[str]:
    """The texts in an answer of analytics about March."""
    tenant.goatherd.catch_up()
    query = {"entity": entity, "entity_id": str(entity_id), "metric": "views"}
    answer = tenant.get("/analytics", params={**query, **MARCH, **params})
    return [each["text"] for each in data_of(answer)["annotations"]]


def scraped(
    tenant: Tenant, creator_id: str, *, hours: float, provider: str = "web"
) -> None:
    tenant.goatherd.append(
        new_id(),
        e.ScrapeSucceeded(
            organization_id=tenant.organization_id,
            creator_id=tenant.goatherd.log(creator_id)[0].stream,
            job_type="creator_profiles",
            provider=provider,
            attempts=1,
            observed_at=NOON + timedelta(hours=hours),
            duration_ms=1,
        ),
    )


def test_a_note_is_written_and_listed(home: Tenant, creator: dict[str, Any]):
    answer = home.post(
        PATH,
        {
            "scope": "creator",
            "scope_id": creator["id"],
            "starts_on": "2026-03-02",
            "ends_on": "2026-03-05",
            "text": "On holiday",
        },
    )

    written = data_of(answer, status=201)
    assert written == {
        "id": written["id"],
        "scope": "creator",
        "scope_id": creator["id"],
        "starts_on": "2026-03-02",
        "ends_on": "2026-03-05",
        "text": "On holiday",
        "kind": "note",
        "author": written["author"],
        "version": 1,
    }
    assert written["author"].startswith("key ")
    assert answer.headers["ETag"] == '"1"'
    (recorded,) = home.goatherd.log(written["id"])
    assert int(answer.headers["Goatherd-Position"]) == recorded.position
    assert listed(home, kind="note") == [written]


def test_a_note_without_a_last_day_is_about_one_day(home: Tenant):
    written = note(home, "org", home.organization_id)

    assert written["ends_on"] == "2026-03-02"


def test_a_note_is_written_once_for_a_repeated_request(home: Tenant):
    body = {"scope": "project", "scope_id": str(home.project_id)}
    body |= {"starts_on": "2026-03-02", "text": "Sale"}
    key = {"Idempotency-Key": uuid4().hex}

    first, again = (home.post(PATH, body, headers=key) for _ in range(2))

    assert data_of(first, status=201) == data_of(again, status=201)
    assert len(listed(home, kind="note")) == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    (
        ({"text": " \u200b"}, "/text"),
        ({"text": ""}, "/text"),
        ({"text": "x" * 501}, "/text"),
        ({"starts_on": "2026-02-30"}, "/starts_on"),
        ({"ends_on": "2026-03-01"}, "/ends_on"),
        ({"colour": "blue"}, "/colour"),
    ),
)
def test_what_is_wrong_is_named_and_nothing_is_stored(
    home: Tenant, wrong: dict[str, Any], field: str
):
    body = {"starts_on": "2026-03-02", "text": "Sale"}
    own = {"scope": "project", "scope_id": str(home.project_id)}
    written = note(home, **own)
    kept = home.goatherd.kept()

    answers = [
        home.post(PATH, {**own, **body, **wrong}),
        home.patch(f"{PATH}/{written['id']}", wrong),
    ]

    for answer in answers:
        assert code_of(answer) == (400, "invalid_body")
        assert [each["path"] for each in answer.json()["meta"]["fields"]] == [field]
    assert home.goatherd.kept() == kept


def test_a_note_needs_a_thing_of_the_kind_that_its_scope_says(
    home: Tenant, away: Tenant, creator: dict[str, Any]
):
    theirs = away.add(f"goat.{uuid4().hex[:20]}")
    wrong = [
        ("org", home.project_id),
        ("project", creator["id"]),
        ("creator", home.project_id),
        ("creator", theirs["id"]),
        ("video", creator["id"]),
        ("campaign", creator["id"]),
        ("org", away.organization_id),
        ("project", away.project_id),
    ]

    for scope, scope_id in wrong:
        body = {"scope": scope, "scope_id": str(scope_id)}
        answer = home.post(PATH, {**body, "starts_on": "2026-03-02", "text": "Sale"})
        assert code_of(answer) == (404, "not_found")


def test_a_note_is_changed_at_the_version_that_was_read(home: Tenant):
    written = note(home, "org", home.organization_id)
    path = f"{PATH}/{written['id']}"

    changed = data_of(
        home.patch(path, {"text": "It ended."}, headers={"If-Match": '"1"'})
    )
    late = home.patch(path, {"text": "No."}, headers={"If-Match": '"1"'})
    same = home.patch(path, {"text": "It ended."})

    assert changed == {**written, "text": "It ended.", "version": 2}
    assert code_of(late) == (412, "version_conflict")
    assert data_of(same) == changed
    assert listed(home, kind="note") == [changed]


def test_a_deleted_note_is_gone_and_stays_gone(home: Tenant):
    written = note(home, "org", home.organization_id)
    path = f"{PATH}/{written['id']}"

    deleted = data_of(home.delete(path))

    assert deleted == {**written, "version": 2}
    assert data_of(home.delete(path)) == deleted
    assert code_of(home.patch(path, {"text": "Back"})) == (404, "not_found")
    assert listed(home, kind="note") == []


def test_notes_of_others_are_out_of_reach(home: Tenant, away: Tenant):
    written = note(home, "org", home.organization_id)
    path = f"{PATH}/{written['id']}"

    assert listed(away, scope_id=str(home.organization_id)) == []
    assert code_of(away.patch(path, {"text": "Mine"})) == (404, "not_found")
    assert code_of(away.delete(path)) == (404, "not_found")
    assert listed(home, kind="note") == [written]


def test_only_keys_that_may_write_change_notes(home: Tenant):
    written = note(home, "org", home.organization_id)
    reading = home.with_key("read")
    path = f"{PATH}/{written['id']}"

    assert code_of(reading.delete(path)) == (403, "insufficient_scope")
    assert [each["id"] for each in listed(reading, kind="note")] == [written["id"]]


def test_the_list_is_cut_by_scope_and_days_page_by_page(
    home: Tenant, creator: dict[str, Any]
):
    days = [f"2026-03-{day:02}" for day in range(1, 8)]
    for day in days:
        note(home, "creator", creator["id"], starts_on=day, text=day)
    note(home, "org", home.organization_id, ends_on="2026-03-31")

    own = {"scope": "creator", "kind": "note"}
    inside = listed(home, **{**own, "from": days[2], "to": days[4]})
    paged = [one["text"] for one in home.every(PATH, limit=3) if one["kind"] == "note"]

    assert [each["text"] for each in inside] == [days[4], days[3], days[2]]
    assert len(paged) == 8
    assert [text for text in paged if text in days] == days[::-1]
    assert len(listed(home, kind="note", **{"from": "2026-03-30"})) == 1
    wrong = home.get(PATH, params={"from": days[3], "to": days[1]})
    assert code_of(wrong) == (400, "invalid_query")


def test_an_answer_has_what_happened_to_its_entity_and_around_it(
    home: Tenant, creator: dict[str, Any]
):
    other = home.add(f"goat.{uuid4().hex[:20]}")
    video_id = home.found(creator["id"])
    note(home, "org", home.organization_id, text="org", starts_on="2026-03-01")
    note(home, "project", home.project_id, text="project")
    note(home, "creator", creator["id"], text="creator", starts_on="2026-03-03")
    note(home, "video", video_id, text="video", starts_on="2026-03-04")
    note(home, "creator", other["id"], text="other")
    note(home, "org", home.organization_id, text="later", starts_on="2026-04-01")
    note(
        home,
        "org",
        home.organization_id,
        text="long",
        starts_on="2026-01-01",
        ends_on="2026-03-01",
    )

    around = ["long", "org", "project"]
    assert shown(home, "project", home.project_id) == around
    assert shown(home, "creator", creator["id"]) == [*around, "creator"]
    assert shown(home, "video", video_id) == [*around, "creator", "video"]


def test_an_answer_as_of_a_position_leaves_out_later_notes(
    home: Tenant, creator: dict[str, Any]
):
    note(home, "creator", creator["id"], text="early")
    head = home.goatherd.head
    note(home, "creator", creator["id"], text="late")

    then = shown(home, "creator", creator["id"], as_of=str(head))

    assert then == ["early"]
    assert sorted(shown(home, "creator", creator["id"])) == ["early", "late"]


def test_what_happens_to_a_creator_is_a_system_annotation(
    home: Tenant, creator: dict[str, Any]
):
    today = str(datetime.now(UTC).date())
    home.patch(f"/creators/{creator['id']}", {"tracking_mode": "selective"})
    home.patch(f"/creators/{creator['id']}", {"description": "Quiet"})

    found = listed(home, scope="creator", scope_id=creator["id"])

    handle = creator["tiktok_handle"].removeprefix("@")
    assert {each["text"] for each in found} == {
        (
            f"Added as @{handle}, tracked from {today} on, with new videos included "
            "at once"
        ),
        "New videos changed from included at once to reviewed first",
    }
    assert {each["kind"] for each in found} == {"system"}
    assert {each["starts_on"] for each in found} == {today}
    assert all(each["author"].startswith("key ") for each in found)


def test_system_annotations_refuse_changes(
    home: Tenant, away: Tenant, creator: dict[str, Any]
):
    (system,) = listed(home, scope="creator", scope_id=creator["id"])
    path = f"{PATH}/{system['id']}"

    assert code_of(home.patch(path, {"text": "No"})) == (409, "system_annotation")
    assert code_of(home.delete(path)) == (409, "system_annotation")
    assert code_of(away.delete(path)) == (404, "not_found")
    assert listed(home, scope="creator", scope_id=creator["id"]) == [system]


def test_the_days_of_a_campaign_are_annotations_of_it(home: Tenant):
    body = {"name": "Spring", "starts_on": "2026-03-02", "ends_on": "2026-03-20"}
    path = f"/projects/{home.project_id}/campaigns"
    campaign = data_of(home.post(path, body), status=201)
    of_it = {"scope": "campaign", "scope_id": campaign["id"]}

    dated = [(each["starts_on"], each["text"]) for each in listed(home, **of_it)]
    change = {"starts_on": None, "ends_on": "2026-03-21"}
    home.patch(f"/campaigns/{campaign['id']}", change)
    changed = [(each["starts_on"], each["text"]) for each in listed(home, **of_it)]
    home.delete(f"/campaigns/{campaign['id']}")

    assert dated == [
        ("2026-03-20", "The campaign ends"),
        ("2026-03-02", "The campaign starts"),
    ]
    assert changed == [("2026-03-21", "The campaign ends")]
    assert listed(home, **of_it) == []


def test_an_outage_is_as_long_as_the_gap_and_an_import_closes_it(
    home: Tenant, creator: dict[str, Any]
):
    other = home.add(f"goat.{uuid4().hex[:20]}")
    scraped(home, creator["id"], hours=0)
    scraped(home, other["id"], hours=12)
    scraped(home, creator["id"], hours=61)

    of_project = {"scope": "project", "scope_id": str(home.project_id)}
    (outage,) = listed(home, **of_project)
    scraped(home, other["id"], hours=60, provider="import")
    (shorter,) = listed(home, **of_project)
    scraped(home, other["id"], hours=36, provider="import")
    halves = listed(home, **of_project)
    scraped(home, other["id"], hours=24, provider="import")
    scraped(home, other["id"], hours=48, provider="import")

    assert outage["text"] == "No creator was observed for 2 days and 1 hour"
    assert (outage["starts_on"], outage["ends_on"]) == ("2026-03-02", "2026-03-04")
    assert (outage["author"], outage["kind"]) == (None, "system")
    assert shorter["text"] == "No creator was observed for 2 days"
    assert [each["text"] for each in halves] == [
        "No creator was observed for 1 day"
    ] * 2
    assert listed(home, **of_project) == []


def test_the_settings_of_the_organization_say_what_an_outage_is(
    home: Tenant, creator: dict[str, Any]
):
    hours = {"creator_profiles_hours": 48, "video_stats_hours": 24}
    home.patch("/organization", {**hours, "discover_videos_hours": 24})

    scraped(home, creator["id"], hours=0)
    scraped(home, creator["id"], hours=48)
    at_most = listed(home, scope="project")
    scraped(home, creator["id"], hours=97)

    assert at_most == []
    assert [each["text"] for each in listed(home, scope="project")] == [
        "No creator was observed for 2 days and 1 hour"
    ]


def test_nobody_is_missed_while_no_creator_is_tracked(
    home: Tenant, creator: dict[str, Any]
):
    scraped(home, creator["id"], hours=0)
    home.delete(f"/creators/{creator['id']}")
    other = home.add(f"goat.{uuid4().hex[:20]}")
    scraped(home, other["id"], hours=100)

    assert listed(home, scope="project") == []


def test_another_provider_is_said_once_while_two_take_turns(
    home: Tenant, creator: dict[str, Any]
):
    providers = ["web", "import", "research", "web", "research"]
    for number, provider in enumerate(providers):
        scraped(home, creator["id"], hours=number * 6, provider=provider)

    (changed,) = listed(home, scope="project")

    assert changed["text"] == "Observed by the provider research, before by web"
    assert changed["starts_on"] == "2026-03-02"


def test_another_time_zone_is_said_and_days_are_in_it(goatherd: Goatherd):
    tenant = goatherd.tenant(time_zone="Pacific/Kiritimati")
    creator = tenant.add(f"goat.{uuid4().hex[:20]}")

    tenant.patch("/organization", {"time_zone": "Pacific/Niue"})
    (zone,) = listed(tenant, scope="org")
    (added,) = listed(tenant, scope="creator", scope_id=creator["id"])

    text = "Days are those of Pacific/Niue now, not of Pacific/Kiritimati"
    assert zone["text"] == text
    # 25 hours lie between the two.
    assert added["starts_on"] > zone["starts_on"]

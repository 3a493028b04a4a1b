"""Campaigns: created, shown, listed, changed and deleted."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import events as e
from tests.api.routes.test_analytics import Population
from tests.kit.application import Goatherd, Tenant, code_of, data_of

WHOLE: dict[str, Any] = {
    "name": "Spring",
    "description": "All of spring.",
    "readme": "# Spring",
    "metadata": {"tier": 1},
    "starts_on": "2026-03-01",
    "ends_on": "2026-05-31",
    "target_views": 10_000_000,
    "target_at": "2026-06-01T00:00:00+02:00",
    "target_scope": "gained",
    "target_posts": 12,
    "target_engagement": 50_000,
    "cost_minor": 120_000,
    "currency": "EUR",
}


def campaigns_of(tenant: Tenant) -> str:
    return f"/projects/{tenant.project_id}/campaigns"


def created(tenant: Tenant, name: str = "Spring", **fields: object) -> dict[str, Any]:
    body = {"name": name, **fields}
    return data_of(tenant.post(campaigns_of(tenant), body), status=201)


def shown(tenant: Tenant, campaign_id: str, **params: object) -> dict[str, Any]:
    tenant.goatherd.catch_up()
    return data_of(tenant.get(f"/campaigns/{campaign_id}", params=params))


def with_progress(campaign: dict[str, Any]) -> dict[str, Any]:
    """A campaign as shown when nothing counts in it yet and its target is over."""
    numbers = ("target_views", "target_posts", "target_engagement", "cost_minor")
    if all(campaign[name] is None for name in numbers):
        return {**campaign, "progress": None, "tz": "UTC"}
    # Where no video was posted, posts have no views; levels are not known.
    is_known = campaign["target_scope"] == "posts_in_days"
    at = campaign["target_at"]

    def towards(target: int | None, *, is_known: bool) -> dict[str, Any]:
        return {
            "reached": 0 if is_known else None,
            "percentage": 0 if is_known and target else None,
            "required_per_day": None,
            "projected_at_target": None,
            "status": "missed" if is_known and target and at else None,
        }

    targets = {name: campaign[f"target_{name}"] for name in ("posts", "engagement")}
    progress = {
        "target_scope": campaign["target_scope"],
        "target_views": campaign["target_views"],
        "target_at": at,
        **towards(campaign["target_views"], is_known=is_known),
        **{
            name: {
                "target": target,
                **towards(target, is_known=is_known or name == "posts"),
            }
            for name, target in targets.items()
        },
        "cost_minor": campaign["cost_minor"],
        "currency": campaign["currency"],
        "effective_cpm_minor": None,
    }
    return {**campaign, "progress": progress, "tz": "UTC"}


def test_a_campaign_is_created_with_everything(home: Tenant):
    head = home.goatherd.head

    answer = home.post(campaigns_of(home), WHOLE)

    campaign = data_of(answer, status=201)
    created_at = datetime.fromisoformat(campaign["created_at"])
    assert campaign == {
        **WHOLE,
        "id": str(UUID(campaign["id"])),
        "project_id": str(home.project_id),
        "org_id": str(home.organization_id),
        "target_at": "2026-05-31T22:00:00Z",
        "item_counts": {"creators": 0, "videos": 0, "campaigns": 0},
        "version": 2,
        "created_at": created_at.isoformat().replace("+00:00", "Z"),
        "updated_at": campaign["created_at"],
    }
    recorded = home.goatherd.since(head)
    assert [type(each.event) for each in recorded] == [
        e.CampaignCreated,
        e.CampaignTargetChanged,
    ]
    assert answer.headers["ETag"] == '"2"'
    assert int(answer.headers["Goatherd-Position"]) == recorded[-1].position
    assert shown(home, campaign["id"]) == with_progress(campaign)


def test_a_campaign_needs_but_a_name(home: Tenant):
    campaign = created(home)

    assert campaign["version"] == 1
    assert campaign["metadata"] == {}
    nothing = ("description", "readme", "starts_on", "target_views", "target_at")
    assert [campaign[name] for name in nothing] == [None] * 5
    nothing = ("target_posts", "target_engagement", "cost_minor", "currency")
    assert [campaign[name] for name in nothing] == [None] * 4


@pytest.mark.parametrize(
    ("wrong", "field"),
    (
        ({"name": " \u200b"}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"name": None}, "/name"),
        ({"description": "x" * 5_001}, "/description"),
        ({"readme": "\N{GOAT}" * 16_001}, "/readme"),
        ({"metadata": {"a": "x" * 16_000}}, "/metadata"),
        ({"starts_on": "2026-02-30"}, "/starts_on"),
        ({"starts_on": "2026-06-01"}, "/ends_on"),
        ({"target_views": 0}, "/target_views"),
        ({"target_views": 2**53}, "/target_views"),
        ({"target_views": 1.5}, "/target_views"),
        ({"target_posts": 0}, "/target_posts"),
        ({"target_engagement": -1}, "/target_engagement"),
        ({"cost_minor": -1}, "/cost_minor"),
        ({"cost_minor": 1.5}, "/cost_minor"),
        ({"currency": "euro"}, "/currency"),
        ({"currency": "EUT"}, "/currency"),
        ({"currency": None}, "/currency"),
        ({"target_at": "2026-06-01T00:00:00"}, "/target_at"),
        ({"target_at": "9999-12-31T23:59:59-02:00"}, "/target_at"),
        ({"target_scope": "ever"}, "/target_scope"),
        ({"target_scope": None}, "/target_scope"),
        ({"colour": "blue"}, "/colour"),
    ),
)
def test_what_is_wrong_is_named_and_nothing_is_stored(
    home: Tenant, wrong: dict[str, Any], field: str
):
    campaign = created(home, **{**WHOLE, "name": "Spring"})
    kept = home.goatherd.kept()

    answers = [
        home.post(campaigns_of(home), {**WHOLE, **wrong}),
        home.patch(f"/campaigns/{campaign['id']}", wrong),
    ]

    for answer in answers:
        assert code_of(answer) == (400, "invalid_body")
        assert [each["path"] for each in answer.json()["meta"]["fields"]] == [field]
    assert home.goatherd.kept() == kept


@pytest.mark.parametrize(
    ("change", "events"),
    (
        ({"name": "May"}, [e.CampaignDetailsChanged]),
        ({"ends_on": None, "readme": None}, [e.CampaignDetailsChanged]),
        ({"target_views": None}, [e.CampaignTargetChanged]),
        ({"target_scope": "posts_in_days"}, [e.CampaignTargetChanged]),
        ({"target_posts": 13}, [e.CampaignTargetChanged]),
        ({"target_engagement": None}, [e.CampaignTargetChanged]),
        ({"cost_minor": None, "currency": None}, [e.CampaignDetailsChanged]),
        (
            {
                "target_views": None,
                "target_posts": None,
                "target_engagement": None,
                "cost_minor": None,
            },
            [e.CampaignDetailsChanged, e.CampaignTargetChanged],
        ),
        (
            {"metadata": {}, "target_views": 5, "target_at": None},
            [e.CampaignDetailsChanged, e.CampaignTargetChanged],
        ),
        ({"name": "Spring", "target_views": 10_000_000}, []),
    ),
)
def test_a_campaign_is_changed_and_the_rest_stays(
    home: Tenant, change: dict[str, Any], events: list[type[e.Event]]
):
    before = created(home, **WHOLE)
    head = home.goatherd.head

    answer = home.patch(f"/campaigns/{before['id']}", change)

    campaign = data_of(answer)
    assert campaign == {
        **before,
        **change,
        "version": 2 + len(events),
        "updated_at": campaign["updated_at"],
    }
    assert [type(each.event) for each in home.goatherd.since(head)] == events
    assert answer.headers["ETag"] == f'"{2 + len(events)}"'
    assert shown(home, before["id"]) == with_progress(campaign)


def test_a_change_of_nothing_is_no_request(home: Tenant):
    campaign = created(home)

    answer = home.patch(f"/campaigns/{campaign['id']}", {})

    assert code_of(answer) == (400, "invalid_body")
    assert "must have at least one of name, description" in answer.json()["error"]


def test_a_stale_version_changes_and_deletes_nothing(home: Tenant):
    campaign = created(home)
    path = f"/campaigns/{campaign['id']}"
    data_of(home.patch(path, {"name": "May"}))
    kept = home.goatherd.kept()

    stale = {"headers": {"If-Match": '"1"'}}
    answers = [
        home.patch(path, {"name": "June"}, **stale),
        home.delete(path, **stale),
        home.delete(
            f"{path}/items",
            json={"item_type": "creator", "item_id": str(uuid4())},
            **stale,
        ),
    ]

    assert [code_of(answer) for answer in answers] == [(412, "version_conflict")] * 3
    assert answers[0].json()["meta"]["currentVersion"] == 2
    assert home.goatherd.kept() == kept
    assert data_of(home.delete(path, headers={"If-Match": '"2"'}))


def test_a_page_that_did_not_change_is_not_sent_again(home: Tenant):
    campaign = created(home)
    home.goatherd.catch_up()

    answer = home.get(f"/campaigns/{campaign['id']}")
    again = home.get(
        f"/campaigns/{campaign['id']}",
        headers={"If-None-Match": answer.headers["ETag"]},
    )

    assert answer.headers["ETag"] == '"1"'
    assert again.status_code == 304


def test_a_campaign_is_created_once_for_an_idempotency_key(home: Tenant):
    headers = {"Idempotency-Key": "spring"}

    answers = [home.post(campaigns_of(home), WHOLE, headers=headers) for _ in range(2)]

    assert answers[0].text == answers[1].text
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    home.goatherd.catch_up()
    assert len(data_of(home.get("/campaigns"))) == 1


def test_campaigns_are_listed_newest_first_by_project_and_name(home: Tenant):
    first = created(home, "Spring 50% off")
    second = created(home, "SPRING_autumn")
    other = data_of(home.post("/projects", {"name": "Other"}), status=201)
    path = f"/projects/{other['id']}/campaigns"
    third = data_of(home.post(path, {"name": "Winter"}), status=201)
    home.goatherd.catch_up()

    def ids(**params: object) -> list[str]:
        return [c["id"] for c in data_of(home.get("/campaigns", params=params))]

    assert ids() == [third["id"], second["id"], first["id"]]
    assert ids(project_id=home.project_id) == [second["id"], first["id"]]
    assert ids(search=" spring ") == [second["id"], first["id"]]
    assert ids(search="50%") == [first["id"]]
    assert ids(search="g_a") == [second["id"]]
    assert ids(search="summer") == ids(project_id=uuid4()) == []
    assert [c["id"] for c in home.every("/campaigns", limit=1)] == ids()


def test_a_cursor_belongs_to_its_filters(home: Tenant):
    for _ in range(2):
        created(home)
    home.goatherd.catch_up()
    page = home.get("/campaigns", params={"limit": 1, "search": "spring"})
    cursor = page.json()["meta"]["nextCursor"]

    answer = home.get("/campaigns", params={"limit": 1, "cursor": cursor})

    assert code_of(answer) == (400, "invalid_cursor")


def test_a_deleted_campaign_is_gone_from_lists_but_its_history_stays(home: Tenant):
    campaign = created(home, **WHOLE)
    path = f"/campaigns/{campaign['id']}"
    before = home.goatherd.head

    deleted = data_of(home.delete(path))
    again = data_of(home.delete(path))

    assert (
        deleted
        == again
        == {**campaign, "version": 3, "updated_at": deleted["updated_at"]}
    )
    home.goatherd.catch_up()
    assert data_of(home.get("/campaigns")) == []
    for answer in (
        home.get(path),
        home.get(f"{path}/items"),
        home.patch(path, {"name": "Back"}),
        home.get(path, params={"as_of": home.goatherd.head}),
    ):
        assert code_of(answer) == (404, "not_found")
    then = data_of(home.get(path, params={"as_of": before}))
    assert then == with_progress(campaign)
    events = [each["event"] for each in data_of(home.get(f"{path}/history"))]
    assert events == ["campaign_deleted", "campaign_target_changed", "campaign_created"]


def test_a_campaign_is_shown_as_of_a_time_and_a_position(home: Tenant):
    campaign = created(home)
    created_at = home.goatherd.log(campaign["id"])[0]
    creator = home.add("ada")
    item = {"item_type": "creator", "item_id": creator["id"]}
    data_of(home.post(f"/campaigns/{campaign['id']}/items", item), status=201)
    home.patch(f"/campaigns/{campaign['id']}", {"name": "May"})

    before, now = (
        shown(home, campaign["id"], as_of=at)
        for at in (created_at.recorded_at.isoformat(), home.goatherd.head)
    )
    answer = home.get(
        f"/campaigns/{campaign['id']}", params={"as_of": created_at.position - 1}
    )

    assert before == with_progress(campaign)
    assert now == shown(home, campaign["id"])
    assert (now["name"], now["item_counts"]["creators"]) == ("May", 1)
    assert code_of(answer) == (404, "not_found")


def test_a_plan_has_room_for_so_many_campaigns_of_a_project(goatherd: Goatherd):
    tenant = goatherd.tenant(plan="free")
    first, _ = created(tenant), created(tenant)
    kept = goatherd.kept()

    refused = tenant.post(campaigns_of(tenant), {"name": "One too many"})

    assert code_of(refused) == (402, "limit_reached")
    assert {
        name: refused.json()["meta"][name] for name in ("limitKey", "current", "max")
    } == {"limitKey": "max_campaigns_per_project", "current": 2, "max": 2}
    assert goatherd.kept() == kept
    data_of(tenant.delete(f"/campaigns/{first['id']}"))
    created(tenant)
    goatherd.catch_up()
    usage = data_of(tenant.get("/organization"))["usage"]
    assert usage["campaigns_per_project"] == {"used": 2, "limit": 2}
    assert usage["items_per_campaign"] == {"used": 0, "limit": 3}


def test_a_campaign_of_no_project_or_of_a_stranger_is_not_found(
    home: Tenant, stranger: Tenant
):
    campaign = created(home)
    home.goatherd.catch_up()
    path = f"/campaigns/{campaign['id']}"

    answers = [
        home.post(f"/projects/{uuid4()}/campaigns", {"name": "x"}),
        stranger.post(campaigns_of(home), {"name": "x"}),
        stranger.get(path),
        stranger.patch(path, {"name": "x"}),
        stranger.delete(path),
        stranger.get(f"{path}/items"),
        stranger.get(f"{path}/history"),
    ]

    assert {code_of(answer) for answer in answers} == {(404, "not_found")}


def test_the_stats_of_a_campaign_are_gone(home: Tenant):
    answer = home.get(f"/campaigns/{uuid4()}/stats")

    assert code_of(answer) == (410, "gone")
    assert "GET /api/v1/analytics?entity=campaign" in answer.json()["error"]


def test_the_schema_describes_campaigns(home: Tenant):
    entities = data_of(home.get("/schema"))["entities"]

    assert "item_counts" in entities["campaign"]["fields"]
    assert "tiktok_handle" in entities["campaign_item"]["fields"]


def test_a_campaign_shows_how_much_of_its_target_is_reached(home: Tenant):
    population = Population(home)
    population.video("1")
    population.looked(0, v1=100)
    path = f"/campaigns/{population.campaign()}"
    data_of(home.patch(path, {"target_views": 400, "target_scope": "lifetime"}))
    home.goatherd.catch_up()
    before, head = home.get(path), home.goatherd.head
    known = {"If-None-Match": before.headers["ETag"]}
    unchanged = home.get(path, headers=known)

    population.looked(1, v1=200)
    home.goatherd.catch_up()
    after = home.get(path, headers=known)
    then = home.get(path, params={"as_of": head})

    of_each = [data_of(answer)["progress"] for answer in (before, after, then)]
    assert [each["reached"] for each in of_each] == [100, 200, 100]
    assert [each["percentage"] for each in of_each] == [25, 50, 25]
    assert unchanged.status_code == 304
    changed = home.patch(
        path, {"name": "May"}, headers={"If-Match": before.headers["ETag"]}
    )
    assert data_of(changed)["name"] == "May"

"""Items of campaigns: added, listed, removed, and named in their histories."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import events as e
from domain.campaign.commands import CampaignItem
from domain.campaign.decider import campaign_of
from domain.campaign.handlers.items import add_items
from domain.errors import ItemsRefusedError
from domain.organization.plans import DEFAULT_PLANS
from domain.streams import membership_stream
from infra.eventstore.execute import execute
from tests.api.routes.test_campaigns import created, shown, with_progress
from tests.kit.application import Goatherd, Tenant, code_of, data_of
from tests.kit.builders import asking


def put(
    tenant: Tenant, campaign: dict[str, Any], *items: tuple[str, str], status: int = 201
) -> dict[str, Any]:
    return data_of(
        tenant.post(f"/campaigns/{campaign['id']}/items", body_of(*items)),
        status=status,
    )


def body_of(*items: tuple[str, str]) -> dict[str, Any]:
    return {
        "items": [
            {"item_type": item_type, "item_id": item_id} for item_type, item_id in items
        ]
    }


def listed(tenant: Tenant, campaign: dict[str, Any], **params: object) -> list[Any]:
    tenant.goatherd.catch_up()
    return data_of(tenant.get(f"/campaigns/{campaign['id']}/items", params=params))


def test_every_kind_of_item_is_put_in_and_listed_with_its_name(home: Tenant):
    campaign, sub = created(home), created(home, "Easter")
    ada, berta = home.add("ada"), home.add("berta")
    home.saw(ada["id"], display_name="Ada L.", avatar_url="https://p16.example/a.jpg")
    video = home.found(ada["id"], "7460000000000000001", title="Goats!")

    put(home, campaign, ("creator", ada["id"]))
    answer = put(
        home,
        campaign,
        ("creator", berta["id"]),
        ("video", video),
        ("campaign", sub["id"]),
    )

    assert answer["item_counts"] == {"creators": 2, "videos": 1, "campaigns": 1}
    assert answer["version"] == 5
    assert shown(home, campaign["id"]) == with_progress(answer)
    rows = listed(home, campaign)
    log = home.goatherd.log(campaign["id"])
    items = (
        ("campaign", sub["id"], "Easter", None, None, None),
        ("video", video, "Goats!", "goat", "7460000000000000001", None),
        ("creator", berta["id"], None, "berta", None, None),
        ("creator", ada["id"], "Ada L.", "ada", None, "https://p16.example/a.jpg"),
    )
    fields = ("item_type", "item_id", "name", "tiktok_handle", "tiktok_video_id")
    assert rows == [
        {
            **dict(zip((*fields, "avatar_url"), item, strict=True)),
            "is_removed": False,
            "added_at": recorded.recorded_at.isoformat().replace("+00:00", "Z"),
            "position": recorded.position,
        }
        for recorded, item in zip(log[:0:-1], items, strict=True)
    ]
    path = f"/campaigns/{campaign['id']}/items"
    assert list(home.every(path, limit=1)) == rows
    assert [r["item_id"] for r in listed(home, campaign, item_type="creator")] == [
        berta["id"],
        ada["id"],
    ]


def test_a_single_item_is_put_in_once(home: Tenant):
    campaign, ada = created(home), home.add("ada")
    path = f"/campaigns/{campaign['id']}/items"
    item = {"item_type": "creator", "item_id": ada["id"]}

    first = home.post(path, item)
    head = home.goatherd.head
    second = home.post(path, item)

    assert (first.status_code, second.status_code) == (201, 200)
    assert data_of(first, status=201) == data_of(second)
    assert first.headers["ETag"] == second.headers["ETag"] == '"2"'
    assert home.goatherd.head == head
    events = home.goatherd.events(membership_stream(UUID(ada["id"])))
    assert events == [
        e.CampaignJoined(
            organization_id=home.organization_id,
            item_type="creator",
            item_id=UUID(ada["id"]),
            campaign_id=UUID(campaign["id"]),
        )
    ]


def test_of_many_items_each_bad_one_is_named_and_none_is_put_in(
    home: Tenant, stranger: Tenant
):
    campaign, gone = created(home), created(home)
    data_of(home.delete(f"/campaigns/{gone['id']}"))
    ada, berta = home.add("ada"), home.add("berta")
    data_of(home.delete(f"/creators/{berta['id']}"))
    video = home.found(ada["id"])
    data_of(home.delete(f"/videos/{video}"))
    other = data_of(home.post("/projects", {"name": "Other"}), status=201)
    path = f"/projects/{other['id']}/creators"
    cleo = data_of(home.post(path, {"tiktok_handle": "cleo"}), status=201)
    theirs = stranger.add("dora")
    kept = home.goatherd.kept()

    answer = home.post(
        f"/campaigns/{campaign['id']}/items",
        body_of(
            ("creator", ada["id"]),
            ("creator", berta["id"]),
            ("video", video),
            ("campaign", gone["id"]),
            ("creator", cleo["id"]),
            ("creator", theirs["id"]),
            ("video", str(uuid4())),
            ("campaign", campaign["id"]),
            ("creator", ada["id"]),
        ),
    )

    assert code_of(answer) == (409, "item_removed")
    problems = answer.json()["meta"]["items"]
    assert [(each["index"], each["code"]) for each in problems] == [
        (1, "item_removed"),
        (2, "item_removed"),
        (3, "item_removed"),
        (4, "other_project"),
        (5, "not_found"),
        (6, "not_found"),
        (7, "campaign_cycle"),
        (8, "already_member"),
    ]
    assert problems[3]["message"] == (
        "The creator is in another project than the campaign."
    )
    assert answer.json()["error"].startswith("items/1: The creator was removed;")
    assert home.goatherd.kept() == kept


def test_a_single_bad_item_is_refused_in_its_own_words(home: Tenant):
    campaign = created(home)
    path = f"/campaigns/{campaign['id']}/items"

    missing = home.post(path, {"item_type": "creator", "item_id": str(uuid4())})
    itself = home.post(path, {"item_type": "campaign", "item_id": campaign["id"]})

    assert code_of(missing) == (404, "not_found")
    assert missing.json()["error"] == "No such creator."
    assert code_of(itself) == (409, "campaign_cycle")
    assert itself.json()["error"] == (
        "A campaign cannot contain itself, directly or indirectly."
    )


@pytest.mark.parametrize(
    "body",
    (
        {},
        {"items": []},
        {"item_type": "goal", "item_id": str(uuid4())},
        {"item_type": "creator"},
        {"item_type": "creator", "item_id": "ada"},
        body_of(*[("creator", str(uuid4())) for _ in range(101)]),
    ),
)
def test_what_names_no_items_is_no_request(home: Tenant, body: dict[str, Any]):
    campaign = created(home)
    path = f"/campaigns/{campaign['id']}/items"

    for answer in (home.post(path, body), home.delete(path, json=body)):
        assert code_of(answer) == (400, "invalid_body")


def test_a_hundred_items_are_put_in_at_once(home: Tenant):
    campaign, ada = created(home), home.add("ada")
    videos = [home.found(ada["id"]) for _ in range(100)]

    answer = put(home, campaign, *(("video", video) for video in videos))

    assert answer["item_counts"]["videos"] == 100
    home.goatherd.catch_up()
    rows = list(home.every(f"/campaigns/{campaign['id']}/items", limit=33))
    assert sorted(row["item_id"] for row in rows) == sorted(videos)


def test_a_creator_that_was_removed_since_stays_and_is_marked(home: Tenant):
    campaign, ada = created(home), home.add("ada")
    video = home.found(ada["id"])
    put(home, campaign, ("creator", ada["id"]), ("video", video))
    data_of(home.delete(f"/creators/{ada['id']}"))
    data_of(home.delete(f"/videos/{video}"))

    rows = listed(home, campaign)

    assert [row["is_removed"] for row in rows] == [True, True]
    assert put(home, campaign, ("creator", ada["id"]), status=200)


def test_items_are_taken_out_all_or_none(home: Tenant):
    campaign, ada, berta = created(home), home.add("ada"), home.add("berta")
    put(home, campaign, ("creator", ada["id"]), ("creator", berta["id"]))
    path = f"/campaigns/{campaign['id']}/items"
    kept = home.goatherd.kept()

    missing = home.delete(
        path, json=body_of(("creator", ada["id"]), ("video", berta["id"]))
    )

    assert code_of(missing) == (404, "not_found")
    assert missing.json()["meta"]["items"] == [
        {"index": 1, "code": "not_found", "message": "No such video in this campaign."}
    ]
    assert home.goatherd.kept() == kept
    item = {"item_type": "creator", "item_id": ada["id"]}
    answer = data_of(home.delete(path, json=item, headers={"If-Match": '"3"'}))
    assert answer["item_counts"]["creators"] == 1
    assert [row["item_id"] for row in listed(home, campaign)] == [berta["id"]]
    assert shown(home, campaign["id"]) == with_progress(answer)


def test_a_plan_has_room_for_so_many_items(goatherd: Goatherd):
    tenant = goatherd.tenant(plan="free")
    campaign, ada = created(tenant), tenant.add("ada")
    videos = [tenant.found(ada["id"]) for _ in range(3)]
    put(tenant, campaign, *(("video", video) for video in videos[:2]))

    refused = tenant.post(
        f"/campaigns/{campaign['id']}/items",
        body_of(("video", videos[2]), ("creator", ada["id"])),
    )

    assert code_of(refused) == (402, "limit_reached")
    meta = refused.json()["meta"]
    assert (meta["limitKey"], meta["current"], meta["max"]) == (
        "max_campaign_items_per_campaign",
        2,
        3,
    )
    put(tenant, campaign, ("video", videos[2]), ("video", videos[0]))


def test_campaigns_lie_in_each_other_ten_deep_and_never_in_a_circle(home: Tenant):
    chain = [created(home, f"{number}") for number in range(11)]
    for outer, inner in pairwise(chain[:10]):
        put(home, outer, ("campaign", inner["id"]))

    deep = home.post(
        f"/campaigns/{chain[9]['id']}/items", body_of(("campaign", chain[10]["id"]))
    )
    circle = home.post(
        f"/campaigns/{chain[9]['id']}/items", body_of(("campaign", chain[0]["id"]))
    )

    assert code_of(deep) == (409, "campaign_too_deep")
    assert "at most 10 deep" in deep.json()["error"]
    assert code_of(circle) == (409, "campaign_cycle")


def test_a_deleted_campaign_leaves_the_one_it_was_in(home: Tenant):
    outer, inner = created(home, "Year"), created(home, "Spring")
    put(home, outer, ("campaign", inner["id"]))

    data_of(home.delete(f"/campaigns/{inner['id']}"))

    assert listed(home, outer) == []
    assert shown(home, outer["id"])["item_counts"]["campaigns"] == 0
    history = data_of(home.get(f"/campaigns/{outer['id']}/history"))
    assert [entry["summary"] for entry in history] == [
        'Campaign "Spring" taken out by key First key.',
        'Campaign "Spring" added by key First key.',
        'Created as "Year" by key First key.',
    ]


def test_a_history_tells_what_happened_and_where_it_was_put(home: Tenant):
    outer, inner, ada = created(home, "Year"), created(home), home.add("ada")
    put(home, inner, ("creator", ada["id"]))
    put(home, outer, ("campaign", inner["id"]))
    data_of(home.patch(f"/campaigns/{inner['id']}", {"target_views": 5_000}))
    home.goatherd.catch_up()
    path = f"/campaigns/{inner['id']}/history"

    history = data_of(home.get(path))

    assert [entry["summary"] for entry in history] == [
        "Target set to 5,000 views gained in its days by key First key.",
        'Put into campaign "Year" by key First key.',
        "Creator @ada added by key First key.",
        'Created as "Spring" by key First key.',
    ]
    added = history[2]
    assert added["about"] == "campaign"
    assert added["stream"] == inner["id"]
    assert added["data"] == {"item_type": "creator", "item_id": ada["id"]}
    assert list(home.every(path, limit=1)) == history
    some = {"event": "campaign_joined,campaign_created", "to": history[1]["position"]}
    assert data_of(home.get(path, params=some)) == [history[1], history[3]]
    since = {"from": history[2]["position"]}
    assert data_of(home.get(path, params=since)) == history[:3]
    wrong = home.get(path, params={"event": "creator_added"})
    assert code_of(wrong) == (400, "invalid_query")


def test_the_history_of_a_creator_says_which_campaigns_it_was_in(home: Tenant):
    ada, spring = home.add("ada"), created(home, "Spring")
    put(home, spring, ("creator", ada["id"]))
    items = f"/campaigns/{spring['id']}/items"
    data_of(home.delete(items, json=body_of(("creator", ada["id"]))))
    home.goatherd.catch_up()
    path = f"/creators/{ada['id']}/history"

    history = data_of(home.get(path))
    joined = data_of(home.get(path, params={"event": "campaign_joined"}))

    assert [entry["summary"] for entry in history[:2]] == [
        'Taken out of campaign "Spring" by key First key.',
        'Put into campaign "Spring" by key First key.',
    ]
    assert joined == [history[1]]
    assert joined[0]["about"] == "campaign"
    assert joined[0]["data"]["campaign_id"] == spring["id"]


def test_of_two_that_would_close_a_circle_together_one_loses(home: Tenant):
    for _ in range(6):
        ring = [created(home, f"{number}") for number in range(3)]
        barrier = Barrier(3)

        def close(
            number: int, ring: list[dict[str, Any]] = ring, barrier: Barrier = barrier
        ) -> tuple[int, str | None]:
            body = body_of(("campaign", ring[(number + 1) % 3]["id"]))
            barrier.wait()
            return code_of(home.post(f"/campaigns/{ring[number]['id']}/items", body))

        with ThreadPoolExecutor(3) as threads:
            codes = sorted(threads.map(close, range(3)), key=str)

        assert codes == [(201, None), (201, None), (409, "campaign_cycle")]
        inside = {each["id"]: _campaigns_in(home.goatherd, each["id"]) for each in ring}
        assert sum(len(held) for held in inside.values()) == 2


def test_two_halves_of_a_long_chain_are_not_joined_from_both_ends(home: Tenant):
    """Each end is in order alone; together they would be one campaign too deep."""
    top, middle, bottom = (
        [created(home, f"{number}") for number in range(size)] for size in (5, 1, 5)
    )
    for chain in (top, bottom):
        for outer, inner in pairwise(chain):
            put(home, outer, ("campaign", inner["id"]))
    meanwhile = [(middle[0], bottom[0])]

    def join_the_other_end() -> None:
        """Once, after the decision about this end, before its append."""
        while meanwhile:
            outer, inner = meanwhile.pop()
            put(home, outer, ("campaign", inner["id"]))

    with pytest.raises(ItemsRefusedError) as refused:
        execute(
            home.goatherd.store,
            lambda: add_items(
                UUID(top[-1]["id"]),
                [CampaignItem("campaign", UUID(middle[0]["id"]))],
                organization_id=home.organization_id,
                plans=DEFAULT_PLANS,
            ),
            context=asking(),
            check=join_the_other_end,
        )

    assert refused.value.code == "campaign_too_deep"
    assert not meanwhile
    assert _campaigns_in(home.goatherd, top[-1]["id"]) == frozenset()


def test_a_campaign_that_is_deleted_while_it_is_put_into_another_is_in_none(
    home: Tenant,
):
    for _ in range(6):
        outer, inner = created(home), created(home)
        barrier = Barrier(2)
        body = body_of(("campaign", inner["id"]))

        def add(
            path: str = f"/campaigns/{outer['id']}/items",
            body: dict[str, Any] = body,
            barrier: Barrier = barrier,
        ) -> int:
            barrier.wait()
            return home.post(path, body).status_code

        def delete(
            path: str = f"/campaigns/{inner['id']}", barrier: Barrier = barrier
        ) -> int:
            barrier.wait()
            return home.delete(path).status_code

        with ThreadPoolExecutor(2) as threads:
            added, deleted = threads.submit(add), threads.submit(delete)

        assert deleted.result() == 200
        assert added.result() in {201, 409}
        assert _campaigns_in(home.goatherd, outer["id"]) == frozenset()


def _campaigns_in(goatherd: Goatherd, campaign_id: str) -> frozenset[UUID]:
    campaign = campaign_of(goatherd.events(campaign_id))
    assert campaign is not None
    return campaign.campaigns

"""The basis of answers: asked again as of their position, the numbers are the same."""

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from domain.analytics.rules import RULES
from infra.ids import new_id
from projections.analytics.projection import AnalyticsProjection
from projections.rebuild.rebuild import rebuild
from tests.api.routes.test_summary_parameters import SUMMARIES
from tests.kit.application import Goatherd, Tenant, data_of

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = {"from": "2026-02-25", "to": "2026-03-20"}
QUESTIONS = (
    {"metric": "views"},
    {"metric": "views", "mode": "cumulative", "granularity": "week"},
    {"metric": "followers", "breakdown": "creator"},
    {"metric": "views", "breakdown": "video"},
    {"metric": "posts", "compare": "prior_period"},
    {"metric": "engagement_rate_by_views"},
)


class Programme:
    """A project about which random things are recorded, late ones among them."""

    def __init__(self, tenant: Tenant, seed: str) -> None:
        self.random = Random(seed)  # noqa: S311 - histories, not secrets
        self.tenant = tenant
        self.creators = [tenant.add(f"goat.{n}")["id"] for n in range(3)]
        self.videos: dict[str, list[str]] = {one: [] for one in self.creators}
        for creator in self.creators * 2:
            name = str(new_id().int % 10**18 + 10**18)
            tenant.found(creator, name, posted_at=self.moment())
            self.videos[creator].append(name)
        self.campaign = tenant.campaign("Spring", ("creator", self.creators[0]))
        for _ in range(12):
            self.looks()

    def moment(self) -> datetime:
        return BEGIN + timedelta(minutes=self.random.randrange(20 * 1_440))

    def looks(self) -> None:
        creator = self.random.choice(self.creators)
        names, most = self.videos[creator], self.random.choice((50, 10_000))
        counts = [self.random.randrange(most) for _ in names]
        self.tenant.saw_videos(
            creator,
            dict(zip(names, counts, strict=True)),
            at=self.moment(),
            like_counts=[count // 10 for count in counts],
            comment_counts=[0] * len(counts),
            share_counts=[0] * len(counts),
        )
        self.tenant.saw(
            creator,
            observed_at=self.moment(),
            follower_count=self.random.randrange(20_000),
            precision=self.random.choice(("exact", "rounded")),
        )

    def entities(self) -> list[tuple[str, str]]:
        return [
            ("project", str(self.tenant.project_id)),
            ("campaign", self.campaign),
            ("creator", self.creators[0]),
        ]

    def ask(self, **also: str) -> dict[str, Any]:
        """Ask everything; return the answers by question."""
        return {
            json.dumps([kind, question]): self.tenant.get(
                "/analytics",
                params={**DAYS, **question, **also, "entity": kind, "entity_id": id_},
            ).json()
            for kind, id_ in self.entities()
            for question in QUESTIONS
            if kind != "creator" or question.get("breakdown") != "creator"
        }


@pytest.mark.parametrize("seed", ("one", "two"))
def test_as_of_its_position_an_answer_has_the_same_numbers_for_ever(
    goatherd: Goatherd, seed: str
):
    tenant = goatherd.tenant()
    programme = Programme(tenant, seed)
    # Acts of others tell nothing, and change nothing.
    goatherd.tenant().add("somebody")
    goatherd.catch_up()
    first = programme.ask()
    explained = {**DAYS, "entity": "project", "entity_id": str(tenant.project_id)}
    explained |= {"metric": "views", "date": "2026-03-05"}
    before = tenant.get("/analytics/explain", params=explained).json()
    bases = [answer["meta"] for answer in (*first.values(), before)]
    assert [basis for basis in bases if basis != bases[0]] == []
    assert bases[0]["rules"] == RULES
    assert bases[0]["erasedSince"] is None
    position = bases[0]["position"]
    assert position < goatherd.head

    for _ in range(8):
        programme.looks()
    other = data_of(tenant.post("/projects", {"name": "Autumn"}), status=201)["id"]
    move = {"project_id": other, "history": programme.random.choice(("whole", "stay"))}
    data_of(tenant.post(f"/creators/{programme.creators[2]}/move", move))
    goatherd.catch_up()
    listed = data_of(tenant.get(f"/videos?creator_id={programme.creators[0]}"))
    data_of(tenant.delete(f"/videos/{listed[0]['id']}"))
    goatherd.catch_up()
    if seed == "two":
        rebuild(goatherd.store, AnalyticsProjection(), by="test")
    again = programme.ask(as_of=str(position))
    now = programme.ask()
    assert {value["meta"]["position"] for value in now.values()} != {position}

    assert {key: value["data"] for key, value in again.items()} == {
        key: value["data"] for key, value in first.items()
    }
    assert {str(value["meta"]) for value in again.values()} == {str(bases[0])}
    assert now != first
    explained["as_of"] = str(position)
    after = tenant.get("/analytics/explain", params=explained).json()
    for answer in (before, after):
        answer["data"]["observations"].sort(key=str)
    assert after == before


def test_an_erasure_that_removed_figures_is_said(goatherd: Goatherd):
    tenant = goatherd.tenant()
    programme = Programme(tenant, "erased")
    goatherd.catch_up()
    position = programme.ask()[next(iter(programme.ask()))]["meta"]["position"]
    erased = programme.creators[1]
    body = {"confirm": "goat.1", "figures": "drop"}
    data_of(tenant.post(f"/creators/{erased}/erase", body))
    goatherd.catch_up()

    of_all = programme.ask(as_of=str(position))
    now = programme.ask()

    said = {
        json.loads(key)[0]: answer["meta"]["erasedSince"]
        for key, answer in of_all.items()
    }
    # The creator of these questions is another one.
    assert said["creator"] is None
    assert said["project"]["count"] == 1
    assert position < said["project"]["until"] <= goatherd.head
    assert {answer["meta"]["erasedSince"] for answer in now.values()} == {None}
    params = {**DAYS, "metric": "views", "entity": "project", "format": "csv"}
    params |= {"entity_id": str(tenant.project_id), "as_of": str(position)}
    file = tenant.get("/analytics", params=params)
    assert file.headers["Goatherd-Position"] == str(position)
    assert file.headers["Goatherd-Rules"] == str(RULES)
    until = said["project"]["until"]
    assert file.headers["Goatherd-Erased-Since"] == f"1; {until}"


def test_summaries_and_key_figures_say_what_they_stand_on(goatherd: Goatherd):
    tenant = goatherd.tenant()
    programme = Programme(tenant, "summaries")
    goatherd.catch_up()
    position = programme.ask()[next(iter(programme.ask()))]["meta"]["position"]
    expected = {"position": position, "rules": RULES, "erasedSince": None}
    other = tenant.campaign("Other")
    goatherd.catch_up()
    # A campaign that was made is an event of analytics, too.
    position = programme.ask()[next(iter(programme.ask()))]["meta"]["position"]
    assert position > expected["position"]
    expected["position"] = position
    wrong: list[str] = []

    names = (*SUMMARIES, "member-overlap")
    for path in (*(f"aggregate/{name}" for name in names), "kpis"):
        params = {**DAYS, "project_id": str(tenant.project_id)}
        if path.endswith("overlap"):
            params = {**DAYS, "campaign_ids": f"{programme.campaign},{other}"}
        answer = tenant.get(f"/analytics/{path}", params=params)
        meta = answer.json()["meta"]
        if {name: meta.get(name) for name in expected} != expected:
            wrong.append(f"{path}: {meta}")
        if path.endswith(("kpis", "view-distribution")):
            continue
        file = tenant.get(f"/analytics/{path}", params={**params, "format": "csv"})
        if file.headers.get("Goatherd-Position") != str(position):
            wrong.append(f"{path} as CSV")

    assert wrong == []
    schema = data_of(tenant.get("/analytics/schema"))
    assert schema["rules"] == RULES


def test_a_new_organization_has_a_position(goatherd: Goatherd):
    tenant = goatherd.tenant()
    goatherd.catch_up()

    params = {"project_id": str(tenant.project_id)}
    meta = tenant.get("/analytics/kpis", params=params).json()["meta"]

    assert 0 < meta["position"] <= goatherd.head

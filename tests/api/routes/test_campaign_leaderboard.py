"""The leaderboard of campaigns, narrowed by name, by days and by target."""

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from psycopg.rows import TupleRow

from projections.engine.reader import Reader
from tests.kit.application import Tenant, ago, code_of, data_of
from tests.kit.creator_with_numbers import a_campaign_behind

TODAY = datetime.now(UTC).date()
DAY = timedelta(days=1)


def test_it_is_narrowed_by_name_by_days_and_by_target(home: Tenant):
    path = f"/projects/{home.project_id}/campaigns"
    ended = TODAY - 2 * DAY
    for body in (
        {"name": "Autumn hay", "ends_on": str(ended)},
        {
            "name": "Old hay",
            "ends_on": str(ended),
            "target_posts": 1,
            "target_at": f"{ended}T12:00:00Z",
        },
        {"name": "Spring", "starts_on": str(TODAY + 2 * DAY)},
        {"name": "100% goats"},
    ):
        data_of(home.post(path, body), status=201)
    home.goatherd.catch_up()

    def found(**query: str) -> tuple[set[str], int]:
        params = {"project_id": str(home.project_id), **query}
        place = "/analytics/aggregate/campaign-leaderboard"
        answer = home.get(place, params=params)
        rows = data_of(answer)
        return {row["name"] for row in rows}, answer.json()["meta"]["totalCount"]

    assert found(search=" HAY ") == ({"Autumn hay", "Old hay"}, 2)
    assert found(search="%") == ({"100% goats"}, 1)
    assert found(phase="ended") == ({"Autumn hay", "Old hay"}, 2)
    assert found(phase="upcoming") == ({"Spring"}, 1)
    assert found(phase="running") == ({"100% goats"}, 1)
    assert found(target_status="missed") == ({"Old hay"}, 1)
    assert found(phase="upcoming", search="hay") == (set(), 0)


def test_campaigns_behind_are_those_of_the_list_of_campaigns(home: Tenant):
    late = a_campaign_behind(home, "Late", end=datetime.now(UTC) + 5 * DAY)
    home.campaign("Without a target")
    home.goatherd.catch_up()
    params = {"project_id": str(home.project_id), "behind": "true"}

    listed = data_of(home.get("/campaigns", params=params))
    place = "/analytics/aggregate/campaign-leaderboard"
    ranked = data_of(home.get(place, params=params))
    reached = data_of(home.get(place, params={**params, "target_status": "completed"}))

    assert [one["id"] for one in listed] == [late]
    assert [one["campaign_id"] for one in ranked] == [late]
    assert not reached


def test_a_row_has_the_days_of_the_campaign(home: Tenant):
    path = f"/projects/{home.project_id}/campaigns"
    home.post(path, {"name": "Autumn", "starts_on": "2026-09-01"})
    home.goatherd.catch_up()

    params = {"project_id": str(home.project_id)}
    answer = home.get("/analytics/aggregate/campaign-leaderboard", params=params)

    (row,) = data_of(answer)
    shown = (row["starts_on"], row["ends_on"], row["phase"])
    assert shown == ("2026-09-01", None, "running")


def test_progress_is_null_without_a_target_and_a_cost(home: Tenant):
    path = f"/projects/{home.project_id}/campaigns"
    costs = {"cost_minor": 500, "currency": "EUR"}
    for body in ({"name": "Neither"}, {"name": "Cost", **costs}):
        data_of(home.post(path, body), status=201)
    data_of(home.post(path, {"name": "Target", "target_posts": 1}), status=201)
    home.goatherd.catch_up()
    params = {"project_id": str(home.project_id)}
    place = "/analytics/aggregate/campaign-leaderboard"

    rows = {row["name"]: row for row in data_of(home.get(place, params=params))}
    file = home.get(place, params={**params, "format": "csv"}).text

    assert rows["Neither"]["progress"] is None
    assert rows["Cost"]["progress"]["cost_minor"] == 500
    assert rows["Target"]["progress"]["posts"]["target"] == 1
    for one in data_of(home.get("/campaigns", params=params)):
        shown = data_of(home.get(f"/campaigns/{one['id']}"))
        assert shown["progress"] == rows[one["name"]]["progress"]
    lines = {row["name"]: row for row in csv.DictReader(io.StringIO(file))}
    assert lines["Neither"]["progress_reached"] == ""
    assert lines["Neither"]["progress_target_scope"] == ""
    assert lines["Cost"]["progress_cost_minor"] == "500"
    assert lines["Target"]["progress_posts_target"] == "1"


def test_as_of_a_position_it_stays_what_it_was(home: Tenant):
    creators = [home.add(name)["id"] for name in ("first", "second")]
    for number, creator in enumerate(creators):
        home.found(creator, f"{number}00", posted_at=ago(50))
        home.saw(creator, observed_at=ago(49), follower_count=1_000)
        home.saw(creator, observed_at=ago(20), follower_count=1_500 + number)
        home.saw_videos(creator, {f"{number}00": 100}, at=ago(49))
        home.saw_videos(creator, {f"{number}00": 400 + number}, at=ago(20))
    lower = home.campaign("Lower", ("creator", creators[1]))
    upper = home.campaign("Upper", ("campaign", lower), ("creator", creators[0]))
    target = {"target_views": 500, "target_scope": "lifetime"}
    data_of(home.patch(f"/campaigns/{lower}", target))
    home.goatherd.catch_up()
    place = "/analytics/aggregate/campaign-leaderboard"
    questions = [
        {"project_id": str(home.project_id)},
        {"project_id": str(home.project_id), "search": "low"},
        {"campaign_id": upper},
        {"campaign_id": lower},
    ]
    days = {"from": str(TODAY - 3 * DAY), "to": str(TODAY), "tz": "UTC"}
    head = str(home.goatherd.head)
    then = [data_of(home.get(place, params={**one, **days})) for one in questions]
    assert [len(rows) for rows in then] == [2, 1, 2, 1]
    assert {row["views"] for row in then[2]} == {801, 401}

    home.saw_videos(creators[1], {"100": 900}, at=ago(10))
    data_of(home.patch(f"/campaigns/{upper}", {"name": "Renamed"}))
    left = {"item_type": "creator", "item_id": creators[0]}
    data_of(home.delete(f"/campaigns/{upper}/items", json=left))
    data_of(home.delete(f"/campaigns/{lower}"))
    home.campaign("Later")
    home.goatherd.catch_up()

    for question, rows in zip(questions, then, strict=True):
        answer = home.get(place, params={**question, **days, "as_of": head})
        assert data_of(answer) == rows, question
        assert answer.json()["meta"]["position"] == int(head)
    now = data_of(home.get(place, params={**questions[0], **days}))
    assert {row["name"] for row in now} == {"Renamed", "Later"}
    later = home.campaign("Latest")
    home.goatherd.catch_up()
    for params in (
        {"campaign_id": later, "as_of": head},
        {"campaign_id": lower},
    ):
        assert code_of(home.get(place, params=params)) == (404, "not_found")
    for text in ("soon", ""):
        wrong = home.get(place, params={**questions[0], "as_of": text})
        assert code_of(wrong) == (400, "invalid_query")
    refused = home.get(
        "/analytics/aggregate/outliers", params={**questions[0], "as_of": head}
    )
    assert code_of(refused) == (400, "invalid_query")


def test_the_past_of_many_campaigns_is_one_query(
    home: Tenant, monkeypatch: pytest.MonkeyPatch
):
    ask = Reader.rows
    sent: list[bytes] = []

    async def noted(
        self: Reader,
        organization_id: UUID,
        query: bytes,
        parameters: Mapping[str, object] | None = None,
        /,
        **more: object,
    ) -> list[TupleRow]:
        sent.append(query)
        return await ask(self, organization_id, query, parameters, **more)

    def queries() -> int:
        home.goatherd.catch_up()
        params = {"project_id": str(home.project_id), "as_of": home.goatherd.head}
        sent.clear()
        place = "/analytics/aggregate/campaign-leaderboard"
        assert len(data_of(home.get(place, params=params))) == len(names)
        return sum(b"goatherd_stream_events" in query for query in sent)

    monkeypatch.setattr(Reader, "rows", noted)
    for names in (["Hay"], ["Hay", "Straw", "Oats"]):
        for name in names[-2:]:
            home.campaign(name)

        assert queries() == 1


def test_an_unknown_choice_is_refused(home: Tenant):
    for name in ("phase", "target_status"):
        params = {"project_id": str(home.project_id), name: "perhaps"}
        answer = home.get("/analytics/aggregate/campaign-leaderboard", params=params)
        assert code_of(answer) == (400, "invalid_query"), name

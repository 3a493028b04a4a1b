"""The log as operators browse it: filters, how far a page looks, traces and types."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.http.request import correlation_of
from domain import events as e
from domain.events import STORED_NAMES
from domain.subjects import personal_fields
from infra.eventstore import log_page
from infra.eventstore.append import Context
from infra.ids import new_id
from tests.kit.application import (
    Goatherd,
    Tenant,
    code_of,
    data_of,
    own_installation,
)
from tests.kit.builders import next_events
from tests.kit.erasing import erase

LOG = "/admin/log"
REQUEST = "the-request-of-heidi"
_ALL = """
SELECT notification_id, originator_id, originator_version, topic, actor, recorded_at,
       correlation_id, causation_id
FROM goatherd_events ORDER BY notification_id DESC
"""


@pytest.fixture(scope="module")
def installation(postgres_url: str, template_database: str) -> Iterator[Goatherd]:
    """An installation whose log no other test extends."""
    yield from own_installation(postgres_url, template_database)


@pytest.fixture(scope="module")
def operator(installation: Goatherd) -> Tenant:
    """An operator, after whom another organization filled the log."""
    operator, other = installation.tenant(is_operator=True), installation.tenant()
    operator.post(
        operator.creators,
        {"tiktok_handle": "heidi"},
        headers={"X-Request-Id": REQUEST},
    )
    for number in range(6):
        other.add(f"other.{number}")
        operator.add(f"own.{number}")
    installation.catch_up()
    return operator


@pytest.fixture(scope="module")
def whole(operator: Tenant) -> list[dict[str, Any]]:
    """All events of the log, newest first, as SQL has them."""
    names = ("position", "stream", "version", "name", "actor", "recorded_at")
    names += ("correlation_id", "causation_id")

    def shown(value: object) -> object:
        return str(value) if isinstance(value, UUID) else value

    return [
        dict(zip(names, map(shown, row), strict=True))
        | {"recorded_at": row[5].isoformat().replace("+00:00", "Z")}
        for row in operator.goatherd.query(_ALL)
    ]


def listed(tenant: Tenant, **filters: object) -> list[dict[str, Any]]:
    """All events that fit, by pages of three."""
    params: dict[str, Any] = {"limit": 3, **filters}
    rows: list[dict[str, Any]] = []
    while True:
        answer = tenant.get(LOG, params=params)
        rows += data_of(answer)
        params["cursor"] = answer.json()["meta"]["nextCursor"]
        if params["cursor"] is None:
            return rows


def test_the_whole_log_is_listed_without_payloads(
    operator: Tenant, whole: list[dict[str, Any]]
):
    assert len({row["stream"] for row in whole}) > 10
    assert listed(operator) == whole


def test_each_filter_finds_what_fits_however_far_a_page_looks(
    operator: Tenant,
    whole: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    subtests: pytest.Subtests,
):
    middle = whole[len(whole) // 2]
    first = next(row for row in whole if row["name"] == "creator_added")
    by = first["actor"].removeprefix("key:")
    at, position = middle["recorded_at"], middle["position"]
    fitting = {
        ("stream", first["stream"]): lambda row: row["stream"] == first["stream"],
        ("type", "creator_added,handle_claimed"): lambda row: (
            row["name"] in {"creator_added", "handle_claimed"}
        ),
        ("actor", first["actor"]): lambda row: row["actor"] == first["actor"],
        ("actor", by): lambda row: row["actor"] == first["actor"],
        ("correlation", REQUEST): lambda row: (
            row["correlation_id"] == str(correlation_of(REQUEST))
        ),
        ("correlation", first["correlation_id"]): lambda row: (
            row["correlation_id"] == first["correlation_id"]
        ),
        ("after", str(position)): lambda row: row["position"] > position,
        ("before", str(position)): lambda row: row["position"] < position,
        ("after", at): lambda row: row["recorded_at"] > at,
        ("before", at): lambda row: row["recorded_at"] < at,
    }
    for most in (4, 20_000):
        monkeypatch.setattr(log_page, "MOST_EXAMINED", most)
        for (name, value), fits in fitting.items():
            with subtests.test(name, value=value, most=most):
                expected = [row for row in whole if fits(row)]

                assert 0 < len(expected) < len(whole)
                assert listed(operator, **{name: value}) == expected


def test_filters_hold_together(operator: Tenant, whole: list[dict[str, Any]]):
    middle, added = whole[len(whole) // 2], "creator_added"
    first = next(row for row in whole if row["name"] == added)
    alone = {"type": added, "actor": first["actor"], "after": str(middle["position"])}

    found = listed(operator, **alone)

    assert first in found
    assert found == [
        row
        for row in whole
        if (row["name"], row["actor"]) == (added, first["actor"])
        and row["position"] > middle["position"]
    ]
    assert listed(operator, **alone, stream=first["stream"]) == [first]


def test_a_page_says_how_far_it_looked(
    operator: Tenant, whole: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(log_page, "MOST_EXAMINED", 4)
    head = whole[0]["position"]
    oldest = {"type": "organization_created"}

    first = operator.get(LOG, params=oldest)
    second = operator.get(
        LOG, params={**oldest, "cursor": first.json()["meta"]["nextCursor"]}
    )
    by_index = operator.get(LOG, params={"stream": str(uuid4())})
    cut = operator.get(LOG, params={"limit": 2})
    none = operator.get(LOG, params={"after": str(head)})

    # Nothing was found there, and the second page goes on where the first one ended.
    assert data_of(first) == data_of(second) == []
    assert _examined(first.json()) == (head - 3, head)
    assert _examined(second.json()) == (head - 7, head - 4)
    assert _examined(by_index.json()) == (1, head)
    assert by_index.json()["meta"]["nextCursor"] is None
    assert _examined(cut.json()) == (whole[1]["position"], head)
    assert _examined(none.json()) == (None, None)


def _examined(answer: dict[str, Any]) -> tuple[int | None, int | None]:
    return answer["meta"]["examinedFrom"], answer["meta"]["examinedTo"]


def test_a_page_looks_as_far_as_its_documentation_says(operator: Tenant):
    path = operator.get("/openapi.json").json()["paths"][f"/api/v1{LOG}"]

    assert f"at most {log_page.MOST_EXAMINED:,} positions" in path["get"]["description"]


def test_a_day_ends_and_begins_in_the_zone_of_the_organization(
    operator: Tenant, whole: list[dict[str, Any]]
):
    day = operator.goatherd.query("SELECT max(recorded_at) FROM goatherd_events")[0][0]
    yesterday = str((day - timedelta(days=2)).date())
    tomorrow = str((day + timedelta(days=2)).date())

    assert listed(operator, after=yesterday, before=tomorrow) == whole
    assert listed(operator, before=yesterday) == listed(operator, after=tomorrow) == []


@pytest.mark.parametrize(
    ("name", "value"),
    (
        ("type", "goat_milked"),
        ("type", "creator_added,"),
        ("stream", "heidi"),
        ("after", "soon"),
        ("before", "2026-11-24T10:00:00"),
        ("before", "-1"),
    ),
)
def test_a_wrong_filter_is_refused_by_its_name(operator: Tenant, name: str, value: str):
    answer = operator.get(LOG, params={name: value})

    assert code_of(answer) == (400, "invalid_query")
    assert answer.json()["error"].startswith(f"/{name}: ")


@pytest.mark.parametrize("value", ("0001-01-01", "9999-12-31T23:59:59Z", "9" * 18))
def test_the_ends_of_time_and_of_the_log_are_allowed(
    operator: Tenant, whole: list[dict[str, Any]], value: str
):
    after, before = (listed(operator, **{name: value}) for name in ("after", "before"))

    assert (after, before) in ((whole, []), ([], whole))


# Traces


def test_an_event_is_traced_without_what_sources_said(home: Tenant, stranger: Tenant):
    creator = stranger.add(f"goat.{uuid4().hex[:20]}")
    scrape = data_of(stranger.post(f"/creators/{creator['id']}/scrape"), status=202)
    stranger.failed(scrape["scrape_id"])
    stranger.goatherd.catch_up()
    failed = stranger.goatherd.log(scrape["scrape_id"])[-1]

    trace = data_of(home.get(f"{LOG}/{failed.position}/trace"))

    (command,) = trace["commands"]
    (request,) = [each for each in command["events"] if each["scrape"] is not None]
    assert request["scrape"]["scrape_id"] == scrape["scrape_id"]
    assert request["scrape"]["outcome"] == "blocked"
    assert request["scrape"]["error"] is None
    assert request["scrape"]["commands"][0]["events"][0]["name"] == "scrape_failed"
    assert "applied" in {each["state"] for each in request["projections"]}
    assert "sent us away" not in str(trace)
    assert creator["tiktok_handle"] not in str(trace)


def test_a_position_leads_to_all_commands_of_its_request(
    home: Tenant, stranger: Tenant
):
    goatherd, organization_id = stranger.goatherd, stranger.organization_id
    creator = UUID(stranger.add(f"goat.{uuid4().hex[:20]}")["id"])
    # A policy's command has the request that caused it.
    changed = next_events(
        organization_id,
        goatherd.store.load(organization_id)[organization_id],
        [e.OperatorChanged(is_operator=False)],
    )
    added = goatherd.log(creator)[0]
    goatherd.store.append(
        changed,
        context=Context(
            actor="policy:goats",
            command_id=new_id(),
            correlation_id=added.correlation_id,
        ),
    )
    last = goatherd.log(organization_id)[-1]

    traces = [
        data_of(home.get(f"{LOG}/{each.position}/trace")) for each in (added, last)
    ]

    assert traces[0] == traces[1]
    assert traces[0]["request_id"] == str(added.correlation_id)
    clicked, followed = traces[0]["commands"]
    assert added.position in {each["position"] for each in clicked["events"]}
    assert [each["position"] for each in followed["events"]] == [last.position]
    assert followed["actor"] == "policy:goats"


def test_a_dead_letter_is_traced_without_anybodys_rows(home: Tenant, stranger: Tenant):
    handle = f"goat.{uuid4().hex[:20]}"
    creator_id = stranger.add(handle)["id"]
    home.goatherd.catch_up()
    added = home.goatherd.log(creator_id)[0]
    home.goatherd.query(
        "INSERT INTO dead_letter (projection, position, name, error) "
        "VALUES ('creator_list', %s, 'creator_added', %s)",
        added.position,
        repr(ValueError(f"duplicate key\nDETAIL:  Key ({handle}) exists.")),
    )
    try:
        trace = data_of(home.get(f"{LOG}/{added.position}/trace"))
    finally:
        home.goatherd.query("DELETE FROM dead_letter")

    assert "duplicate key" in str(trace)
    assert handle not in str(trace)


@pytest.mark.parametrize("position", ("0", "-1", "999999999999", "9" * 30))
def test_there_is_no_trace_where_the_log_has_no_event(home: Tenant, position: str):
    answer = home.get(f"{LOG}/{position}/trace")

    assert code_of(answer) == (404, "not_found")


def test_an_erased_person_is_not_in_the_log_nor_in_traces(
    home: Tenant, stranger: Tenant
):
    handle = f"goat.{uuid4().hex[:20]}"
    creator = UUID(stranger.add(handle)["id"])
    stranger.goatherd.catch_up()
    erase(
        stranger.goatherd.store,
        creator,
        organization_id=stranger.organization_id,
        confirm=handle,
    )
    stranger.goatherd.catch_up()

    rows = listed(home, stream=creator)
    traces = [data_of(home.get(f"{LOG}/{row['position']}/trace")) for row in rows]

    assert [row["name"] for row in rows] == ["subject_erased", "creator_added"]
    assert all(trace["commands"] for trace in traces)
    assert handle not in str((rows, traces))


# Types


def test_all_types_of_events_are_listed_with_their_fields(home: Tenant):
    types = {each["name"]: each for each in data_of(home.get(f"{LOG}/types"))}

    assert types.keys() == STORED_NAMES.keys()
    for name, kind in STORED_NAMES.items():
        fields = {field["path"]: field for field in types[name]["fields"]}
        assert types[name]["version"] == kind.schema_version
        assert {*kind.__struct_encode_fields__} == {
            path for path in fields if path.isidentifier()
        }
        assert {*personal_fields(kind)} == {
            path
            for path, field in fields.items()
            if path.isidentifier() and field["is_personal"]
        }

"""Tenants: nobody can tell another organization's things from none at all."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import cast
from uuid import UUID, uuid4

import httpx
import pytest
from msgspec.structs import replace
from psycopg.rows import TupleRow

from api import services
from infra.database import own_pool
from projections.creators import queries
from projections.engine.reader import Reader
from tests.kit.application import Goatherd, Tenant, code_of, data_of, started
from tests.kit.documented import Json
from tests.kit.operations import (
    Ask,
    ask_for,
    id_named,
    ids_of,
    operations,
    places_of_ids,
)

PLACES = [
    (operation.id, place, name)
    for operation in operations().values()
    for place, name in places_of_ids(operation)
]
LISTS = [
    operation.id
    for operation in operations().values()
    if "cursor"
    in {parameter.get("name") for parameter in operation.details["parameters"]}
]
# Operators see the ids in the whole log, and nobody else sees it.
READS = [
    operation
    for operation in operations().values()
    if operation.method == "GET" and operation.id != "listLog"
]
WHOSE = re.compile(rb"(?:\w+\.)?organization_id = %\(organization\)s")


@pytest.fixture(scope="module")
def ours(goatherd: Goatherd) -> tuple[Tenant, dict[str, str]]:
    tenant = goatherd.tenant()
    return tenant, ids_of(tenant)


@pytest.fixture(scope="module")
def theirs(goatherd: Goatherd) -> tuple[Tenant, dict[str, str]]:
    tenant = goatherd.tenant()
    return tenant, ids_of(tenant)


def reported(answer: httpx.Response, *ids: str) -> tuple[int, str]:
    """The answer without the request's own id and the ids that were sent."""
    text = answer.text.replace(answer.headers["X-Request-Id"], "(request)")
    for id_ in ids:
        text = text.replace(id_, "(id)")
    return answer.status_code, text


def with_id(ask: Ask, place: str, name: str, id_: str, own: dict[str, str]) -> Ask:
    """The same request, with this id in one place."""
    if place == "path":
        ask.path = ask.path.replace(own[name], id_)
    elif place == "query":
        ask.params = {**ask.params, name: id_}
        # A summary is of either.
        ask.params.pop("campaign_ids" if name == "project_id" else "project_id", None)
    else:
        ask.json = cast("Json", _naming(ask.json, name, id_))
    return ask


def _naming(body: object, name: str, id_: str) -> object:
    """The body with this id wherever one of that name stands."""
    if isinstance(body, list):
        return [_naming(item, name, id_) for item in cast("list[object]", body)]
    if not isinstance(body, dict):
        return body
    fields = cast("Json", body)
    return {
        key: ([id_] if isinstance(value, list) else id_)
        if key == name
        else _naming(value, name, id_)
        for key, value in fields.items()
    }


def test_the_matrix_has_every_place_where_an_id_can_stand():
    assert len(PLACES) >= 15
    assert {place for _, place, _ in PLACES} == {"path", "query", "body"}
    assert ("listCreators", "query", "project_id") in PLACES
    assert ("removeCreators", "body", "creator_ids") in PLACES
    assert ("reviewInbox", "body", "video_id") in PLACES


def test_a_foreign_id_is_answered_exactly_like_one_that_never_was(
    ours: tuple[Tenant, dict[str, str]],
    theirs: tuple[Tenant, dict[str, str]],
    subtests: pytest.Subtests,
):
    tenant, own = ours
    for operation_id, place, name in PLACES:
        with subtests.test(operation_id, place=place, name=name):
            operation = operations()[operation_id]
            foreign, random = id_named(name, theirs[1]), str(uuid4())
            kept = tenant.goatherd.kept()

            # The very same request but for the id: bodies may hold handles drawn by
            # chance.
            ask = ask_for(operation, own)
            answers = [
                reported(
                    with_id(replace(ask), place, name, id_, own).made_by(tenant), id_
                )
                for id_ in (foreign, random)
            ]

            assert answers[0] == answers[1]
            # Others than operators are refused before any id is looked up.
            is_refused = operation_id in {"findErasureRemains", "listLog"}
            refused = {403} if is_refused else set[int]()
            assert answers[0][0] in {200, 404, 410} | refused
            if place == "path":
                assert answers[0][0] != 200
            assert tenant.goatherd.kept() == kept


def test_nothing_of_another_organization_is_in_any_list(
    ours: tuple[Tenant, dict[str, str]], theirs: tuple[Tenant, dict[str, str]]
):
    tenant, own = ours
    for operation_id in LISTS:
        if operation_id in {"listBans", "listLog"}:
            continue
        ask = ask_for(operations()[operation_id], own)
        ask.params = {"limit": "100"}

        rows = data_of(ask.made_by(tenant))

        assert rows
        assert not re.search("|".join(theirs[1].values()), str(rows))


def test_a_cursor_of_another_organization_is_refused(
    goatherd: Goatherd, subtests: pytest.Subtests
):
    tenants = [goatherd.tenant(is_operator=True) for _ in range(2)]
    own_ids = [ids_of(tenant) for tenant in tenants]
    for tenant, ids in zip(tenants, own_ids, strict=True):
        # A second one of each thing.
        ids_of(tenant)
        data_of(tenant.post("/projects", {"name": "Second"}), status=201)
        # An issue is made of numbers that are complete.
        goatherd.catch_up()
        data_of(tenant.post(f"/reports/{ids['report_id']}/send"), status=201)
        data_of(tenant.post(f"/webhooks/{ids['webhook_id']}/test"))
        for _ in range(2):
            tenant.ask("PUT", f"/admin/bans/{uuid4().hex[:20]}")
    goatherd.catch_up()
    for operation_id in LISTS:
        with subtests.test(operation_id):
            asks = [ask_for(operations()[operation_id], own) for own in own_ids]
            asks[0].params = {"limit": "1"}
            cursor = asks[0].made_by(tenants[0]).json()["meta"]["nextCursor"]
            asks[0].params = asks[1].params = {"cursor": cursor}

            own_answer = asks[0].made_by(tenants[0])
            foreign_answer = asks[1].made_by(tenants[1])

            assert own_answer.status_code == 200
            assert code_of(foreign_answer) == (400, "invalid_cursor")


def forget_to_ask_whose(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the condition on the organization out of every query."""
    ask = Reader.rows

    async def ask_for_everybody(
        self: Reader,
        organization_id: UUID,
        query: bytes,
        parameters: Mapping[str, object] | None = None,
        /,
        **more: object,
    ) -> list[TupleRow]:
        unconditional, places = WHOSE.subn(b"true", query)
        assert places, "a query without the condition"
        return await ask(self, organization_id, unconditional, parameters, **more)

    monkeypatch.setattr(Reader, "rows", ask_for_everybody)


def forget_to_become_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let requests read as the owner of the tables, whom row-level security spares."""
    monkeypatch.setattr(services, "reading_pool", own_pool)


def leaks(tenant: Tenant, own: dict[str, str], foreign: dict[str, str]) -> set[str]:
    """Which foreign things the tenant gets to see, by the names of their ids."""
    seen = ""
    for operation in READS:
        ask = ask_for(operation, own)
        asks = [
            Ask(method="GET", path=ask.path, params={**ask.params, **params})
            for params in ([{"limit": "100"}] if operation.id in LISTS else [{}])
        ]
        for place, name in places_of_ids(operation):
            asks.append(Ask(method="GET", path=ask.path, params=ask.params))
            with_id(asks[-1], place, name, id_named(name, foreign), own)
        if operation.id == "listCreators":
            asks.append(Ask(method="GET", path=ask.path, params={"search": "goat"}))
        for requested in asks:
            answer = requested.made_by(tenant)
            seen += answer.text if answer.status_code == 200 else ""
    assert all(id_ in seen for id_ in own.values())
    return {name for name, id_ in foreign.items() if id_ in seen}


@pytest.mark.parametrize("depth", (0, 12_000), ids=["by index", "by looking"])
@pytest.mark.parametrize(
    ("missing", "leaking"),
    (
        ((), False),
        ((forget_to_ask_whose,), False),
        ((forget_to_become_the_reader,), False),
        # That the others prove anything.
        ((forget_to_ask_whose, forget_to_become_the_reader), True),
    ),
    ids=["both walls", "row-level security alone", "conditions alone", "no wall"],
)
def test_either_wall_holds_alone(
    database_url: str,
    missing: Sequence[Callable[[pytest.MonkeyPatch], None]],
    *,
    leaking: bool,
    depth: int,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(queries, "SCANNED_FIRST", depth)
    for forget in missing:
        forget(monkeypatch)

    with started(database_url) as goatherd:
        tenants = [goatherd.tenant(is_operator=True) for _ in range(2)]
        own, foreign = (ids_of(tenant) for tenant in tenants)
        found = leaks(tenants[0], own, foreign)

    # No answer shows the id of a link to connect an account.
    assert found == (foreign.keys() - {"link_id"} if leaking else set())


# Positions: when and how much others do


def test_positions_of_others_mean_the_newest_own_event_before(
    stranger: Tenant, home: Tenant
):
    goatherd = stranger.goatherd
    creator = stranger.add("ada")
    own = goatherd.head
    for number in range(3):
        home.add(f"unseen.{number}")
    of_others = goatherd.head - 1
    stranger.patch(f"/creators/{creator['id']}", {"description": "Climbs."})
    goatherd.catch_up()
    path = f"/creators/{creator['id']}/diff"

    by_own = data_of(stranger.get(path, params={"from": own, "to": own}))
    by_others = data_of(stranger.get(path, params={"from": own, "to": of_others}))
    before = data_of(stranger.get(path, params={"from": 0, "to": of_others}))

    assert by_others == by_own
    assert by_own["to"]["position"] == own
    assert before["from"] == {
        "position": 0,
        "at": _answer_at(goatherd, stranger.organization_id),
    }
    now = data_of(stranger.get(path, params={"from": own}))
    home.add("unseen.later")
    goatherd.catch_up()
    later = data_of(stranger.get(path, params={"from": own}))
    assert now["to"]["position"] == later["to"]["position"]
    of = {"entity": "creator", "entity_id": creator["id"], "metric": "views"}
    answers = [
        data_of(stranger.get("/analytics", params={**of, "as_of": position}))
        for position in (own, of_others)
    ]
    assert answers[0] == answers[1]


def test_what_comes_after_the_newest_own_event_is_all_the_same(
    stranger: Tenant, home: Tenant
):
    creator = stranger.add("ada")
    own = stranger.goatherd.head
    home.add("unseen")
    head = stranger.goatherd.head
    stranger.goatherd.catch_up()
    path = f"/creators/{creator['id']}"
    of = {"entity": "creator", "entity_id": creator["id"], "metric": "views"}

    assert stranger.get(path, params={"as_of": own}).status_code == 200
    for requested, given, name in (
        (path, {}, "as_of"),
        (f"{path}/diff", {"from": "1"}, "to"),
        ("/analytics", of, "as_of"),
    ):
        refusals = {
            reported(stranger.get(requested, params={**given, name: str(position)}))
            for position in (own + 1, head, head + 1, 99_999_999, 10**17)
        }
        ((status, text),) = refusals
        assert status == 400
        assert "of an event of your organization" in text
        assert not re.search(r"\d{2,}", text)


@pytest.mark.parametrize("ahead", (0, 1, 10**9))
def test_a_read_does_not_wait_for_what_others_did(
    stranger: Tenant, home: Tenant, ahead: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("projections.engine.reader.PATIENCE_SECONDS", 0.05)
    stranger.goatherd.catch_up()
    home.add("unseen")
    position = str(stranger.goatherd.head + ahead)

    answer = stranger.get("/creators", headers={"Goatherd-Min-Position": position})
    own = stranger.post("/projects", {"name": "Own"}).headers["Goatherd-Position"]
    behind = stranger.get("/projects", headers={"Goatherd-Min-Position": own})

    assert answer.status_code == 200
    assert code_of(behind) == (503, "projection_behind")
    assert not re.search(r"\d", behind.json()["error"])


def test_a_write_that_changes_nothing_tells_no_position_of_others(
    stranger: Tenant, home: Tenant
):
    creator = stranger.add("ada")
    path = f"/creators/{creator['id']}"
    removed = stranger.delete(path).headers["Goatherd-Position"]
    home.add("unseen")

    again = stranger.delete(path).headers["Goatherd-Position"]
    none = stranger.post(
        f"/projects/{stranger.project_id}/creators/bulk-remove",
        {"creator_ids": [str(uuid4())]},
    )

    handle = uuid4().hex[:20]
    home.ask("PUT", f"/admin/bans/{handle}")
    banned = stranger.post(stranger.creators, {"creators": [{"tiktok_handle": handle}]})

    assert int(removed) - 1 <= int(again) <= int(removed)
    assert data_of(banned)["failed_count"] == 1
    for answer in (none, banned):
        assert int(answer.headers["Goatherd-Position"]) <= int(removed)


def _answer_at(goatherd: Goatherd, stream: UUID) -> str:
    at = goatherd.log(stream)[0].recorded_at
    return at.isoformat().replace("+00:00", "Z")

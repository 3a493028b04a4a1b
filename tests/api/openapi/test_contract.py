"""The OpenAPI document and the application that it is about say the same."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import uuid4

import httpx
import pytest

from api.http.errors import Code
from api.openapi.paths import Types
from api.openapi.schemas import structs_in
from api.operations import operations_of
from domain.analytics.metrics import Metric
from tests.kit.application import BASE, Goatherd, Tenant, code_of, data_of
from tests.kit.documented import Described, Json, assembled, documented
from tests.kit.operations import Things, ask_for, ids_of, operations, params_for

# The contract, as far as it is kept already.
SCOPES = {
    "GET /organization": "read",
    "PATCH /organization": "admin",
    "GET /projects": "read",
    "POST /projects": "write",
    "GET /projects/{project_id}": "read",
    "PATCH /projects/{project_id}": "write",
    "DELETE /projects/{project_id}": "write",
    "POST /projects/{project_id}/restore": "write",
    "GET /api-keys": "admin",
    "POST /api-keys": "admin",
    "DELETE /api-keys/{key_id}": "admin",
    "GET /creators": "read",
    "GET /creators/{creator_id}": "read",
    "PATCH /creators/{creator_id}": "write",
    "DELETE /creators/{creator_id}": "write",
    "POST /creators/{creator_id}/disable": "write",
    "POST /creators/{creator_id}/scrape": "write",
    "GET /creators/{creator_id}/scrapes": "read",
    "GET /creators/{creator_id}/history": "read",
    "GET /creators/{creator_id}/diff": "read",
    "GET /creators/{creator_id}/stats": "read",
    "GET /videos/{video_id}/stats": "read",
    "GET /scrapes": "read",
    "GET /scrapes/counts": "read",
    "GET /scrapes/{scrape_id}": "read",
    "POST /scrapes/{scrape_id}/retry": "write",
    "POST /projects/{project_id}/creators": "write",
    "POST /projects/{project_id}/creators/bulk-remove": "write",
    "POST /projects/{project_id}/creators/bulk-disable": "write",
    "POST /projects/{project_id}/creators/bulk-reenable": "write",
    "POST /projects/{project_id}/creators/bulk-tag": "write",
    "GET /videos": "read",
    "GET /videos/{video_id}": "read",
    "PATCH /videos/{video_id}": "write",
    "DELETE /videos/{video_id}": "write",
    "POST /videos/{video_id}/scrape": "write",
    "POST /videos/{video_id}/tracking-disable": "write",
    "POST /projects/{project_id}/videos": "write",
    "POST /projects/{project_id}/videos/bulk-tracking-disable": "write",
    "GET /projects/{project_id}/videos/excluded": "read",
    "GET /projects/{project_id}/inbox": "read",
    "POST /projects/{project_id}/inbox/review": "write",
    "GET /analytics": "read",
    "GET /analytics/schema": "read",
    "GET /analytics/explain": "read",
    "GET /analytics/kpis": "read",
    "GET /analytics/aggregate/creator-leaderboard": "read",
    "GET /analytics/aggregate/creator-scatter": "read",
    "GET /analytics/aggregate/posting-consistency": "read",
    "GET /analytics/aggregate/posting-heatmap": "read",
    "GET /analytics/aggregate/campaign-leaderboard": "read",
    "GET /analytics/aggregate/member-overlap": "read",
    "GET /analytics/aggregate/outliers": "read",
    "GET /analytics/aggregate/video-leaderboard": "read",
    "GET /analytics/aggregate/view-distribution": "read",
    "GET /creators/{creator_id}/erase": "admin",
    "POST /creators/{creator_id}/erase": "admin",
    "GET /admin/log": "admin",
    "GET /admin/log/types": "admin",
    "GET /admin/log/{position}/trace": "admin",
    "GET /admin/projections": "admin",
    "POST /admin/projections/{name}/rebuild": "admin",
    "DELETE /admin/projections/{name}/rebuild": "admin",
    "GET /admin/bans": "admin",
    "PUT /admin/bans/{handle}": "admin",
    "DELETE /admin/bans/{handle}": "admin",
}


@pytest.fixture(scope="module")
def document(goatherd: Goatherd) -> dict[str, Any]:
    """The document as anybody gets it, without a key."""
    answer = goatherd.client.get(f"{BASE}/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json()


def test_the_document_can_be_printed_without_a_database(document: dict[str, Any]):
    printed = subprocess.run(
        [sys.executable, "-m", "api.print_openapi"], capture_output=True, check=True
    )

    assert json.loads(printed.stdout) == document
    assert printed.stderr == b""


def test_every_operation_of_the_contract_is_there_under_its_scope():
    documented = {
        f"{operation.method} {operation.path.removeprefix(BASE)}": scope
        for operation in operations().values()
        for scope in ("read", "write", "admin")
        if f"Needs the scope `{scope}`" in operation.details["description"]
    }

    assert documented | SCOPES == documented


def test_every_operation_is_described(subtests: pytest.Subtests):
    for operation_id, operation in operations().items():
        with subtests.test(operation_id):
            assert_described(operation.details)


def assert_described(details: Json) -> None:
    assert details["summary"]
    assert details["tags"]
    assert details["security"] == [{"bearer": []}]
    for status, response in details["responses"].items():
        content = response.get("content", {})
        if int(status) >= 400:
            assert content["application/json"]["examples"]
            assert content["application/problem+json"]["examples"]
        elif status != "304" and "application/json" in content:
            assert content["application/json"]["example"]
        elif status != "304":
            assert {type_["schema"]["format"] for type_ in content.values()} == {
                "binary"
            }


def test_every_operation_refuses_a_stranger_and_a_key_without_its_scope():
    common = {
        Code.INVALID_API_KEY,
        Code.INSUFFICIENT_SCOPE,
        Code.RATE_LIMIT_EXCEEDED,
        Code.INTERNAL_ERROR,
    }

    lacking = {id_: common - each.codes for id_, each in operations().items()}

    assert {id_: codes for id_, codes in lacking.items() if codes} == {}


def test_every_operation_answers_what_its_example_shows(
    goatherd: Goatherd, subtests: pytest.Subtests
):
    home = goatherd.tenant(is_operator=True)
    ids = ids_of(home)
    let_a_video_do_well(home, ids["creator_id"])
    things = Things(goatherd)
    # Some lists are of the whole installation, which has nothing at first.
    for operation in sorted(operations().values(), key=lambda o: o.method == "GET"):
        with subtests.test(operation.id):
            # A preview is a POST that changes nothing.
            if operation.method == "GET" or operation.id == "previewAlertRule":
                answer = ask_for(operation, ids).made_by(home)
            else:
                answer = things.answer(operation)
            assert_is_as_its_example(operation, answer)
        for number in range(1, len(operation.bodies)):
            with subtests.test(operation.id, example=number):
                answer = things.answer(operation, example=number)
                assert answer.status_code in {200, 201, 202}, answer.text


def assert_is_as_its_example(operation: Described, answer: httpx.Response) -> None:
    # Requests that the document does not describe do not come here.
    response = operation.details["responses"].get(str(answer.status_code))
    # Nobody was erased, so there is nothing to search for.
    nobody = ("findErasureRemains", 404)
    if answer.status_code == 410 or (operation.id, answer.status_code) == nobody:
        return
    if "application/json" not in response["content"]:
        assert answer.headers["Content-Type"] in response["content"]
        return
    shown = response["content"]["application/json"]["example"]
    assert [*shown] == [*answer.json()]
    # Only what has an ETag can be asked for on condition.
    is_conditional = "304" in operation.details["responses"]
    assert not is_conditional or "ETag" in answer.headers
    data = data_of(answer, status=answer.status_code)
    if isinstance(data, dict):
        assert {*shown["data"]} == {*data}
    else:
        assert [{*row} for row in data[:1]] == [{*row} for row in shown["data"][:1]]


@pytest.mark.parametrize("path", ("/creators", "/videos"))
def test_the_meta_of_a_list_with_figures_is_described(
    home: Tenant, document: dict[str, Any], path: str
):
    project = {"project_id": str(home.project_id)}

    answer = home.get(path, params={**project, "period": "7d"})

    described = document["paths"][f"{BASE}{path}"]["get"]["responses"]["200"]
    schema = described["content"]["application/json"]["schema"]["properties"]["meta"]
    name = schema["anyOf"][0]["$ref"].rpartition("/")[2]
    properties = document["components"]["schemas"][name]["properties"]
    assert data_of(answer) == []
    assert [*properties] == [*answer.json()["meta"]]


def let_a_video_do_well(tenant: Tenant, creator_id: str) -> None:
    """Let six videos have been posted days ago, the last with many more views."""
    now = datetime.now(UTC)
    names = [str(uuid4().int % 10**18 + 10**18) for _ in range(6)]
    for number, name in enumerate(names):
        posted_at = now - timedelta(days=20 - number)
        tenant.found(creator_id, name, posted_at=posted_at)
    for day in range(20):
        at = now - timedelta(days=19 - day, hours=1)
        tenant.saw_videos(
            creator_id, {**dict.fromkeys(names, 10), names[-1]: 90}, at=at
        )
    tenant.goatherd.catch_up()


@pytest.mark.parametrize(
    ("entity", "path"),
    (
        ("organization", "/organization"),
        ("project", "/projects/{project_id}"),
        ("creator", "/creators/{creator_id}"),
        ("video", "/videos/{video_id}"),
        ("scrape", "/scrapes/{scrape_id}"),
        ("history_entry", "/creators/{creator_id}/history"),
        ("api_key", "/api-keys"),
        ("ban", "/admin/bans"),
        ("projection", "/admin/projections"),
    ),
)
def test_what_is_said_of_an_entity_is_what_is_answered(
    home: Tenant, entity: str, path: str
):
    ids = ids_of(home)
    home.ask("PUT", "/admin/bans/described.goat")
    home.goatherd.catch_up()

    described = data_of(home.get("/schema"))["entities"][entity]
    data = data_of(home.get(path.format(**ids)))

    row = data if isinstance(data, dict) else data[0]
    assert described["description"]
    assert {*described["fields"]} == {*row}
    for name, value in row.items():
        assert value is not None or described["fields"][name]["nullable"]


def test_descriptions_for_programs_are_plain_text(home: Tenant):
    entities = data_of(home.get("/schema"))["entities"]

    texts = [entity["description"] for entity in entities.values()]
    for entity in entities.values():
        texts += [field.get("description", "") for field in entity["fields"].values()]
    assert all("`" not in text and "\n" not in text for text in texts)


def test_descriptions_of_the_document_are_markdown_without_our_line_breaks(
    document: dict[str, Any],
):
    described = [*document["components"]["schemas"].values()]
    for path in document["paths"].values():
        described += path.values()

    for text in (each.get("description", "") for each in described):
        assert "``" not in text
        assert all("\n" not in part for part in text.split("\n\n"))


@pytest.mark.parametrize(
    ("operation_id", "leads_to"),
    (
        ("createProject", {"getProject", "listInbox"}),
        ("addCreators", {"getCreator", "listCreatorHistory", "getProject"}),
        ("scrapeCreator", {"getScrape", "getCreator"}),
        ("addVideo", {"getVideo", "getProject"}),
        ("listCreators", {"getCreator", "getProject"}),
        ("retryScrape", {"getScrape"}),
    ),
)
def test_an_answer_leads_to_the_operations_on_what_it_names(
    home: Tenant, document: dict[str, Any], operation_id: str, leads_to: set[str]
):
    ask = ask_for(operations()[operation_id], ids_of(home))
    answer = ask.made_by(home)
    response = operations()[operation_id].details["responses"][str(answer.status_code)]
    home.goatherd.catch_up()

    followed: set[str] = set()
    for reference in response["links"].values():
        link = document["components"]["links"][reference["$ref"].rpartition("/")[2]]
        target = operations()[link["operationId"]]
        if target.method != "GET" or "410" in target.details["responses"]:
            continue
        ((parameter, expression),) = link["parameters"].items()
        named = answer.json()
        for step in expression.removeprefix("$response.body#/").split("/"):
            named = named[int(step) if isinstance(named, list) else step]
        if named is not None:
            path = target.path.format(**{parameter: named})
            params = params_for(target, {})
            assert home.get(path, params=params).status_code == 200
            followed.add(target.id)

    assert followed >= leads_to


def test_no_example_holds_a_reference(subtests: pytest.Subtests):
    """Generators of clients follow a reference wherever it stands."""
    for operation in operations().values():
        with subtests.test(operation.id):
            assert "$ref" not in json.dumps([*examples_in(operation.details)])


def examples_in(part: Any) -> Iterator[Any]:  # noqa: ANN401 - any JSON
    """Yield the values of the examples in a part of the document."""
    if isinstance(part, list):
        for each in part:
            yield from examples_in(each)
    elif isinstance(part, dict):
        for key, value in part.items():
            if key == "example":
                yield value
            elif key == "examples":
                yield from (
                    value
                    if isinstance(value, list)
                    # An example of a failure is a reference, which is no value.
                    else [each["value"] for each in value.values() if "value" in each]
                )
            else:
                yield from examples_in(value)


def test_no_schema_has_a_property_of_its_own_name(document: dict[str, Any]):
    """A class of Python with such a property reads the property for itself."""
    own = {
        name
        for name, schema in document["components"]["schemas"].items()
        if re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() in schema.get("properties", ())
    }

    assert own == set()


def test_no_struct_leaves_out_fields_that_its_schema_requires(
    document: dict[str, Any],
):
    schemas = document["components"]["schemas"]
    required = {name: {*schema.get("required", [])} for name, schema in schemas.items()}

    left_out = {
        (info.cls.__name__, field.encode_name)
        for info in structs_in(Types([*operations_of(assembled())]).types)
        if info.cls.__struct_config__.omit_defaults
        for field in info.fields
        if not field.required and field.encode_name in required[info.cls.__name__]
    }

    assert not left_out


def test_a_change_of_nothing_names_the_fields_as_clients_write_them(
    home: Tenant, subtests: pytest.Subtests
):
    ids = ids_of(home)
    needing = [
        operation
        for operation in operations().values()
        if operation.method == "PATCH"
        and operation.bodies
        and not schema_of_body(operation).get("required")
    ]
    for operation in needing:
        with subtests.test(operation.id):
            ask = ask_for(operation, ids)
            ask.json = {}

            answer = ask.made_by(home)

            assert code_of(answer) == (400, "invalid_body")
            (problem,) = answer.json()["meta"]["fields"]
            assert problem["message"].startswith("must have at least one of ")
            names = problem["message"].removeprefix("must have at least one of ")
            schema = schema_of_body(operation)
            assert {*names.split(", ")} == {*schema["properties"]}
            assert schema["minProperties"] == 1

    assert len(needing) >= 10


def schema_of_body(operation: Described) -> Json:
    schema = operation.details["requestBody"]["content"]["application/json"]["schema"]
    name = schema["$ref"].rpartition("/")[2]
    return documented().document["components"]["schemas"][name]


def test_times_enumerations_and_metadata_have_their_type(
    document: dict[str, Any], subtests: pytest.Subtests
):
    for name, schema in document["components"]["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            with subtests.test(f"{name}.{field}"):
                forms = described.get("anyOf", [described])
                meaning = described.get("description", "")
                if field.endswith("_at") or meaning.startswith("The time "):
                    times = [form.get("items", form) for form in forms]
                    assert "date-time" in {each.get("format") for each in times}
                if field == "metadata":
                    assert "object" in {form.get("type") for form in forms}
                assert all("type" in form for form in forms if "enum" in form)


def test_whatever_answers_csv_says_so():
    answers = [
        each.details["responses"]["200"]["content"]
        for each in operations().values()
        if any(p.get("name") == "format" for p in each.details["parameters"])
    ]

    assert len(answers) > 5
    assert all("text/csv" in content for content in answers)


def test_the_stream_of_events_describes_its_messages_as_the_feed_does():
    found = documented().operations
    stream = found["streamEvents"].details["responses"]["200"]["content"]
    feed = found["listEvents"].details["responses"]["200"]["content"]

    message = feed["application/json"]["schema"]["properties"]["data"]["items"]
    assert stream == {"text/event-stream": {"schema": message}}


def test_the_document_in_json_offers_no_other_form(
    goatherd: Goatherd, document: dict[str, Any]
):
    answer = goatherd.client.get(f"{BASE}/openapi.json", params={"media": "json"})

    found = answer.json()
    assert found["paths"].keys() == document["paths"].keys()
    for path, methods in found["paths"].items():
        for method, each in methods.items():
            names = {parameter.get("name") for parameter in each.get("parameters", ())}
            assert "format" not in names, path
            for status, response in each["responses"].items():
                full = document["paths"][path][method]["responses"][status]
                forms, all_forms = (x.get("content", {}) for x in (response, full))
                if "application/json" in all_forms:
                    assert [*forms] == ["application/json"], path
                else:
                    assert forms == all_forms


def test_several_metrics_are_one_parameter_with_commas(document: dict[str, Any]):
    parameters = document["paths"][f"{BASE}/analytics"]["get"]["parameters"]
    (metric,) = (one for one in parameters if one.get("name") == "metric")

    assert (metric["style"], metric["explode"]) == ("form", False)
    assert metric["schema"]["type"] == "array"
    assert sorted(metric["schema"]["items"]["enum"]) == sorted(get_args(Metric))

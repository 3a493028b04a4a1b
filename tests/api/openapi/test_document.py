import re
from typing import Any

import msgspec
import pytest
from litestar import Litestar, get, post
from litestar.testing import TestClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.http.bodies.json_body import BodyReader
from api.http.errors import Code
from api.http.responses import Answer
from api.http.route_info import RouteError
from api.openapi.document import document
from api.operations import operations_of
from tests.kit.tiny_app import NOTE_ID, Keyring, NewNote, NewNotes, tiny_app

Document = dict[str, Any]


@pytest.fixture
def served(tiny: TestClient[Litestar]) -> Document:
    """The document as a client gets it."""
    answer = tiny.get("/api/v1/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json()


@pytest.fixture
def in_json(tiny: TestClient[Litestar]) -> Document:
    """The document in which every answer is JSON."""
    return tiny.get("/api/v1/openapi.json", params={"media": "json"}).json()


def operation(document: Document, method: str, path: str) -> Document:
    return document["paths"][path][method]


def everything_in(item: object) -> list[Document]:
    """Every object in the document, however deep."""
    if isinstance(item, list):
        return [found for inner in item for found in everything_in(inner)]
    if isinstance(item, dict):
        inside = [found for inner in item.values() for found in everything_in(inner)]
        return [item, *inside]
    return []


def test_the_document_is_valid_openapi_3_1(served: Document):
    errors = list(OpenAPIV31SpecValidator(served).iter_errors())

    assert served["openapi"] == "3.1.0"
    assert errors == []


def test_the_document_needs_no_key(keyring: Keyring):
    with TestClient(tiny_app(keyring)) as client:
        answer = client.get("/api/v1/openapi.json")

    assert answer.status_code == 200


@pytest.mark.parametrize("query", ("", "?media=json"))
def test_the_document_is_compressed_and_sent_once(
    tiny: TestClient[Litestar], query: str
):
    path = f"/api/v1/openapi.json{query}"
    plain = tiny.get(path, headers={"Accept-Encoding": "identity"})
    small = tiny.get(path, headers={"Accept-Encoding": "gzip"})

    known = tiny.get(path, headers={"If-None-Match": small.headers["ETag"]})
    other = tiny.get(path, headers={"If-None-Match": '"other"'})

    assert "Content-Encoding" not in plain.headers
    assert small.headers["Content-Encoding"] == "gzip"
    assert int(small.headers["Content-Length"]) < len(plain.content) / 4
    assert small.json() == plain.json()
    for answer in (plain, small, known):
        assert answer.headers["ETag"] == plain.headers["ETag"]
        assert answer.headers["Cache-Control"] == "public, max-age=300"
        assert answer.headers["Vary"] == "Accept-Encoding"
    assert (known.status_code, known.content) == (304, b"")
    assert other.status_code == 200


def test_both_documents_have_tags_of_their_own(tiny: TestClient[Litestar]):
    tags = {
        tiny.get(f"/api/v1/openapi.json{query}").headers["ETag"]
        for query in ("", "?media=json")
    }

    assert len(tags) == 2


@pytest.mark.parametrize("query", ("media=xml", "medium=json"))
def test_another_form_of_the_document_is_refused(
    tiny: TestClient[Litestar], query: str
):
    answer = tiny.get(f"/api/v1/openapi.json?{query}")

    assert answer.status_code == 400
    assert answer.json()["meta"]["code"] == "invalid_query"


def test_the_document_in_json_has_one_type_for_each_answer(
    in_json: Document, served: Document
):
    errors = list(OpenAPIV31SpecValidator(in_json).iter_errors())
    answers = [
        response["content"]
        for path in in_json["paths"].values()
        for each in path.values()
        for response in each["responses"].values()
        if "content" in response
    ]

    assert errors == []
    assert answers
    assert all([*content] == ["application/json"] for content in answers)
    assert in_json["paths"].keys() == served["paths"].keys()
    assert "Problem" not in in_json["components"]["schemas"]


def test_every_route_is_in_the_document(tiny: TestClient[Litestar], served: Document):
    documented = {
        f"{method.upper()} {path}"
        for path, methods in served["paths"].items()
        for method in methods
    }

    routed = {f"{o.method} {o.path}" for o in operations_of(tiny.app)}

    assert documented == routed
    assert "POST /api/v1/notes" in documented
    assert "GET /health/ready" in documented


def test_every_operation_says_what_it_does_and_under_which_name(served: Document):
    operations = [o for path in served["paths"].values() for o in path.values()]

    names = [o["operationId"] for o in operations]

    assert len(set(names)) == len(names)
    for described in operations:
        assert described["summary"]
        assert described["description"]
        assert described["tags"]
        statuses = described["responses"].keys()
        assert statuses & {"200", "201"} or "410" in statuses


def test_an_operation_that_was_removed_is_not_said_to_succeed(served: Document):
    old = operation(served, "get", "/api/v1/old/{name}")

    assert [*old["responses"]] == ["400", "404", "410", "500"]


def test_every_operation_says_which_scope_it_needs(served: Document):
    list_notes = operation(served, "get", "/api/v1/notes")
    live = operation(served, "get", "/health/live")

    assert list_notes["security"] == [{"bearer": []}]
    assert list_notes["description"] == "Needs the scope `read`."
    assert live["security"] == []
    assert served["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


@pytest.mark.parametrize("which", ("served", "in_json"))
def test_every_reference_leads_somewhere_and_nothing_is_left_over(
    request: pytest.FixtureRequest, which: str
):
    document = request.getfixturevalue(which)
    references = {o["$ref"] for o in everything_in(document) if "$ref" in o}

    components = {
        f"#/components/{kind}/{name}"
        for kind, named in document["components"].items()
        for name in named
        if kind != "securitySchemes"
    }

    assert references == components


def test_every_error_an_operation_may_give_is_in_the_document(served: Document):
    add = operation(served, "post", "/api/v1/notes")

    codes = {
        code
        for status, response in add["responses"].items()
        if int(status) >= 400
        for code in response["content"]["application/json"]["examples"]
    }

    assert codes == {
        "invalid_query",
        "invalid_body",
        "invalid_params",
        "body_too_deep",
        "invalid_api_key",
        "insufficient_scope",
        "request_timeout",
        "gone",
        "handle_taken",
        "idempotency_conflict",
        "idempotency_in_flight",
        "body_too_large",
        "unsupported_media_type",
        "idempotency_key_reused",
        "rate_limit_exceeded",
        "internal_error",
        "unavailable",
    }


@pytest.mark.parametrize(
    ("method", "path", "code"),
    (
        ("get", "/api/v1/notes", Code.INVALID_CURSOR),
        ("get", "/api/v1/notes", Code.PROJECTION_BEHIND),
        ("get", "/api/v1/notes/{note_id}", Code.NOT_FOUND),
        ("patch", "/api/v1/notes/{note_id}", Code.VERSION_CONFLICT),
        ("delete", "/api/v1/notes/{note_id}", Code.VERSION_CONFLICT),
        ("put", "/api/v1/names/{name}", Code.INVALID_PARAMS),
        ("get", "/health/ready", Code.UNAVAILABLE),
    ),
)
def test_errors_follow_from_what_an_operation_is(
    served: Document, method: str, path: str, code: Code
):
    response = operation(served, method, path)["responses"][str(code.status)]

    for media_type in ("application/json", "application/problem+json"):
        examples = response["content"][media_type]["examples"]
        name = examples[str(code)]["$ref"].rpartition("/")[2]
        example = served["components"]["examples"][name]["value"]
        assert code in {example.get("code"), example.get("meta", {}).get("code")}


def test_examples_of_failures_are_what_clients_really_get(
    tiny: TestClient[Litestar], served: Document
):
    examples = served["components"]["examples"]
    headers = {"X-Request-Id": examples["not_found"]["value"]["meta"]["requestId"]}

    answer = tiny.get("/api/v1/fail/unforeseen", headers=headers)
    problem = tiny.get(
        "/api/v1/fail/unforeseen",
        headers={**headers, "Accept": "application/problem+json"},
    )

    assert answer.json() == examples["internal_error"]["value"]
    assert problem.json() == examples["internal_error_problem"]["value"]


def test_parameters_are_described_as_they_are_checked(served: Document):
    parameters = {
        parameter["name"]: parameter
        for parameter in operation(served, "get", "/api/v1/notes")["parameters"]
        if "name" in parameter
    }

    assert parameters["limit"] == {
        "name": "limit",
        "in": "query",
        "required": False,
        "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 50},
        "description": "The largest number of rows in a page.",
    }
    assert parameters["of"]["schema"] == {"type": "string", "format": "uuid"}
    assert [*parameters] == ["cursor", "limit", "of", "search"]


@pytest.mark.parametrize(
    ("method", "path", "names"),
    (
        ("get", "/api/v1/notes", {"MinPosition"}),
        ("get", "/api/v1/notes/{note_id}", {"MinPosition", "IfNoneMatch"}),
        ("post", "/api/v1/notes", {"IdempotencyKey"}),
        ("patch", "/api/v1/notes/{note_id}", {"IfMatch"}),
        ("get", "/health/live", set[str]()),
    ),
)
def test_headers_that_follow_from_the_method_are_described(
    served: Document, method: str, path: str, names: set[str]
):
    parameters = operation(served, method, path).get("parameters", [])

    shared = {p["$ref"].rpartition("/")[2] for p in parameters if "$ref" in p}

    assert shared == names


def test_a_body_of_two_forms_is_described_as_both(served: Document):
    body = operation(served, "post", "/api/v1/notes")["requestBody"]

    content = body["content"]["application/json"]

    assert body["required"] is True
    assert content["schema"] == {
        "anyOf": [
            {"$ref": "#/components/schemas/NewNote"},
            {"$ref": "#/components/schemas/NewNotes"},
        ]
    }
    new_note = served["components"]["schemas"]["NewNote"]
    assert new_note["additionalProperties"] is False
    assert new_note["required"] == ["text"]


def test_examples_of_bodies_are_accepted(served: Document):
    content = operation(served, "post", "/api/v1/notes")["requestBody"]["content"]
    examples = content["application/json"]["examples"]
    reader = BodyReader(NewNote | NewNotes)

    read = [
        reader.read(msgspec.json.encode(example["value"]))
        for example in examples.values()
    ]

    assert [type(body) for body in read] == [NewNote, NewNotes]


def test_answers_are_described_with_all_their_fields(
    tiny: TestClient[Litestar], served: Document
):
    described = operation(served, "get", "/api/v1/notes/{note_id}")["responses"]["200"]
    schema = described["content"]["application/json"]["schema"]

    answer = tiny.get(f"/api/v1/notes/{NOTE_ID}").json()

    assert schema["required"] == [*answer]
    note = served["components"]["schemas"]["Note"]
    assert note["required"] == [*answer["data"]]
    example = described["content"]["application/json"]["example"]
    assert [*example] == [*answer]
    assert [*example["data"]] == [*answer["data"]]
    assert described["headers"].keys() >= {"ETag", "X-Request-Id"}


def test_a_page_is_described_with_its_cursor(served: Document):
    described = operation(served, "get", "/api/v1/notes")["responses"]["200"]

    properties = described["content"]["application/json"]["schema"]["properties"]

    assert properties["meta"] == {"$ref": "#/components/schemas/PageMeta"}
    assert properties["data"]["items"] == {"$ref": "#/components/schemas/Note"}


def test_a_list_by_offset_is_described_with_its_length(
    served: Document, tiny: TestClient[Litestar]
):
    described = operation(served, "get", "/api/v1/notes/ranked")["responses"]["200"]

    answer = tiny.get("/api/v1/notes/ranked").json()

    content = described["content"]["application/json"]
    properties = content["schema"]["properties"]
    assert properties["meta"] == {"$ref": "#/components/schemas/CountedMeta"}
    assert properties["data"]["items"] == {"$ref": "#/components/schemas/Note"}
    meta = served["components"]["schemas"]["CountedMeta"]
    assert meta["required"] == [*answer["meta"]] == [*content["example"]["meta"]]
    assert answer["meta"] == {"totalCount": 3, "limit": 1, "offset": 2}


def test_the_document_is_the_same_every_time(keyring: Keyring):
    first, second = (
        msgspec.json.encode(document(tiny_app(keyring), version="1")) for _ in range(2)
    )

    assert first == second


def test_two_operations_cannot_have_one_id(keyring: Keyring):
    @get("/a", opt={"scope": None}, operation_id="same", tags=["Schema"])
    async def a() -> Answer[None]:
        """Ask."""
        return Answer(None)

    @post("/b", opt={"scope": None}, operation_id="same", tags=["Schema"])
    async def b() -> Answer[None]:
        """Tell."""
        return Answer(None)

    with pytest.raises(RouteError, match="same"):
        document(tiny_app(keyring, routes=[a, b]), version="1")


@pytest.mark.parametrize("tags", ([], ["Goats"]))
def test_an_operation_needs_a_tag_that_is_described(keyring: Keyring, tags: list[str]):
    @get("/a", opt={"scope": None}, tags=tags)
    async def a() -> Answer[None]:
        """Ask."""
        return Answer(None)

    with pytest.raises(RouteError, match="tags"):
        document(tiny_app(keyring, routes=[a]), version="1")


def test_an_operation_needs_a_docstring(keyring: Keyring):
    @get("/a", opt={"scope": None}, tags=["Schema"])
    async def a() -> Answer[None]:
        return Answer(None)

    with pytest.raises(RouteError, match="docstring"):
        document(tiny_app(keyring, routes=[a]), version="1")


def test_entities_are_described_for_programs(keyring: Keyring):
    with TestClient(tiny_app(keyring)) as client:
        entities = client.get("/api/v1/schema").json()["data"]["entities"]

    assert entities["note"]["description"] == "Something to remember."
    assert entities["note"]["fields"]["text"] == {
        "type": "string",
        "description": "Words.",
        "examples": ["milk"],
        "minLength": 1,
        "maxLength": 20,
        "nullable": False,
    }
    assert entities["note"]["fields"]["count"] == {"type": "integer", "nullable": True}


def test_the_documentation_refers_to_nothing_on_other_sites(
    tiny: TestClient[Litestar],
):
    pages = [tiny.get(path) for path in ("/docs", "/docs/errors")]
    texts = [page.text for page in pages]

    texts.append(tiny.get("/docs/assets/start.js").text)

    for page in pages:
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        policy = page.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "http" not in policy
    for text in texts:
        assert "//" not in text
        for name in re.findall(r"/(?:docs|api)/[\w./-]*\w", text):
            assert tiny.get(name).status_code == 200, name


@pytest.mark.parametrize(
    ("name", "media_type"),
    (
        ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
        ("swagger-ui.css", "text/css; charset=utf-8"),
        ("docs.css", "text/css; charset=utf-8"),
        ("start.js", "text/javascript; charset=utf-8"),
        ("favicon-32x32.png", "image/png"),
    ),
)
def test_the_files_of_the_documentation_may_be_kept_for_a_day(
    tiny: TestClient[Litestar], name: str, media_type: str
):
    answer = tiny.get(f"/docs/assets/{name}")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == media_type
    assert answer.headers["Cache-Control"] == "public, max-age=86400"
    assert answer.content


@pytest.mark.parametrize(
    "name", ("index.html", "swagger-initializer.js", "..%2f..%2f__init__.py", "x")
)
def test_no_other_file_of_the_package_is_served(tiny: TestClient[Litestar], name: str):
    answer = tiny.get(f"/docs/assets/{name}")

    assert answer.status_code == 404


def test_the_page_of_errors_has_a_place_for_every_code(tiny: TestClient[Litestar]):
    page = tiny.get("/docs/errors").text

    for code in Code:
        assert f'<tr id="{code}"><td>{code.status}</td>' in page

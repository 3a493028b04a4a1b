"""Signed roots over HTTP: made by operators, and the newest for anybody."""

from typing import Any

import msgspec

from api.http.responses import Envelope
from application.integrity.signing import is_signed
from domain.integrity.events import RootSigned
from domain.integrity.roots import PublicRoot, signed_text, text_hash
from domain.streams import INSTALLATION
from tests.kit.application import Goatherd, Tenant, code_of, data_of, started
from tests.kit.databases import new_database
from tests.kit.paths import ROOT, module_of

PROOF = "/.well-known/goatherd-consistency.json"
SCRIPT = module_of(ROOT / "docs" / "verify.py")


def published(goatherd: Goatherd, name: str) -> object:
    """The answer of a well-known address to a client without a key."""
    answer = goatherd.client.get(f"/.well-known/goatherd-{name}.json")
    goatherd.documented.check(answer)
    assert answer.status_code == 200
    assert answer.headers["cache-control"].startswith("public, max-age=")
    return msgspec.json.decode(answer.content, type=Envelope).data


def test_an_operator_makes_a_root_and_anybody_sees_that_it_was_signed(home: Tenant):
    answer = home.post("/admin/roots")

    root = msgspec.convert(data_of(answer, status=201), RootSigned)
    recorded = home.goatherd.log(INSTALLATION)[-1]
    assert recorded.event == root
    assert recorded.actor == f"key:{home.key_id}"
    assert int(answer.headers["Goatherd-Position"]) == recorded.position
    assert root.position < recorded.position
    listed = data_of(home.get("/admin/roots"))
    assert msgspec.convert(listed[0], RootSigned) == root
    public = msgspec.convert(published(home.goatherd, "root"), PublicRoot)
    key = published(home.goatherd, "key")
    only = {"key": root.key, "from": None, "until": None, "signatures": None}
    assert key == {"algorithm": "Ed25519", "key": root.key, "keys": [only]}
    assert is_signed(signed_text(public), public.signature, root.key)


def test_what_anybody_sees_of_a_root_does_not_tell_how_much_happens(home: Tenant):
    home.post("/admin/roots")

    assert published(home.goatherd, "root").keys() == {  # pyright: ignore[reportAttributeAccessIssue]
        *("signed_at", "tree", "details", "key", "signature", "size", "roots")
    }


def proof_between(home: Tenant, **query: str | int) -> dict[str, Any]:
    """The document of consistency, for somebody without a key."""
    answer = home.goatherd.client.get(PROOF, params=query)
    home.goatherd.documented.check(answer)
    assert answer.headers["cache-control"].startswith("public, max-age=")
    return data_of(answer)


def test_anybody_gets_the_way_from_a_newer_root_to_one_that_they_kept(home: Tenant):
    kept: list[dict[str, Any]] = []
    for _ in range(5):
        home.post("/admin/roots")
        kept.append(published(home.goatherd, "root"))  # pyright: ignore[reportArgumentType]
    keys = [{"key": kept[0]["key"], "from": None, "until": None}]
    newest = kept[-1]
    for root in kept:
        name = text_hash(msgspec.convert(root, PublicRoot))
        by_size = proof_between(home, **{"from": root["size"], "to": newest["size"]})
        assert by_size == proof_between(home, root=name, to=newest["size"])
        assert by_size["root"] == newest
        assert list(SCRIPT.check(by_size, keys)) == []
        assert list(SCRIPT.not_proven(by_size, root)) == []
    other = proof_between(home, **{"from": kept[0]["size"], "to": kept[2]["size"]})
    assert other["root"] == kept[2]
    assert list(SCRIPT.check(other, keys)) == []
    assert proof_between(home, **{"from": 0})["root"]["size"] >= newest["size"]


def test_a_proof_of_roots_that_there_are_not_is_refused(home: Tenant):
    home.post("/admin/roots")
    home.post("/admin/roots")

    def refused(**query: str | int) -> tuple[int, str | None]:
        answer = home.goatherd.client.get(PROOF, params=query)
        home.goatherd.documented.check(answer)
        return code_of(answer)

    assert refused(root="00" * 32) == (404, "not_found")
    for wrong in (
        *({}, {"from": 10**9}, {"from": -1}, {"from": "x"}, {"from": 0, "to": 10**9}),
        *({"from": 1, "to": 0}, {"root": "0" * 65}, {"from": 0, "more": 1}),
    ):
        assert refused(**wrong) == (400, "invalid_query"), wrong


def test_a_repeated_request_makes_one_root(home: Tenant):
    headers = {"Idempotency-Key": "one"}

    first = home.post("/admin/roots", headers=headers)
    again = home.post("/admin/roots", headers=headers)

    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    other = msgspec.convert(data_of(home.post("/admin/roots"), status=201), RootSigned)
    assert other.before == text_hash(
        msgspec.convert(data_of(first, status=201), RootSigned)
    )


def test_only_operators_make_and_see_roots(stranger: Tenant):
    refused = (403, "operator_only")
    assert code_of(stranger.post("/admin/roots")) == refused
    assert code_of(stranger.get("/admin/roots")) == refused


def test_an_installation_without_a_root_says_so(
    postgres_url: str, template_database: str
):
    with (
        new_database(postgres_url, template=template_database) as url,
        started(url) as goatherd,
    ):
        answer = goatherd.client.get("/.well-known/goatherd-root.json")
        assert code_of(answer) == (404, "not_found")
        answers = [goatherd.client.get(f"{PROOF}?from=0") for _ in range(61)]
        assert {code_of(each) for each in answers[:-1]} == {(404, "not_found")}
        assert code_of(answers[-1]) == (429, "rate_limit_exceeded")
        for each in (answer, answers[0], answers[-1]):
            goatherd.documented.check(each)
        assert int(answers[-1].headers["retry-after"]) > 0

"""Signed roots over HTTP: made by operators, and the newest for anybody."""

import msgspec

from api.http.responses import Envelope
from domain.integrity.events import RootSigned
from domain.integrity.roots import PublicRoot, signed_text, text_hash
from domain.streams import INSTALLATION
from infra.integrity.signing import is_signed
from tests.kit.application import Goatherd, Tenant, code_of, data_of, started
from tests.kit.databases import new_database


def published(goatherd: Goatherd, name: str) -> object:
    """What is at a well-known address, for somebody without a key."""
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
    assert key == {"algorithm": "Ed25519", "key": root.key}
    assert is_signed(signed_text(public), public.signature, root.key)


def test_what_anybody_sees_of_a_root_does_not_tell_how_much_happens(home: Tenant):
    home.post("/admin/roots")

    assert published(home.goatherd, "root").keys() == {  # pyright: ignore[reportAttributeAccessIssue]
        *("signed_at", "tree", "details", "key", "signature")
    }


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

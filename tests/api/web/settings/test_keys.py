"""The page of keys: a text that is shown once, and what revoking does."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from domain import events as e
from infra.embedded.processes import wait_until
from infra.ids import new_id
from tests.kit.application import Goatherd, Tenant, code_of
from tests.kit.markup import Element, read
from tests.kit.patience import PATIENTLY
from tests.kit.people import added_member
from tests.kit.visitor import Visitor

KEYS = "/settings/keys"
TEXT = re.compile(r"tga_[0-9a-f]{64}")


def issued(home: Tenant) -> list[e.ApiKeyCreated]:
    """The keys that were issued, in the order that they were."""
    events = home.goatherd.events(home.organization_id)
    return [event for event in events if isinstance(event, e.ApiKeyCreated)]


def row_of(page: Element, name: str) -> Element:
    (row,) = [r for r in page.all("tr") if r.all("th")[0].text.startswith(name)]
    return row


def test_a_new_keys_text_is_shown_in_one_answer_that_nobody_keeps(
    home: Tenant, visitor: Visitor
):
    form = visitor.see(KEYS)

    answer = visitor.submit(form, KEYS, name="For the sheet", scopes=["read"])

    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store, no-transform"
    text = read(answer.text).one("input", id="text")["value"]
    key = Tenant(
        home.goatherd,
        organization_id=home.organization_id,
        project_id=home.project_id,
        key_id=home.key_id,
        key=text,
    )
    assert key.get("/projects").status_code == 200
    assert code_of(key.post("/projects", {"name": "No"})) == (403, "insufficient_scope")
    home.goatherd.catch_up()
    assert not TEXT.search(visitor.get(KEYS).text)
    assert not home.goatherd.query(
        "SELECT 1 FROM idempotency WHERE body LIKE %s::bytea", f"%{text[4:]}%"
    )


def test_sending_the_form_again_makes_no_other_key_and_shows_no_text(
    home: Tenant, visitor: Visitor
):
    fields: dict[str, str | list[str]] = {
        "name": "For the sheet",
        "scopes": ["read"],
        "idempotency_key": "the-same-form",
    }
    visitor.post(KEYS, fields)
    keys = len(issued(home))

    again = visitor.post(KEYS, fields)

    assert again.status_code == 201
    assert len(issued(home)) == keys
    assert "tga_" not in again.text
    assert "was shown then and is not shown again" in read(again.text).text


def test_a_key_is_good_to_the_end_of_the_day_in_the_organizations_zone(
    goatherd: Goatherd,
):
    home = goatherd.tenant(time_zone="America/New_York")
    goatherd.catch_up()
    visitor = Visitor(goatherd)
    visitor.sign_in(home.key)

    form = visitor.see(KEYS)
    visitor.submit(form, KEYS, name="Guest", until="2126-01-31", scopes=["read"])

    assert issued(home)[-1].expires_at == datetime(2126, 2, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "problem"),
    (
        ({"name": ""}, "Name"),
        ({"scopes": []}, "Choose at least one."),
        ({"until": "soon"}, "Must be a date, such as 2027-01-31."),
        ({"until": "2020-01-01"}, "Must be in the future."),
        ({"until": "9999-12-31"}, "Must be a date, such as 2027-01-31."),
    ),
)
def test_what_is_wrong_with_a_new_key_is_said_and_what_was_typed_stays(
    home: Tenant, visitor: Visitor, fields: dict[str, str | list[str]], problem: str
):
    typed = {"name": "For <the> sheet", "scopes": ["read"], "until": ""}
    kept = len(issued(home))

    answer = visitor.post(KEYS, {**typed, **fields})

    page = read(answer.text)
    assert answer.status_code == 400
    assert problem in page.text
    assert page.one("input", name="name")["value"] == {**typed, **fields}["name"]
    assert len(issued(home)) == kept


def test_a_plan_without_room_for_a_key_is_told_above_the_form(goatherd: Goatherd):
    home = goatherd.tenant(plan="free")
    home.with_key()
    home.with_key()
    visitor = Visitor(goatherd)
    visitor.sign_in(home.key)

    answer = visitor.post(KEYS, {"name": "One too many", "scopes": ["read"]})

    assert answer.status_code == 402
    assert "The plan allows 3 API keys" in read(answer.text).one("p", role="alert").text


def test_revoking_a_key_closes_it(home: Tenant, visitor: Visitor):
    other = home.with_key("read")
    home.goatherd.catch_up()
    action = f"{KEYS}/{other.key_id}/revoke"
    page = visitor.see(KEYS)
    assert "signed out" not in row_of(page, "Another key").text

    answer = visitor.submit(page, action)

    assert answer.headers["Location"] == KEYS
    assert code_of(other.get("/projects"))[0] == 401
    home.goatherd.catch_up()
    row = row_of(visitor.see(KEYS), "Another key")
    assert "revoked" in row.text
    assert not row.all("form")


def test_revoking_ones_own_key_is_warned_of_and_signs_out(
    goatherd: Goatherd, home: Tenant
):
    own = home.with_key("read", "admin")
    visitor = Visitor(goatherd)
    visitor.sign_in(own.key)
    goatherd.catch_up()
    row = row_of(visitor.see(KEYS), "Another key")
    assert "you will be signed out" in row.text

    answer = visitor.submit(row, f"{KEYS}/{own.key_id}/revoke")

    assert answer.headers["Location"] == "/"
    # A key that opened is remembered for half a second.
    assert wait_until(
        lambda: visitor.get("/system/jobs").status_code == 303, seconds=PATIENTLY
    )


def test_a_key_that_expired_is_told_apart(
    goatherd: Goatherd, home: Tenant, visitor: Visitor
):
    home.with_key("read", expires_at=datetime.now(UTC) + timedelta(milliseconds=1))
    goatherd.catch_up()

    row = row_of(visitor.see(KEYS), "Another key")

    assert "expired" in row.text


def test_the_key_of_a_person_has_their_name(home: Tenant, visitor: Visitor):
    of = home.organization_id
    ben = added_member(home.goatherd.store, of, role="member")
    for name, person_id in (("Sheet", ben), ("Old sheet", new_id())):
        id_ = new_id()
        created = e.ApiKeyCreated(
            key_id=id_,
            name=name,
            digest=id_.hex * 2,
            hint="3f9c",
            scopes=("read",),
            person_id=person_id,
        )
        home.goatherd.append(of, created)
    home.goatherd.catch_up()

    page = visitor.see(KEYS)

    assert row_of(page, "Sheet").one("td", **{"data-label": "Owner"}).text == "Ben"
    former = row_of(page, "Old sheet").one("td", **{"data-label": "Owner"})
    assert former.text == "a former member"

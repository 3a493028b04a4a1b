"""/shares: links to read-only pages, whose addresses are shown once."""

from datetime import UTC, datetime, timedelta
from typing import Any

from infra.ids import new_id
from infra.keys.digests import digest_of
from tests.kit.application import Goatherd, Tenant, code_of, data_of

MEADOW = "green meadow"


def made(home: Tenant, **fields: object) -> dict[str, Any]:
    """Make a link to the project, unless told otherwise."""
    of = {"scope": "project", "scope_id": str(home.project_id)}
    share = data_of(home.post("/shares", {**of, **fields}), status=201)
    home.goatherd.catch_up()
    return share


def token_of(share: dict[str, Any]) -> str:
    return share["url"].rpartition("/s/")[2]


def test_a_link_is_made_and_shows_its_address_once(home: Tenant):
    chosen: dict[str, Any] = {
        "name": "For Ada",
        "from": "2026-03-01",
        "to": "2026-03-31",
        "hide": ["money"],
        "embed": True,
        "origins": ["https://Example.com/"],
        "expires_at": "2999-01-01T00:00:00Z",
    }
    share = made(home, **chosen, password=MEADOW)

    assert share["url"].startswith("http://")
    assert len(token_of(share)) == 64
    expected = {**chosen, "origins": ["https://example.com"]}
    assert {name: share[name] for name in chosen} == expected
    assert share["project_id"] == str(home.project_id)
    assert (share["has_password"], share["status"]) == (True, "active")
    shown = data_of(home.get(f"/shares/{share['id']}"))
    assert shown == {name: v for name, v in share.items() if name != "url"}
    assert data_of(home.get("/shares")) == [shown]


def test_a_scope_is_a_kind_with_an_id_or_an_object_with_both(home: Tenant):
    creator_id = home.add("goat")["id"]
    both = {"type": "creator", "id": creator_id}

    share = made(home, scope=both, scope_id=None)

    assert (share["scope"], share["scope_id"]) == ("creator", creator_id)
    assert share["rolling"] == "28d"
    for wrong in ({"scope": both, "scope_id": creator_id}, {"scope": "creator"}):
        assert code_of(home.post("/shares", wrong)) == (400, "invalid_body"), wrong


def test_a_link_to_a_campaign_shows_the_days_of_the_campaign(home: Tenant):
    campaign_id = home.campaign("Spring")
    of = {"scope": "campaign", "scope_id": campaign_id}
    assert made(home, **of)["rolling"] == "28d"

    days = {"starts_on": "2026-03-01", "ends_on": "2026-03-31"}
    home.patch(f"/campaigns/{campaign_id}", days)
    share = made(home, **of)

    shown = (share["from"], share["to"], share["rolling"])
    assert shown == ("2026-03-01", "2026-03-31", None)
    assert made(home, **of, rolling="7d")["rolling"] == "7d"


def test_links_of_one_thing_are_listed_newest_first_page_by_page(home: Tenant):
    creator_id = home.add("goat")["id"]
    first = made(home)["id"]
    second = made(home, scope="creator", scope_id=creator_id)["id"]
    third = made(home)["id"]

    def ids(**query: str) -> list[str]:
        return [row["id"] for row in data_of(home.get("/shares", params=query))]

    assert ids() == [third, second, first]
    assert ids(scope_id=creator_id) == [second]
    page = home.get("/shares", params={"limit": "2"}).json()
    assert ids(limit="2", cursor=page["meta"]["nextCursor"]) == [first]


def test_a_link_is_changed_in_part_and_revoked_for_good(home: Tenant):
    share = made(home, password=MEADOW)
    path = f"/shares/{share['id']}"

    changed = data_of(
        home.patch(path, {"from": "2026-03-01", "name": "March", "password": None})
    )
    stale = home.patch(path, {"name": "x"}, headers={"If-Match": '"1"'})
    assert (changed["from"], changed["rolling"]) == ("2026-03-01", None)
    assert (changed["has_password"], changed["version"]) == (False, 2)
    assert code_of(stale) == (412, "version_conflict")
    assert code_of(home.patch(path, {"to": "2026-02-01"})) == (400, "invalid_body")

    revoked = data_of(home.delete(path))
    home.goatherd.catch_up()
    assert revoked["status"] == "revoked"
    assert data_of(home.get("/shares")) == []
    assert data_of(home.get(path))["status"] == "revoked"
    assert code_of(home.patch(path, {"name": "x"})) == (404, "not_found")
    assert data_of(home.delete(path))["version"] == revoked["version"]


def test_what_is_not_possible_is_refused(home: Tenant):
    of = {"scope": "project", "scope_id": str(home.project_id)}
    earlier = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    ahead = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for wrong in (
        {"rolling": "28d", "from": "2026-03-01"},
        {"rolling": "for ever"},
        {"hide": ["names"]},
        {"expires_at": earlier},
        {"as_of": ahead},
        {"as_of": "yesterday"},
        {"as_of": 10**17},
        {"embed": True},
        {"origins": ["https://a.example; script-src *"]},
        {"password": "meadows"},
        {"scope": "org"},
    ):
        answer = home.post("/shares", {**of, **wrong})
        assert code_of(answer) == (400, "invalid_body"), (wrong, answer.text)


def test_neither_token_nor_password_is_stored_in_the_clear(
    home: Tenant, goatherd: Goatherd
):
    headers = {"Idempotency-Key": "share-1"}
    of = {"scope": "project", "scope_id": str(home.project_id), "password": MEADOW}
    answers = [home.post("/shares", of, headers=headers) for _ in range(2)]

    first, again = (data_of(answer, status=201) for answer in answers)
    token = token_of(first)
    assert again == first
    ((digest, sealed),) = goatherd.query(
        "SELECT digest, password FROM share_links WHERE share_id = %s", first["id"]
    )
    assert digest == digest_of(token)
    assert b"argon2" not in sealed
    assert MEADOW.encode() not in sealed
    for table in ("goatherd_events", "idempotency", "shares"):
        rows = str(goatherd.query(f"SELECT t::text FROM {table} t"))  # noqa: S608
        state = goatherd.query("SELECT state FROM goatherd_events")
        for secret in (token, MEADOW):
            assert secret not in rows
            assert secret.encode() not in b"".join(bytes(row) for (row,) in state)


def test_another_organization_has_none_of_it(home: Tenant, stranger: Tenant):
    share, creator = made(home), stranger.add("rival")
    path = f"/shares/{share['id']}"

    of = {"scope": "creator", "scope_id": creator["id"]}
    for answer in (
        home.post("/shares", of),
        home.post("/shares", {"scope": "campaign", "scope_id": str(new_id())}),
        stranger.get(path),
        stranger.patch(path, {"name": "Mine"}),
        stranger.delete(path),
    ):
        assert code_of(answer) == (404, "not_found")
    assert data_of(stranger.get("/shares")) == []
    assert code_of(home.with_key("read").get("/shares")) == (403, "insufficient_scope")


def test_the_present_is_kept_as_a_position(home: Tenant):
    event = home.goatherd.log(home.organization_id)[-1]

    for given in ("now", event.position, str(event.position)):
        share = made(home, as_of=given)
        at = datetime.fromisoformat(share["as_of_at"])
        assert share["as_of"].isdigit()
        assert at >= event.recorded_at
    timed = made(home, as_of=event.recorded_at.isoformat())
    assert datetime.fromisoformat(timed["as_of"]) == event.recorded_at


def test_the_audit_says_who_shared_what(home: Tenant):
    share = made(home, name="For Ada", password=MEADOW)
    home.patch(f"/shares/{share['id']}", {"rolling": "7d", "password": "blue meadow"})
    home.delete(f"/shares/{share['id']}")
    home.goatherd.catch_up()

    rows = data_of(home.get("/audit", params={"limit": "3"}))

    by = rows[0]["summary"].partition(" by ")[2]
    assert [row["summary"] for row in reversed(rows)] == [
        f'Shared link "For Ada" to a project made, with a password, by {by}',
        f"Shared link changed: period set to 7 days and password set, by {by}",
        f"Shared link revoked by {by}",
    ]
    assert MEADOW not in str(rows)


def test_earlier_names_of_a_link_are_forgotten(home: Tenant):
    share = made(home, name="For Goat the Elder")
    path = f"/shares/{share['id']}"
    home.patch(path, {"name": "For a client"})
    home.goatherd.catch_up()

    data_of(home.post(f"{path}/forget-texts"))
    home.goatherd.catch_up()

    assert data_of(home.get(path))["name"] == "For a client"
    names = [
        getattr(event, "name", None) for event in home.goatherd.events(share["id"])
    ]
    assert "For Goat the Elder" not in names

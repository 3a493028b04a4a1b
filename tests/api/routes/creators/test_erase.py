"""POST /creators/{id}/erase: a person is gone from every answer."""

from uuid import UUID, uuid4

import pytest

from domain import events as e
from domain.creator.account import account_of
from infra.embedded.processes import wait_until
from tests.api.routes.creators.test_move import campaign_with, ids
from tests.kit.application import Tenant, code_of, data_of
from tests.kit.command_line import CommandLine
from tests.kit.patience import PATIENTLY

HANDLE = "wanted.goat"
VIDEO = "7100000000000000071"
NOBODY = "00000000-0000-4000-8000-000000000009"


@pytest.fixture
def cli(
    command_line: CommandLine,
    home: Tenant,
) -> CommandLine:
    command_line.set(database_url=home.goatherd.url)
    return command_line


def known(tenant: Tenant) -> str:
    """A creator with much data."""
    creator_id = tenant.add(HANDLE, readme="wanted.goat climbs", tags=["Hook"])["id"]
    tenant.saw(creator_id, follower_count=12, display_name="wanted.goat herself")
    tenant.found(creator_id, VIDEO, title="wanted.goat jumps")
    tenant.goatherd.catch_up()
    return creator_id


def test_who_is_erased_is_gone_from_lists_history_past_and_exports(
    home: Tenant, cli: CommandLine
):
    creator_id = known(home)
    before = home.goatherd.head

    done = data_of(
        home.post(f"/creators/{creator_id}/erase", {"confirm": "@Wanted.Goat"})
    )
    home.goatherd.catch_up()

    (erased,) = done["creators"]
    assert erased["id"] == creator_id
    assert erased["tiktok_handle"].startswith("erased-")
    assert done["figures"] == "anonymous"
    assert creator_id not in ids(home.get("/creators"))
    for status in ("erased", "all"):
        listed = data_of(home.get("/creators", params={"status": status}))
        names = {one["id"]: one["tiktok_handle"] for one in listed}
        assert names[creator_id] == erased["tiktok_handle"]
    path = f"/creators/{creator_id}"
    for shown_at, params in (
        (path, {}),
        (path, {"as_of": str(before)}),
        (f"{path}/history", {}),
        (f"{path}/diff", {"from": str(before)}),
        ("/videos", {"project_id": str(home.project_id)}),
        ("/creators", {"status": "all", "search": "wanted"}),
    ):
        answer = home.get(shown_at, params=params)
        assert answer.status_code == 200, answer.text
        assert "wanted" not in answer.text
        assert VIDEO not in answer.text
    exported = cli("export", "events", "--org", str(home.organization_id))
    assert exported.status == 0
    assert creator_id in exported.out
    assert "wanted" not in exported.out
    # Other tests change history of before on purpose.
    verified = cli("verify", "--json", "--since", str(before))
    assert verified.status == 0, verified.out


def test_the_handle_of_who_is_erased_may_be_added_as_a_new_creator(home: Tenant):
    creator_id = known(home)
    data_of(home.post(f"/creators/{creator_id}/erase", {"confirm": HANDLE}))

    added = home.post(home.creators, {"tiktok_handle": HANDLE})

    fresh = data_of(added, status=201)
    assert fresh["id"] != creator_id
    assert (fresh["readme"], fresh["tags"]) == (None, [])


def test_an_erasure_that_does_not_name_the_handle_does_nothing(home: Tenant):
    creator_id = known(home)
    kept = home.goatherd.kept()

    for confirm in ("another.goat", "no handle", ""):
        answer = home.post(f"/creators/{creator_id}/erase", {"confirm": confirm})

        assert code_of(answer) == (400, "invalid_body")
        assert [f["path"] for f in answer.json()["meta"]["fields"]] == ["/confirm"]
    assert home.goatherd.kept() == kept


def test_only_an_admin_of_the_organization_erases_or_sees_the_preview(
    home: Tenant, stranger: Tenant
):
    creator_id = known(home)
    path, body = f"/creators/{creator_id}/erase", {"confirm": HANDLE}
    writer = home.with_key("read", "write")
    kept = home.goatherd.kept()

    assert code_of(writer.post(path, body)) == (403, "insufficient_scope")
    assert code_of(writer.get(path)) == (403, "insufficient_scope")
    assert code_of(stranger.post(path, body)) == (404, "not_found")
    assert code_of(stranger.get(path)) == (404, "not_found")
    assert home.goatherd.kept() == kept


def test_a_search_of_an_erased_creator_finds_nothing_for_a_day(home: Tenant):
    creator_id = home.add("sought.goat")["id"]
    home.found(
        creator_id,
        "7100000000000000072",
        pseudonym="12345678902",
    )
    home.goatherd.catch_up()
    path = f"/creators/{creator_id}/erase/remains"
    before = code_of(home.get(path))
    data_of(home.post(f"/creators/{creator_id}/erase", {"confirm": "sought.goat"}))
    home.goatherd.catch_up()

    found = data_of(home.get(path))
    home.goatherd.query(
        "DELETE FROM erased_values WHERE %s = ANY(creator_ids)", creator_id
    )
    later = code_of(home.get(path))

    assert before == (404, "not_found")
    assert found["found"] == []
    # These tests have no Valkey.
    assert [gap["place"] for gap in found["not_searched"]] == ["Valkey"]
    assert {"kind": "video id", "values": 1, "why": None} in found["looked_for"]
    assert "public.creator_list" in found["searched"]["tables"]
    assert "sought" not in str(found)
    assert later == (410, "gone")


def test_a_search_says_nothing_of_another_organization_that_tracks_the_person(
    home: Tenant, stranger: Tenant
):
    for tenant, number in ((stranger, 3), (home, 4)):
        creator_id = tenant.add("shared.goat")["id"]
        tenant.found(creator_id, "7100000000000000073", pseudonym=f"1234567890{number}")
    home.goatherd.catch_up()
    data_of(home.post(f"/creators/{creator_id}/erase", {"confirm": "shared.goat"}))
    home.goatherd.catch_up()

    found = data_of(home.get(f"/creators/{creator_id}/erase/remains"))

    assert (found["found"], found["kept"]) == ([], [])


def test_a_search_that_takes_too_long_ends_and_says_so(
    home: Tenant, monkeypatch: pytest.MonkeyPatch
):
    creator_id = known(home)
    data_of(home.post(f"/creators/{creator_id}/erase", {"confirm": HANDLE}))
    home.goatherd.catch_up()
    path = f"/creators/{creator_id}/erase/remains"
    monkeypatch.setattr("api.routes.creators.erase.REMAINS_SECONDS", 0.0)

    at_once = data_of(home.get(path))
    # The time ends while a statement waits for a table that another one has locked.
    monkeypatch.setattr("api.routes.creators.erase.REMAINS_SECONDS", 2.0)
    with home.goatherd.store.pool.connection() as other, other.transaction():
        other.execute("LOCK TABLE analytics_videos IN ACCESS EXCLUSIVE MODE")
        locked = data_of(home.get(path))

    for found in (at_once, locked):
        assert (found["ok"], found["found"]) == (False, [])
        (gap,) = found["not_searched"]
        assert gap["place"] == "all other places"
        assert "goatherd erase --verify" in gap["why"]
    assert at_once["searched"]["tables"] == []


def test_only_operators_search_for_remains_and_only_of_their_own(home: Tenant):
    creator_id = known(home)
    path = f"/creators/{creator_id}/erase/remains"
    data_of(home.post(f"/creators/{creator_id}/erase", {"confirm": HANDLE}))
    home.goatherd.catch_up()
    operator = home.goatherd.tenant(is_operator=True)

    assert code_of(home.with_key("read", "write").get(path)) == (
        403,
        "insufficient_scope",
    )
    assert code_of(home.goatherd.tenant().get(path)) == (403, "operator_only")
    assert code_of(operator.get(path)) == (404, "not_found")


def test_a_second_erasure_is_gone_but_the_first_answer_is_repeated(home: Tenant):
    creator_id = known(home)
    path, body = f"/creators/{creator_id}/erase", {"confirm": HANDLE, "figures": "drop"}
    once = {"Idempotency-Key": str(uuid4())}

    first = home.post(path, body, headers=once)
    again = home.post(path, body, headers=once)
    home.goatherd.catch_up()
    second = home.post(path, body)

    assert first.status_code == 200
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "wanted" not in first.text
    assert code_of(second) == (410, "gone")
    assert code_of(home.get(path)) == (410, "gone")


def test_the_preview_counts_what_is_concerned_and_the_same_account_is_erased_with_it(
    home: Tenant, request: pytest.FixtureRequest
):
    creator_id = known(home)
    other = data_of(home.post("/projects", {"name": "Summer"}), status=201)["id"]
    added = home.post(f"/projects/{other}/creators", {"tiktok_handle": HANDLE})
    sibling = data_of(added, status=201)["id"]
    for each in (creator_id, sibling):
        home.saw(each, user_id="77")
        home.goatherd.append(
            account_of(UUID(each), home.goatherd.events(each)),
            e.AccountPinned(
                organization_id=home.organization_id,
                creator_id=UUID(each),
                user_id="77",
            ),
        )
    video = home.found(creator_id, "72")
    for scope, scope_id in (("creator", sibling), ("video", video)):
        note = {"scope": scope, "scope_id": scope_id, "starts_on": "2026-03-01"}
        noted = home.post("/analytics/annotations", {**note, "text": "A note."})
        data_of(noted, status=201)
    campaign_with(home, creator=creator_id, video=video)
    home.add("unconcerned.goat")
    home.ask("PUT", f"/admin/bans/{HANDLE}")
    request.addfinalizer(lambda: home.delete(f"/admin/bans/{HANDLE}"))
    data_of(home.post(f"/creators/{creator_id}/scrape"), status=202)
    home.goatherd.catch_up()
    path = f"/creators/{creator_id}/erase"

    preview = data_of(home.get(path))
    done = data_of(home.post(path, {"confirm": HANDLE}))

    scrapes = preview.pop("scrape_count")
    assert scrapes > 1
    assert preview == {
        "creator_id": creator_id,
        "creator_count": 2,
        "video_count": 2,
        "note_count": 2,
        "campaign_count": 1,
        "ban_count": 1,
        "mentions": [],
    }
    assert {one["id"] for one in done["creators"]} == {creator_id, sibling}


def test_the_preview_lists_each_text_that_would_go_on_naming_the_person(
    home: Tenant, cli: CommandLine
):
    creator_id = known(home)
    data_of(home.patch(f"/creators/{creator_id}", {"tiktok_handle": "late.goat"}))
    campaign, renamed = home.campaign("Camp of @Wanted.Goat"), home.campaign(HANDLE)
    deleted, _ = home.campaign("With late.goat"), home.campaign("Plain wanted.goats")
    data_of(home.patch(f"/campaigns/{renamed}", {"name": "Camp", "readme": "Tents"}))
    home.delete(f"/campaigns/{deleted}")
    project = data_of(home.post("/projects", {"name": HANDLE}), status=201)["id"]
    key = data_of(home.post("/api-keys", {"name": f"For {HANDLE}"}), status=201)["id"]
    other = home.add("other.goat", tags=[HANDLE], metadata={"with": "@late.goat"})["id"]
    video = home.found(other, title="Duet with @late.goat")
    home.saw_videos(other, {"7": 1})
    view, plain_view = (
        data_of(home.post("/views", {"list": "creators", **body}), status=201)["id"]
        for body in (
            {"name": f"Only {HANDLE}", "query": "search=late.goat"},
            {"name": "Plain wanted.goats"},
        )
    )
    notes = [
        data_of(
            home.post(
                "/analytics/annotations",
                {
                    "scope": scope,
                    "scope_id": scope_id,
                    "starts_on": "2026-03-01",
                    "text": f"{HANDLE} won.",
                },
            ),
            status=201,
        )["id"]
        for scope, scope_id in (("project", project), ("creator", creator_id))
    ]
    home.goatherd.catch_up()

    mentions = data_of(home.get(f"/creators/{creator_id}/erase"))["mentions"]

    assert {
        (one["kind"], one["field"], one["earlier"], one["change"]) for one in mentions
    } == {
        ("campaign", "name", False, f"PATCH /campaigns/{campaign}"),
        ("campaign", "name", True, f"POST /campaigns/{renamed}/forget-texts"),
        ("campaign", "name", True, f"POST /campaigns/{deleted}/forget-texts"),
        ("project", "name", False, f"PATCH /projects/{project}"),
        ("api_key", "name", False, f"PATCH /api-keys/{key}"),
        ("creator", "tags", False, f"PATCH /creators/{other}"),
        ("creator", "metadata", False, f"PATCH /creators/{other}"),
        ("video", "title", False, None),
        ("annotation", "text", False, f"PATCH /analytics/annotations/{notes[0]}"),
        ("view", "name", False, f"PATCH /views/{view}"),
        ("view", "query", False, f"PATCH /views/{view}"),
    }
    assert plain_view not in {one["id"] for one in mentions}
    assert {one["id"] for one in mentions} >= {video, other, campaign}
    shown = cli("erase", creator_id, "--preview")
    assert shown.status == 0
    for one in mentions:
        assert f"{one['id']}: {one['change'] or 'TikTok'}" in shown.out
    home.post(f"/campaigns/{renamed}/forget-texts")
    home.delete(f"/analytics/annotations/{notes[0]}")
    home.goatherd.catch_up()
    ids_then = {one["id"] for one in mentions}

    def are_gone() -> bool:
        later = data_of(home.get(f"/creators/{creator_id}/erase"))["mentions"]
        return ids_then - {one["id"] for one in later} == {renamed, notes[0]}

    # A process may hold the key for a second.
    assert wait_until(are_gone, seconds=PATIENTLY)


def test_the_command_line_erases_and_says_what_it_did(home: Tenant, cli: CommandLine):
    creator_id = known(home)

    wrong = cli("erase", creator_id, "--confirm", "another.goat")
    unknown = cli("erase", NOBODY, "--confirm", HANDLE)
    done = cli("erase", creator_id, "--confirm", HANDLE, "--figures", "drop", "--json")
    home.goatherd.catch_up()
    again = cli("erase", creator_id, "--confirm", HANDLE)

    assert (wrong.status, unknown.status, again.status) == (2, 1, 1)
    assert "as it is now" in wrong.complaint
    (erased,) = done.document["creators"]
    assert (erased["id"], done.document["figures"]) == (creator_id, "drop")
    shown = data_of(home.get(f"/creators/{creator_id}"))
    assert (shown["tiktok_handle"], shown["status"]) == (
        erased["tiktok_handle"],
        "erased",
    )
    assert "nothing brings it back" in again.complaint

"""/audit: what happened to an organization itself, for its admins."""

import csv
import json
from typing import Any

import pytest

from application.accounts.operators import erase, remove_second_factor
from domain import events as e
from infra.embedded.processes import wait_until
from tests.kit.application import Tenant, code_of, data_of
from tests.kit.builders import asking
from tests.kit.patience import PATIENTLY
from tests.kit.people import member_of, owner_of
from tests.kit.visitor import Visitor


def audit(tenant: Tenant, **params: str) -> list[dict[str, Any]]:
    tenant.goatherd.catch_up()
    return data_of(tenant.get("/audit", params=params))


def newest(tenant: Tenant, event: str) -> dict[str, Any]:
    return audit(tenant, event=event)[0]


def summaries(tenant: Tenant, event: str) -> list[str]:
    return [row["summary"] for row in audit(tenant, event=event)]


def test_what_keys_do_to_an_organization_is_told_in_sentences(home: Tenant):
    issued = data_of(
        home.post("/api-keys", {"name": "Reports", "scopes": ["read"]}), status=201
    )
    key_id = issued["id"]
    home.patch(f"/api-keys/{key_id}", {"name": "Charts"})
    home.delete(f"/api-keys/{key_id}")
    home.patch("/organization", {"time_zone": "Europe/Vienna"})
    path = f"/projects/{home.project_id}"
    home.goatherd.catch_up()
    former = data_of(home.get(path))["name"]
    home.patch(path, {"name": "Alps", "description": "Steep."})

    rows = audit(home)

    assert [row["position"] for row in rows] == sorted(
        (row["position"] for row in rows), reverse=True
    )
    said = {row["event"]: row["summary"] for row in rows[:5]}
    by = f"by {rows[0]['summary'].partition(' by ')[2]}"
    assert by.startswith("by key ")
    assert said == {
        "api_key_created": f'Key "Reports" created with the scope read {by}',
        "api_key_renamed": f'Key "Reports" renamed to "Charts" {by}',
        "api_key_revoked": f'Key "Charts" revoked {by}',
        "organization_settings_changed": "Settings changed: time zone set to "
        f"Europe/Vienna, {by}",
        "project_details_changed": f'Project "{former}" changed: renamed to "Alps" and '
        f"description changed, {by}",
    }
    created = next(row for row in rows if row["event"] == "api_key_created")
    assert set(created) == {"position", "at", "event", "actor", "summary", "data"}
    assert created["actor"].startswith("key:")
    assert created["data"] == {
        "key_id": key_id,
        "name": "Reports",
        "hint": issued["hint"],
        "scopes": ["read"],
    }


def test_a_renamed_project_has_the_name_from_before(home: Tenant):
    path = f"/projects/{home.project_id}"
    home.goatherd.catch_up()
    former = data_of(home.get(path))["name"]
    for change in (
        {"name": "Spring"},
        {"description": "Grass."},
        {"name": "Summer"},
    ):
        data_of(home.patch(path, change))

    first, described, second = [
        row["summary"].partition(" by ")[0]
        for row in reversed(audit(home))
        if row["event"] == "project_details_changed"
    ]

    assert first.startswith(f'Project "{former}" changed: renamed to "Spring",')
    assert described.startswith('Project "Summer" changed: description changed,')
    assert second.startswith('Project "Spring" changed: renamed to "Summer",')


def test_an_erasure_is_in_it_without_a_name(home: Tenant):
    creator_id = home.add("audited.goat")["id"]
    home.goatherd.catch_up()
    data_of(home.post(f"/creators/{creator_id}/erase", {"confirm": "audited.goat"}))
    said = newest(home, "subject_erased")

    assert said["summary"].startswith("Erased: the figures ")
    assert "audited.goat" not in json.dumps(said)


def test_sign_ins_of_members_are_told_while_they_are_members(
    home: Tenant, stranger: Tenant
):
    ada = owner_of(home)
    ben = owner_of(stranger, name="Ben")
    ben.sign_in(Visitor(home.goatherd))
    before = summaries(home, "person_signed_in")
    of = home.organization_id
    home.goatherd.append(of, e.MemberAdded(person_id=ben.id, role="viewer"))
    home.goatherd.catch_up()
    ben.sign_in(Visitor(home.goatherd))
    home.goatherd.append(of, e.MemberRemoved(person_id=ben.id))
    ben.sign_in(Visitor(home.goatherd))
    ada.sign_in(Visitor(home.goatherd))

    signed_in = audit(home, event="person_signed_in")

    assert all("Ben" not in each for each in before)
    assert [row["summary"] for row in signed_in[:2]] == [
        "Ada Alm signed in with a password.",
        "Ben signed in with a password.",
    ]
    assert len(signed_in) == len(before) + 2
    assert signed_in[0]["data"] == {"method": "password"}
    assert signed_in[0]["actor"] == f"person:{ada.id}"
    said = summaries(home, "member_added,member_removed")
    assert said[0].startswith("Ben removed by ")
    assert said[1].startswith("Ben added as viewer by ")
    assert len(summaries(stranger, "person_signed_in")) >= 3


def test_an_erased_person_has_no_name_in_it(home: Tenant):
    cleo = member_of(home, "Cleo")
    named = json.dumps(audit(home))
    erase(home.goatherd.store, cleo.id, context=asking())

    nameless = audit(home)

    assert "Cleo" in named
    assert "Cleo" not in json.dumps(nameless)
    # A process knows a key that was destroyed for a moment.
    assert wait_until(
        lambda: cleo.email not in json.dumps(audit(home)), seconds=PATIENTLY
    )
    assert any(
        row["summary"] == "An erased person joined as member." for row in nameless
    )


def test_a_filter_leaves_out_the_others(home: Tenant):
    ada = owner_of(home)
    rows = audit(home)
    middle = rows[1]
    own = [row for row in rows if row["actor"] == f"person:{ada.id}"]
    cases = {
        "event": ({"event": middle["event"]}, lambda row: row["event"]),
        "actor": ({"actor": f"person:{ada.id}"}, lambda row: row["actor"]),
    }

    for name, (params, value) in cases.items():
        found = audit(home, **params)
        assert {value(row) for row in found} == {params[name]}, name
    assert audit(home, actor=str(ada.id)) == own != []
    position = str(middle["position"])
    assert audit(home, **{"from": position}) == rows[:2]
    assert audit(home, to=position) == rows[1:]
    assert audit(home, **{"from": middle["at"]})[-1]["at"] >= middle["at"]
    assert audit(home, to="2020-01-01") == []
    for params in ({"event": "sneezed"}, {"from": "soon"}, {"to": "20261129T"}):
        answer = home.get("/audit", params=params)
        assert code_of(answer) == (400, "invalid_query"), params


def test_pages_follow_each_other_and_a_file_has_all_rows(home: Tenant):
    for number in range(3):
        home.post("/projects", {"name": f"Page {number}"})
    home.goatherd.catch_up()

    every = list(home.every("/audit", limit=2))
    file = home.get("/audit", params={"format": "csv"})

    assert [row["position"] for row in every] == [
        row["position"] for row in audit(home, limit="100")
    ]
    assert file.headers["content-type"].startswith("text/csv")
    lines = list(csv.DictReader(file.text.removeprefix("\ufeff").splitlines()))
    assert [int(line["position"]) for line in lines] == [
        row["position"] for row in every
    ]
    assert json.loads(lines[0]["data"]) == every[0]["data"]
    assert lines[0]["summary"] == every[0]["summary"]


def test_a_file_is_read_in_parts(home: Tenant, monkeypatch: pytest.MonkeyPatch):
    whole = home.get("/audit", params={"format": "csv"}).text
    monkeypatch.setattr("api.routes.audit.routes._AT_ONCE", 2)

    assert home.get("/audit", params={"format": "csv"}).text == whole


def test_the_audit_of_another_organization_is_not_there(home: Tenant, stranger: Tenant):
    stranger.post("/projects", {"name": "Secret herd"})

    assert "Secret herd" in json.dumps(audit(stranger))
    assert "Secret herd" not in json.dumps(audit(home))
    positions = {row["position"] for row in audit(stranger)}
    assert not positions & {row["position"] for row in audit(home)}


def test_only_admins_see_it(home: Tenant):
    narrow: tuple[tuple[e.Scope, ...], ...] = (("read",), ("read", "write"))
    for scopes in narrow:
        answer = home.with_key(*scopes).get("/audit")
        assert code_of(answer) == (403, "insufficient_scope"), scopes


def test_nothing_in_it_is_an_address_of_a_client(home: Tenant):
    owner_of(home).sign_in(Visitor(home.goatherd))

    text = json.dumps(audit(home))

    ((address,),) = home.goatherd.query(
        "SELECT DISTINCT address FROM person_sessions LIMIT 1"
    )
    assert address
    assert address not in text


def test_alert_rules_and_campaigns_are_named_also_when_they_are_gone(home: Tenant):
    rule = {
        "name": "Views sank",
        "scope": {"type": "org"},
        "condition": {"type": "views_drop"},
    }
    rule_id = data_of(home.post("/alert-rules", rule), status=201)["id"]
    data_of(home.patch(f"/alert-rules/{rule_id}", {"name": "Fell", "enabled": False}))
    present = summaries(home, "alert_rule_made,alert_rule_changed")
    data_of(home.delete(f"/alert-rules/{rule_id}"))
    made = home.post(f"/projects/{home.project_id}/campaigns", {"name": "May"})
    path = f"/campaigns/{data_of(made, status=201)['id']}"
    data_of(home.patch(path, {"name": "June", "target_views": 900}))
    data_of(home.delete(path))

    rules = summaries(home, "alert_rule_made,alert_rule_changed,alert_rule_removed")
    campaigns = [row for row in audit(home) if row["event"].startswith("campaign_")]

    by = present[0].partition(", by ")[2]
    assert present == [
        f'Alert rule "Views sank" changed: renamed to "Fell" and switched off, by {by}',
        f'Alert rule "Fell" made by {by}',
    ]
    assert rules == [f'Alert rule "Fell" removed by {by}', *present]
    assert [row["summary"] for row in campaigns] == [
        f'Campaign "June": deleted by {by}',
        f'Campaign "June": target set to 900 views gained in its days by {by}',
        f'Campaign "May": renamed to "June" by {by}',
        f'Campaign "June": created as "May" by {by}',
    ]


def test_the_address_of_an_invitation_is_named_while_somebody_may_see_it(home: Tenant):
    email = "guest@example.com"
    sent = data_of(
        home.post("/invitations", {"email": email, "role": "viewer"}), status=201
    )
    data_of(home.post(f"/invitations/{sent['id']}/resend"))
    about = "invitation_made,invitation_sent_again,invitation_accepted"
    opened = summaries(home, about)
    withdrawn = data_of(
        home.post("/invitations", {"email": "else@example.com", "role": "viewer"}),
        status=201,
    )
    data_of(home.delete(f"/invitations/{withdrawn['id']}"))
    data_of(home.delete(f"/invitations/{sent['id']}"))
    ended = summaries(home, about)
    cleo = member_of(home, "Cleo")
    accepted = summaries(home, about)
    home.goatherd.append(cleo.id, e.EmailChanged(email="new.cleo@example.com"))
    moved = summaries(home, about)
    data_of(home.delete(f"/members/{cleo.id}"))
    # The process that answers holds the key of the ended invitation for a second.
    assert wait_until(
        lambda: cleo.email not in json.dumps(audit(home)), seconds=PATIENTLY
    )
    removed = json.dumps(audit(home))

    assert [said.partition(" by ")[0] for said in opened] == [
        f"New link of the invitation of {email} made",
        f"{email} invited as viewer",
    ]
    assert "@example.com" not in json.dumps(ended)
    assert accepted[0].startswith(f"The invitation of {cleo.email} accepted by ")
    assert accepted[1].startswith(f"{cleo.email} invited as member by ")
    assert moved[0].startswith("The invitation of new.cleo@example.com accepted by ")
    assert "cleo@example.com" not in removed
    assert cleo.email not in removed


def test_a_second_factor_is_in_the_audit_of_each_organization(
    home: Tenant, stranger: Tenant
):
    ada = owner_of(home)
    turned_on = e.SignInMethodChanged(method="codes", change="added")
    home.goatherd.append(ada.id, turned_on)
    remove_second_factor(home.goatherd.store, ada.id, context=asking())

    said = summaries(home, "sign_in_method_changed")

    assert said[0].startswith("Recovery codes of Ada Alm removed by ") or said[
        0
    ].startswith("Second factor of Ada Alm, codes of an app, turned off by ")
    assert any(
        each.startswith("Second factor of Ada Alm, codes of an app, turned on by ")
        for each in said
    )
    assert summaries(stranger, "sign_in_method_changed") == []


def test_a_forgotten_name_is_no_longer_the_one_from_before(home: Tenant):
    project = f"/projects/{home.project_id}"
    key = f"/api-keys/{home.with_key('read').key_id}"
    made = home.post(f"{project}/campaigns", {"name": "Wanted"})
    campaign = f"/campaigns/{data_of(made, status=201)['id']}"
    for path in (project, key, campaign):
        for name in ("Wanted", "Spring", "Summer"):
            data_of(home.patch(path, {"name": name}))
    home.goatherd.catch_up()
    before = home.get("/audit").text

    for path in (project, key, campaign):
        assert data_of(home.post(f"{path}/forget-texts"))["forgotten"]
    home.goatherd.catch_up()

    assert "Wanted" in before
    # A process may hold a destroyed key for a second.
    assert wait_until(
        lambda: "Wanted" not in home.get("/audit").text, seconds=PATIENTLY
    )
    listed = home.get("/audit")
    assert "Spring" not in listed.text
    renamed = [
        entry["summary"].partition(" by ")[0]
        for entry in data_of(listed)
        if "renamed" in entry["summary"]
    ]
    assert renamed == [
        *['Campaign "Summer": renamed to "erased"'] * 2,
        *['Key "Summer" renamed to "erased"'] * 3,
        *['Project "Summer" changed: renamed to "erased",'] * 3,
    ]

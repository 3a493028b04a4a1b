"""Dangerous acts ask people again who they are, and lose nothing by that."""

from urllib.parse import urlencode
from uuid import uuid4

import msgspec
import pytest
from litestar.routes import HTTPRoute

from api.http.bodies.form_body import FormReader, kept_form, proved_form
from api.http.route_info import RouteInfo
from api.web.projects.forms import LogoForm
from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.markup import Element, read
from tests.kit.people import PASSWORD, Person, owner_of
from tests.kit.pictures import LOGO
from tests.kit.visitor import Visitor

HARMLESS_OPERATIONS = {
    "DELETE /admin/bans/{handle}",
    "DELETE /admin/projections/{name}/rebuild",
    "DELETE /alert-rules/{rule_id}",
    "PATCH /alert-rules/{rule_id}",
    "POST /alert-rules",
    "POST /alert-rules/preview",
    "POST /alerts/{alert_id}/acknowledge",
    "POST /alerts/{alert_id}/snooze",
    "DELETE /analytics/annotations/{annotation_id}",
    "DELETE /campaigns/{campaign_id}",
    "DELETE /campaigns/{campaign_id}/items",
    "DELETE /creators/{creator_id}",
    "DELETE /creators/{creator_id}/connect-links/{link_id}",
    "DELETE /creators/{creator_id}/connection",
    "DELETE /invitations/{invitation_id}",
    "DELETE /me/sessions/{session_id}",
    "DELETE /projects/{project_id}",
    "DELETE /projects/{project_id}/logo",
    "DELETE /videos/{video_id}",
    "DELETE /reports/{report_id}",
    "DELETE /shares/{share_id}",
    "DELETE /views/{view_id}",
    "PATCH /analytics/annotations/{annotation_id}",
    "PATCH /api-keys/{key_id}",
    "PATCH /campaigns/{campaign_id}",
    "PATCH /creators/{creator_id}",
    "PATCH /me",
    "PATCH /organization",
    "PATCH /projects/{project_id}",
    "PATCH /videos/{video_id}",
    "PATCH /reports/{report_id}",
    "PATCH /shares/{share_id}",
    "PATCH /views/{view_id}",
    "POST /admin/log-check",
    "POST /admin/projections/{name}/dead-letters/{position}",
    "POST /admin/projections/{name}/rebuild",
    "POST /admin/roots",
    "POST /analytics/annotations",
    "POST /campaigns/{campaign_id}/items",
    "POST /creators/{creator_id}/connect-links",
    "POST /creators/{creator_id}/connection/accept",
    "POST /creators/{creator_id}/disable",
    "POST /creators/{creator_id}/move",
    "POST /creators/{creator_id}/scrape",
    "POST /invitations/accept",
    "POST /invitations/decline",
    "POST /notifications/read",
    "POST /projects",
    "POST /projects/{project_id}/restore",
    "POST /projects/{project_id}/campaigns",
    "POST /projects/{project_id}/creators",
    "POST /projects/{project_id}/creators/bulk-disable",
    "POST /projects/{project_id}/creators/bulk-reenable",
    "POST /projects/{project_id}/creators/bulk-remove",
    "POST /projects/{project_id}/creators/bulk-tag",
    "POST /projects/{project_id}/creators/import",
    "POST /projects/{project_id}/creators/preview",
    "POST /projects/{project_id}/inbox/review",
    "POST /projects/{project_id}/observations/import",
    "POST /projects/{project_id}/observations/preview",
    "POST /projects/{project_id}/videos",
    "POST /projects/{project_id}/videos/bulk-tracking-disable",
    "POST /scrapes/bulk-retry",
    "POST /scrapes/{scrape_id}/retry",
    "POST /videos/{video_id}/scrape",
    "POST /videos/{video_id}/tracking-disable",
    "POST /reports",
    "POST /reports/{report_id}/send",
    "POST /shares",
    "POST /views",
    "POST /webhooks/{webhook_id}/deliveries/{delivery_id}/retry",
    "POST /channels/{channel_id}/test",
    "POST /webhooks/{webhook_id}/test",
    "PUT /admin/bans/{handle}",
    "PUT /projects/{project_id}/logo",
}
"""Operations for personal keys, too: they change no access, and erase nothing.

An operation that does belongs to those that declare ``recent_proof``.
"""

HARMLESS_FORMS = {
    "/alerts/rules",
    "/alerts/rules/{rule_id}",
    "/alerts/rules/{rule_id}/remove",
    "/alerts/rules/{rule_id}/switch",
    "/alerts/{alert_id}/acknowledge",
    "/alerts/{alert_id}/snooze",
    "/annotations",
    "/annotations/{annotation_id}",
    "/annotations/{annotation_id}/delete",
    "/campaigns",
    "/campaigns/chosen.csv",
    "/campaigns/compare",
    "/campaigns/delete",
    "/campaigns/{campaign_id}/delete",
    "/campaigns/{campaign_id}/members",
    "/campaigns/{campaign_id}/settings",
    "/connect/confirm",
    "/creators/add",
    "/creators/add-to-campaign",
    "/creators/bring-back",
    "/creators/chosen.csv",
    "/creators/columns",
    "/creators/compare",
    "/creators/disable",
    "/creators/import",
    "/creators/move",
    "/creators/reenable",
    "/creators/remove",
    "/creators/scrape",
    "/creators/tag",
    "/creators/untag",
    "/creators/{creator_id}/notes",
    "/creators/{creator_id}/scrapes",
    "/creators/{creator_id}/settings",
    "/creators/{creator_id}/settings/connection/accept",
    "/creators/{creator_id}/settings/connection/end",
    "/creators/{creator_id}/settings/connection/links",
    "/creators/{creator_id}/settings/connection/revoke-link",
    "/creators/{creator_id}/settings/contact",
    "/creators/{creator_id}/settings/disable",
    "/creators/{creator_id}/settings/handle",
    "/creators/{creator_id}/settings/move",
    "/creators/{creator_id}/settings/reenable",
    "/creators/{creator_id}/settings/remove",
    "/creators/{creator_id}/settings/return",
    "/creators/{creator_id}/videos",
    "/creators/{creator_id}/videos/counting",
    "/creators/{creator_id}/videos/older",
    "/creators/{creator_id}/videos/scrape",
    "/creators/{creator_id}/videos/{video_id}/exclude",
    "/creators/{creator_id}/videos/{video_id}/notes",
    "/creators/{creator_id}/videos/{video_id}/scrape",
    "/creators/{creator_id}/videos/{video_id}/tracking",
    "/first-start",
    "/inbox",
    "/invitations/{token}/accept",
    "/invitations/{token}/decline",
    "/members/not-now",
    "/password/{token}",
    "/password/{token}/passkey",
    "/projects",
    "/projects/{project_id}/excluded",
    "/projects/{project_id}/inbox",
    "/projects/{project_id}/settings",
    "/projects/{project_id}/settings/archive",
    "/projects/{project_id}/settings/restore",
    "/projects/{project_id}/settings/logo",
    "/projects/{project_id}/settings/logo/remove",
    "/settings/organization",
    "/settings/sources",
    "/settings/webhooks/{webhook_id}/deliveries/{delivery_id}/retry",
    "/settings/channels/{channel_id}/test",
    "/settings/webhooks/{webhook_id}/test",
    "/sign-in",
    "/sign-in/code",
    "/sign-in/forgotten",
    "/sign-in/key",
    "/sign-in/passkey",
    "/sign-in/passkey/new",
    "/sign-in/passkey/options",
    "/sign-in/{token}",
    "/sign-out",
    "/system/bans",
    "/system/bans/{handle}/lift",
    "/system/integrity/check",
    "/system/integrity/roots",
    "/system/jobs/retry",
    "/system/jobs/{scrape_id}/retry",
    "/system/read-models/{name}/cancel",
    "/system/read-models/{name}/dead-letters",
    "/system/read-models/{name}/rebuild",
    "/videos/add-to-campaign",
    "/videos/exclude",
    "/videos/include",
    "/videos/remove",
    "/videos/scrape",
    "/notifications/read",
    *("/reports", "/reports/{report_id}", "/reports/{report_id}/send"),
    *("/reports/{report_id}/switch", "/reports/{report_id}/remove"),
    "/s/{token}",
    "/unsubscribe/{token}",
    "/settings/shares",
    "/settings/shares/{share_id}",
    "/settings/shares/{share_id}/revoke",
    "/views",
    "/views/{view_id}/delete",
    "/views/{view_id}/for",
    "/you",
    "/you/account",
    "/you/email/link",
    "/you/email/{token}",
    "/you/keys/{key_id}/revoke",
    "/you/new-sign-ins/dismiss",
    "/you/organization",
    "/you/passkeys/options",
    "/you/passkeys/proof",
    "/you/sessions/{session_id}/end",
}
"""Forms of pages that ask for no proof, for the same reason.

Forms to sign in and out are among them, and those for people who have a key alone.
"""

WRONG = "seven goats on a rock"
NEW = "eight goats on a hill"

CHANGING = {"POST", "PUT", "PATCH", "DELETE"}


@pytest.fixture
def ada(home: Tenant) -> Person:
    return owner_of(home)


def age_proof(person: Person) -> None:
    """Let the person's last proof be a little older than ten minutes."""
    goatherd = person.tenant.goatherd
    with goatherd.store.pool.connection() as connection:
        connection.execute(
            "UPDATE person_sessions SET proved_at = now() - interval '601 s' "
            "WHERE person_id = %s",
            (person.id,),
        )
    goatherd.client.app.state.site.people.forget_all()


def new_key(person: Person, name: str) -> Element:
    """Send the form for a new key, and return the page that answers."""
    page = person.browser.see("/settings/keys")
    chosen = {"name": name, "scopes": ["read", "write"]}
    answer = person.browser.submit(page, "/settings/keys", **chosen)
    return read(answer.text)


def names_of_keys(person: Person) -> set[str]:
    return {one["name"] for one in person.tenant.every("/api-keys")}


def test_every_change_declares_a_proof_or_is_known_to_be_harmless(goatherd: Goatherd):
    operations: set[str] = set()
    forms: set[str] = set()
    dangerous: set[str] = set()
    for route in goatherd.client.app.routes:
        if not isinstance(route, HTTPRoute):
            continue
        for method, (handler, _) in route.route_handler_map.items():
            if method not in CHANGING:
                continue
            path = route.path_format
            own = path.removeprefix("/api/v1")
            if RouteInfo.of(handler).needs_proof:
                dangerous.add(f"{method} {path}")
            elif own != path:
                operations.add(f"{method} {own}")
            else:
                forms.add(path)

    assert operations == HARMLESS_OPERATIONS
    assert forms == HARMLESS_FORMS
    assert dangerous >= {
        "POST /api/v1/api-keys",
        "DELETE /api/v1/api-keys/{key_id}",
        "POST /api/v1/creators/{creator_id}/erase",
        "POST /creators/{creator_id}/settings/erase",
        "POST /settings/keys",
        "POST /settings/keys/{key_id}/revoke",
        "POST /settings/organization/second-factor",
        "POST /you/email",
        "POST /you/leave",
        "POST /you/oidc/connect",
        "POST /you/oidc/disconnect",
        "POST /you/password",
    }


def test_an_old_proof_is_asked_for_again_and_the_form_is_carried_out(ada: Person):
    new_key(ada, "Before")
    age_proof(ada)

    question = new_key(ada, "Späti & Söhne")
    form = question.one("form", action="/settings/keys", method="post")
    before = names_of_keys(ada)
    wrong = ada.browser.submit(question, "/settings/keys", current_password=WRONG)
    again = read(wrong.text)
    made = ada.browser.submit(again, "/settings/keys", current_password=PASSWORD)

    assert question.one("h1").text == "Is it you?"
    assert [one["type"] for one in form.all("input", name="current_password")] == [
        "password"
    ]
    assert "Späti & Söhne" not in before
    assert wrong.status_code == 403
    assert again.one("p", role="alert").text == "This is not your password."
    assert made.status_code == 201
    (key,) = (
        one for one in ada.tenant.every("/api-keys") if one["name"] == "Späti & Söhne"
    )
    assert key["scopes"] == ["read", "write"]
    # The proof lasts for the next one.
    assert new_key(ada, "After").all("form", action="/settings/keys") == []
    assert names_of_keys(ada) >= {"Before", "After"}


def test_after_a_wrong_proof_the_way_back_leads_to_the_page_of_the_form(ada: Person):
    age_proof(ada)
    page, action = ada.browser.see("/you"), "/you/erase"
    sent = {"csrf": page.all("input", name="csrf")[0]["value"], "confirm": ada.email}
    at = "http://testserver.local"
    question = ada.browser.post(action, sent, headers={"Referer": f"{at}/you?a=b"})
    form = read(question.text).one("form", action=action, method="post")
    hidden = {one["name"]: one["value"] for one in form.all("input", type="hidden")}
    wrong = {**hidden, "current_password": WRONG}
    again = ada.browser.post(action, wrong, headers={"Referer": f"{at}{action}"})
    other = {**wrong, "back": "https://evil.example/"}
    elsewhere = ada.browser.post(action, other)

    ways = [
        read(answer.text).one("p", class_="further-ways").one("a")["href"]
        for answer in (question, again, elsewhere)
    ]
    assert ways == ["/you?a=b", "/you?a=b", "/"]


def test_a_sign_in_and_a_present_password_are_proofs(ada: Person):
    age_proof(ada)
    page = ada.browser.see("/you")
    wrong = ada.browser.submit(
        page, "/you/password", current_password=WRONG, password=NEW
    )
    right = ada.browser.submit(
        page,
        "/you/password",
        current_password=PASSWORD,
        password=NEW,
    )

    # The form asks itself, so nobody is asked twice.
    assert (wrong.status_code, right.status_code) == (400, 303)
    assert "is not your password" in wrong.text.casefold()
    new_key(ada, "Without a question")
    assert "Without a question" in names_of_keys(ada)


@pytest.mark.usefixtures("long_delays")
def test_wrong_proofs_slow_the_next_one_down(ada: Person):
    age_proof(ada)
    question = new_key(ada, "Guessed")
    statuses = [
        ada.browser.submit(
            question, "/settings/keys", current_password=f"guess {number}"
        ).status_code
        for number in range(6)
    ]
    slowed = ada.browser.submit(question, "/settings/keys", current_password=PASSWORD)

    assert statuses[:5] == [403] * 5
    assert slowed.status_code == 429
    assert int(slowed.headers["Retry-After"]) >= 1
    page = read(slowed.text)
    assert "too many wrong tries" in page.one("p", role="alert").text
    # The form is still there.
    assert page.one("input", name="kept_form")["value"]
    assert "Guessed" not in names_of_keys(ada)


def test_a_proof_without_the_token_of_the_session_is_refused(ada: Person):
    age_proof(ada)
    question = new_key(ada, "Forged")
    answer = ada.browser.submit(
        question, "/settings/keys", current_password=PASSWORD, csrf="AAAA"
    )

    assert answer.status_code == 400
    assert "Forged" not in names_of_keys(ada)


def test_another_session_proves_for_itself_alone(ada: Person, passer_by: Visitor):
    ada.sign_in(passer_by)
    age_proof(ada)
    question = new_key(ada, "Here")
    ada.browser.submit(question, "/settings/keys", current_password=PASSWORD)

    page = passer_by.see("/settings/keys")
    elsewhere = passer_by.submit(page, "/settings/keys", name="There")

    assert elsewhere.status_code == 403
    assert "Is it you?" in elsewhere.text


def test_a_key_of_the_organization_is_asked_for_nothing(visitor: Visitor, home: Tenant):
    page = visitor.see("/settings/keys")
    made = visitor.submit(page, "/settings/keys", name="By key")

    assert made.status_code == 201
    assert data_of(
        home.post("/api-keys", {"name": "API", "scopes": ["read"]}), status=201
    )


def test_a_person_is_erased_after_the_proof(ada: Person):
    creator = ada.tenant.add(f"goat.{uuid4().hex[:12]}")
    ada.tenant.goatherd.catch_up()
    age_proof(ada)
    path = f"/creators/{creator['id']}/settings"
    page = ada.browser.see(path)
    question = ada.browser.submit(
        page, f"{path}/erase", confirm=creator["tiktok_handle"], figures="anonymous"
    )
    done = ada.browser.submit(
        read(question.text), f"{path}/erase", current_password=PASSWORD
    )

    assert question.status_code == 403
    assert done.status_code == 303, done.text
    assert done.headers["location"] == f"/creators/{creator['id']}/erased"


def test_a_kept_form_has_its_lists_and_files_byte_for_byte():
    boundary = "goat"
    body = (
        (
            f'--{boundary}\r\nContent-Disposition: form-data; name="csrf"\r\n\r\nx\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="logo"; filename="a"'
            "\r\nContent-Type: image/png\r\n\r\n"
        ).encode()
        + LOGO
        + f"\r\n--{boundary}--\r\n".encode()
    )
    sent = f"multipart/form-data; boundary={boundary}".encode()
    fields = {"csrf": "outer", **kept_form(sent, body), "current_password": "p"}

    proof = proved_form(
        b"application/x-www-form-urlencoded", urlencode(fields).encode()
    )

    assert proof is not None
    assert (proof.csrf, proof.answers) == ("outer", {"current_password": "p"})
    inside = FormReader(LogoForm).read(proof.content_type, proof.body)
    assert msgspec.structs.asdict(inside.fields)["logo"] == LOGO

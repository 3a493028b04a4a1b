"""Typed text of a form that is not carried out is there to be sent again."""

from typing import Any

import httpx
import pytest

from api.http.access.sessions import COOKIE
from tests.kit.application import Goatherd, Tenant
from tests.kit.markup import Element, read
from tests.kit.visitor import Visitor

OURS = {"Origin": "http://testserver.local"}
TYPED = "\n# Mine\n\n</textarea><script>alert(1)</script> & \N{GOAT}\n"


@pytest.fixture
def creator(home: Tenant) -> dict[str, Any]:
    creator = home.add("goat", readme="Theirs.")
    home.goatherd.catch_up()
    return creator


def notes_of(creator: dict[str, Any]) -> str:
    return f"/creators/{creator['id']}/notes"


def written(visitor: Visitor, path: str) -> dict[str, str | list[str]]:
    """A form for notes, filled in but not sent."""
    form = visitor.see(f"{path}?edit=readme").one("form", action=path)
    hidden = {i["name"]: i["value"] for i in form.all("input", type="hidden")}
    return {**hidden, "text": TYPED.replace("\n", "\r\n")}


def typed(page: Element) -> str:
    area = page.one("textarea")
    assert "readonly" in area.attributes
    return "".join(area.texts()).removeprefix("\n")


def sent_late(
    visitor: Visitor,
    home: Tenant,
    path: str,
    *,
    headers: dict[str, str],
    is_in: bool,
) -> httpx.Response:
    """Send a form after the session in which it was written, from some origin."""
    fields = written(visitor, path)
    visitor.cookies.clear()
    if is_in:
        sign_in_again(visitor, home)
    return visitor.post(path, fields, headers=headers)


def sign_in_again(visitor: Visitor, home: Tenant) -> None:
    visitor.sign_in(home.key)


def test_what_was_typed_outlives_the_session(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path, head = notes_of(creator), home.goatherd.head
    fields = written(visitor, path)
    visitor.cookies.clear()

    answer = visitor.post(path, fields, headers=OURS)

    page = read(answer.text)
    assert answer.status_code == 401
    assert "www-authenticate" not in answer.headers
    assert page.one("h1").text == "Your session is over, so this was not stored."
    assert typed(page) == TYPED
    assert "<script>alert" not in answer.text
    (way_in,) = [a for a in page.all("a") if "Sign in" in a.text]
    assert (way_in["href"], way_in["target"]) == ("/", "_blank")
    assert page.all("input", name="csrf") == []
    assert home.goatherd.head == head


def test_it_is_sent_again_by_a_button_after_signing_in_anew(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = notes_of(creator)
    fields = written(visitor, path)
    visitor.cookies.clear()
    over = read(visitor.post(path, fields, headers=OURS).text)
    sign_in_again(visitor, home)
    again = _sent(visitor, over, path)
    assert again.status_code == 400
    assert typed(read(again.text)) == TYPED

    answer = _sent(visitor, read(again.text), path)

    assert answer.status_code == 303, answer.text
    assert home.shown(creator["id"])["readme"] == TYPED


def test_a_form_from_before_signing_in_anew_is_shown_and_sent_by_a_button(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path, head = notes_of(creator), home.goatherd.head
    fields = written(visitor, path)
    sign_in_again(visitor, home)

    answer = visitor.post(path, fields, headers=OURS)

    page = read(answer.text)
    assert answer.status_code == 400
    assert "does not belong to your session" in page.one("h1").text
    assert typed(page) == TYPED
    token = page.one("input", name="csrf")["value"]
    session = visitor.sessions.opened(visitor.cookies[COOKIE])
    assert session is not None
    assert visitor.sessions.is_csrf_token(session, token)
    assert (
        page.one("input", name="idempotency_key")["value"] == fields["idempotency_key"]
    )
    assert "<script>alert" not in answer.text
    assert home.goatherd.head == head
    assert _sent(visitor, page, path).status_code == 303
    assert home.shown(creator["id"])["readme"] == TYPED


@pytest.mark.parametrize("is_in", (True, False), ids=("signed in", "signed out"))
@pytest.mark.parametrize("headers", ({}, {"Sec-Fetch-Site": "none"}), ids=str)
def test_a_form_that_may_be_anybodys_is_shown_and_not_offered_to_be_sent(
    visitor: Visitor,
    home: Tenant,
    creator: dict[str, Any],
    headers: dict[str, str],
    is_in: bool,  # noqa: FBT001
):
    path = notes_of(creator)

    answer = sent_late(visitor, home, path, headers=headers, is_in=is_in)

    page = read(answer.text)
    assert typed(page) == TYPED
    assert page.all("form", action=path) == []
    assert page.all("input", name="csrf") == []


@pytest.mark.parametrize("is_in", (True, False), ids=("signed in", "signed out"))
@pytest.mark.parametrize(
    "headers", ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"})
)
def test_nothing_that_another_site_sent_is_shown(
    visitor: Visitor,
    home: Tenant,
    creator: dict[str, Any],
    headers: dict[str, str],
    is_in: bool,  # noqa: FBT001
):
    path = notes_of(creator)

    answer = sent_late(visitor, home, path, headers=headers, is_in=is_in)

    assert answer.status_code == (400 if is_in else 303)
    assert "alert(1)" not in answer.text
    assert read(answer.text).all("input", name="csrf") == []


def test_a_key_is_never_shown(passer_by: Visitor, home: Tenant):
    refused = passer_by.post(
        "/sign-in", {"key": home.key}, headers={"Origin": "https://evil.example"}
    )
    answers = [
        passer_by.post("/sign-in", {"key": "tga_mine"}, headers=OURS) for _ in range(21)
    ]

    slowed = answers[-1]
    assert refused.status_code == 400
    assert home.key not in refused.text
    assert slowed.status_code == 429
    assert "tga_mine" not in slowed.text


def test_whoever_may_not_send_it_any_more_is_shown_it_too(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = notes_of(creator)
    fields = written(visitor, path)
    visitor.sign_in(home.with_key("read").key)

    answer = visitor.post(path, fields, headers=OURS)

    page = read(answer.text)
    assert answer.status_code == 403
    assert typed(page) == TYPED
    assert page.all("form", action=path) == []


def test_each_text_and_each_choice_of_a_form_is_sent_again(
    visitor: Visitor, home: Tenant
):
    path = "/settings/keys"
    home.goatherd.catch_up()
    csrf = visitor.csrf
    sign_in_again(visitor, home)
    fields: dict[str, str | list[str]] = {
        "csrf": csrf,
        "name": "For <reports>",
        "scopes": ["read", "admin"],
        "until": "",
    }

    page = read(visitor.post(path, fields, headers=OURS).text)
    answer = _sent(visitor, page, path, scopes=["read", "admin"])

    scopes = [i["value"] for i in page.all("input", name="scopes", type="hidden")]
    assert page.one("label").text == "Name"
    assert scopes == ["read", "admin"]
    assert answer.status_code == 201, answer.text
    home.goatherd.catch_up()
    made = {key["name"]: key["scopes"] for key in home.every("/api-keys")}
    assert made["For <reports>"] == ["read", "admin"]


def test_a_button_without_text_leads_to_the_way_in_and_back(
    passer_by: Visitor, creator: dict[str, Any]
):
    page = f"/creators/{creator['id']}/settings"
    referer = {"Referer": f"http://testserver.local{page}", **OURS}

    answer = passer_by.post(f"{page}/remove", headers=referer)

    assert answer.status_code == 303
    way_in = passer_by.see(answer.headers["location"])
    assert way_in.all("input", name="next")[0]["value"] == page


@pytest.mark.parametrize(
    ("shown", "led_to"),
    (
        ("http://testserver.local/inbox?cursor=a%20b#x", "/?next=%2Finbox%3Fcursor"),
        ("http://testserver.local/", "/"),
        ("http://testserver.local", "/"),
        ("https://evil.example/inbox", "/"),
        ("http://testserver.local.evil.example/inbox", "/"),
        ("http://testserver.local@evil.example/inbox", "/"),
        ("javascript://testserver.local/inbox", "/"),
        ("//testserver.local/inbox", "/"),
        ("http://[", "/"),
        ("http://testserver.local/\N{LATIN SMALL LETTER E WITH ACUTE}", "/"),
        (f"http://testserver.local/{'a' * 2_000}", "/"),
        ("", "/"),
    ),
)
def test_a_part_of_a_page_leads_to_the_way_in_and_back_to_the_page(
    passer_by: Visitor, shown: str, led_to: str
):
    answer = passer_by.get(
        "/creators", headers={"HX-Request": "true", "HX-Current-URL": shown}
    )

    assert answer.status_code == 401
    redirect = answer.headers["hx-redirect"]
    assert redirect.startswith(led_to)
    assert (redirect == "/") is (led_to == "/")
    assert passer_by.get(redirect).status_code == 200


def test_whoever_comes_back_is_led_to_the_page_that_was_shown(
    passer_by: Visitor, goatherd: Goatherd, home: Tenant
):
    shown = f"{OURS['Origin']}/creators?search=goat&sort=tiktok_handle"
    answer = passer_by.get(
        "/creators", headers={"HX-Request": "true", "HX-Current-URL": shown}
    )

    page = passer_by.see(answer.headers["hx-redirect"])
    signed_in = passer_by.submit(page, "/sign-in", key=home.key)

    assert goatherd is home.goatherd
    assert signed_in.headers["location"] == "/creators?search=goat&sort=tiktok_handle"
    assert COOKIE in passer_by.cookies


def _sent(visitor: Visitor, page: Element, action: str, **lists: list[str]) -> Any:  # noqa: ANN401
    """Press the button of the page; a list has several fields of a name."""
    form = page.one("form", action=action, method="post")
    fields: dict[str, str | list[str]] = {
        i["name"]: i["value"] for i in form.all("input", type="hidden")
    }
    for area in form.all("textarea"):
        fields[area["name"]] = "".join(area.texts()).removeprefix("\n")
    # A page for somebody without a session has no token to send.
    fields.setdefault("csrf", [])
    return visitor.post(action, {**fields, **lists}, headers=OURS)

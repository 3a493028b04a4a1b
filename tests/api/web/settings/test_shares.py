"""Shared links on pages: made where the numbers are, listed, changed and revoked."""

from typing import Any, TypeVar

import pytest

from api.web.kit.api_client import ApiResponse, QueryValue
from api.web.kit.page import PageContext
from tests.api.routes.test_shares import MEADOW, made
from tests.kit.application import Goatherd, Tenant, ago, data_of
from tests.kit.markup import read
from tests.kit.visitor import Visitor

SHARES = "/settings/shares"

T = TypeVar("T")


@pytest.fixture
def visitor(goatherd: Goatherd, home: Tenant) -> Visitor:
    visitor = Visitor(goatherd)
    visitor.sign_in(home.key)
    return visitor


def test_a_link_is_made_on_the_page_of_a_creator_campaign_or_project(
    home: Tenant, visitor: Visitor, goatherd: Goatherd, subtests: pytest.Subtests
):
    creator_id = home.add("goat")["id"]
    campaign_id = home.campaign("Launch", ("creator", creator_id))
    days = {"starts_on": f"{ago(9):%Y-%m-%d}", "ends_on": f"{ago(-9):%Y-%m-%d}"}
    data_of(home.patch(f"/campaigns/{campaign_id}", days))
    goatherd.catch_up()
    for scope, path in (
        ("creator", f"/creators/{creator_id}"),
        ("campaign", f"/campaigns/{campaign_id}"),
        ("project", f"/projects/{home.project_id}"),
    ):
        with subtests.test(scope):
            form = visitor.see(path)
            left_out = form.all("input", name="hide", checked="")
            answer = visitor.submit(
                form,
                SHARES,
                name=f"A {scope}",
                hide=[box["value"] for box in left_out],
            )

            assert answer.status_code == 201, answer.text
            url = read(answer.text).one("input", id="text")["value"]
            shown = Visitor(goatherd).get(f"/s/{url.rpartition('/')[2]}")
            assert shown.status_code == 200
            assert "no-transform" in answer.headers["cache-control"]
            goatherd.catch_up()
            share = data_of(home.get("/shares"))[0]
            assert (share["scope"], share["name"]) == (scope, f"A {scope}")
            # A program leaves nothing out unless told, and the form does.
            assert share["hide"] == ["money", "notes"]
            own = (days["starts_on"], days["ends_on"], None)
            usual = (None, None, "28d")
            chosen = (share["from"], share["to"], share["rolling"])
            assert chosen == (own if scope == "campaign" else usual)
            assert url not in visitor.get(SHARES).text


def test_the_list_says_what_is_shared_and_how_often_it_was_opened(
    home: Tenant, visitor: Visitor, goatherd: Goatherd
):
    creator_id = home.add("goat")["id"]
    of: dict[str, Any] = {"scope": "creator", "scope_id": creator_id}
    share = made(home, **of, name="For Ada", password=MEADOW, hide=["money"])

    (row,) = visitor.see(SHARES).all("tr")[1:]
    assert row.all("a")[0]["href"] == f"/creators/{creator_id}"
    for words in ("@goat", "For Ada", "28 days", "with a password", "costs", "never"):
        assert words in row.text

    data_of(home.patch(f"/shares/{share['id']}", {"password": None}))
    path = f"/s/{share['url'].rpartition('/')[2]}"
    assert Visitor(goatherd).get(path).status_code == 200
    goatherd.catch_up()
    (row,) = visitor.see(SHARES).all("tr")[1:]
    assert "1 time" in row.text
    assert "for everybody with the link" in row.text


def test_five_links_and_reports_take_as_many_requests_as_one(
    home: Tenant,
    visitor: Visitor,
    goatherd: Goatherd,
    monkeypatch: pytest.MonkeyPatch,
):
    creators = [home.add(f"goat{number}")["id"] for number in range(5)]
    goatherd.catch_up()
    paths: list[str] = []
    get = PageContext.get

    async def counting(
        page: PageContext, path: str, type_: type[T], **query: QueryValue
    ) -> ApiResponse[T]:
        paths.append(path)
        return await get(page, path, type_, **query)

    monkeypatch.setattr(PageContext, "get", counting)
    amounts: list[list[str]] = []
    for some in (creators[:1], creators[1:]):
        for id_ in some:
            made(home, scope="creator", scope_id=id_, name=f"Share {id_}")
            report = {"name": "Monday", "scope": {"type": "creator", "id": id_}}
            data_of(home.post("/reports", report), status=201)
        goatherd.catch_up()
        paths.clear()
        pages = [visitor.get(path).text for path in (SHARES, "/reports")]
        amounts.append([path for path in paths if "creators" in path])

    assert amounts == [["/creators"] * 2] * 2
    for text in pages:
        assert all(f"@goat{number}" in text for number in range(5))


def test_a_link_is_changed_and_revoked_on_its_page(
    home: Tenant, visitor: Visitor, goatherd: Goatherd
):
    share = made(home, name="For Ada", expires_at=ago(-30).isoformat())
    path = f"{SHARES}/{share['id']}"

    wrong = visitor.submit(visitor.see(path), path, days="own")
    assert wrong.status_code == 400
    assert "s required for days of your own" in wrong.text
    changed = visitor.submit(
        visitor.see(path), path, days="7d", hide=["notes"], origins="https://a.example"
    )
    assert changed.status_code == 303
    goatherd.catch_up()
    shown = data_of(home.get(f"/shares/{share['id']}"))
    assert (shown["rolling"], shown["hide"]) == ("7d", ["notes"])
    assert (shown["embed"], shown["origins"]) == (True, ["https://a.example"])
    assert shown["name"] == "For Ada"
    stale = visitor.submit(read(wrong.text), path, days="90d")
    assert stale.status_code == 412
    assert "Somebody changed this link" in stale.text

    revoked = visitor.submit(visitor.see(SHARES), f"{path}/revoke")
    assert revoked.status_code == 303
    goatherd.catch_up()
    assert data_of(home.get(f"/shares/{share['id']}"))["status"] == "revoked"
    assert visitor.get(path).status_code == 303
    assert "For Ada" not in visitor.get(SHARES).text


def test_only_people_who_may_write_share(home: Tenant, goatherd: Goatherd):
    reader = Visitor(goatherd)
    reader.sign_in(home.with_key("read").key)
    goatherd.catch_up()

    page = reader.see(f"/projects/{home.project_id}")

    assert page.all("form", action=SHARES) == []
    assert reader.get(SHARES).status_code == 403

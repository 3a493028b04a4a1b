"""/s/{token}: whoever has a link reads one page, and comes nowhere else by it."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.web.shared.page import COOKIE
from domain import events as e
from infra.eventstore.store import RecordedEvent, Store
from tests.api.routes.test_shares import made, token_of
from tests.browser.places import places
from tests.kit.application import Goatherd, Tenant, ago, data_of
from tests.kit.erasing import erase
from tests.kit.markup import Element, read
from tests.kit.operations import operations
from tests.kit.pictures import LOGO
from tests.kit.visitor import Visitor

MEADOW = "green meadow"
DAY = "%Y-%m-%d"


class Programme:
    """An organization with two creators in a project, and a rival in another."""

    def __init__(self, home: Tenant) -> None:
        self.home = home
        self.goat = home.add("goat")["id"]
        self.other = home.add("secretive")["id"]
        second = data_of(home.post("/projects", {"name": "Rival"}), status=201)
        self.rival = second["id"]
        self.videos = {self.goat: "1001", self.other: "2002"}
        for creator_id, video in self.videos.items():
            home.found(creator_id, video, posted_at=ago(20), title=f"=Video {video}")
        self.saw(days_ago=10, views=1_000)
        self.saw(days_ago=2, views=4_321)
        self.campaign = home.campaign("Launch", ("creator", self.goat))
        path = f"/campaigns/{self.campaign}"
        cost = {"cost_minor": 987_600, "currency": "EUR", "description": "Our plan."}
        data_of(home.patch(path, cost))
        for scope, id_ in (("creator", self.goat), ("project", str(home.project_id))):
            note = {"scope": scope, "scope_id": id_, "starts_on": f"{ago(3):{DAY}}"}
            words = {"text": f"Note of the {scope}"}
            data_of(home.post("/analytics/annotations", note | words), status=201)
        home.goatherd.catch_up()

    def saw(self, *, days_ago: float, views: int) -> None:
        """Let a scrape have seen the videos of both creators."""
        at = ago(days_ago)
        for creator_id, video in self.videos.items():
            amount = views if creator_id == self.goat else 3 * views
            name = "=Goat" if creator_id == self.goat else None
            self.home.saw(
                creator_id, observed_at=at, follower_count=amount, display_name=name
            )
            self.home.saw_videos(creator_id, {video: amount}, at=at)
        self.home.goatherd.catch_up()

    def shared(self, scope: str = "creator", **fields: object) -> dict[str, Any]:
        ids = {
            "creator": self.goat,
            "campaign": self.campaign,
            "project": str(self.home.project_id),
        }
        return made(self.home, scope=scope, scope_id=ids[scope], **fields)


@pytest.fixture
def ours(home: Tenant) -> Programme:
    return Programme(home)


@pytest.fixture
def visitor(goatherd: Goatherd) -> Visitor:
    return Visitor(goatherd)


def path_of(share: dict[str, Any]) -> str:
    return f"/s/{token_of(share)}"


def figures(page: Element) -> dict[str, str]:
    """The large numbers of a page by their labels, in full."""
    return {
        card.one("dt").text: card.one("a")["title"]
        for card in page.all("div")
        if "kpi" in card.attributes.get("class", "").split()
    }


def addresses(page: Element) -> Iterator[str]:
    """Every address on a page that a browser or a person may follow."""
    for element in page.inside():
        for name in ("href", "src", "action", "hx-get", "hx-post", "formaction"):
            if name in element.attributes:
                yield element[name]


def test_a_link_shows_the_thing_that_it_is_about_and_nothing_else(
    ours: Programme, visitor: Visitor, subtests: pytest.Subtests
):
    hidden = {
        "creator": ("secretive", "2002", "Rival", "Launch", "Note of the project"),
        "campaign": ("secretive", "2002", "Rival", "Note of the"),
        "project": ("Rival", "Note of the creator"),
    }
    seen = {"creator": "4,321", "campaign": "4,321", "project": "17,284"}
    for scope, words in hidden.items():
        with subtests.test(scope):
            answer = visitor.get(path_of(ours.shared(scope)))

            assert answer.status_code == 200, answer.text
            assert figures(read(answer.text))["All views"] == seen[scope]
            assert "=Video 1001" in answer.text
            assert [word for word in words if word in answer.text] == []
            ids = {
                ours.other,
                ours.rival,
                str(ours.home.organization_id),
            }
            assert [id_ for id_ in ids if id_ in answer.text] == []
            # The address is not in the page, so that its length tells nothing of it.
            assert answer.request.url.path.split("/")[-1] not in answer.text


def test_no_address_on_the_page_leads_anywhere_else(
    ours: Programme, visitor: Visitor, subtests: pytest.Subtests
):
    data_of(
        ours.home.ask("PUT", f"/projects/{ours.home.project_id}/logo", content=LOGO)
    )
    for scope in ("creator", "project"):
        path = path_of(ours.shared(scope))
        for address in {*addresses(visitor.see(path))}:
            with subtests.test(address, scope=scope):
                own = address.startswith(("?", "#"))
                file = re.match(r"/(assets|images)/", address)
                assert own or file
                if not own or address.startswith("#"):
                    continue
                answer = visitor.get(f"{path}{address}")
                assert answer.status_code == 200
                assert "set-cookie" not in answer.headers


def test_neither_the_token_nor_the_cookie_opens_another_page_or_the_api(
    ours: Programme, visitor: Visitor, subtests: pytest.Subtests
):
    share = ours.shared("project", password=MEADOW)
    path, token = path_of(share), token_of(share)
    assert visitor.post(path, {"password": MEADOW}).status_code == 303
    assert visitor.see(path)
    cookies = dict(visitor.cookies)
    ids = {"project_id": str(ours.home.project_id), "creator_id": ours.goat}
    ids |= {"campaign_id": ours.campaign, "share_id": share["id"], "position": "1"}

    def filled(template: str) -> str:
        return re.sub(r"{(\w+)}", lambda m: ids.get(m[1], str(uuid4())), template)

    for template in places():
        with subtests.test("page", path=template):
            visitor.cookies = {**cookies, "goatherd_session": token}
            answer = visitor.get(filled(template))
            # The first page has the form to sign in.
            assert answer.status_code in {303, 401} or template == "/"
            assert "4,321" not in answer.text
    for operation in operations().values():
        with subtests.test("api", id=operation.id):
            visitor.cookies = dict(cookies)
            path = filled(operation.path)
            for key in (token, f"tga_{token}"):
                bearer = {"Authorization": f"Bearer {key}"}
                answer = visitor.ask(operation.method, path, headers=bearer)
                assert answer.status_code in {401, 429}


def test_a_page_is_kept_by_nobody_and_found_by_no_search_engine(
    ours: Programme, visitor: Visitor
):
    path = path_of(ours.shared())
    gone = path_of(revoked(ours, ours.shared()))
    locked = path_of(ours.shared(password=MEADOW))
    for address in (path, f"{path}?format=csv", gone, locked, "/s/nobody"):
        headers = visitor.get(address).headers
        assert "noindex" in headers["x-robots-tag"], address
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "private, no-store"
    robots = visitor.see(path).one("meta", name="robots")
    assert "noindex" in robots["content"]


def test_an_address_narrows_the_days_and_never_widens_them(
    ours: Programme, visitor: Visitor
):
    first, last = f"{ago(5):{DAY}}", f"{ago(1):{DAY}}"
    path = path_of(ours.shared(**{"from": first, "to": last}))

    def days(query: str = "") -> list[str]:
        lines = visitor.get(f"{path}?format=csv{query}").text.split("\r\n")
        return [line.partition(",")[0] for line in lines[1:] if line]

    assert (days()[0], days()[-1]) == (first, last)
    assert days("&from=2020-01-01&to=2099-01-01") == days()
    assert days(f"&from={ago(3):{DAY}}&to={ago(2):{DAY}}") == days()[2:4]
    assert days("&period=90d") == days()
    shown = visitor.see(f"{path}?from=2020-01-01&to=2099-01-01")
    assert figures(shown) == figures(visitor.see(path))
    # The views from ten days ago are outside, in the comparison as well.
    assert "1,000" not in visitor.get(f"{path}?metric=views&mode=new").text


def test_what_is_hidden_is_not_on_the_page(ours: Programme, visitor: Visitor):
    for scope, kind, words in (
        ("campaign", "money", "9,876"),
        ("campaign", "notes", "Our plan."),
        ("project", "notes", "Note of the project"),
    ):
        shown = visitor.get(path_of(ours.shared(scope))).text
        hidden = visitor.get(path_of(ours.shared(scope, hide=[kind]))).text
        assert words in shown, words
        assert words not in hidden, words


def test_a_page_stands_still_while_new_data_come(ours: Programme, visitor: Visitor):
    live, frozen = path_of(ours.shared()), path_of(ours.shared(as_of="now"))
    before = [figures(visitor.see(path)) for path in (live, frozen)]
    file = visitor.get(f"{frozen}?format=csv").text

    ours.saw(days_ago=1, views=9_999)
    # A correction of the past comes later, too.
    ours.saw(days_ago=5, views=3_000)

    after = [figures(visitor.see(path)) for path in (live, frozen)]
    assert after[0]["All views"] == "9,999"
    assert before[0]["All views"] == before[1]["All views"] == "4,321"
    assert after[1] == before[1]
    assert visitor.get(f"{frozen}?format=csv").text == file


def test_a_password_is_asked_for_and_another_one_shuts_everybody_out(
    ours: Programme, visitor: Visitor, goatherd: Goatherd
):
    share = ours.shared(password=MEADOW)
    path = path_of(share)

    for address in (path, f"{path}?format=csv", f"{path}?format=logo"):
        closed = visitor.get(address)
        assert closed.status_code == 401
        assert "4,321" not in closed.text
        assert "Goat" not in read(closed.text).one("main").text
    assert visitor.post(path, {"password": "wrong"}).status_code == 401
    assert visitor.see(path, status=401).one("input", name="password")
    entered = visitor.post(path, {"password": MEADOW})
    assert entered.status_code == 303
    assert f"Path={path};" in entered.headers["set-cookie"]
    assert "HttpOnly" in entered.headers["set-cookie"]
    assert figures(visitor.see(path))["All views"] == "4,321"
    assert visitor.get(f"{path}?format=csv").status_code == 200
    # The cookie of one link opens no other one.
    assert visitor.get(path_of(ours.shared(password=MEADOW))).status_code == 401

    data_of(ours.home.patch(f"/shares/{share['id']}", {"password": "blue meadow"}))
    assert visitor.get(path).status_code == 401
    assert visitor.post(path, {"password": MEADOW}).status_code == 401
    assert Visitor(goatherd).post(path, {"password": "blue meadow"}).status_code == 303


def test_wrong_passwords_are_slowed_down(ours: Programme, visitor: Visitor):
    path = path_of(ours.shared(password=MEADOW))

    statuses = [
        visitor.post(path, {"password": f"guess {n}"}).status_code for n in range(8)
    ]
    slowed = visitor.post(path, {"password": MEADOW})

    assert statuses[:5] == [401] * 5
    assert 429 in statuses
    assert slowed.status_code == 429
    assert int(slowed.headers["retry-after"]) >= 1
    assert COOKIE not in visitor.cookies


def test_many_addresses_guess_a_password_no_faster_than_one(
    ours: Programme, visitor: Visitor, goatherd: Goatherd
):
    path = path_of(ours.shared(password=MEADOW))
    guess = {"password": "a wrong one"}

    tries = [Visitor(goatherd).post(path, guess) for _ in range(25)]

    assert {each.status_code for each in tries[:20]} == {401}
    assert tries[-1].status_code == 429
    assert visitor.post(path, {"password": MEADOW}).status_code == 429
    # Another link has tries of its own.
    other = path_of(ours.shared(password=MEADOW))
    assert visitor.post(other, {"password": MEADOW}).status_code == 303


def test_passwords_count_as_requests_for_the_page(ours: Programme, visitor: Visitor):
    path = path_of(ours.shared())

    statuses = [visitor.post(path).status_code for _ in range(61)]

    assert statuses == [303] * 60 + [429]


def test_the_cookie_of_a_password_ends_on_the_server_too(
    ours: Programme, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
):
    path = path_of(ours.shared(password=MEADOW))
    visitor.post(path, {"password": MEADOW})
    now = time.time()

    for hours, status in ((11.9, 200), (12.1, 401)):
        monkeypatch.setattr(
            "api.web.shared.page.time.time", lambda later=hours: now + 3_600 * later
        )
        assert visitor.get(path).status_code == status


def test_a_page_in_a_frame_takes_a_password(ours: Programme, visitor: Visitor):
    origins = ["https://client.example"]
    tls = {"X-Forwarded-Proto": "https"}

    def cookie(headers: dict[str, str], *, embed: bool = False) -> list[str]:
        path = path_of(ours.shared(password=MEADOW, embed=embed, origins=origins))
        entered = visitor.post(path, {"password": MEADOW}, headers=headers)
        return entered.headers["set-cookie"].split("; ")[4:]

    assert cookie(tls, embed=True) == ["SameSite=None", "Secure", "Partitioned"]
    assert cookie(tls) == ["SameSite=Lax", "Secure"]
    # Browsers take no cookie of all sites without TLS.
    assert cookie({}, embed=True) == ["SameSite=Lax"]


def test_fixed_days_show_targets_of_these_days_alone(ours: Programme, visitor: Visitor):
    def days(first: float, last: float | None = None) -> dict[str, str]:
        to = {} if last is None else {"to": f"{ago(last):{DAY}}"}
        return {"from": f"{ago(first):{DAY}}", **to}

    path = f"/campaigns/{ours.campaign}"
    target = {"target_views": 1_000_000, "target_scope": "lifetime"}

    def shows_targets(starts_on: float | None, fields: dict[str, str]) -> bool:
        first = None if starts_on is None else f"{ago(starts_on):{DAY}}"
        data_of(ours.home.patch(path, {**target, "starts_on": first}))
        ours.home.goatherd.catch_up()
        page = visitor.get(path_of(ours.shared("campaign", **fields))).text
        return 'aria-label="Targets"' in page

    assert shows_targets(15, {"rolling": "7d"})
    assert shows_targets(5, days(5))
    assert shows_targets(None, days(5, 0))
    assert not shows_targets(6, days(5))
    # Nobody knew of the campaign yet at the end of yesterday.
    assert not shows_targets(5, days(5, 1))


def revoked(ours: Programme, share: dict[str, Any]) -> dict[str, Any]:
    data_of(ours.home.delete(f"/shares/{share['id']}"))
    return share


def test_a_link_that_ended_says_so_at_once_and_an_unknown_one_is_not_there(
    ours: Programme, visitor: Visitor, goatherd: Goatherd
):
    share = ours.shared(password=MEADOW)
    path = path_of(share)
    visitor.post(path, {"password": MEADOW})
    assert visitor.get(path).status_code == 200

    revoked(ours, share)

    for query in ("", "?format=csv", "?format=logo"):
        ended = visitor.get(f"{path}{query}")
        assert ended.status_code == 410
        assert "This link has ended" in ended.text
        assert "Goat" not in read(ended.text).one("main").text
    assert visitor.post(path, {"password": MEADOW}).status_code == 410
    expiring = ours.shared(expires_at=ago(-1).isoformat())
    assert visitor.get(path_of(expiring)).status_code == 200
    goatherd.append(
        expiring["id"],
        e.ShareChanged(
            organization_id=ours.home.organization_id, expires_at=ago(1 / 86_400)
        ),
    )
    assert visitor.get(path_of(expiring)).status_code == 410
    assert visitor.get("/s/nobody").status_code == 404
    assert visitor.post("/s/nobody", {"password": "x"}).status_code == 404


def test_the_link_of_an_erased_creator_is_dead_and_says_nothing_of_them(
    ours: Programme, visitor: Visitor, goatherd: Goatherd
):
    live = path_of(ours.shared(name="For goat"))
    frozen = path_of(ours.shared(as_of="now"))
    assert visitor.get(frozen).status_code == 200

    erase(
        goatherd.store,
        UUID(ours.goat),
        organization_id=ours.home.organization_id,
        confirm="goat",
    )
    goatherd.catch_up()

    for path in (live, frozen):
        for query in ("", "?format=csv", "?format=csv&table=videos"):
            answer = visitor.get(f"{path}{query}")
            assert answer.status_code == 410
            assert "goat" not in read(answer.text).one("main").text.lower()


def test_a_creator_who_moved_to_another_project_is_not_followed_there(
    ours: Programme, visitor: Visitor, goatherd: Goatherd
):
    path = path_of(ours.shared())
    scope = {"type": "creator", "id": ours.goat}
    report = {"name": "Goat", "scope": scope}
    report_id = data_of(ours.home.post("/reports", report), status=201)["id"]
    of_report = {"scope": "report", "scope_id": report_id}

    def issue() -> None:
        goatherd.catch_up()
        data_of(ours.home.post(f"/reports/{report_id}/send"), status=201)
        goatherd.catch_up()

    issue()
    before = path_of(made(ours.home, **of_report))
    assert visitor.get(before).status_code == 200

    move = {"project_id": ours.rival, "history": "whole"}
    moved = ours.home.post(f"/creators/{ours.goat}/move", move)
    assert moved.status_code == 200, moved.text
    goatherd.catch_up()

    assert visitor.get(path).status_code == 410
    assert visitor.get(before).status_code == 410

    # The report goes on in the new project, and its old link does not.
    data_of(ours.home.patch(f"/reports/{report_id}", {"enabled": True}))
    issue()
    after = path_of(made(ours.home, **of_report))
    assert visitor.get(before).status_code == 410
    assert visitor.get(after).status_code == 200


def test_a_file_is_for_spreadsheets_and_no_cell_is_a_formula(
    ours: Programme, visitor: Visitor
):
    path = path_of(ours.shared("project"))

    daily = visitor.get(f"{path}?format=csv")
    creators = visitor.get(f"{path}?format=csv&table=creators").text
    videos = visitor.get(f"{path}?format=csv&table=videos").text

    assert daily.headers["content-type"] == "text/csv; charset=utf-8"
    head, *rows = daily.text.strip().split("\r\n")
    assert head.startswith("date,new_views,views,posts,")
    assert rows[-1].startswith(f"{datetime.now(UTC):{DAY}},")
    assert len(rows) == 28
    assert creators.split("\r\n")[1:3] == [
        "secretive,secretive,9963",
        "'=Goat,goat,3321",
    ]
    assert "'=Video 1001,3321" in videos


def test_a_file_has_a_limit_of_its_own(
    ours: Programme, visitor: Visitor, goatherd: Goatherd
):
    path = path_of(ours.shared())

    statuses = {
        Visitor(goatherd).get(f"{path}?format=csv").status_code for _ in range(31)
    }
    refused = visitor.get(f"{path}?format=csv")

    assert statuses == {200, 429}
    assert int(refused.headers["retry-after"]) >= 1
    assert visitor.get(path).status_code == 200


def test_unknown_links_are_not_guessed_for_long(visitor: Visitor):
    statuses = [visitor.get(f"/s/{uuid4().hex}").status_code for _ in range(25)]

    assert set(statuses[:20]) == {404}
    assert set(statuses[-4:]) == {429}


def test_only_named_sites_may_show_the_page_in_a_frame(
    ours: Programme, visitor: Visitor
):
    sites = ["https://client.example", "http://localhost:3000"]

    def frames(share: dict[str, Any]) -> str:
        policy = visitor.get(path_of(share)).headers["content-security-policy"]
        return policy.partition("frame-ancestors ")[2]

    assert frames(ours.shared(embed=True, origins=sites)) == " ".join(sites)
    assert frames(ours.shared(origins=sites)) == "'none'"
    assert frames(ours.shared(embed=True, origins=sites, password=MEADOW)) == " ".join(
        sites
    )
    assert frames(revoked(ours, ours.shared(embed=True, origins=sites))) == "'none'"


def test_openings_are_counted(ours: Programme, visitor: Visitor):
    share = ours.shared()
    path = path_of(share)

    for query in ("", "", "?period=7d", "?format=csv"):
        assert visitor.get(f"{path}{query}").status_code == 200
    prefetched = {"Sec-Purpose": "prefetch"}
    assert visitor.get(path, headers=prefetched).status_code == 200

    (row,) = data_of(ours.home.get("/shares"))
    assert row["opened_count"] == 2
    assert row["last_opened_at"] is not None


def test_a_session_of_somebody_signed_in_adds_nothing_to_the_page(
    ours: Programme, visitor: Visitor
):
    path = path_of(ours.shared())
    plain = visitor.see(path).one("body").text
    visitor.sign_in(ours.home.key)

    assert visitor.see(path).one("body").text == plain


def test_an_unknown_link_reads_as_much_as_one_that_ended(
    ours: Programme, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
):
    ended = path_of(revoked(ours, ours.shared()))
    loaded: list[int] = []
    load = Store.load

    def counted(self: Store, *streams: UUID) -> dict[UUID, list[RecordedEvent]]:
        loaded.append(len(streams))
        return load(self, *streams)

    monkeypatch.setattr(Store, "load", counted)

    for path in (ended, "/s/nobody"):
        visitor.get(path)

    assert loaded == [1, 1]

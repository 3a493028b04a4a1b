"""A new campaign whose creators are not tracked yet: shown, then added, or left out."""

from typing import Any

import httpx
import pytest

from tests.kit.application import Goatherd, Tenant
from tests.kit.markup import read
from tests.kit.visitor import Visitor


def submit(visitor: Visitor, **fields: Any) -> httpx.Response:  # noqa: ANN401
    visitor.goatherd.catch_up()
    page = visitor.see("/campaigns/new")
    return visitor.submit(page, "/campaigns", **{"name": "Spring", **fields})


def campaigns(home: Tenant) -> list[dict[str, Any]]:
    home.goatherd.catch_up()
    return home.get("/campaigns").json()["data"]


def tracked(home: Tenant) -> set[str]:
    home.goatherd.catch_up()
    found = home.get("/creators", params={"limit": "100"}).json()["data"]
    return {creator["tiktok_handle"] for creator in found}


def test_new_handles_are_shown_and_nothing_is_stored_before_they_are_chosen(
    visitor: Visitor, home: Tenant
):
    home.add("goat")

    answer = submit(visitor, creators="@goat @Ada https://www.tiktok.com/@bea")

    assert answer.status_code == 200
    page = read(answer.text)
    box = page.one("fieldset", id="new-creators")
    assert [item.text for item in box.all("li")] == ["@ada", "@bea"]
    assert "Add 2 new creators to the project" in box.text
    assert "1 creator is tracked already" in box.text
    assert page.one("input", id="f-name")["value"] == "Spring"
    assert campaigns(home) == []
    assert tracked(home) == {"goat"}


def test_chosen_new_creators_are_added_to_the_project_and_to_the_campaign(
    visitor: Visitor, home: Tenant
):
    goat, lamb = home.add("goat"), home.add("lamb")
    page = read(submit(visitor, creators="@goat @ada @bea", creator=lamb["id"]).text)

    answer = visitor.submit(page, "/campaigns", creator=lamb["id"])

    assert answer.status_code == 303, answer.text
    (campaign,) = campaigns(home)
    assert tracked(home) == {"ada", "bea", "goat", "lamb"}
    assert answer.headers["location"] == f"/campaigns/{campaign['id']}"
    items = home.get(f"/campaigns/{campaign['id']}/items").json()["data"]
    names = {item["tiktok_handle"] for item in items}
    assert names == {"ada", "bea", "goat", "lamb"}
    assert {goat["id"], lamb["id"]} <= {item["item_id"] for item in items}


def test_a_form_that_is_sent_twice_makes_one_campaign(visitor: Visitor, home: Tenant):
    page = read(submit(visitor, creators="@ada @bea").text)

    answers = [visitor.submit(page, "/campaigns") for _ in range(2)]
    home.goatherd.catch_up()
    answers.append(visitor.submit(page, "/campaigns"))

    (campaign,) = campaigns(home)
    for answer in answers:
        assert answer.headers["location"] == f"/campaigns/{campaign['id']}"
    assert campaign["item_counts"]["creators"] == 2
    assert tracked(home) == {"ada", "bea"}


def test_a_handle_that_was_not_shown_is_not_added(visitor: Visitor, home: Tenant):
    page = read(submit(visitor, creators="@ada").text)

    answer = visitor.submit(page, "/campaigns", creators="@ada @bea")

    box = read(answer.text).one("fieldset", id="new-creators")
    assert [item.text for item in box.all("li")] == ["@ada", "@bea"]
    assert campaigns(home) == []
    assert tracked(home) == set()


def test_new_handles_are_shown_together_with_what_is_wrong_elsewhere(
    visitor: Visitor, home: Tenant
):
    answer = submit(visitor, creators="@ada", target_views="many", add_new="ada")

    assert answer.status_code == 400
    page = read(answer.text)
    assert "problem" in page.one("p", id="h-target_views")["class"]
    assert page.one("fieldset", id="new-creators").one("li").text == "@ada"
    assert tracked(home) == set()


@pytest.mark.parametrize(
    ("handles", "said"),
    (
        ("@ada @bea @cleo", "Your plan has room for 2 new creators, and 3 are new."),
        ("@a @b @c @d", "Your plan has room for 3 creators in a campaign"),
    ),
)
def test_what_the_plan_has_no_room_for_is_said_before_anything_is_stored(
    goatherd: Goatherd, handles: str, said: str
):
    home = goatherd.tenant(plan="free")
    for name in ("goat", "lamb", "kid"):
        home.add(name)
    visitor = Visitor(goatherd)
    visitor.sign_in(home.key)

    answer = submit(visitor, creators=handles, add_new=handles.replace("@", ""))

    assert answer.status_code == 400
    assert said in read(answer.text).one("p", id="h-creators").text
    assert campaigns(home) == []
    assert tracked(home) == {"goat", "lamb", "kid"}


def test_a_creator_who_was_removed_comes_back(visitor: Visitor, home: Tenant):
    goat = home.add("goat")
    home.delete(f"/creators/{goat['id']}")
    page = read(submit(visitor, creators="@goat").text)

    visitor.submit(page, "/campaigns")

    (campaign,) = campaigns(home)
    items = home.get(f"/campaigns/{campaign['id']}/items").json()["data"]
    assert [item["item_id"] for item in items] == [goat["id"]]


def test_creators_of_a_large_project_are_found_by_their_handles(
    visitor: Visitor, home: Tenant
):
    wanted = [{"tiktok_handle": f"goat.{number:03}"} for number in range(150)]
    for start in range(0, 150, 50):
        home.post(home.creators, {"creators": wanted[start : start + 50]})
    handles = " ".join(f"@{one['tiktok_handle']}" for one in wanted[20:140])

    answer = submit(visitor, creators=handles)

    assert answer.status_code == 303, answer.text
    (campaign,) = campaigns(home)
    assert campaign["item_counts"]["creators"] == 120

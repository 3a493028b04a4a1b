"""The page with all that is kept of a person."""

import re

import pytest

from domain import events as e
from tests.kit.application import Tenant
from tests.kit.visitor import Visitor


def test_whatever_is_kept_can_be_read(home: Tenant, visitor: Visitor):
    creator = home.add(
        "asking.goat",
        readme="Knows <how> to climb.",
        metadata={"owner": {"name": "Peter"}, "years": [1, 2]},
    )
    home.saw(creator["id"], follower_count=1_200, display_name="Asking \u200fherself")
    home.found(creator["id"], "7100000000000000072", title="asking.goat jumps")
    home.goatherd.catch_up()
    settings = visitor.see(f"/creators/{creator['id']}/settings")
    (link,) = [a for a in settings.all("a") if a["href"].endswith("/personal-data")]

    page = visitor.see(link["href"])

    text = page.one("main").text
    for part in (
        *("@asking.goat", "Knows <how> to climb.", "owner: name: Peter", "2 numbers"),
        *("7100000000000000072", "asking.goat jumps", "1,200", "Creator added"),
    ):
        assert part in text
    assert "Accounts followed" not in text
    assert "Followers" in text
    # Neither names of the API, nor fractions of seconds, nor ids of records.
    assert not re.findall(r"tiktok handle|follower count|\d:\d\d\.\d+", text)
    assert str(home.project_id) not in text
    (file,) = [a for a in page.all("a") if "personal-data.json" in a["href"]]
    assert file["href"] == f"{link['href']}.json"


def test_a_text_that_looks_like_a_time_outside_the_calendar_is_a_text(
    home: Tenant, visitor: Visitor, subtests: pytest.Subtests
):
    edges = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00")
    for number, edge in enumerate(edges):
        with subtests.test(edge):
            creator = home.add(f"goat.{number}", readme=edge)
            home.goatherd.catch_up()

            page = visitor.see(f"/creators/{creator['id']}/personal-data")

            assert edge in page.one("main").text


def test_many_events_are_pages(
    home: Tenant, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("api.web.creator.personal_data._PER_PAGE", 3)
    creator_id = home.add("asking.goat")["id"]
    home.goatherd.append(
        creator_id,
        *(
            e.CreatorDetailsChanged(
                organization_id=home.organization_id, description=f"Note {n}"
            )
            for n in range(4)
        ),
    )
    home.goatherd.catch_up()
    path = f"/creators/{creator_id}/personal-data"

    first = visitor.see(path)
    (later,) = [a for a in first.all("a") if "start=" in a["href"]]
    second = visitor.see(later["href"])

    assert later["href"] == f"{path}?start=3"
    assert "Events 4 to 6 of" in second.one("main").text
    assert f"{path}" in [a["href"] for a in second.all("a")]
    beyond = visitor.see(f"{path}?start=99999")
    assert "No more events" in beyond.one("main").text


def test_only_admins_read_it_and_of_the_erased_there_is_no_page(
    home: Tenant, visitor: Visitor
):
    creator_id = home.add("asking.goat")["id"]
    path = f"/creators/{creator_id}/personal-data"
    reader = Visitor(home.goatherd)
    reader.sign_in(home.with_key("read", "write").key)
    home.goatherd.catch_up()

    assert reader.ask("GET", path).status_code == 403
    done = home.post(f"/creators/{creator_id}/erase", {"confirm": "asking.goat"})
    home.goatherd.catch_up()

    assert done.status_code == 200
    assert visitor.ask("GET", path).status_code == 410

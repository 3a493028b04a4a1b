"""The search of everything that has a name."""

import pytest

from api.web.search.places import PLACES
from api.web.settings.layout import SETTINGS_TABS
from tests.kit.application import Tenant
from tests.kit.markup import Element
from tests.kit.visitor import Visitor


def found(page: Element) -> dict[str, list[str]]:
    """The addresses that were found, by the title of their group."""
    return {
        group["aria-label"]: [a["href"] for a in group.all("a")]
        for group in page.one("div", id="found").all("section")
    }


@pytest.fixture
def ada(home: Tenant) -> str:
    creator = home.add("ada.goat")
    home.found(creator["id"], title="Goats on a roof")
    home.campaign("Goat week")
    home.goatherd.catch_up()
    return creator["id"]


def test_everything_with_the_text_in_its_name_is_found(visitor: Visitor, ada: str):
    groups = found(visitor.see("/search?q=GOAT"))

    assert groups["Creators"] == [f"/creators/{ada}"]
    (video,) = groups["Videos"]
    assert video.startswith(f"/creators/{ada}/videos/")
    assert len(groups["Campaigns"]) == 1
    for address in (video, *groups["Campaigns"], *groups["Creators"]):
        assert visitor.get(address).status_code == 200


def test_pages_and_actions_are_found_by_the_beginnings_of_words(visitor: Visitor):
    groups = found(visitor.see("/search?q=add+creators"))

    assert groups["Actions"] == ["/creators/add"]
    assert found(visitor.see("/search?q=compar"))["Pages"] == ["/compare"]
    assert "Nothing has" in visitor.see("/search?q=zzzz").text


def test_each_tab_of_the_settings_and_each_page_of_the_account_menu_has_a_name():
    menu = {"/alerts", "/alerts/rules", "/notifications", "/reports"}
    tabs = {path for _, path, _, _ in SETTINGS_TABS}

    assert menu | tabs <= {place.path for place in PLACES}


def test_each_page_that_a_key_finds_is_one_that_it_may_see(
    visitor: Visitor, home: Tenant, subtests: pytest.Subtests
):
    reader = Visitor(home.goatherd)
    reader.sign_in(home.with_key("read").key)
    home.goatherd.catch_up()
    for person in (visitor, reader):
        groups = found(person.see("/search"))
        for address in {*groups["Pages"], *groups["Actions"]}:
            with subtests.test(address):
                answer = person.get(address.partition("#")[0])
                assert answer.status_code in {200, 303}
    assert "/settings/keys" not in found(reader.see("/search"))["Pages"]
    assert "/creators/add" not in found(reader.see("/search"))["Actions"]


def test_another_organizations_things_are_not_found(visitor: Visitor, stranger: Tenant):
    stranger.add("ada.goat")
    stranger.goatherd.catch_up()

    assert "Creators" not in found(visitor.see("/search?q=ada"))


def test_what_was_typed_stays_text(visitor: Visitor):
    text = "<b>goat</b>"

    page = visitor.see(f"/search?q={text}")

    assert page.one("div", id="found")["data-text"] == text
    assert not page.one("div", id="found").all("b")

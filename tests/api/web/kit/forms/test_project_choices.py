"""Choosers of campaigns: the newest of a project, and a word about older ones."""

from api.web.kit.forms.project_choices import MORE
from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.creator_with_numbers import a_watched_creator
from tests.kit.markup import Element
from tests.kit.visitor import Visitor


def chosen_from(page: Element, name: str) -> list[Element]:
    return page.one("select", name=name).all("option")


def test_a_chooser_of_campaigns_says_that_older_ones_are_left_out(
    goatherd: Goatherd, home: Tenant
):
    goat = a_watched_creator(home)
    visitor = Visitor(goatherd)
    visitor.sign_in(home.key)
    home.campaign("Oldest")
    goatherd.catch_up()
    menu = f"/creators/{goat.id}/actions"
    assert [one.text for one in chosen_from(visitor.see(menu), "campaign_id")] == [
        "Choose one",
        "Oldest",
    ]

    other = data_of(home.post("/projects", {"name": "Other"}), status=201)["id"]
    for number in range(101):
        campaign = {"name": f"C {number}"}
        data_of(home.post(f"/projects/{other}/campaigns", campaign), status=201)
    goatherd.catch_up()

    for path, name in (
        ("/activity", "campaign_id"),
        ("/reports", "about"),
        ("/settings/webhooks", "campaign_id"),
        ("/alerts/rules/new?type=no_post_for_days", "scope"),
    ):
        *_, last = chosen_from(visitor.see(path), name)
        assert last.text == MORE, path
        assert "disabled" in last.attributes
        assert "value" not in last.attributes
    # The menu of a creator has the campaigns of the creator's project.
    texts = [one.text for one in chosen_from(visitor.see(menu), "campaign_id")]
    assert texts == ["Choose one", "Oldest"]

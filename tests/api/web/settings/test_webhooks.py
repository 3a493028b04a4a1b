"""The pages of webhooks: a creator and a campaign narrow what an endpoint gets."""

from tests.kit.application import Goatherd, data_of
from tests.kit.visitor import Visitor
from tests.kit.webhooks import created


def test_a_webhook_is_narrowed_to_a_creator_and_a_campaign(goatherd: Goatherd):
    home = goatherd.tenant()
    creator = home.add("narrow.goat")
    # More than one page of others has the handle in theirs.
    for number in range(51):
        home.add(f"narrow.goat.{number}")
    campaign = home.campaign("Narrow", ("creator", creator["id"]))
    made = created(home, "https://example.com/hook")
    goatherd.catch_up()
    visitor = Visitor(goatherd)
    visitor.sign_in(home.key)
    path = f"/settings/webhooks/{made['id']}"
    form = {
        "url": "https://example.com/hook",
        "choice": "all",
        "payload": "full",
        "version": str(made["version"]),
    }

    unknown = visitor.post(path, {**form, "creator": "nobody.here"}).text
    visitor.post(path, {**form, "creator": "@Narrow.Goat", "campaign_id": campaign})
    goatherd.catch_up()
    shown = visitor.get(path).text
    filters = data_of(home.get(f"/webhooks/{made['id']}"))["filters"]

    assert "Must be the handle of a creator that you track" in unknown
    assert filters["creator_id"] == creator["id"]
    assert filters["campaign_id"] == campaign
    assert 'value="narrow.goat"' in shown
    assert f'value="{campaign}" selected' in shown

"""The pages of alerts: Program Health, rules with previews, and the bell."""

from api.web.kit.page import POSITION_COOKIE
from tests.api.routes.test_alerts import judge, silent
from tests.kit.application import Goatherd, data_of
from tests.kit.visitor import Visitor


def test_a_manager_sees_an_alert_and_cares_for_it(goatherd: Goatherd):
    home = goatherd.tenant()
    silent(home, "quiet.goat", 30, 10)
    judge(home)
    visitor = Visitor(goatherd)
    visitor.sign_in(home.key)

    health = visitor.get("/alerts").text
    (alert,) = data_of(home.get("/alerts?state=open"))
    detail = visitor.get(f"/alerts/{alert['id']}").text
    visitor.post(f"/alerts/{alert['id']}/acknowledge", {})
    goatherd.catch_up()
    cared = visitor.get(f"/alerts/{alert['id']}").text
    news = visitor.get("/notifications").text
    position = visitor.cookies[POSITION_COOKIE]
    visitor.post("/notifications/read", {})

    assert "@quiet.goat" in health
    assert "No post for 7 days" in health
    assert "10.0 days without a post" in health
    assert "Acknowledge</button>" in detail
    assert "Acknowledge</button>" not in cared
    assert "Mark all as read" in news
    assert "No post for 7 days" in news
    assert "Mark all as read" not in visitor.get("/notifications").text
    assert visitor.cookies[POSITION_COOKIE] == position


def test_a_rule_is_previewed_made_switched_off_and_removed(goatherd: Goatherd):
    home = goatherd.tenant()
    silent(home, "gaps.goat", 60, 40, 1)
    goatherd.catch_up()
    visitor = Visitor(goatherd)
    visitor.sign_in(home.key)
    form = {"type": "no_post_for_days", "number": "15", "name": "Two weeks"}

    preview = visitor.post("/alerts/rules", {**form, "act": "preview"}).text
    wrong = visitor.post("/alerts/rules", {**form, "number": "x", "act": "make"})
    visitor.post("/alerts/rules", {**form, "act": "make"})
    goatherd.catch_up()
    (rule,) = [
        each for each in home.every("/alert-rules") if each["name"] == "Two weeks"
    ]
    shown = visitor.get(f"/alerts/rules/{rule['id']}").text
    visitor.post(f"/alerts/rules/{rule['id']}/switch", {})
    goatherd.catch_up()
    off = data_of(home.get(f"/alert-rules/{rule['id']}"))
    visitor.post(f"/alerts/rules/{rule['id']}/remove", {})
    goatherd.catch_up()

    assert "@gaps.goat" in preview
    assert "20.0 days without a post" in preview
    assert wrong.status_code in {200, 400, 422}
    assert "Must be a number" in wrong.text
    assert "@gaps.goat" in shown
    assert rule["condition"] == {"type": "no_post_for_days", "days": 15}
    assert off["enabled"] is False
    assert "Two weeks" not in [each["name"] for each in home.every("/alert-rules")]

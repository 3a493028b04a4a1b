"""The pages of alerts: Program Health, rules with previews, and the bell."""

from api.web.kit.page import POSITION_COOKIE
from domain.alert.conditions import BOUNDS, CONDITIONS
from tests.api.routes.test_alerts import made, silent
from tests.kit.application import Goatherd, data_of
from tests.kit.judging import judge
from tests.kit.markup import read
from tests.kit.visitor import Visitor


def test_a_manager_sees_an_alert_and_cares_for_it(goatherd: Goatherd):
    home = goatherd.tenant()
    silent(home, "quiet.goat", 12, 11, 10)
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
    assert "Stopped posting" in health
    assert "10 days without a post, usually 1" in health
    assert "Acknowledge</button>" in detail
    assert "Acknowledge</button>" not in cared
    assert "Mark all as read" in news
    assert "Stopped posting" in news
    assert "Mark all as read" not in visitor.get("/notifications").text
    assert visitor.cookies[POSITION_COOKIE] == position


def test_a_rule_is_previewed_made_switched_off_and_removed(goatherd: Goatherd):
    home = goatherd.tenant()
    silent(home, "gaps.goat", 60, 40, 1)
    goatherd.catch_up()
    visitor = Visitor(goatherd)
    visitor.sign_in(home.key)
    form = {"type": "no_post_for_days", "days": "15", "name": "Two weeks"}

    preview = visitor.post("/alerts/rules", {**form, "act": "preview"}).text
    wrong = visitor.post("/alerts/rules", {**form, "days": "x", "act": "save"})
    visitor.post("/alerts/rules", {**form, "act": "save"})
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
    assert "20 days without a post" in preview
    assert wrong.status_code in {200, 400, 422}
    assert "Must be a number" in wrong.text
    assert "@gaps.goat" in shown
    assert rule["condition"] == {"type": "no_post_for_days", "days": 15}
    assert off["enabled"] is False
    assert "Two weeks" not in [each["name"] for each in home.every("/alert-rules")]


def test_a_form_has_the_numbers_of_its_condition_alone(goatherd: Goatherd):
    visitor = Visitor(goatherd)
    home = goatherd.tenant()
    visitor.sign_in(home.key)

    chosen = visitor.get("/alerts/rules").text
    for kind, meaning in CONDITIONS.items():
        if meaning.for_operators:
            assert f'value="{kind}"' not in chosen
            continue
        assert f'value="{kind}"' in chosen
        form = visitor.get(f"/alerts/rules/new?type={kind}").text
        fields = {name for name in BOUNDS if f'name="{name}"' in form}
        assert fields == meaning.defaults.keys()
        assert ("Show when it would have fired" in form) == meaning.has_history


def test_a_ready_rule_says_which_rule_comes_before_it(goatherd: Goatherd):
    home = goatherd.tenant()
    made(home, {"type": "views_spike", "z": 5}, name="Big days")
    goatherd.catch_up()
    visitor = Visitor(goatherd)
    visitor.sign_in(home.key)

    rows = visitor.see("/alerts/rules").all("tr")

    (jumped,) = [row.text for row in rows if row.text.startswith("Views jumped")]
    assert "Silent where Big days holds" in jumped
    assert sum("Silent where" in row.text for row in rows) == 1


def test_a_rule_is_changed_and_previewed_with_its_changes(goatherd: Goatherd):
    home = goatherd.tenant()
    creator_id = silent(home, "pausing.goat", 60, 40, 1)
    goatherd.catch_up()
    rule = made(home, {"type": "no_post_for_days", "days": 30}, for_minutes=5)
    goatherd.catch_up()
    visitor = Visitor(goatherd)
    visitor.sign_in(home.key)
    path = f"/alerts/rules/{rule['id']}"
    form = {
        "type": "no_post_for_days",
        "name": "Three weeks",
        "scope": f"creator:{creator_id}",
        "days": "19",
        "cool_down_minutes": "60",
        "version": str(rule["version"]),
    }

    shown = visitor.get(path).text
    preview = visitor.post(path, {**form, "act": "preview"}).text
    refused = visitor.post(path, {**form, "days": "900", "act": "save"}).text
    visitor.post(path, {**form, "act": "save"})
    goatherd.catch_up()
    late = visitor.post(path, {**form, "days": "9", "act": "save"}).text

    changed = data_of(home.get(f"/alert-rules/{rule['id']}"))
    days = read(shown).one("input", name="days", inputmode="decimal")
    minutes = read(shown).one("input", name="for_minutes", inputmode="numeric")
    assert (days["value"], minutes["value"]) == ("30", "5")
    assert "20 days without a post" in preview
    assert "@pausing.goat</option>" in preview
    assert read(refused).one("input", name="days")["value"] == "900"
    assert "must be from 1 to 90" in refused
    assert 'aria-invalid="true"' in refused
    assert changed["name"] == "Three weeks"
    assert changed["condition"] == {"type": "no_post_for_days", "days": 19}
    assert changed["scope"] == {"type": "creator", "id": creator_id}
    assert (changed["for_minutes"], changed["cool_down_minutes"]) == (0, 60)
    assert "changed" in late

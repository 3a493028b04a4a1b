"""The page of the organization: usage against limits, and settings."""

import pytest

from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.markup import read
from tests.kit.visitor import Visitor

PAGE = "/settings/organization"


def signed_in(tenant: Tenant) -> Visitor:
    tenant.goatherd.catch_up()
    visitor = Visitor(tenant.goatherd)
    visitor.sign_in(tenant.key)
    return visitor


def test_usage_is_told_in_words_and_as_a_meter(goatherd: Goatherd):
    home = goatherd.tenant(plan="free")
    home.add("one.goat")
    home.add("other.goat")

    page = signed_in(home).see(PAGE)

    creators, *_ = page.all("div", class_="usage")
    assert creators.text.startswith("Active creators 2 of 5")
    meter = creators.one("meter")
    assert (meter["value"], meter["max"]) == ("2", "5")
    projects = page.all("div", class_="usage")[1]
    assert "1 of 1: none left" in projects.text
    assert "Members and open invitations 0 of 2" in page.text
    assert "30 days of history" in page.text


def test_where_there_is_no_limit_that_is_said(home: Tenant):
    page = signed_in(home).see(PAGE)

    texts = [usage.text for usage in page.all("div", class_="usage")]
    assert texts[1] == "Projects 1 , no limit"
    assert texts[-1] == "API requests today 1 , no limit"
    assert not page.all("meter")


def test_settings_are_changed_and_the_header_follows(home: Tenant):
    visitor = signed_in(home)
    form = visitor.see(PAGE)

    answer = visitor.submit(
        form,
        PAGE,
        name="Goats <of> the Alps",
        time_zone="Europe/Vienna",
        video_stats_hours="12",
        erase_removed_after_days="90",
    )

    assert answer.status_code == 303
    home.goatherd.catch_up()
    kept = data_of(home.get("/organization"))
    assert kept["name"] == "Goats <of> the Alps"
    assert kept["time_zone"] == "Europe/Vienna"
    assert kept["video_stats_hours"] == 12
    assert kept["erase_removed_after_days"] == 90
    assert kept["creator_profiles_hours"] is None
    page = visitor.see(PAGE)
    assert "Goats <of> the Alps" in page.one("header").text
    assert "Figures of videos 12 h your setting" in page.one("tbody").text
    assert "Profiles 24 h the default" in page.one("tbody").text


def test_an_interval_is_made_the_default_again_by_emptying_it(home: Tenant):
    home.patch("/organization", {"video_stats_hours": 12})
    visitor = signed_in(home)
    form = visitor.see(PAGE)

    visitor.submit(form, PAGE, video_stats_hours="")

    home.goatherd.catch_up()
    assert data_of(home.get("/organization"))["video_stats_hours"] is None


def test_who_comes_second_is_told_what_the_first_saved_and_loses_nothing(home: Tenant):
    visitor = signed_in(home)
    form = visitor.see(PAGE)
    home.patch("/organization", {"name": "Theirs"})
    home.goatherd.catch_up()

    refused = visitor.submit(form, PAGE, name="Ours", video_stats_hours="9")
    page = read(refused.text)
    saved = visitor.submit(page, PAGE)

    assert refused.status_code == 412
    message = page.one("div", role="alert").text
    assert "Somebody else changed the settings meanwhile." in message
    assert "Name: Theirs" in message
    assert page.one("input", name="name")["value"] == "Ours"
    assert saved.status_code == 303
    home.goatherd.catch_up()
    kept = data_of(home.get("/organization"))
    assert (kept["name"], kept["video_stats_hours"]) == ("Ours", 9)


@pytest.mark.parametrize(
    ("field", "typed"),
    (
        ("name", ""),
        ("time_zone", "Mars/Olympus"),
        ("video_stats_hours", "often"),
        ("video_stats_hours", "0"),
        ("video_stats_hours", "1e9"),
        ("erase_removed_after_days", "0"),
    ),
)
def test_what_is_wrong_is_said_at_its_field(home: Tenant, field: str, typed: str):
    visitor = signed_in(home)

    answer = visitor.submit(visitor.see(PAGE), PAGE, **{field: typed})

    page = read(answer.text)
    assert answer.status_code == 400
    assert page.one("p", id=f"h-{field}")["class"] == "problem"
    assert page.one("input", name=field)["value"] == typed


def test_an_unknown_time_zone_is_told_in_plain_words(home: Tenant):
    visitor = signed_in(home)

    answer = visitor.submit(visitor.see(PAGE), PAGE, time_zone="Berlin")

    problem = read(answer.text).one("p", id="h-time_zone")
    assert problem.text == "Choose a time zone from the list, such as Europe/Berlin."


def test_who_may_not_administer_sees_usage_and_no_form(home: Tenant):
    reader = signed_in(home.with_key("read"))

    page = reader.see(PAGE)
    refused = reader.post(PAGE, {"version": "1", "name": "Mine"})

    assert page.all("div", class_="usage")
    assert not page.all("form", action=PAGE)
    assert refused.status_code == 403

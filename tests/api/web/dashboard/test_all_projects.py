"""Home of all projects: the cards have the course of all projects together."""

from datetime import UTC, datetime, timedelta

from tests.kit.application import Tenant, data_of
from tests.kit.markup import Element
from tests.kit.visitor import Visitor

LAST_DAYS = "/?project=all&period=7d"


def with_a_course(page: Element) -> list[str]:
    cards = page.one("section", aria_label="Key figures").all(
        "div", class_="kpi linked"
    )
    return [card.one("dt").text for card in cards if card.all("svg", class_="course")]


def seen(home: Tenant, creator_id: str, *, user_id: str) -> None:
    """Let the account have been seen on each of the last days."""
    now = datetime.now(UTC)
    for days in range(9):
        at = now - timedelta(days=9 - days)
        home.saw(
            creator_id,
            follower_count=100 + days * days,
            observed_at=at,
            user_id=user_id,
        )
    home.goatherd.catch_up()


def test_the_cards_have_the_course_of_all_projects(visitor: Visitor, home: Tenant):
    seen(home, home.add("goat")["id"], user_id="7")
    other = data_of(home.post("/projects", {"name": "Other"}), status=201)["id"]
    path = f"/projects/{other}/creators"
    second = data_of(home.post(path, {"tiktok_handle": "kid"}), status=201)["id"]
    seen(home, second, user_id="8")

    apart = with_a_course(visitor.see(LAST_DAYS))
    # The same account in both projects: their sum would count it twice.
    again = data_of(home.post(path, {"tiktok_handle": "goat"}), status=201)["id"]
    seen(home, again, user_id="7")
    shared = with_a_course(visitor.see(LAST_DAYS))

    assert "New followers" in apart
    assert "Engagement by views" not in apart
    assert shared == []

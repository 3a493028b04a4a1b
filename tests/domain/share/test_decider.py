"""Shared links: made, changed and revoked."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.errors import BlankNameError, CorruptHistoryError, NotFoundError
from domain.share.decider import ShareState, decide, evolve, make, share_of
from domain.share.errors import InvalidShareError
from domain.share.handlers import change_share
from domain.share.origins import checked_origins
from tests.kit.builders import NOON, ORGANIZATION, PROJECT
from tests.kit.scenario import Scenario

THING = UUID(int=7)
OF: dict[str, Any] = {"organization_id": ORGANIZATION}
MARCH: dict[str, Any] = {"first_day": date(2026, 3, 1), "last_day": date(2026, 3, 31)}
MAKE = c.MakeShare(**OF, scope="campaign", scope_id=THING, at=NOON, name="For Ada")
MADE = e.ShareMade(
    **OF,
    project_id=PROJECT,
    scope="campaign",
    scope_id=THING,
    name="For Ada",
    rolling="28d",
)
REVOKED = e.ShareRevoked(**OF)


def changing(**fields: object) -> c.ChangeShare:
    return c.ChangeShare(at=NOON, **fields)  # pyright: ignore[reportArgumentType]


@pytest.fixture
def scenario() -> Scenario[ShareState | None, c.ShareCommand, e.ShareEvent]:
    return Scenario(decide, evolve, nothing=None)


def test_a_link_shows_the_last_28_days_unless_told_otherwise():
    assert make(MAKE, project_id=PROJECT) == [MADE]
    (chosen,) = make(replace(MAKE, **MARCH), project_id=PROJECT)
    assert chosen == replace(MADE, rolling=None, **MARCH)


def test_a_link_shows_the_days_of_its_campaign_unless_told_otherwise():
    first, last = MARCH["first_day"], MARCH["last_day"]
    (own,) = make(MAKE, project_id=PROJECT, own_days=(first, last))
    assert own == replace(MADE, rolling=None, **MARCH)
    (open_,) = make(MAKE, project_id=PROJECT, own_days=(first, None))
    assert open_ == replace(MADE, rolling=None, first_day=first)
    other = replace(MAKE, rolling="7d")
    (chosen,) = make(other, project_id=PROJECT, own_days=(first, last))
    assert chosen == replace(MADE, rolling="7d")


def test_days_ends_and_sites_that_are_not_possible_are_refused():
    wrong: list[tuple[dict[str, Any], str]] = [
        ({**MARCH, "rolling": "7d"}, "rolling"),
        ({"last_day": date(2026, 3, 1)}, "from"),
        ({"first_day": date(2026, 3, 2), "last_day": date(2026, 3, 1)}, "from"),
        ({"expires_at": NOON}, "expires_at"),
        ({"embed": True}, "origins"),
        ({"origins": ("https://example.com/page",)}, "origins"),
    ]
    for fields, name in wrong:
        with pytest.raises(InvalidShareError) as refused:
            make(replace(MAKE, **fields), project_id=PROJECT)
        assert refused.value.field == name, fields
    with pytest.raises(BlankNameError):
        make(replace(MAKE, name=" "), project_id=PROJECT)


def test_an_origin_cannot_bring_further_rules_into_a_policy():
    kept = checked_origins(("HTTPS://Example.com/", "https://example.com"))
    assert kept == ("https://example.com",)
    assert checked_origins(("http://localhost:3000",)) == ("http://localhost:3000",)
    for text in (
        "*",
        "https://*",
        "https://*.example.com",
        "https://a.example; script-src *",
        "https://a.example https://b.example",
        "https://a.example,https://b.example",
        "javascript:alert(1)",
        "https://user@a.example",
        "a.example",
        "",
    ):
        with pytest.raises(InvalidShareError):
            checked_origins((text,))


def test_a_change_has_only_what_is_different(scenario: Scenario):
    changed = e.ShareChanged(**OF, hide=("money",))

    scenario.given(MADE).when(changing(name="For Ada", hide=("money", "money"))).then(
        changed
    )
    scenario.given(MADE, changed).when(changing(hide=("money",))).then_nothing()


def test_a_period_takes_the_place_of_days_and_days_that_of_a_period(
    scenario: Scenario,
):
    to_days = e.ShareChanged(**OF, **MARCH, rolling=None)
    to_period = e.ShareChanged(**OF, first_day=None, last_day=None, rolling="7d")

    scenario.given(MADE).when(changing(**MARCH)).then(to_days)
    scenario.given(MADE, to_days).when(changing(rolling="7d")).then(to_period)
    scenario.given(MADE, to_days).when(changing(first_day=None, last_day=None)).then(
        e.ShareChanged(**OF, first_day=None, last_day=None, rolling="28d")
    )
    scenario.given(MADE).when(changing(last_day=date(2026, 3, 1))).then_refused(
        InvalidShareError, field="from"
    )


def test_another_password_is_an_event_that_counts(scenario: Scenario):
    first = changing(has_password=True, password_changed=True)
    added = e.ShareChanged(**OF, has_password=True, password_changed=True)
    again = e.ShareChanged(**OF, password_changed=True)

    scenario.given(MADE).when(first).then(added)
    scenario.given(MADE, added).when(first).then(again)
    share = share_of([MADE, added, again])
    assert share is not None
    assert (share.has_password, share.passwords) == (True, 2)
    scenario.given(MADE, added).when(changing(has_password=False)).then(
        e.ShareChanged(**OF, has_password=False)
    )
    scenario.given(MADE).when(changing(has_password=False)).then_nothing()


def test_an_end_that_passed_does_not_keep_other_changes_out(scenario: Scenario):
    made = replace(MADE, expires_at=NOON - timedelta(days=1))

    scenario.given(made).when(changing(name="Late")).then(
        e.ShareChanged(**OF, name="Late")
    )
    scenario.given(made).when(changing(expires_at=NOON)).then_refused(
        InvalidShareError, field="expires_at"
    )
    scenario.given(made).when(changing(expires_at=None)).then(
        e.ShareChanged(**OF, expires_at=None)
    )


def test_a_link_is_over_once_it_is_revoked_or_its_end_came(scenario: Scenario):
    scenario.given(MADE).when(c.RevokeShare()).then(REVOKED)
    scenario.given(MADE, REVOKED).when(c.RevokeShare()).then_nothing()
    scenario.given(MADE, REVOKED).when(changing(name="x")).then_refused(NotFoundError)
    scenario.given().when(c.RevokeShare()).then_refused(NotFoundError)
    ended = share_of([MADE, REVOKED])
    timed = share_of([replace(MADE, expires_at=NOON)])
    assert ended is not None
    assert timed is not None
    assert ended.is_over(NOON)
    assert timed.is_over(NOON)
    assert not timed.is_over(NOON - timedelta(seconds=1))


def test_forgotten_texts_leave_no_earlier_name():
    forgotten = e.EarlierTextsForgotten(**OF, kind="share", of=THING, subject=THING)

    share = share_of([replace(MADE, origins=("https://a.example",)), forgotten])

    assert share is not None
    assert (share.name, share.origins) == ("", ())
    assert share.rolling == "28d"


def test_a_history_begins_with_a_link():
    assert share_of([]) is None
    with pytest.raises(CorruptHistoryError):
        evolve(None, REVOKED)


def test_another_organization_finds_no_link():
    handler = change_share(THING, c.RevokeShare(), organization_id=UUID(int=1))
    next(handler)
    with pytest.raises(NotFoundError):
        handler.send({THING: [MADE]})

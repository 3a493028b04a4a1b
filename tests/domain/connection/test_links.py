"""A connect link works once, for seven days, unless it is revoked."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain.connection.links import LinkState, new_link
from infra.ids import new_id
from tests.kit.builders import ADA, NOON, ORGANIZATION

LINK = new_link(new_id(), organization_id=ORGANIZATION, creator_id=ADA, now=NOON)
WEEK = timedelta(days=7)
MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("after", "state"),
    ((timedelta(0), "open"), (WEEK - MOMENT, "open"), (WEEK, "expired")),
)
def test_a_link_works_for_seven_days(after: timedelta, state: LinkState):
    assert LINK.state(NOON + after) == state


def test_a_link_that_was_used_says_so_whatever_happened_to_it_later():
    used = replace(LINK, used_at=NOON, revoked_at=NOON)

    assert used.state(NOON) == "used"
    assert used.state(NOON + 2 * WEEK) == "used"


def test_a_link_that_was_revoked_says_so_also_when_it_would_have_expired():
    assert replace(LINK, revoked_at=NOON).state(NOON + 2 * WEEK) == "revoked"

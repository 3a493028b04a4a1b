"""Rules of every page there is: anybody can use it, on anything."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.axe import SCHEMES, check_with_axe
from tests.browser.furnished import furnish
from tests.browser.layout import PHONE, WIDE, check_layout
from tests.browser.places import areas, found
from tests.browser.served import Served
from tests.kit.application import Tenant
from tests.kit.depth import IS_FULL

AREAS = areas()
# Answers of pages that programs read; people have nothing to look at in them.
NOT_TO_LOOK_AT = {"application/json", "text/csv", "text/event-stream"}


@pytest.fixture(scope="module")
def furnished(running_goatherd: Served) -> tuple[Tenant, dict[str, str]]:
    """An organization that every test here looks at and none changes."""
    tenant = running_goatherd.tenant(is_operator=True)
    return tenant, furnish(tenant)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("area", AREAS)
def test_axe_finds_nothing_and_nobody_scrolls_sideways(
    area: str,
    furnished: tuple[Tenant, dict[str, str]],
    running_goatherd: Served,
    sign_in: Callable[[Tenant], Page],
    subtests: pytest.Subtests,
):
    tenant, ids = furnished
    session = running_goatherd.session_of(tenant)
    page = sign_in(tenant)
    for path in AREAS[area]:
        with subtests.test(path):
            place = found(running_goatherd, path, session=session, ids=ids)
            assert place.status == 200
            if not place.is_page:
                assert place.media_type in NOT_TO_LOOK_AT
                continue

            for size, schemes in ((WIDE, SCHEMES), (PHONE, SCHEMES[:1])):
                page.set_viewport_size(ViewportSize(**size))
                page.goto(place.url)
                expect(page.get_by_role("heading", level=1)).to_have_count(1)
                check_layout(page)
                # A phone has the colours of a desk; make full compares them again.
                of_colours = IS_FULL or size is WIDE
                check_with_axe(page, schemes, of_colours=of_colours)


@pytest.mark.timeout(600)
def test_a_page_has_something_to_say_where_there_is_nothing(
    home: Tenant, page: Page, running_goatherd: Served, subtests: pytest.Subtests
):
    creator = home.add("goat")
    home.goatherd.catch_up()
    session = running_goatherd.session_of(home)
    ids = {"creator_id": creator["id"]}
    page.set_viewport_size(ViewportSize(**PHONE))
    for path in (path for paths in AREAS.values() for path in paths):
        if "{" in path.replace("{creator_id}", ""):
            continue  # a page of something that is not there is a failure
        with subtests.test(path):
            place = found(running_goatherd, path, session=session, ids=ids)
            assert place.status == 200
            if place.is_page:
                page.goto(place.url)

                check_layout(page)
                assert len(page.get_by_role("main").inner_text()) > 20

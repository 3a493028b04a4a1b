"""Rules of every page there is: anybody can use it, on anything."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.axe import check_at
from tests.browser.layout import PHONE, WIDE, check_layout, check_words
from tests.browser.places import (
    is_elsewhere,
    is_for_people,
    is_for_programs,
    media_type_of,
    places,
    visit,
)
from tests.browser.served import Served
from tests.kit.application import Tenant

# The pages are looked at by this many tests, so that none takes minutes.
PARTS = 4
# Answers of pages that programs read; people have nothing to look at in them.
NOT_TO_LOOK_AT = {"application/json", "image/png", "text/csv", "text/event-stream"}
# Pages that their queries change most.
QUERIED = ("/creators/{creator_id}/notes?edit=metadata", "/system/jobs?show=failed")
# Tables that are small enough for a phone, where others are scrolled.
SMALL_TABLES = (
    "/creators/{creator_id}/scrapes",
    "/system/bans",
    "/system/jobs",
    "/system/jobs?show=failed",
    "/settings/keys",
    "/system/log",
    "/system/log/types/{event}",
    "/system/read-models",
)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
def test_axe_finds_nothing_and_nobody_scrolls_sideways(
    furnished: tuple[Tenant, dict[str, str]],
    sign_in: Callable[[Tenant], Page],
    subtests: pytest.Subtests,
    part: int,
):
    tenant, ids = furnished
    page = sign_in(tenant)
    paths = (*filter(is_for_people, places()), *QUERIED)
    assert {*SMALL_TABLES} <= {*paths}
    for path in paths[part::PARTS]:
        with subtests.test(path):
            page.set_viewport_size(ViewportSize(**PHONE))
            visit(page, path, ids)
            if is_elsewhere(page, path, ids):
                continue
            expect(page.get_by_role("heading", level=1)).to_have_count(1)
            for size in (PHONE, WIDE):
                check_at(page, size)
                if path in SMALL_TABLES:
                    expect(page.get_by_role("table")).to_be_visible()
                    check_words(page)


def test_what_programs_read_is_no_page(
    furnished: tuple[Tenant, dict[str, str]],
    running_goatherd: Served,
    subtests: pytest.Subtests,
):
    tenant, ids = furnished
    session = running_goatherd.session_of(tenant)
    for path in places():
        # Nobody was erased, so there is no proof of it.
        if is_for_programs(path) and not path.endswith("/erased/remains.json"):
            with subtests.test(path):
                read = media_type_of(running_goatherd, path, session=session, ids=ids)
                assert read in NOT_TO_LOOK_AT


@pytest.mark.timeout(600)
def test_a_page_has_something_to_say_where_there_is_nothing(
    home: Tenant, page: Page, subtests: pytest.Subtests
):
    creator = home.add("goat")
    home.goatherd.catch_up()
    ids = {"creator_id": creator["id"]}
    page.set_viewport_size(ViewportSize(**PHONE))
    for path in filter(is_for_people, places()):
        if "{" in path.replace("{creator_id}", ""):
            continue  # a page of something that is not there is a failure
        with subtests.test(path):
            visit(page, path, ids)
            if is_elsewhere(page, path, ids):
                continue

            check_layout(page)
            assert len(page.get_by_role("main").inner_text()) > 20

"""Pages behind shared links, as strangers see and print them."""

import re

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.api.routes.test_shares import MEADOW, made
from tests.browser.axe import check_at
from tests.browser.layout import PHONE, WIDE
from tests.browser.test_print import grazed
from tests.browser.watching import Watch
from tests.kit.application import Tenant


def test_axe_finds_nothing_behind_a_shared_link_and_nobody_scrolls_sideways(
    home: Tenant, strangers_page: Page, watch: Watch, subtests: pytest.Subtests
):
    watch.expects("status of 40[14]")
    campaign = grazed(home)["campaign"]
    page = strangers_page
    project = str(home.project_id)
    paths = {
        "a campaign": made(home, scope="campaign", scope_id=campaign)["url"],
        "a project": made(home, scope="project", scope_id=project)["url"],
        "a password": made(home, scope="project", scope_id=project, password=MEADOW)[
            "url"
        ],
        "no page": "/s/nothing-is-here",
    }
    for name, url in paths.items():
        with subtests.test(name):
            page.emulate_media(media="screen")
            page.set_viewport_size(ViewportSize(**PHONE))
            page.goto(f"/s/{url.partition('/s/')[2]}")
            expect(page.get_by_role("heading", level=1)).to_have_count(1)
            for size in (PHONE, WIDE):
                check_at(page, size)
            if name != "a campaign":
                continue
            # One page of paper, with the client's name and without a control.
            page.emulate_media(media="print")
            expect(page.get_by_text("Alm & Co")).to_be_visible()
            for control in page.locator("button, select, input, .button").all():
                expect(control).to_be_hidden()
            printed = page.pdf(format="A4")
            assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1

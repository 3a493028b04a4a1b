"""The weight of pages for a browser that has nothing yet: compressed, no pictures."""

import re

import pytest

from api.web.kit.assets import Assets
from tests.kit.application import Tenant
from tests.kit.creator_with_numbers import a_watched_creator
from tests.kit.markup import read
from tests.kit.visitor import Visitor

PACKED = {"Accept-Encoding": "gzip"}
IMPORTED = re.compile(
    r'^(?:import|\} from|import .* from) "\./([a-z_]+\.js)";', re.MULTILINE
)
# Files that charts.js loads once a chart is nearly in sight.
OF_CHARTS = (
    "vendor/uplot.js",
    "vendor/uplot.css",
    "js/chart.js",
    "js/drawing.js",
    "js/numbers.js",
)
KB = 1_000
PAGE, CHARTS = 60 * KB, 35 * KB


def weight_of(visitor: Visitor, address: str) -> dict[str, int]:
    """Return the bytes of a page and of what it makes a browser load, by address."""
    page = visitor.get(address, headers=PACKED)
    assert page.status_code == 200
    markup = read(page.text)
    waiting = [
        *(link["href"] for link in markup.all("link") if link["rel"] != "icon"),
        *(script["src"] for script in markup.all("script")),
    ]
    weights = {address: int(page.headers["Content-Length"])}
    while waiting:
        name = waiting.pop()
        if name in weights:
            continue
        answer = visitor.get(name, headers=PACKED)
        weights[name] = int(answer.headers["Content-Length"])
        folder, _, file = name.rpartition("/")
        if file.endswith(".js") and "/js" in folder:
            waiting += [f"{folder}/{other}" for other in IMPORTED.findall(answer.text)]
    return weights


@pytest.fixture
def fifty(home: Tenant) -> str:
    """Fifty creators in a campaign, one of them with numbers; the creator's id."""
    creator = a_watched_creator(home, "ada").id
    for number in range(49):
        home.add(f"goat.{number}")
    home.goatherd.catch_up()
    return creator


def test_a_page_is_light_for_a_browser_that_has_nothing_yet(
    visitor: Visitor, home: Tenant, fifty: str, subtests: pytest.Subtests
):
    campaign = home.campaign("Spring", ("creator", fifty))
    home.goatherd.catch_up()
    addresses = (
        "/creators",
        "/videos",
        "/campaigns",
        f"/campaigns/{campaign}",
        f"/campaigns/{campaign}/members",
        f"/campaigns/{campaign}/settings",
        "/activity",
        "/projects",
        "/settings/keys",
        f"/projects/{home.project_id}/inbox",
        f"/creators/{fifty}",
        f"/creators/{fifty}/videos",
        "/",
    )
    for address in addresses:
        with subtests.test(address):
            weights = weight_of(visitor, address)

            assert sum(weights.values()) < PAGE, weights
            assert any("/vendor/inter.woff2" in name for name in weights)


def test_what_draws_charts_is_light_and_comes_with_no_page(
    visitor: Visitor, home: Tenant
):
    a_watched_creator(home)
    assets = Assets.of_the_package()
    addresses = [assets.url(name) for name in OF_CHARTS]

    answers = [visitor.get(address, headers=PACKED) for address in addresses]

    weights = [int(answer.headers["Content-Length"]) for answer in answers]
    assert sum(weights) < CHARTS, weights
    page = weight_of(visitor, "/")
    assert assets.url("js/charts.js") in page
    assert not {*addresses} & {*page}

"""The weight of pages for a browser that has nothing yet: compressed, no pictures."""

import re

import pytest

from tests.kit.application import Tenant
from tests.kit.creator_with_numbers import a_watched_creator
from tests.kit.markup import read
from tests.kit.visitor import Visitor

PACKED = {"Accept-Encoding": "gzip"}
IMPORTED = re.compile(
    r'^(?:import|\} from|import .* from) "\./([a-z_]+\.js)";', re.MULTILINE
)
# The aim is 60 kB for each page. Fifty rows of creators have 13 kB, and the library of
# charts 22 kB.
KB = 1_000
PLAIN, CHART = 60 * KB, 95 * KB


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
    bars = {
        "/creators": 69 * KB,
        "/videos": PLAIN,
        "/campaigns": PLAIN,
        f"/campaigns/{campaign}/members": PLAIN,
        f"/campaigns/{campaign}/settings": PLAIN,
        "/activity": PLAIN,
        "/projects": PLAIN,
        "/settings/keys": PLAIN,
        f"/projects/{home.project_id}/inbox": PLAIN,
        f"/creators/{fifty}/videos": PLAIN,
        "/": CHART,
        f"/creators/{fifty}": CHART,
        f"/campaigns/{campaign}": CHART,
    }
    for address, bar in bars.items():
        with subtests.test(address):
            weights = weight_of(visitor, address)

            assert sum(weights.values()) < bar, weights
            assert any("/vendor/inter.woff2" in name for name in weights)

"""Pages of an installation without a source say so, and pretend no demo."""

from collections.abc import Iterator

import pytest

from tests.kit.application import Goatherd, Tenant, data_of, started
from tests.kit.databases import new_database
from tests.kit.visitor import Visitor

LINE = "No source is set up: nothing is scraped."


@pytest.fixture(scope="module")
def bare(postgres_url: str, template_database: str) -> Iterator[Goatherd]:
    """An application in whose settings no source is."""
    with (
        new_database(postgres_url, template=template_database) as url,
        started(url, providers="") as goatherd,
    ):
        yield goatherd


@pytest.fixture
def tenant(bare: Goatherd) -> Tenant:
    return bare.tenant(is_operator=True)


@pytest.fixture
def person(bare: Goatherd, tenant: Tenant) -> Visitor:
    visitor = Visitor(bare)
    visitor.sign_in(tenant.key)
    bare.catch_up()
    return visitor


def test_the_first_step_on_home_is_to_choose_a_source(person: Visitor, tenant: Tenant):
    begin = person.see("/").one("section", **{"aria-labelledby": "begin-title"})

    assert begin.one("h2").text == "Three steps to the first numbers"
    assert [step.one("strong").text for step in begin.all("li")] == [
        *("Choose a source.", "Add creators.", "Wait a minute.")
    ]
    assert [a["href"] for a in begin.all("a")] == [
        *("/settings/sources", f"/creators/add?project_id={tenant.project_id}")
    ]


def test_no_page_calls_it_a_demo(
    person: Visitor, tenant: Tenant, subtests: pytest.Subtests
):
    tenant.add("billie")
    tenant.goatherd.catch_up()
    for path in ("/", "/creators", "/creators/add", "/settings/sources", "/reports"):
        with subtests.test(path):
            page = person.see(path)
            (line,) = page.all("aside", class_="source-line")
            assert line.text == f"{LINE} Choose a source"
            assert "Demo data" not in page.text
            assert "recording" not in page.one("main").text or "sources" in path


def test_who_operates_nothing_is_told_without_a_link(bare: Goatherd, tenant: Tenant):
    reader = Visitor(bare)
    reader.sign_in(tenant.with_key("read").key)
    tenant.add("billie")
    bare.catch_up()

    page = reader.see("/")

    (line,) = page.all("aside", class_="source-line")
    assert line.text == LINE
    assert not page.all("a", href="/settings/sources")


def test_home_of_creators_that_wait_asks_for_a_source(person: Visitor, tenant: Tenant):
    tenant.add("billie")
    tenant.goatherd.catch_up()

    page = person.see("/")

    assert "Scrapes wait until you choose one." in page.text
    assert "They wait for a source." in page.text


def test_the_form_of_creators_and_the_page_of_sources_say_it(person: Visitor):
    form = person.see("/creators/add").one("form", action="/creators/add").text
    page = person.see("/settings/sources")

    assert form.index("No source is set up") < form.index("Cancel")
    assert "TikTok is not asked" not in form
    assert "No source is set up." in page.one("div", class_="notice bad").text


def test_sources_and_readiness_say_it_to_programs(bare: Goatherd, tenant: Tenant):
    sources = data_of(tenant.get("/sources"))
    check = tenant.get("/sources/check?tiktok_handle=billie")
    ready = bare.client.get("/health/ready")

    assert [each["configured"] for each in sources] == [False] * len(sources)
    assert {each["why_not"] for each in sources if each["provider"] == "web"} == {
        "GOATHERD_PROVIDERS is not set."
    }
    assert check.status_code == 400
    assert "No source is set up" in check.text
    assert "no source is set up" in ready.text

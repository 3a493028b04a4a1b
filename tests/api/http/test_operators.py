"""Operations on the whole installation are allowed to its operators alone."""

from collections.abc import Iterator

import pytest

from domain import events as e
from infra.embedded.processes import wait_until
from projections.organizations.projection import ApiKeys
from tests.kit.application import (
    Goatherd,
    Tenant,
    code_of,
    data_of,
    own_installation,
)
from tests.kit.operations import operations
from tests.kit.patience import PATIENTLY
from tests.kit.visitor import Visitor

SENTENCE = "Your organization does not run this installation, so it may not do this."
ADMINISTRATION = [
    operation
    for operation in operations().values()
    if operation.path.startswith("/api/v1/admin/")
]


def test_an_admin_of_another_organization_is_refused(
    goatherd: Goatherd, stranger: Tenant, subtests: pytest.Subtests
):
    for operation in ADMINISTRATION:
        with subtests.test(operation.id):
            kept = goatherd.kept()
            path = operation.path.format_map(
                {"handle": "billie", "name": "videos", "position": 1}
            )

            answer = stranger.ask(operation.method, path)

            assert code_of(answer) == (403, "operator_only")
            assert answer.json()["error"] == SENTENCE
            assert goatherd.kept() == kept


def test_a_key_without_the_scope_is_told_of_the_scope_first(stranger: Tenant):
    answer = stranger.with_key("read").get("/admin/bans")

    assert code_of(answer) == (403, "insufficient_scope")


def test_an_admin_of_another_organization_manages_its_own(stranger: Tenant):
    data_of(stranger.post("/api-keys", {"name": "Robot"}), status=201)
    assert data_of(stranger.patch("/organization", {"name": "Own"}))["name"] == "Own"


def test_the_organization_says_whether_it_runs_the_installation(
    home: Tenant, stranger: Tenant
):
    assert data_of(home.get("/organization"))["is_operator"] is True
    assert data_of(stranger.get("/organization"))["is_operator"] is False
    changed = data_of(home.patch("/organization", {"name": "Renamed"}))
    assert changed["is_operator"] is True


def test_who_no_longer_runs_it_is_refused_within_a_second(goatherd: Goatherd):
    tenant = goatherd.tenant(is_operator=True)
    assert tenant.get("/admin/bans").status_code == 200

    goatherd.append(tenant.organization_id, e.OperatorChanged(is_operator=False))
    with goatherd.store.pool.connection() as connection:
        recorded = goatherd.log(tenant.organization_id)[-1:]
        ApiKeys().write(connection.cursor(), recorded)

    # A key that was looked up is kept for half a second.
    assert wait_until(
        lambda: code_of(tenant.get("/admin/bans")) == (403, "operator_only"),
        seconds=PATIENTLY,
    )


# While nobody said who does


@pytest.fixture
def untold(postgres_url: str, template_database: str) -> Iterator[Goatherd]:
    """An installation in which nobody said who runs it."""
    yield from own_installation(postgres_url, template_database)


def test_the_oldest_organization_runs_it_until_somebody_says(untold: Goatherd):
    oldest, younger = untold.tenant(), untold.tenant()

    statuses = [tenant.get("/admin/bans").status_code for tenant in (oldest, younger)]

    assert statuses == [200, 403]
    untold.append(oldest.organization_id, e.OperatorChanged(is_operator=False))
    untold.append(younger.organization_id, e.OperatorChanged(is_operator=True))
    untold.catch_up()

    def have_changed_places() -> bool:
        answers = [tenant.get("/admin/bans") for tenant in (oldest, younger)]
        return [answer.status_code for answer in answers] == [403, 200]

    assert wait_until(have_changed_places, seconds=PATIENTLY)


# The pages


@pytest.mark.parametrize(
    "page",
    (
        *("/system/read-models", "/system/read-models/creator_list"),
        *("/system/read-models/stream", "/system/bans", "/system/integrity"),
        *("/system/log", "/system/log/1", "/system/log/types"),
        *("/system/log/types/creator_added", "/settings/sources"),
    ),
)
def test_others_are_told_so_by_the_pages(stranger: Tenant, page: str):
    visitor = Visitor(stranger.goatherd)
    visitor.sign_in(stranger.key)

    refused = visitor.see(page, status=403)

    assert refused.one("h1").text == SENTENCE


def test_others_see_no_tab_and_no_state_of_what_they_do_not_run(stranger: Tenant):
    visitor = Visitor(stranger.goatherd)
    visitor.sign_in(stranger.key)

    seen = visitor.see("/system/jobs")

    tabs = seen.one("nav", aria_label="System").all("a")
    assert [tab.text for tab in tabs] == ["Jobs"]
    settings = visitor.see("/settings/organization").one("nav", aria_label="Settings")
    names = [
        "Organization",
        "Projects",
        "Members",
        "API keys",
        "Webhooks",
        "Channels",
        "Shared links",
        "Personal data",
        "Audit",
    ]
    assert [tab.text for tab in settings.all("a")] == names
    assert "All ok" not in seen.text
    assert visitor.get("/settings").headers["Location"] == "/settings/organization"

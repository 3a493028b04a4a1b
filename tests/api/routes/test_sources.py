"""How sources do, and a check of one through the API."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from domain import events as e
from infra.ids import new_id
from tests.kit.application import (
    Goatherd,
    Tenant,
    code_of,
    data_of,
    own_installation,
    settings_for,
    started,
)
from tests.kit.builders import NOON
from tests.kit.databases import new_database
from tests.kit.schedule import follow_schedule
from workers.sources.demo import DEMO_HANDLES
from workers.sources.request_counts import RequestCounts
from workers.sources.table import PROVIDERS


@pytest.fixture
def goatherd(postgres_url: str, template_database: str) -> Iterator[Goatherd]:
    """An installation of the test's own: sources are everybody's."""
    yield from own_installation(postgres_url, template_database)


@pytest.fixture
def home(goatherd: Goatherd) -> Tenant:
    return goatherd.tenant(is_operator=True)


def sources(home: Tenant) -> dict[str, Any]:
    home.goatherd.catch_up()
    return {source["provider"]: source for source in data_of(home.get("/sources"))}


def check(home: Tenant, handle: str, **params: str) -> httpx.Response:
    return home.get("/sources/check", params={"tiktok_handle": handle, **params})


def ended(home: Tenant, creator_id: str, *ends: e.ScrapeEvent) -> None:
    """Let a run of its own have ended so."""
    run = new_id()
    home.goatherd.append(
        run,
        e.ScrapeRequested(
            organization_id=home.organization_id,
            project_id=home.project_id,
            creator_id=UUID(creator_id),
            handle="ada",
            job_type="creator_profiles",
            trigger="scheduled",
        ),
        *ends,
    )


def good(home: Tenant, creator_id: str, *, took_ms: int, pages: int = 2) -> None:
    ended(
        home,
        creator_id,
        e.ScrapeSucceeded(
            organization_id=home.organization_id,
            creator_id=UUID(creator_id),
            job_type="creator_profiles",
            provider="web",
            attempts=1,
            observed_at=NOON,
            duration_ms=took_ms,
            pages=pages,
        ),
    )


def bad(
    home: Tenant, creator_id: str, outcome: e.Outcome | None, *, provider: str = "web"
) -> None:
    ended(
        home,
        creator_id,
        e.ScrapeFailed(
            organization_id=home.organization_id,
            creator_id=UUID(creator_id),
            job_type="creator_profiles",
            provider=provider,
            attempts=3,
            error="No.",
            outcome=outcome,
        ),
    )


def test_the_source_that_is_asked_comes_first_and_the_others_say_why_not(home: Tenant):
    home.goatherd.catch_up()

    listed = data_of(home.get("/sources"))

    assert [(s["provider"], s["configured"], s["can_serve"]) for s in listed] == [
        (name, name == "replay", name == "replay") for name in PROVIDERS
    ]
    of = {source["provider"]: source for source in listed}
    assert of["web"]["why_not"] == "GOATHERD_PROVIDERS is replay."
    assert "GOATHERD_RESEARCH_CLIENT_KEY" in of["research"]["why_not"]
    why_not = of["scrapecreators"]["why_not"]
    assert why_not == "GOATHERD_SCRAPECREATORS_API_KEY is not set."
    budgets = {name: source["daily_budget"] for name, source in of.items()}
    assert budgets == {**dict.fromkeys(PROVIDERS), "research": 1_000}


def test_runs_of_the_last_day_are_counted_by_how_they_ended(home: Tenant):
    creator_id = home.add("ada")["id"]
    for took_ms in (100, 900, 300):
        good(home, creator_id, took_ms=took_ms)
    bad(home, creator_id, "blocked")
    bad(home, creator_id, None)
    bad(home, creator_id, "not_in_recording", provider="replay")

    found = sources(home)

    assert found["web"]["outcomes_24h"] == {"ok": 3, "blocked": 1, "given_up": 1}
    assert found["web"]["median_duration_ms"] == 300
    assert datetime.fromisoformat(found["web"]["last_success_at"]).tzinfo
    assert found["replay"]["outcomes_24h"] == {"not_in_recording": 1}
    assert found["replay"]["requests_today"] == 0
    assert found["replay"]["failing"] is False


def test_a_run_counts_for_each_source_that_it_tried(home: Tenant):
    creator_id = home.add("ada")["id"]
    for _ in range(3):
        ended(
            home,
            creator_id,
            e.ScrapeSucceeded(
                organization_id=home.organization_id,
                creator_id=UUID(creator_id),
                job_type="creator_profiles",
                provider="web",
                attempts=1,
                observed_at=NOON,
                duration_ms=5,
                tried=(
                    e.TriedSource(provider="replay", outcome="blocked", duration_ms=1),
                ),
                tried_details=("A captcha.",),
            ),
        )

    found = sources(home)

    assert found["replay"]["outcomes_24h"] == {"blocked": 3}
    assert found["replay"]["failing"] is True
    assert found["web"]["outcomes_24h"] == {"ok": 3}
    (run, *_) = data_of(home.get(f"/creators/{creator_id}/scrapes"))
    assert (run["provider"], run["tried"]) == (
        "web",
        [
            {
                "provider": "replay",
                "outcome": "blocked",
                "detail": "A captcha.",
                "duration_ms": 1,
            }
        ],
    )
    assert data_of(home.get(f"/scrapes/{run['id']}"))["tried"] == run["tried"]


def test_requests_costs_and_budgets_are_shown_to_the_operator_and_per_creator(
    postgres_url: str, template_database: str
):
    settings: dict[str, Any] = {
        "providers": "web,research,replay",
        "web_daily_budget": "10",
        "web_price": "0.002 USD",
        "research_client_key": "k",
        "research_client_secret": "s",
    }
    with (
        new_database(postgres_url, template=template_database) as url,
        started(url, **settings) as goatherd,
    ):
        home, other = goatherd.tenant(is_operator=True), goatherd.tenant()
        counts = RequestCounts(goatherd.store.pool, settings_for(url, **settings))
        creator_id = UUID(home.add("ada")["id"])
        for _ in range(7):
            counts.take("web", home.organization_id, creator_id)
        counts.take("web", other.organization_id, None)
        nearly = sources(home)
        ready = data_of(goatherd.client.get("/health/ready"))["warnings"]
        counts.take("research", home.organization_id, creator_id)
        for _ in range(2):
            counts.take("web", None, None)
        spent = sources(home)
        listed = data_of(home.get("/sources/requests", params={"days": "30"}))
        own = data_of(home.get(f"/creators/{creator_id}/source-requests"))
        path = f"/creators/{creator_id}/source-requests"
        theirs = code_of(other.get(path))
        refused = code_of(other.get("/sources/requests"))

    assert ready == {}
    assert [*nearly][:3] == ["web", "research", "replay"]
    assert nearly["web"]["can_serve"] is True
    assert {
        name: nearly["web"][name] for name in ("requests_today", "daily_budget")
    } == {
        "requests_today": 8,
        "daily_budget": 10,
    }
    assert (nearly["web"]["cost_today"], nearly["web"]["currency"]) == (0.016, "USD")
    assert (spent["web"]["can_serve"], spent["web"]["failing"]) == (False, False)
    assert "daily budget of 10 requests is used up" in spent["web"]["why_not"]
    assert (spent["research"]["requests_today"], spent["research"]["cost_today"]) == (
        1,
        None,
    )
    assert [
        (row["organization_id"], row["provider"], row["requests"], row["cost"])
        for row in listed
    ] == [
        (str(home.organization_id), "web", 7, 0.014),
        (None, "web", 2, 0.004),
        *sorted(
            [
                (str(other.organization_id), "web", 1, 0.002),
                (str(home.organization_id), "research", 1, None),
            ],
            key=lambda row: row[1],
        ),
    ]
    assert [(row["provider"], row["requests"], row["cost"]) for row in own] == [
        ("research", 1, None),
        ("web", 7, 0.014),
    ]
    assert theirs == (404, "not_found")
    assert refused[0] == 403


def test_what_was_imported_or_ended_days_ago_is_not_counted(home: Tenant):
    creator_id = home.add("ada")["id"]
    good(home, creator_id, took_ms=5)
    home.goatherd.catch_up()
    home.goatherd.query(
        "UPDATE scrape_runs SET finished_at = finished_at - interval '2 days'"
    )

    web = sources(home)["web"]

    assert web["outcomes_24h"] == {}
    assert web["median_duration_ms"] is None
    assert web["last_success_at"] is not None


def test_a_source_that_fails_says_what_to_try(home: Tenant):
    creator_id = home.add("ada")["id"]
    for _ in range(3):
        bad(home, creator_id, "schema_changed", provider="replay")

    replay = sources(home)["replay"]

    assert replay["failing"] is True
    assert "newer Goatherd" in replay["to_do"]


def test_only_admins_see_sources_and_check_them(home: Tenant):
    reader = home.with_key("read", "write")

    assert code_of(reader.get("/sources")) == (403, "insufficient_scope")
    assert code_of(check(reader, "ada")) == (403, "insufficient_scope")


def test_a_check_tells_each_step_and_stores_nothing(home: Tenant):
    home.goatherd.catch_up()
    kept = home.goatherd.kept()

    answer = check(home, f"@{DEMO_HANDLES[0]}")

    found = data_of(answer)
    assert (found["provider"], found["worked"], found["outcome"]) == (
        "replay",
        True,
        "ok",
    )
    profile, videos = found["steps"]
    assert "followers" in profile["understood"]
    assert "videos" in videos["understood"]
    assert home.goatherd.kept() == kept
    assert home.goatherd.query("SELECT * FROM replay_start") == []


def test_a_check_of_whom_the_recording_does_not_have_claims_nothing_of_tiktok(
    home: Tenant,
):
    found = data_of(check(home, "some.body"))

    assert (found["worked"], found["outcome"]) == (False, "not_in_recording")
    assert found["verdict"].startswith("TikTok was not asked")
    assert "GOATHERD_PROVIDER" in found["next"]


def test_a_source_that_lacks_a_setting_is_refused_by_name(home: Tenant):
    refused = check(home, "ada", provider="research")

    assert code_of(refused) == (400, "invalid_query")
    (field,) = refused.json()["meta"]["fields"]
    assert field["path"] == "/provider"
    assert "GOATHERD_RESEARCH_CLIENT_KEY" in field["message"]


def test_readiness_warns_of_a_failing_source_and_of_creators_that_keep_failing(
    home: Tenant,
):
    def warnings() -> dict[str, str]:
        home.goatherd.catch_up()
        answer = home.goatherd.client.get("/health/ready").json()
        return answer["data"]["warnings"]

    creator_id = home.add("ada")["id"]
    well = warnings()
    for _ in range(2):
        bad(home, creator_id, "blocked", provider="replay")
    twice = warnings()
    bad(home, creator_id, "blocked", provider="replay")
    thrice = warnings()
    for _ in range(4):
        bad(home, creator_id, "not_in_recording", provider="replay")
    good(home, creator_id, took_ms=5)
    again = warnings()

    assert well == twice == {}
    assert thrice == {
        "source": "most of the newest scrapes by replay ended as blocked",
        "creators": "1 creator is not scraped completely: 3 scrapes or more failed "
        "since the last success of their kind",
    }
    assert "creators" not in again


def test_readiness_warns_once_no_source_may_be_asked_any_more(
    postgres_url: str, template_database: str
):
    settings: dict[str, Any] = {"providers": "web", "web_daily_budget": "1"}
    with (
        new_database(postgres_url, template=template_database) as url,
        started(url, **settings) as goatherd,
    ):
        goatherd.catch_up()
        RequestCounts(goatherd.store.pool, settings_for(url, **settings)).take(
            "web", None, None
        )

        warned = data_of(goatherd.client.get("/health/ready"))["warnings"]

    assert warned == {
        "source": "scrapes wait for midnight UTC, as every budget is used up"
    }


def test_a_source_with_a_pace_says_how_many_creators_it_can_serve(
    postgres_url: str, template_database: str
):
    settings: dict[str, Any] = {"providers": "web,replay", "web_daily_budget": "100"}
    with (
        new_database(postgres_url, template=template_database) as url,
        started(url, **settings) as goatherd,
    ):
        home = goatherd.tenant(is_operator=True)
        empty = sources(home)
        home.add("ada")
        follow_schedule(goatherd.store)
        served = sources(home)
        metrics = goatherd.client.get("/metrics").text

    assert empty["web"]["capacity"] == {
        "requests_per_day": 100,
        "requests_needed": 0,
        "load": 0,
        "creators": 0,
        "creators_possible": 5,
        "oldest_counts_at": None,
    }
    assert empty["replay"]["capacity"] is empty["research"]["capacity"] is None
    assert 'goatherd_source_load{provider="web"} 0.2\n' in metrics
    assert served["web"]["capacity"] == {
        "requests_per_day": 100,
        "requests_needed": 20,
        "load": 0.2,
        "creators": 1,
        "creators_possible": 5,
        "oldest_counts_at": None,
    }

"""``goatherd sources check``: each step, a verdict, what to try, an exit status."""

from pathlib import Path

import pytest

from infra.backoff import Backoff
from infra.eventstore.store import Store
from tests.kit.command_line import CommandLine
from tests.workers.sources.providers.paid.building import a_service
from tests.workers.sources.providers.web.server import Answer, TikTok
from workers.sources.demo import DEMO_HANDLES
from workers.sources.providers.research import api
from workers.sources.table import PROVIDERS

KEY, SECRET = "aw-goats", "s3cr3t-0f-th3-g0ats"


def test_all_sources_are_listed_the_one_in_use_first(cli: CommandLine, store: Store):
    cli.set(web_price="0.002 USD", web_daily_budget="5")

    document = cli("sources", "list", "--json").document
    table = cli("sources", "list")

    assert store.head() == 0
    assert document[0]["provider"] == "replay"
    assert [one["configured"] for one in document].count(True) == 1
    assert {one["provider"] for one in document} == set(PROVIDERS)
    replay, *others = table.out.splitlines()[1:]
    assert replay.split() == ["replay", "yes", "-", "0", "-", "-", "ok"]
    (web,) = (line for line in others if line.startswith("web "))
    assert "0.00 USD" in web or "0 USD" in web
    assert "GOATHERD_PROVIDERS is replay." in web


def test_a_check_of_a_recording_that_has_the_creator_works(cli: CommandLine):
    ended = cli("sources", "check", f"@{DEMO_HANDLES[0]}", "--json")

    document = ended.document
    assert document.keys() >= {"provider", "steps", "verdict", "next"}
    assert [step.keys() for step in document["steps"]] == [
        {"what", "status", "understood", "duration_ms"}
    ] * 2
    assert document["worked"] is True


def test_one_video_of_one_follower_is_told_in_the_singular(
    cli: CommandLine, tmp_path: Path
):
    recording = tmp_path / "one.jsonl"
    recording.write_text(
        '{"observed_at":"2026-01-01T06:00:00Z","handle":"kid",'
        '"profile":{"follower_count":1}}\n'
        '{"observed_at":"2026-01-01T06:00:00Z","handle":"kid",'
        '"video":{"tiktok_video_id":"7001"}}\n'
    )
    cli.set(recordings=recording)

    document = cli("sources", "check", "kid", "--json").document

    assert [step["understood"] for step in document["steps"]] == [
        "a profile with 1 follower",
        "1 video",
    ]


def test_the_exit_status_says_that_it_did_not_work(cli: CommandLine):
    ended = cli("sources", "check", "some.body")

    assert ended.status == 1
    assert "TikTok was not asked" in ended.out
    assert "Next: Add to GOATHERD_PROVIDERS" in ended.out


def test_each_request_is_told_with_its_status(cli: CommandLine):
    with TikTok() as tiktok:
        tiktok.answers["/@nanny"] = Answer(status=403, body=b"no")
        cli.set(web_base_url=tiktok.url)
        ended = cli("sources", "check", "nanny", "--provider", "web")

    assert ended.status == 1
    assert f"GET {tiktok.url}/@nanny" in ended.out
    assert "403" in ended.out
    assert "It turned us away" in ended.out


def test_secrets_are_never_shown(cli: CommandLine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(api, "RETRIES", Backoff(0.01, tries=3))
    cli.set(
        research_base_url="http://127.0.0.1:1",
        research_client_key=KEY,
        research_client_secret=SECRET,
    )

    ended = cli("sources", "check", "nanny", "--provider", "research", "--json")

    assert ended.status == 1
    assert "/v2/oauth/token/" in ended.out
    assert SECRET not in ended.out + ended.err
    assert KEY not in ended.out + ended.err


@pytest.mark.parametrize("name", ("scrapecreators", "ensembledata"))
def test_a_paid_service_is_checked_without_showing_its_key(cli: CommandLine, name: str):
    with a_service(name) as paid:
        paid.add(videos=12)
        cli.set(
            **{
                f"{name}_base_url": paid.provider.site.base_url,
                f"{name}_api_key": paid.key,
            }
        )
        ended = cli("sources", "check", "nanny.bleat", "--provider", name, "--json")

    document = ended.document
    assert document["worked"] is True
    assert [step["understood"] for step in document["steps"]][-1] == "12 videos"
    assert paid.profile_path in document["steps"][0]["what"]
    assert paid.key not in ended.out + ended.err


def test_a_source_that_lacks_a_setting_is_one_line(cli: CommandLine):
    ended = cli("sources", "check", "nanny", "--provider", "research")

    assert ended.status != 0
    assert "GOATHERD_RESEARCH_CLIENT_KEY" in ended.complaint


def test_the_first_that_can_serve_is_checked_and_the_others_say_why_not(
    cli: CommandLine,
):
    cli.set(
        providers="display,web,replay",
        display_client_key=KEY,
        display_client_secret=SECRET,
        display_redirect_url="https://goatherd.example/connect/callback",
        web_daily_budget=0,
    )

    handle = DEMO_HANDLES[0]
    document = cli("sources", "check", handle, "--json").document
    named = cli("sources", "check", handle, "--provider", "display")

    assert (document["provider"], document["worked"]) == ("replay", True)
    assert [(step["what"], step["understood"]) for step in document["steps"]][:2] == [
        (
            "display: passed over",
            "Only an account that its creator has connected can be read.",
        ),
        (
            "web: passed over",
            "Its daily budget of 0 requests is used up until midnight (UTC).",
        ),
    ]
    assert named.status == 1
    assert "display: It was not asked: Only an account that" in named.out

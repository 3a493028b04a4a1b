"""Where a worker is put together: the provider that the settings name."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from domain.scrape.verdicts import (
    NotFound,
    Ok,
)
from infra.eventstore.store import Store
from infra.settings import Settings, SettingsError
from workers.main import choose_providers, run_seconds_within, worker_command
from workers.scraping.lease_renewal import RUN_SECONDS
from workers.sources.demo import DEMO_HANDLES
from workers.sources.port import (
    Provider,
    Target,
)
from workers.sources.providers.replay import ReplayProvider
from workers.sources.providers.research import ResearchProvider
from workers.sources.providers.web import WebProvider
from workers.sources.table import PROVIDERS

KEY, SECRET = "aw-goats", "s3cr3t-0f-th3-g0ats"

P = TypeVar("P", bound=Provider)


def made(store: Store, **settings: object) -> Provider:
    values: dict[str, Any] = {"providers": ("replay",), **settings}
    (provider,) = choose_providers(Settings(**values), store.pool)
    return provider


def chosen(store: Store, kind: type[P], **settings: object) -> P:
    provider = made(store, **settings)
    assert isinstance(provider, kind)
    return provider


def test_the_word_in_the_settings_chooses_the_provider(store: Store, redis_url: str):
    needed = {"display_redirect_url": "https://goatherd.example/connect/callback"}

    providers = {
        name: made(
            store,
            providers=(name,),
            redis_url=redis_url,
            **{field: needed.get(field, KEY) for field in row.needs},
        )
        for name, row in PROVIDERS.items()
    }

    assert [provider.name for provider in providers.values()] == [*PROVIDERS]
    for provider in providers.values():
        provider.close()


def test_the_demo_happens_now(store: Store):
    now = datetime.now(UTC)
    replay = chosen(store, ReplayProvider)

    seen = replay.creator_profiles(Target(handle=DEMO_HANDLES[0]))
    listed = replay.discover_videos(Target(handle=DEMO_HANDLES[0]))

    for verdict in (seen, listed):
        assert isinstance(verdict, Ok)
        assert verdict.observed_at
        assert now - timedelta(hours=2) <= verdict.observed_at <= datetime.now(UTC)
    assert abs(replay.present() - datetime.now(UTC)) < timedelta(seconds=5)


def test_the_demo_goes_on_days_after_its_first_start(store: Store):
    started_at = datetime.now(UTC) - timedelta(days=20)
    with store.pool.connection() as connection:
        connection.execute(
            "INSERT INTO replay_start VALUES ('demo', %s)", (started_at,)
        )
    replay = chosen(store, ReplayProvider)

    # By then one of the four goes by another name, and a day may pass without a look.
    gone = replay.creator_profiles(Target(handle=DEMO_HANDLES[1]))
    seen = replay.creator_profiles(Target(handle=DEMO_HANDLES[0]))

    assert isinstance(gone, NotFound)
    assert isinstance(seen, Ok)
    assert seen.observed_at
    assert timedelta() <= datetime.now(UTC) - seen.observed_at < timedelta(days=3)


def test_who_sets_a_speed_sees_the_demo_at_that_speed(store: Store):
    replay = chosen(store, ReplayProvider, replay_speed=1e9)

    assert replay.present() > datetime.now(UTC) + timedelta(days=70)


@pytest.mark.parametrize(
    ("given", "missing"),
    (
        ({}, "GOATHERD_RESEARCH_CLIENT_KEY"),
        ({"research_client_secret": SECRET}, "GOATHERD_RESEARCH_CLIENT_KEY"),
        ({"research_client_key": KEY}, "GOATHERD_RESEARCH_CLIENT_SECRET"),
    ),
)
def test_a_missing_key_is_named_and_the_other_is_not_told(
    store: Store, given: dict[str, str], missing: str
):
    with pytest.raises(SettingsError) as refused:
        chosen(store, ResearchProvider, providers=("research",), **given)

    assert missing in str(refused.value)
    assert SECRET not in str(refused.value)
    assert KEY not in str(refused.value)


def test_runs_end_by_themselves_before_they_are_interrupted(store: Store):
    web = chosen(store, WebProvider, providers=("web",))
    research = chosen(
        store,
        ResearchProvider,
        providers=("research",),
        research_client_key=KEY,
        research_client_secret=SECRET,
    )
    limits = web._site.limits  # noqa: SLF001

    assert limits.run_seconds == research.patience == run_seconds_within(180)
    assert all(limits.run_seconds < most for most in RUN_SECONDS.values())
    # In case the wait for the last turn and the last request both take their full time.
    assert limits.run_seconds + limits.request_seconds < min(RUN_SECONDS.values())
    research.close()


def test_who_replays_recordings_loads_neither_httpx_nor_yt_dlp():
    code = (
        "import sys, workers.main\n"
        "print([name for name in ('httpx', 'yt_dlp') if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"


def test_who_asks_for_one_thing_at_a_time_runs_one_scrape_at_a_time():
    threads = {
        provider: command[command.index("--threads") + 1]
        for provider in ("replay", "web", "research")
        for command in [worker_command("python", Settings(providers=(provider,)))]
    }

    assert threads == {"replay": "8", "web": "1", "research": "8"}

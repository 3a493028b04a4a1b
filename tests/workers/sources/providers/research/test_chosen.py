"""Chosen in the settings: the provider that workers get, on the API's real shapes."""

from structlog.testing import capture_logs

from domain.scrape.verdicts import (
    Blocked,
    Ok,
    Verdict,
)
from infra.eventstore.store import Store
from infra.settings import Settings
from tests.workers.sources.providers.research.server import KEY, SECRET, ResearchServer
from workers.main import choose_providers
from workers.sources.port import Target
from workers.sources.providers.research import ResearchProvider

BILLIE = Target(handle="billie.goat")


def ask(store: Store, server: ResearchServer, redis_url: str, secret: str) -> Verdict:
    settings = Settings(
        providers=("research",),
        redis_url=redis_url,
        research_base_url=server.url,
        research_client_key=KEY,
        research_client_secret=secret,
    )
    (provider,) = choose_providers(settings, store.pool)
    assert isinstance(provider, ResearchProvider)
    try:
        return provider.creator_profiles(BILLIE)
    finally:
        provider.close()


def test_it_looks_where_the_settings_say_with_their_key(
    store: Store, server: ResearchServer, redis_url: str
):
    server.users["billie.goat"] = {"follower_count": 7}

    verdict = ask(store, server, redis_url, SECRET)

    assert isinstance(verdict, Ok)
    assert verdict.profile is not None
    assert verdict.profile.follower_count == 7
    assert verdict.profile.video_count is None


def test_a_secret_that_is_refused_is_told_nowhere(
    store: Store, server: ResearchServer, redis_url: str
):
    secret = SECRET[::-1]

    with capture_logs() as lines:
        verdict = ask(store, server, redis_url, secret)

    assert isinstance(verdict, Blocked)
    assert secret not in f"{verdict} {lines}"
    assert KEY not in f"{verdict} {lines}"

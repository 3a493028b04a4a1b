"""Providers for tests: their clock is the test's, and their pauses take no time."""

from datetime import UTC, datetime, timedelta

import redis

from domain.scrape.verdicts import (
    Ok,
    Verdict,
)
from tests.workers.sources.providers.research.server import KEY, SECRET
from workers.sources.port import Target
from workers.sources.providers.research import ResearchProvider, open_research
from workers.sources.providers.research.quota import A_DAY, Amount, DailyQuota

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)
BILLIE = Target(handle="billie.goat")


class Researcher:
    """Builds providers, and keeps their clock and the pauses that they made."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.at = NOON
        self.seconds = 0.0
        self.pauses: list[float] = []
        self._open: list[ResearchProvider] = []

    def provider(
        self,
        *,
        secret: str = SECRET,
        server: redis.Redis | None = None,
        limit: Amount = A_DAY,
        patience: float = 40.0,
        windows: int = 12,
    ) -> ResearchProvider:
        provider = open_research(
            base_url=self.url,
            client_key=KEY,
            client_secret=secret,
            server=server,
            patience=patience,
        )
        provider.now, provider.clock, provider.windows = self.now, self.clock, windows
        provider.api.sleep = self.sleep
        provider.api.quota = DailyQuota(server, owner=KEY, now=self.now, limit=limit)
        self._open.append(provider)
        return provider

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds
        self.at += timedelta(seconds=seconds)

    def now(self) -> datetime:
        return self.at

    def clock(self) -> float:
        return self.seconds

    def close(self) -> None:
        for provider in self._open:
            provider.close()


def days_ago(days: float) -> datetime:
    return NOON - timedelta(days=days)


def ids_in(verdict: Verdict) -> list[str]:
    assert isinstance(verdict, Ok), verdict
    return [video.tiktok_video_id for video in verdict.videos]


def reason_in(verdict: Verdict) -> str | None:
    assert isinstance(verdict, Ok), verdict
    return verdict.listed_reason

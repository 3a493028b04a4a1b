from collections.abc import Iterator

import pytest

from infra.http_out.limiter import Limiter, polite
from tests.workers.sources.providers.web.server import TikTok
from tests.workers.sources.providers.web.shapes import NOW, PATIENT
from workers.sources.providers.web import WebProvider


@pytest.fixture
def tiktok() -> Iterator[TikTok]:
    with TikTok() as tiktok:
        yield tiktok


@pytest.fixture
def politeness() -> Limiter:
    """Nobody else is there, and nothing is between two requests."""
    return polite(None, gap=0.0, jitter=0.0)


@pytest.fixture
def provider(tiktok: TikTok, politeness: Limiter) -> WebProvider:
    return WebProvider(
        tiktok.url, politeness=politeness, limits=PATIENT, now=lambda: NOW
    )

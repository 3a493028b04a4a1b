"""A little TikTok on this machine: answers what a test tells it to, over real HTTP."""

from domain.scrape.observations import ProfileObservation
from domain.scrape.verdicts import Ok
from tests.kit.scripted_site import Answer, ReceivedRequest, ScriptedSite
from tests.workers.sources.providers.web.shapes import HANDLE
from workers.sources.port import Target
from workers.sources.providers.web import WebProvider

__all__ = ["Answer", "ReceivedRequest", "TikTok"]


class TikTok(ScriptedSite):
    """TikTok; what it should answer depends on what a test is about."""


def seen(tiktok: TikTok, provider: WebProvider, answer: Answer) -> ProfileObservation:
    """The profile that the provider sees where this is the creator's page."""
    tiktok.answers[f"/@{HANDLE}"] = answer
    verdict = provider.creator_profiles(Target(handle=HANDLE))
    assert isinstance(verdict, Ok), verdict
    assert verdict.profile is not None
    return verdict.profile

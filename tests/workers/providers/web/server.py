"""A little TikTok on this machine: answers what a test tells it to, over real HTTP."""

from tests.kit.scripted_site import Answer, ReceivedRequest, ScriptedSite

__all__ = ["Answer", "ReceivedRequest", "TikTok"]


class TikTok(ScriptedSite):
    """TikTok; what it should answer depends on what a test is about."""

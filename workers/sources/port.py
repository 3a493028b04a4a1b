"""The port of sources: the requests to a provider, and its possible answers."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Protocol, assert_never
from uuid import UUID

from msgspec import Struct

from domain.messages import JobType
from domain.scrape.turns import ListTurn
from domain.scrape.verdicts import Verdict


class Target(Struct, frozen=True, kw_only=True):
    """The creator to observe: the handle, and the stable ids if they are known.

    ``video_ids`` restricts ``video_stats``; empty means all videos that the provider
    lists. ``creator_id`` and ``organization_id`` are null if nobody tracks the creator,
    as in a check. ``turn`` is the part to list of a source that reads in turn, null for
    all videos; ``expected`` are counted videos that it must then find, with their times
    of posting.
    """

    handle: str
    organization_id: UUID | None = None
    creator_id: UUID | None = None
    user_id: str | None = None
    sec_uid: str | None = None
    video_ids: tuple[str, ...] = ()
    turn: ListTurn | None = None
    expected: Mapping[str, datetime] = MappingProxyType({})


class Provider(Protocol):
    """A source of observations. Every failure is a verdict, never an exception.

    ``reads_site`` says that it reads TikTok's public site, so that an account that it
    does not find does not exist. ``reads_in_turn`` says that its requests are so slow
    or dear that it lists only the newest videos in each run, and older ones in turn.
    """

    name: str
    reads_site: bool = True
    reads_in_turn: bool = False

    def cannot_serve(self, target: Target, job_type: JobType) -> str | None:
        """Return why it can't serve this request now; None if it can.

        The answer needs no request. Budgets are counted elsewhere.
        """
        del target, job_type
        return None

    def close(self) -> None:
        """Close the connections that are held between runs, if there are any."""

    def creator_profiles(self, target: Target) -> Verdict:
        """Read the profile; ``Ok.profile`` is null if there is none to read."""
        ...

    def discover_videos(self, target: Target) -> Verdict:
        """List the creator's videos, with the counters that the list shows."""
        ...

    def video_stats(self, target: Target) -> Verdict:
        """Read the counters of ``target.video_ids``, or of all videos if empty."""
        ...


def ask(provider: Provider, job_type: JobType, target: Target) -> Verdict:
    """Ask a provider for the data of a run of this kind."""
    match job_type:
        case "creator_profiles":
            return provider.creator_profiles(target)
        case "discover_videos":
            return provider.discover_videos(target)
        case "video_stats":
            return provider.video_stats(target)
        case _:
            assert_never(job_type)

"""Paid services: each with a server on this machine, and a provider that asks it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from domain.scrape.verdicts import (
    Ok,
    Verdict,
)
from infra.http_out.session import SessionLimits
from tests.kit import ensembledata, scrapecreators
from tests.kit.ensembledata import EnsembleDataServer
from tests.kit.paid_accounts import HANDLE, USER_ID, PaidAccount
from tests.kit.scrapecreators import ScrapeCreatorsServer
from tests.kit.scripted_site import Answer, json_answer
from workers.sources.port import Target
from workers.sources.providers.paid import ensembledata as ensembledata_provider
from workers.sources.providers.paid import scrapecreators as scrapecreators_provider
from workers.sources.providers.paid.ensembledata import open_ensembledata
from workers.sources.providers.paid.provider import PaidProvider
from workers.sources.providers.paid.scrapecreators import open_scrapecreators

NOW = datetime(2026, 11, 24, 21, 30, tzinfo=UTC)
NANNY = Target(handle=HANDLE)
KNOWN = Target(handle=HANDLE, user_id=USER_ID)
PATIENT = SessionLimits(
    run_seconds=60.0, request_seconds=15.0, connect_seconds=5.0, silence_seconds=5.0
)
# For tests of time running out.
HURRIED = SessionLimits(
    run_seconds=6.0,
    request_seconds=0.5,
    connect_seconds=0.5,
    silence_seconds=0.5,
)


class Paid(Struct, kw_only=True):
    """A service, its provider, and how it says things; pauses take no time."""

    name: str
    key: str
    server: ScrapeCreatorsServer | EnsembleDataServer
    provider: PaidProvider
    profile_path: str
    list_path: str
    video_path: str

    def add(self, account: PaidAccount | None = None, *, videos: int = 0) -> list[str]:
        account = self.server.add(account or PaidAccount())
        return account.add_videos(videos)

    def answer(self, path: str, body: object, *, status: int = 200) -> None:
        self.server.answers[path] = json_answer(body, status=status)

    def answer_profile(self, found: dict[str, Any]) -> None:
        is_wrapped = isinstance(self.server, EnsembleDataServer)
        self.answer(self.profile_path, {"data": found} if is_wrapped else found)

    def answer_list(
        self, rows: object, *, cursor: object = None, more: bool = False
    ) -> None:
        self.server.answers[self.list_path] = self.list_answer(
            rows, cursor=cursor, more=more
        )

    def list_answer(
        self, rows: object, *, cursor: object = None, more: bool = False
    ) -> Answer:
        if isinstance(self.server, EnsembleDataServer):
            after = {"nextCursor": cursor} if more else {}
            return json_answer({"data": {"data": rows, **after}})
        return json_answer(
            {"aweme_list": rows, "max_cursor": cursor, "has_more": int(more)}
        )

    def answer_video(self, row: object) -> None:
        is_wrapped = isinstance(self.server, EnsembleDataServer)
        body = {"data": [row]} if is_wrapped else {"aweme_detail": row}
        self.answer(self.video_path, body)

    def limit(self, limits: SessionLimits) -> None:
        self.provider.site = replace(self.provider.site, limits=limits)


@contextmanager
def a_service(name: str, *, limits: SessionLimits = PATIENT) -> Iterator[Paid]:
    """A service of that name whose server runs until the block ends."""
    is_first = name == "scrapecreators"
    with ScrapeCreatorsServer() if is_first else EnsembleDataServer() as server:
        module = scrapecreators_provider if is_first else ensembledata_provider
        prefix = "" if is_first else ensembledata.PREFIX
        key = scrapecreators.KEY if is_first else ensembledata.KEY
        opened = open_scrapecreators if is_first else open_ensembledata
        provider = opened(base_url=server.url + prefix, api_key=key, limits=limits)
        provider.site = replace(provider.site, now=lambda: NOW, sleep=lambda _: None)
        yield Paid(
            name=name,
            key=key,
            server=server,
            provider=provider,
            profile_path=prefix + module.PROFILE_PATH,
            list_path=prefix + module.LIST_PATH,
            video_path=prefix + module.VIDEO_PATH,
        )


def ids_in(verdict: Verdict) -> list[str]:
    assert isinstance(verdict, Ok), verdict
    return [video.tiktok_video_id for video in verdict.videos]

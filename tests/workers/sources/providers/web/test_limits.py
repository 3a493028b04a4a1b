"""Limits: what no answer may do to a worker, however it is made."""

import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import chain, pairwise

import pytest
from msgspec.structs import replace

from domain.scrape.verdicts import (
    Ok,
    RateLimited,
    SchemaChanged,
    Transient,
)
from infra.http_out import session
from infra.http_out.limiter import Limiter, polite
from infra.http_out.shared_server import connect_fast
from tests.kit.patience import at_most
from tests.workers.sources.providers.web.server import Answer, ReceivedRequest, TikTok
from tests.workers.sources.providers.web.shapes import (
    HANDLE,
    LIMITS,
    NOW,
    PATIENT,
    a_detail,
    a_user,
    an_item,
    html,
    list_page,
    page_with,
    profile_page,
)
from workers.sources.port import Target
from workers.sources.providers.web import WebProvider

NANNY = Target(handle=HANDLE)
PAGE = f"/@{HANDLE}"
LIST = "/api/creator/item_list/"
WHOLE_PAGE = page_with({"webapp.user-detail": a_detail()})
GZIP = {"Content-Encoding": "gzip"}


@pytest.fixture
def provider(tiktok: TikTok, politeness: Limiter) -> WebProvider:
    """One that has time, however busy the machine is."""
    return WebProvider(
        tiktok.url, politeness=politeness, limits=PATIENT, now=lambda: NOW
    )


class Clock:
    """The time of a session; it goes on when somebody says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(session, "time", clock)
    return clock


def fifty_megabytes() -> Iterator[bytes]:
    yield WHOLE_PAGE
    for _ in range(50):
        yield b"<!-- -->" * 131_072


@cache
def bomb() -> bytes:
    """Two hundred megabytes of nothing, packed into one."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    megabyte = bytes(1_000_000)
    return b"".join([packer.compress(megabyte) for _ in range(200)]) + packer.flush()


def test_a_page_may_come_packed(tiktok: TikTok, provider: WebProvider):
    tiktok.answers[PAGE] = Answer(headers=GZIP, body=gzip.compress(WHOLE_PAGE))

    verdict = provider.creator_profiles(NANNY)

    assert isinstance(verdict, Ok)
    assert verdict.profile is not None
    assert verdict.profile.follower_count == 4_001_943


@pytest.mark.parametrize(
    ("answer", "verdict"),
    (
        (Answer(headers=GZIP, body=gzip.compress(WHOLE_PAGE)[:-20]), Transient),
        (Answer(headers=GZIP, body=WHOLE_PAGE), Transient),
        (Answer(headers=GZIP, body=b""), Transient),
        (Answer(headers={"Content-Encoding": "br"}, body=b"x"), SchemaChanged),
        (Answer(headers={"Content-Encoding": "gzip, gzip"}, body=b"x"), SchemaChanged),
    ),
)
def test_a_page_that_is_badly_packed_has_its_verdict(
    tiktok: TikTok, provider: WebProvider, answer: Answer, verdict: type
):
    tiktok.answers[PAGE] = answer

    assert type(provider.creator_profiles(NANNY)) is verdict


def test_a_page_without_end_is_not_read_to_its_end(
    tiktok: TikTok, provider: WebProvider
):
    sent = 0

    def pieces() -> Iterable[bytes]:
        nonlocal sent
        for piece in fifty_megabytes():
            sent += len(piece)
            yield piece

    tiktok.answers[PAGE] = Answer(pieces=pieces)

    verdict = provider.creator_profiles(NANNY)

    assert isinstance(verdict, SchemaChanged)
    assert sent < 20_000_000


def test_a_bomb_does_not_go_off(tiktok: TikTok, provider: WebProvider):
    tiktok.answers[PAGE] = Answer(headers=GZIP, body=bomb())
    tracemalloc.start()

    verdict = provider.creator_profiles(NANNY)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert isinstance(verdict, SchemaChanged)
    assert peak < 15_000_000


def test_what_follows_a_packed_page_is_not_read_for_ever(
    tiktok: TikTok, provider: WebProvider
):
    packed = gzip.compress(WHOLE_PAGE)
    tiktok.answers[PAGE] = Answer(
        headers=GZIP, pieces=lambda: [packed, *fifty_megabytes()]
    )

    assert isinstance(provider.creator_profiles(NANNY), SchemaChanged)


@pytest.mark.parametrize("what", ("head", "body", "end of the body", "packed body"))
def test_a_slow_drip_is_cut_off_when_the_request_has_had_its_time(
    tiktok: TikTok, politeness: Limiter, what: str
):
    tiktok.answers[PAGE] = {
        "head": Answer(dripping_head=True),
        "body": Answer(pieces=tiktok.drip),
        "end of the body": Answer(pieces=lambda: chain([WHOLE_PAGE], tiktok.drip())),
        "packed body": Answer(
            headers=GZIP,
            pieces=lambda: (
                bytes([byte]) for byte, _ in zip(bomb(), tiktok.drip(), strict=False)
            ),
        ),
    }[what]

    limits = replace(LIMITS, request_seconds=0.4)
    provider = WebProvider(tiktok.url, politeness=politeness, limits=limits)
    began_at = time.monotonic()

    verdict = provider.creator_profiles(NANNY)

    # Each byte comes well before anybody would call the server silent.
    assert time.monotonic() - began_at < limits.request_seconds + at_most(10)
    assert isinstance(verdict, Transient)


def test_a_silent_server_is_not_waited_for(tiktok: TikTok, politeness: Limiter):
    def silence() -> Iterator[bytes]:
        tiktok.leaving.wait(60)
        yield b""

    tiktok.answers[PAGE] = Answer(pieces=silence)
    limits = replace(PATIENT, silence_seconds=0.3)
    provider = WebProvider(tiktok.url, politeness=politeness, limits=limits)
    began_at = time.monotonic()

    verdict = provider.creator_profiles(NANNY)

    # A request as a whole would have 15 seconds.
    assert time.monotonic() - began_at < limits.silence_seconds + at_most(10)
    assert isinstance(verdict, Transient)
    tiktok.leaving.set()


def test_a_body_that_ends_before_its_length_is_a_failure(
    tiktok: TikTok, provider: WebProvider
):
    headers = {"Content-Length": str(len(WHOLE_PAGE) + 1)}
    tiktok.answers[PAGE] = Answer(headers=headers, body=WHOLE_PAGE)

    assert isinstance(provider.creator_profiles(NANNY), Transient)


@pytest.mark.parametrize(
    "said",
    (
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 999999 Huh\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 300_000,
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=\xff\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    ),
)
def test_what_is_not_even_http_is_a_failure(politeness: Limiter, said: bytes):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(65_536)
                client.sendall(said)

        server = threading.Thread(target=answer)
        server.start()
        provider = WebProvider(
            f"http://127.0.0.1:{listener.getsockname()[1]}",
            politeness=politeness,
            limits=LIMITS,
        )

        verdict = provider.creator_profiles(NANNY)

        server.join()
    assert isinstance(verdict, Transient | SchemaChanged)


def test_nobody_there_is_a_failure(politeness: Limiter):
    provider = WebProvider("http://127.0.0.1:1", politeness=politeness, limits=LIMITS)

    assert isinstance(provider.creator_profiles(NANNY), Transient)


def test_a_certificate_that_is_not_trusted_is_a_failure(
    tiktok: TikTok, politeness: Limiter
):
    address = tiktok.url.replace("http://", "https://")
    provider = WebProvider(address, politeness=politeness, limits=LIMITS)

    assert isinstance(provider.creator_profiles(NANNY), Transient)


def endless(tiktok: TikTok, *, wait: Callable[[], None] = lambda: None) -> None:
    """Let the creator have more videos than anybody reads, one on each page."""
    stats = {"followerCount": "12", "videoCount": 10_000}
    tiktok.answers[PAGE] = profile_page(a_detail(stats=None, exact=stats))
    numbers = iter(range(1, 10**6))

    def page(_: ReceivedRequest) -> Answer:
        wait()
        return list_page([an_item(str(next(numbers)))], more=True)

    tiktok.answers[LIST] = page


# No request begins that could not take its full time.
IN_TIME = replace(PATIENT, run_seconds=75.0, request_seconds=15.0)


def test_a_run_ends_in_time_with_what_it_has(tiktok: TikTok, clock: Clock):
    class Slow(Limiter):
        @contextmanager
        def turn(self, key: str, *, patience: float) -> Generator[None]:
            clock.seconds += 15
            with super().turn(key, patience=patience):
                yield

    endless(tiktok)
    slow = Slow(None, name="slow")
    provider = WebProvider(tiktok.url, politeness=slow, limits=IN_TIME)

    verdict = provider.discover_videos(NANNY)

    assert isinstance(verdict, Ok)
    assert len(verdict.videos) == 4
    assert verdict.listed_reason == "The run took as long as it may."


def test_a_run_on_a_slow_site_ends_in_time_as_well(
    tiktok: TikTok, politeness: Limiter, clock: Clock
):
    def wait() -> None:
        clock.seconds += 15

    endless(tiktok, wait=wait)
    provider = WebProvider(tiktok.url, politeness=politeness, limits=IN_TIME)

    verdict = provider.discover_videos(NANNY)

    assert isinstance(verdict, Ok)
    assert (len(verdict.videos), len(tiktok.received)) == (5, 6)
    # The next source would take as long.
    assert verdict.cut_by is None


def test_a_site_that_is_paused_is_not_asked(
    tiktok: TikTok, provider: WebProvider, politeness: Limiter
):
    tiktok.answers[PAGE] = profile_page(a_detail())
    politeness.pause(tiktok.url.removeprefix("http://"), seconds=300)

    verdict = provider.creator_profiles(NANNY)

    assert isinstance(verdict, RateLimited)
    assert 290 < verdict.retry_after <= 300
    assert tiktok.received == []


def test_a_retry_after_keeps_every_worker_away(tiktok: TikTok, redis_url: str):
    answer = html(b"", status=429)
    answer.headers["Retry-After"] = "300"
    tiktok.answers |= {PAGE: answer, "/@billy.butt": profile_page(a_detail())}
    with (
        connect_fast(redis_url, patience=10) as one,
        connect_fast(redis_url, patience=10) as other,
    ):
        first, second = (
            WebProvider(tiktok.url, politeness=polite(server), limits=PATIENT)
            for server in (one, other)
        )

        first.creator_profiles(NANNY)
        verdict = second.creator_profiles(Target(handle="billy.butt"))

    assert isinstance(verdict, RateLimited)
    assert 290 < verdict.retry_after <= 300
    assert tiktok.paths == [PAGE]


def test_a_limit_in_the_middle_of_a_list_is_the_answer(
    tiktok: TikTok, provider: WebProvider
):
    stats = {"followerCount": "12", "videoCount": 40}
    tiktok.answers[PAGE] = profile_page(a_detail(stats=None, exact=stats))
    answer = html(b"", status=429)
    answer.headers["Retry-After"] = "77"
    tiktok.answers[LIST] = answer

    verdict = provider.discover_videos(NANNY)

    assert isinstance(verdict, RateLimited)
    assert verdict.retry_after == 77


def test_a_page_is_found_in_megabytes_made_to_be_searched_slowly(
    tiktok: TikTok, provider: WebProvider
):
    mention = b'<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__" '
    tiktok.answers[PAGE] = html(mention * (4_500_000 // len(mention)))

    began_at = time.process_time()

    provider.creator_profiles(NANNY)

    # Seconds of the processor, shared or not; a slow search would take hours.
    assert time.process_time() - began_at < 10


def test_threads_share_a_provider_and_ask_one_after_the_other(
    tiktok: TikTok, provider: WebProvider
):
    handles = [f"goat{n}" for n in range(8)]

    def slowly(request: ReceivedRequest) -> Answer:
        handle = request.path.removeprefix("/@")
        tiktok.leaving.wait(0.01)
        return profile_page(a_detail(user=a_user(uniqueId=handle, nickname=handle)))

    tiktok.answers |= {f"/@{handle}": slowly for handle in handles}
    names: dict[str, str | None] = {}

    def look(handle: str) -> None:
        verdict = provider.creator_profiles(Target(handle=handle))
        assert isinstance(verdict, Ok)
        assert verdict.profile is not None
        names[handle] = verdict.profile.display_name

    threads = [threading.Thread(target=look, args=(handle,)) for handle in handles]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert names == {handle: handle for handle in handles}
    in_order = sorted(tiktok.received, key=lambda request: request.began_at)
    for one, next_one in pairwise(in_order):
        assert one.ended_at <= next_one.began_at

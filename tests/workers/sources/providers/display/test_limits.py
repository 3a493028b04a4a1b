"""Limits: what no answer of TikTok's may do to a worker, or to a token."""

import time
from collections.abc import Iterable, Iterator
from uuid import uuid4

import pytest
import redis

from application.connect.access import Access
from domain.connection.consent import SCOPES
from domain.scrape.verdicts import (
    RateLimited,
    SchemaChanged,
    Transient,
)
from infra.http_out.limiter import Limiter
from infra.http_out.refusals import Refusal, RefusedError
from infra.http_out.tiktok_api import LARGEST_BODY, Deadline, open_http
from tests.kit.patience import at_most
from tests.kit.scripted_site import Answer, ScriptedSite, json_answer
from workers.sources.providers.display.api import (
    A_MINUTE,
    LIST_PATH,
    USER_PATH,
    DisplayAPI,
)

TOKEN = "act.n0b0dy"  # noqa: S105 - of nobody
ACCESS = Access(
    connection_id=uuid4(),
    creator_id=uuid4(),
    token=TOKEN,
    open_id="a",
    scopes=frozenset(SCOPES),
)
SECONDS = 0.4


@pytest.fixture
def site() -> Iterator[ScriptedSite]:
    with ScriptedSite() as site:
        yield site


@pytest.fixture
def api(site: ScriptedSite) -> Iterator[DisplayAPI]:
    with open_http(site.url) as http:
        limiter = Limiter(None, name="display_pace", most=A_MINUTE)
        yield DisplayAPI(http, limiter, owner="nobody")


def refusal(api: DisplayAPI, *, seconds: float = 10.0) -> Refusal:
    with pytest.raises(RefusedError) as refused:
        api.user(ACCESS, deadline=Deadline(seconds))
    assert TOKEN not in str(refused.value)
    return refused.value.verdict


def test_fifty_megabytes_are_not_read_to_their_end(api: DisplayAPI, site: ScriptedSite):
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        yield b'{"data":"'
        for _ in range(50):
            sent += 1_000_000
            yield b"x" * 1_000_000

    site.answers[USER_PATH] = Answer(pieces=pieces)

    assert isinstance(refusal(api), SchemaChanged)
    # Bytes in buffers between the two were sent as well.
    assert sent < LARGEST_BODY + 15_000_000


@pytest.mark.parametrize("is_head", (True, False))
def test_a_byte_now_and_then_is_cut_off_when_the_time_is_over(
    api: DisplayAPI, site: ScriptedSite, *, is_head: bool
):
    def drip() -> Iterable[bytes]:
        return site.drip(every=0.05)

    site.answers[USER_PATH] = (
        Answer(dripping_head=True) if is_head else Answer(pieces=drip)
    )
    began_at = time.monotonic()

    # Each byte comes well before anybody would call the server silent.
    assert isinstance(refusal(api, seconds=SECONDS), Transient)
    assert time.monotonic() - began_at < SECONDS + at_most(10)


def test_a_slow_answer_takes_no_time_from_the_next_request(
    api: DisplayAPI, site: ScriptedSite
):
    site.answers[USER_PATH] = Answer(dripping_head=True)
    refusal(api, seconds=SECONDS)
    numbers = {"open_id": "a", "follower_count": 7}
    site.answers[USER_PATH] = json_answer(
        {"data": {"user": numbers}, "error": {"code": "ok"}}
    )

    profile, _ = api.user(ACCESS, deadline=Deadline(10))

    assert profile.follower_count == 7


@pytest.mark.parametrize("status", (301, 302, 307, 308))
def test_a_redirect_is_followed_nowhere_neither_inside_nor_away(
    api: DisplayAPI, site: ScriptedSite, status: int
):
    with ScriptedSite() as other:
        for address in ("/v2/elsewhere/", f"{other.url}{USER_PATH}"):
            site.answers[USER_PATH] = Answer(
                status=status, headers={"Location": address}
            )
            assert isinstance(refusal(api), SchemaChanged)

    assert site.paths == [USER_PATH, USER_PATH]
    assert other.paths == []


def test_a_cookie_is_not_kept(api: DisplayAPI, site: ScriptedSite):
    site.answers[USER_PATH] = Answer(
        status=500, headers={"Set-Cookie": "goat=1; Path=/"}
    )
    refusal(api)
    refusal(api)

    assert ["cookie" in request.headers for request in site.received] == [False, False]


def test_counters_that_a_video_lacks_are_null_and_texts_of_digits_are_read(
    api: DisplayAPI, site: ScriptedSite
):
    video = {"id": "7", "view_count": "1050", "like_count": None, "share_count": ""}
    site.answers[LIST_PATH] = json_answer(
        {"data": {"videos": [video]}, "error": {"code": "ok"}}
    )

    (page,) = api.videos(ACCESS, deadline=Deadline(10))

    (seen,) = page.videos
    assert (seen.view_count, seen.like_count) == (1_050, None)
    assert (seen.comment_count, seen.share_count) == (None, None)


@pytest.mark.parametrize("processes", (1, 2))
def test_all_workers_together_stay_within_what_tiktok_allows(
    site: ScriptedSite, redis_url: str, processes: int
):
    user = {"open_id": "a", "follower_count": 7}
    found = {"user": user, "videos": []}
    for path in (USER_PATH, LIST_PATH):
        site.answers[path] = json_answer({"data": found, "error": {"code": "ok"}})
    deadline = Deadline(10)
    with redis.Redis.from_url(redis_url) as server, open_http(site.url) as http:
        shared, owner = server if processes > 1 else None, str(uuid4())
        workers = [
            DisplayAPI(http, Limiter(shared, name="display_pace", most=5), owner=owner)
            for _ in range(processes)
        ]
        for number in range(5):
            workers[number % processes].user(ACCESS, deadline=deadline)
        list(workers[0].videos(ACCESS, deadline=deadline))

        verdict = refusal(workers[-1])

    assert isinstance(verdict, RateLimited)
    assert "5 requests of a kind" in verdict.detail
    assert 50 < verdict.retry_after <= 60
    assert site.paths.count(USER_PATH) == 5

"""The access token: fetched once, in time, and again when it is refused."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.scrape.verdicts import (
    Blocked,
    Ok,
    RateLimited,
    SchemaChanged,
    Transient,
)
from infra.embedded.processes import wait_until
from tests.workers.sources.providers.research.building import (
    BILLIE,
    Researcher,
    days_ago,
    ids_in,
)
from tests.workers.sources.providers.research.server import (
    KEY,
    LOG_ID,
    SECRET,
    TOKEN_PATH,
    USER_PATH,
    VIDEO_PATH,
    Handler,
    ResearchServer,
    Trouble,
    answer,
    html,
    internal_error,
    refuse,
    refuse_flat,
    say_nothing,
)

USER = {"follower_count": 7}


@pytest.fixture(autouse=True)
def billie(server: ResearchServer) -> None:
    """A user to look at."""
    server.users["billie.goat"] = USER


def fetched(server: ResearchServer) -> int:
    return len(server.requests(TOKEN_PATH))


def test_the_token_is_asked_for_with_the_clients_credentials(
    server: ResearchServer, researcher: Researcher
):
    researcher.provider().creator_profiles(BILLIE)

    (request,) = server.requests(TOKEN_PATH)
    assert request.body == {
        "client_key": [KEY],
        "client_secret": [SECRET],
        "grant_type": ["client_credentials"],
    }
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert "Authorization" not in request.headers


def test_building_a_provider_asks_nothing(
    server: ResearchServer, researcher: Researcher
):
    researcher.provider()

    assert server.received == []


def test_a_token_is_used_for_many_requests(
    server: ResearchServer, researcher: Researcher
):
    provider = researcher.provider()

    for _ in range(3):
        provider.creator_profiles(BILLIE)

    assert fetched(server) == 1


def test_threads_that_need_a_token_at_once_fetch_one(
    server: ResearchServer, researcher: Researcher
):
    provider = researcher.provider()
    together = threading.Barrier(8)

    def look(_: int) -> object:
        together.wait(10)
        return provider.creator_profiles(BILLIE)

    with ThreadPoolExecutor(8) as threads:
        verdicts = list(threads.map(look, range(8)))

    assert all(isinstance(verdict, Ok) for verdict in verdicts)
    assert fetched(server) == 1


def test_threads_whose_token_is_refused_at_once_fetch_one_more(
    server: ResearchServer, researcher: Researcher
):
    provider = researcher.provider()
    provider.creator_profiles(BILLIE)
    together = threading.Barrier(8)

    def refuse_together(handler: Handler) -> None:
        together.wait(10)
        refuse("access_token_invalid", "", status=401)(handler)

    server.next_time(USER_PATH, *[refuse_together] * 8)

    with ThreadPoolExecutor(8) as threads:
        verdicts = list(threads.map(provider.creator_profiles, [BILLIE] * 8))

    assert all(isinstance(verdict, Ok) for verdict in verdicts)
    assert fetched(server) == 2


@pytest.mark.parametrize(("later", "tokens"), ((6_899, 1), (6_901, 2), (7_201, 2)))
def test_a_token_is_renewed_some_minutes_before_it_ends(
    later: float, tokens: int, server: ResearchServer, researcher: Researcher
):
    provider = researcher.provider()
    provider.creator_profiles(BILLIE)
    researcher.seconds += later

    provider.creator_profiles(BILLIE)

    assert fetched(server) == tokens
    last = server.requests(USER_PATH)[-1].headers["Authorization"]
    assert last == f"Bearer {server.tokens[-1]}"


def test_a_token_that_lives_for_moments_is_used_for_half_of_them(
    server: ResearchServer, researcher: Researcher
):
    server.token_seconds = 60
    provider = researcher.provider()

    for seconds in (0, 29, 2):
        researcher.seconds += seconds
        provider.creator_profiles(BILLIE)

    assert fetched(server) == 2


def test_a_token_that_ends_in_the_middle_of_a_run_is_renewed(
    server: ResearchServer, researcher: Researcher
):
    posted = [server.add_video("billie.goat", days_ago(n)) for n in (1, 35, 65)]

    def end_and_refuse(handler: Handler) -> None:
        server.ended.update(server.tokens)
        refuse("access_token_invalid", "", status=401)(handler)

    first = {"videos": [posted[0]], "has_more": False}
    server.next_time(
        VIDEO_PATH,
        lambda handler: handler.send_json(
            200, {"data": first, "error": {"code": "ok"}}
        ),
        end_and_refuse,
    )

    verdict = researcher.provider(windows=3).discover_videos(BILLIE)

    assert ids_in(verdict) == [str(video["id"]) for video in posted]
    assert fetched(server) == 2
    assert researcher.pauses == []


def test_a_new_token_that_is_refused_too_is_a_block(
    server: ResearchServer, researcher: Researcher
):
    refusal = refuse("access_token_invalid", "Access token is invalid", status=401)
    server.next_time(USER_PATH, refusal, refusal)
    provider = researcher.provider()

    verdict = provider.creator_profiles(BILLIE)
    afterwards = provider.creator_profiles(BILLIE)

    assert isinstance(verdict, Blocked)
    assert LOG_ID in verdict.detail
    assert isinstance(afterwards, Ok)
    assert len(server.requests(USER_PATH)) == 3


def test_a_wrong_secret_is_a_block_that_does_not_tell_it(
    server: ResearchServer, researcher: Researcher
):
    wrong = "wr0ng"

    verdict = researcher.provider(secret=wrong).creator_profiles(BILLIE)

    assert isinstance(verdict, Blocked)
    assert "invalid_client" in verdict.detail
    assert LOG_ID in verdict.detail
    assert wrong not in verdict.detail
    assert server.research_requests() == 0


@pytest.mark.parametrize(
    ("trouble", "expected"),
    (
        (refuse_flat("invalid_client", "", status=200), Blocked),
        (refuse_flat("invalid_client", "", status=401), Blocked),
        (refuse_flat("invalid_grant", "", status=400), Blocked),
        (refuse_flat("unsupported_grant_type", "", status=400), Blocked),
        (refuse_flat("unauthorized_client", "", status=200), Blocked),
        (refuse_flat("access_denied", "", status=403), Blocked),
        (refuse_flat("invalid_request", "", status=400), SchemaChanged),
        (refuse_flat("server_error", "", status=200), Transient),
        (refuse_flat("temporarily_unavailable", "", status=503), Transient),
        (refuse_flat("nobody_knows", "", status=500), Transient),
        (refuse_flat("rate_limit_exceeded", "", status=429), RateLimited),
        (internal_error, Transient),
        (refuse("rate_limit_exceeded", "", status=429), RateLimited),
        (refuse("rate_limit_exceeded", "", status=200), RateLimited),
        (refuse("scope_not_authorized", "", status=200), Blocked),
        (html, SchemaChanged),
        (answer(b"<html>", status=403), Blocked),
        (answer(b"<html>", status=401), Blocked),
        (answer(b"<html>", status=502), Transient),
        (answer(b"", status=200), Transient),
        (answer(b"{}", status=200), SchemaChanged),
        (answer(b"{}", status=500), Transient),
        (answer(b'{"error": 7}'), SchemaChanged),
        (answer(b'{"access_token": "clt.x"}'), SchemaChanged),
        (answer(b'{"access_token": "clt.x", "expires_in": 0}'), SchemaChanged),
        (answer(b'{"access_token": "clt.x", "expires_in": "2h"}'), SchemaChanged),
        (
            answer(b'{"access_token": "clt.x", "expires_in": %b}' % (b"9" * 4_000)),
            SchemaChanged,
        ),
        (answer(b'{"access_token": "", "expires_in": 7200}'), SchemaChanged),
        (answer(b'{"access_token": 7, "expires_in": 7200}'), SchemaChanged),
        (answer(b'{"access_token": "a\\nb", "expires_in": 7200}'), SchemaChanged),
        (
            answer('{"access_token": "é", "expires_in": 7200}'.encode()),
            SchemaChanged,
        ),
    ),
)
def test_a_token_that_is_not_to_be_had_becomes_a_verdict(
    trouble: Trouble,
    expected: type[object],
    server: ResearchServer,
    researcher: Researcher,
):
    server.next_time(TOKEN_PATH, *[trouble] * 5)

    verdict = researcher.provider().creator_profiles(BILLIE)

    assert type(verdict) is expected
    assert server.research_requests() == 0


def test_a_token_endpoint_that_fails_for_a_moment_is_asked_again(
    server: ResearchServer, researcher: Researcher
):
    server.next_time(TOKEN_PATH, internal_error, answer(b"", status=502))

    verdict = researcher.provider().creator_profiles(BILLIE)

    assert isinstance(verdict, Ok)
    assert fetched(server) == 3


def test_who_waits_for_a_token_waits_no_longer_than_the_run_may(
    server: ResearchServer, researcher: Researcher
):
    server.next_time(TOKEN_PATH, say_nothing)
    slow, quick = researcher.provider(), researcher.provider(patience=0.2)
    quick.api.token = slow.api.token
    thread = threading.Thread(target=slow.creator_profiles, args=(BILLIE,))
    thread.start()
    assert wait_until(lambda: fetched(server) == 1, seconds=60)

    verdict = quick.creator_profiles(BILLIE)
    server.over.set()
    thread.join(10)

    assert isinstance(verdict, Transient)
    assert "Others" in verdict.detail

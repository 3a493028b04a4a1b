"""Refusals: the verdicts when the API gives no data, and the times of retries."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Raw

from domain.scrape.verdicts import (
    Blocked,
    NotFound,
    Ok,
    Private,
    RateLimited,
    SchemaChanged,
    Transient,
    Unavailable,
)
from infra.http_out.refusals import Refusal, RefusedError
from infra.http_out.tiktok_api import TikTokReply
from tests.workers.sources.providers.research.building import BILLIE, Researcher
from tests.workers.sources.providers.research.server import (
    LOG_ID,
    USER_PATH,
    ResearchServer,
    Trouble,
    answer,
    hang_up,
    html,
    internal_error,
    refuse,
    too_fast,
)
from workers.sources.providers.research.envelope import data_of, token_of
from workers.sources.providers.research.shapes import page_of, profile_of

USER = {"follower_count": 7}


# Meanings of errors


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    (
        (
            400,
            "invalid_params",
            "Username x is invalid: cannot find the user",
            NotFound,
        ),
        (200, "invalid_params", "CANNOT FIND THE USER", NotFound),
        (400, "invalid_params", "This user is private", Private),
        (400, "invalid_params", "x is private, so no data is returned", Private),
        (
            400,
            "invalid_params",
            "The user's information cannot be returned",
            Unavailable,
        ),
        (
            400,
            "invalid_params",
            "API cannot return this user's information",
            Unavailable,
        ),
        (400, "invalid_params", "Search Id 72 is invalid or expired", Transient),
        (400, "invalid_params", "Invalid count or cursor", Transient),
        (
            400,
            "invalid_request",
            "Something went wrong. Please try again later.",
            Transient,
        ),
        (
            500,
            "internal_error",
            "Something went wrong. Please try again later.",
            Transient,
        ),
        (500, "internal_error", "", Transient),
        (200, "internal_error", "", Transient),
        (504, "timeout", "", Transient),
        (200, "timeout", "", Transient),
        (503, "nobody_knows", "", Transient),
        (500, "ok", "", Transient),
        (401, "scope_not_authorized", "The user did not authorize", Blocked),
        (401, "scope_permission_missed", "", Blocked),
        (400, "scope_permission_missed", "", Blocked),
        (401, "access_token_invalid", "Access token is invalid", Blocked),
        (200, "access_token_invalid", "Access token is invalid", Blocked),
        (401, "nobody_knows", "", Blocked),
        (403, "nobody_knows", "", Blocked),
        (400, "invalid_params", "Fields are invalid", SchemaChanged),
        (400, "invalid_param", "", SchemaChanged),
        (400, "invalid_request", "", SchemaChanged),
        (200, "nobody_knows", "", SchemaChanged),
        (400, "nobody_knows", "", SchemaChanged),
        (404, "ok", "", SchemaChanged),
        (429, "rate_limit_exceeded", "", RateLimited),
        (200, "rate_limit_exceeded", "", RateLimited),
        (429, "nobody_knows", "", RateLimited),
    ),
)
def test_an_error_becomes_the_verdict_that_says_what_to_do(
    status: int,
    code: str,
    message: str,
    expected: type[object],
    server: ResearchServer,
    researcher: Researcher,
):
    troubles = [refuse(code, message, status=status)] * 5
    server.next_time(USER_PATH, *troubles)

    verdict = researcher.provider().creator_profiles(BILLIE)

    assert type(verdict) is expected
    assert not isinstance(verdict, Ok)
    assert code in verdict.detail
    assert message in verdict.detail
    assert LOG_ID in verdict.detail
    assert f"HTTP {status}" in verdict.detail


@pytest.mark.parametrize(
    ("trouble", "expected"),
    (
        (html, SchemaChanged),
        (answer(b"<html>", status=404), SchemaChanged),
        (answer(b"", status=302), SchemaChanged),
        (answer(b"<html>Gateway Timeout", status=504), Transient),
        (answer(b"", status=500), Transient),
        (answer(b"<html>", status=408), Transient),
        (answer(b"<html>Forbidden", status=403), Blocked),
        (answer(b"<html>", status=401), Blocked),
        (answer(b"slow down", status=429), RateLimited),
        (answer(b""), Transient),
        (answer(b"\n"), Transient),
        (answer(b'{"data": {"follower_count": 7'), SchemaChanged),
        (answer(b'{"data": {"follower_count": 7}}'), SchemaChanged),
        (answer(b'{"data": {}, "error": null}'), SchemaChanged),
        (answer(b'{"data": {}, "error": "oops"}'), SchemaChanged),
        (answer(b'{"data": {}, "error": {"code": 7}}'), SchemaChanged),
        (answer(b'{"data": {"a": NaN}, "error": {"code": "ok"}}'), SchemaChanged),
        (
            answer(b'{"data": {"display_name": "\xff"}, "error": {"code": "ok"}}'),
            SchemaChanged,
        ),
        (answer(b'{"error": {"code": "ok"}}'), SchemaChanged),
        (answer(b'"ok"'), SchemaChanged),
        (answer(b"[" * 200_000), SchemaChanged),
        (answer(b'{"data": ' + b"[" * 200_000), SchemaChanged),
        (answer(b"\xef\xbb\xbf{}"), SchemaChanged),
        (hang_up, Transient),
    ),
)
def test_an_answer_that_is_not_the_apis_becomes_a_verdict(
    trouble: Trouble,
    expected: type[object],
    server: ResearchServer,
    researcher: Researcher,
):
    server.next_time(USER_PATH, *[trouble] * 5)

    verdict = researcher.provider().creator_profiles(BILLIE)

    assert type(verdict) is expected


def test_the_log_id_is_told_whatever_it_is(
    server: ResearchServer, researcher: Researcher
):
    body = {"error": {"code": "invalid_params", "message": ["x"], "log_id": 2**70}}
    server.next_time(USER_PATH, lambda handler: handler.send_json(400, body))

    verdict = researcher.provider().creator_profiles(BILLIE)

    assert isinstance(verdict, SchemaChanged)
    assert str(2**70) in verdict.detail


@pytest.mark.parametrize("log_id", ("9" * 3_000, '"goat"', f'["{"x" * 3_000}"]'))
def test_a_detail_is_short_whatever_the_log_id_is(log_id: str):
    body = b'{"error": {"code": "ok", "log_id": %b}}' % log_id.encode()

    refusal = refusal_of(data_of, TikTokReply(status=400, body=body))

    assert refusal
    assert len(refusal.detail) <= 300


def test_a_detail_is_short_and_without_secrets(
    server: ResearchServer, researcher: Researcher
):
    message = f"Authorization: Bearer clt.{'x' * 40} is bad; " + "goat " * 1_000
    server.next_time(USER_PATH, refuse("invalid_params", message))

    verdict = researcher.provider().creator_profiles(BILLIE)

    assert isinstance(verdict, SchemaChanged)
    assert "xxxx" not in verdict.detail
    assert len(verdict.detail) <= 300
    assert LOG_ID in verdict.detail


def test_a_server_that_is_away_is_transient(researcher: Researcher):
    researcher.url = "http://127.0.0.1:1"

    verdict = researcher.provider().creator_profiles(BILLIE)

    assert isinstance(verdict, Transient)
    assert "ConnectError" in verdict.detail


# Asking again


@pytest.mark.parametrize(
    "trouble",
    (
        internal_error,
        answer(b"", status=502),
        refuse("invalid_params", "Invalid count or cursor"),
        too_fast,
        hang_up,
    ),
)
def test_what_passes_by_itself_is_asked_again_after_growing_pauses(
    trouble: Trouble, server: ResearchServer, researcher: Researcher
):
    server.users["billie.goat"] = USER
    server.next_time(USER_PATH, *[trouble] * 4)

    verdict = researcher.provider().creator_profiles(BILLIE)

    assert isinstance(verdict, Ok)
    assert len(server.requests(USER_PATH)) == 5
    least = [5.0, 5.0, 4.0, 8.0] if trouble is too_fast else [1.0, 2.0, 4.0, 8.0]
    for pause, shortest in zip(researcher.pauses, least, strict=True):
        assert shortest <= pause <= max(shortest * 1.5, 6.0)


def test_it_is_asked_so_often_and_no_more(
    server: ResearchServer, researcher: Researcher
):
    server.next_time(USER_PATH, *[internal_error] * 50)

    verdict = researcher.provider().creator_profiles(BILLIE)

    assert isinstance(verdict, Transient)
    assert len(server.requests(USER_PATH)) == 5


def test_it_is_not_asked_again_when_the_time_is_over_by_then(
    server: ResearchServer, researcher: Researcher
):
    server.next_time(USER_PATH, *[internal_error] * 50)

    verdict = researcher.provider(patience=4.6).creator_profiles(BILLIE)

    assert isinstance(verdict, Transient)
    assert "internal_error" in verdict.detail
    assert len(server.requests(USER_PATH)) == 3
    assert sum(researcher.pauses) < 4.6


@pytest.mark.parametrize(
    "trouble",
    (
        html,
        refuse("scope_not_authorized", "", status=401),
        refuse("invalid_params", "cannot find the user"),
        refuse("invalid_params", "Fields are invalid"),
    ),
)
def test_what_does_not_pass_is_not_asked_again(
    trouble: Trouble, server: ResearchServer, researcher: Researcher
):
    server.users["billie.goat"] = USER
    server.next_time(USER_PATH, trouble)

    verdict = researcher.provider().creator_profiles(BILLIE)

    assert not isinstance(verdict, Ok)
    assert len(server.requests(USER_PATH)) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    (
        ("17", 17.0),
        ("999999999", 3_600.0),
        ("0", 5.0),
        ("-1", 5.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 5.0),
        ("1e9", 5.0),
    ),
)
def test_who_asks_too_fast_waits_as_long_as_told_or_some_seconds(
    header: str, seconds: float, server: ResearchServer, researcher: Researcher
):
    trouble = refuse("rate_limit_exceeded", "", status=429, Retry_After=header)
    server.next_time(USER_PATH, *[trouble] * 5)

    verdict = researcher.provider(patience=4.0).creator_profiles(BILLIE)

    assert isinstance(verdict, RateLimited)
    assert verdict.retry_after == seconds
    assert len(server.requests(USER_PATH)) == 1


# Any JSON

Read = Callable[[Any], object]

words = st.sampled_from(
    (
        *("data", "error", "code", "message", "log_id", "access_token", "expires_in"),
        *("videos", "cursor", "has_more", "search_id", "id", "create_time"),
        *("view_count", "follower_count", "x"),
    )
)
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, width=64)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4)
    ),
    max_leaves=12,
)
bodies = st.binary(max_size=40) | values.map(msgspec.json.encode)


def refusal_of(read: Read, given: object) -> Refusal | None:
    """The reader's refusal; any other exception is a failure of the test."""
    try:
        read(given)
    except RefusedError as error:
        return error.verdict
    return None


@pytest.mark.parametrize("read", (data_of, token_of))
@given(body=bodies, status=st.integers(200, 599))
@example(body=b'{"access_token": "clt.x\\n", "expires_in": 7200}', status=200)
@example(body=b'{"error": {"code": "ok"}, "access_token": "clt"}', status=200)
@example(body=b'{"data": {}, "error": {"code": "ok"}}', status=200)
def test_whatever_comes_is_data_or_a_verdict(read: Read, body: bytes, status: int):
    refusal = refusal_of(read, TikTokReply(status=status, body=body))

    assert refusal or status == 200


@pytest.mark.parametrize("read", (page_of, profile_of))
@given(data=bodies)
@example(data=b'{"videos": [{"id": 7}], "follower_count": 7}')
def test_whatever_the_data_is_it_is_read_or_a_verdict(read: Read, data: bytes):
    refusal = refusal_of(read, Raw(data))

    assert refusal is None or isinstance(refusal, SchemaChanged)

"""Refusals: each status and each word of a service has its verdict."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from domain.scrape.verdicts import (
    Blocked,
    NotFound,
    Ok,
    Private,
    RateLimited,
    SchemaChanged,
    Transient,
    Unavailable,
    Verdict,
)
from tests.kit.ensembledata import UNITS_USED_UP
from tests.kit.paid_accounts import PaidAccount
from tests.kit.scrapecreators import OUT_OF_CREDITS
from tests.kit.scripted_site import Answer, json_answer
from tests.workers.sources.providers.paid.building import NANNY, Paid


def look(paid: Paid, answer: Answer) -> Verdict:
    paid.server.answers[paid.profile_path] = answer
    return paid.provider.creator_profiles(NANNY)


def detail_of(verdict: Verdict) -> str:
    assert not isinstance(verdict, Ok)
    return verdict.detail


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    (
        (200, {"message": "User not found"}, NotFound),
        (200, {"message": "Couldn't find that user"}, NotFound),
        (200, {"message": "This account doesn't exist"}, NotFound),
        (200, {"success": False, "message": "The account is private"}, Private),
        (200, {"success": False, "message": "Account banned"}, Unavailable),
        (200, {"success": False, "message": "Something else"}, SchemaChanged),
        (200, {"message": {"not": "a text"}}, SchemaChanged),
        (200, {"error": {"message": "user does not exist"}}, NotFound),
        (400, {"message": "handle is required"}, SchemaChanged),
        (401, {"message": "Unauthorized"}, Blocked),
        (402, {"message": "no"}, Blocked),
        (403, {"message": "Forbidden"}, Blocked),
        (404, {"message": "User was not found"}, NotFound),
        (404, {"message": "Account is private"}, Private),
        (404, {"message": "Gone fishing"}, NotFound),
        # Answers of frameworks for a path that they do not have, for any request.
        (404, {"detail": "Not Found"}, SchemaChanged),
        (404, {"message": "Cannot GET /v1/tiktok/profile"}, SchemaChanged),
        (404, {}, SchemaChanged),
        (404, [], SchemaChanged),
        (418, {"message": "teapot"}, Blocked),
        (422, {"detail": [{"loc": ["query"]}]}, SchemaChanged),
        (429, {"message": "Exceeded daily rate limit."}, RateLimited),
        (500, {"message": "Please try again"}, Transient),
        (503, {"message": "User not found"}, Transient),
        (200, [], SchemaChanged),
        (200, "ok", SchemaChanged),
        (200, None, SchemaChanged),
    ),
)
def test_each_status_and_word_has_its_verdict(
    paid: Paid, status: int, body: object, verdict: type
):
    assert type(look(paid, json_answer(body, status=status))) is verdict


@pytest.mark.parametrize(
    ("status", "verdict"),
    (
        (404, SchemaChanged),
        (462, SchemaChanged),
        (463, NotFound),
        (464, SchemaChanged),
        (471, Unavailable),
        (472, Private),
        (473, NotFound),
        (474, Unavailable),
        (491, Blocked),
        (492, Blocked),
        (493, Blocked),
        (495, RateLimited),
        (520, Unavailable),
    ),
)
def test_each_status_of_its_own_has_its_verdict(
    ensembledata: Paid, status: int, verdict: type
):
    answer = json_answer({"detail": "Not Found"}, status=status)

    assert type(look(ensembledata, answer)) is verdict


@pytest.mark.parametrize("status", (473, 491, 520))
def test_a_status_of_its_own_counts_only_with_its_own_words(
    ensembledata: Paid, status: int
):
    page = Answer(status=status, body=b"<html>Web server is down</html>")

    assert isinstance(look(ensembledata, page), Transient | SchemaChanged)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    (
        (Answer(body=b""), Transient),
        (Answer(body=b" \r\n"), Transient),
        (Answer(body=b"<html>Just a moment...</html>"), Blocked),
        (Answer(body=b'{"user":'), SchemaChanged),
        (Answer(status=404, body=b"<html>nginx</html>"), SchemaChanged),
        (Answer(status=403, body=b"<html>cloudflare</html>"), Blocked),
        (Answer(status=502, body=b"bad gateway"), Transient),
        (Answer(status=301), Blocked),
    ),
)
def test_what_is_no_json_has_its_verdict(paid: Paid, answer: Answer, verdict: type):
    assert type(look(paid, answer)) is verdict


def test_no_credits_is_said_in_words(scrapecreators: Paid):
    scrapecreators.add()
    scrapecreators.server.answers[scrapecreators.profile_path] = OUT_OF_CREDITS

    verdict = scrapecreators.provider.creator_profiles(NANNY)

    assert isinstance(verdict, Blocked)
    assert verdict.detail.startswith(
        "Your account at ScrapeCreators is out of credits: buy more there"
    )


def test_units_of_the_day_are_back_at_midnight_utc(ensembledata: Paid):
    verdict = look(ensembledata, UNITS_USED_UP)

    assert isinstance(verdict, RateLimited)
    assert verdict.retry_after == 2.5 * 3_600
    assert "has used its units of today" in verdict.detail


def test_a_refused_key_names_the_setting(paid: Paid):
    paid.add()
    service = paid.provider.site.service
    paid.provider.site = replace(
        paid.provider.site,
        headers={"x-api-key": "wrong"},
        secret_query="token=wrong",  # noqa: S106
    )

    verdict = paid.provider.creator_profiles(NANNY)

    assert isinstance(verdict, Blocked)
    assert service.key_setting == f"GOATHERD_{paid.name.upper()}_API_KEY"
    assert service.key_setting in verdict.detail


def test_a_wait_is_as_long_as_the_service_says(paid: Paid):
    slow = json_answer({"message": "x"}, status=429, **{"Retry-After": "120"})
    unsaid = json_answer({"message": "x"}, status=429)

    assert look(paid, slow) == RateLimited(
        120.0, f"{paid.provider.site.name} got too many requests (HTTP 429: x)."
    )
    waits = look(paid, unsaid)
    assert isinstance(waits, RateLimited)
    assert waits.retry_after == 60.0


@pytest.mark.parametrize(
    "location",
    (
        lambda url: url.replace("127.0.0.1", "localhost") + "/x",
        lambda _: "http://169.254.169.254/latest/meta-data",
        lambda _: "//127.0.0.1:1/x",
        lambda _: "file:///etc/passwd",
        lambda url: url.replace("http://", "https://"),
    ),
)
def test_a_redirect_to_another_host_does_not_get_the_key(
    paid: Paid, location: Callable[[str], str]
):
    where = location(paid.server.url)

    verdict = look(paid, Answer(status=302, headers={"Location": where}))

    assert isinstance(verdict, Blocked)
    assert len(paid.server.received) == 1


def test_a_redirect_within_the_service_is_followed_with_the_key(paid: Paid):
    account = PaidAccount()
    paid.add(account)
    base = paid.provider.site.base_url.removeprefix(paid.server.url)
    moved = Answer(status=307, headers={"Location": f"{base}/moved?x=1"})
    paid.server.answers[f"{base}/moved"] = json_answer(
        account.web | {"data": account.web}
    )

    verdict = look(paid, moved)

    assert isinstance(verdict, Ok)
    assert verdict.pages == 2
    last = paid.server.received[1]
    assert [last.headers.get("x-api-key"), *last.query.get("token", [])] in (
        [paid.key],
        [None, paid.key],
    )


def test_redirects_in_circles_come_to_an_end(paid: Paid):
    circle = Answer(status=302, headers={"Location": paid.profile_path})

    assert isinstance(look(paid, circle), Blocked)
    assert len(paid.server.received) == 4


def test_words_of_a_service_are_short_and_on_one_line(paid: Paid):
    said = "User not found\n\n\x00" + "x" * 10_000

    detail = detail_of(look(paid, json_answer({"message": said}, status=404)))

    assert len(detail) < 300
    assert detail.isprintable()

"""Refusals: each way of not showing a profile has its verdict."""

from datetime import timedelta

import pytest

from domain.scrape.verdicts import (
    Blocked,
    NotFound,
    Private,
    RateLimited,
    SchemaChanged,
    Transient,
    Unavailable,
)
from tests.workers.sources.providers.web.server import Answer, TikTok
from tests.workers.sources.providers.web.shapes import (
    CAPTCHA_PAGE,
    COUNTERS,
    EMPTY_PAGE,
    HANDLE,
    NOW,
    STRANGE_PAGE,
    WAF_PAGE,
    a_detail,
    a_user,
    html,
    nobody_page,
    older_profile_page,
    page_with,
    profile_page,
)
from workers.sources.port import Target
from workers.sources.providers.web import WebProvider

NANNY = Target(handle=HANDLE)
PAGE = f"/@{HANDLE}"
WHOLE_PAGE = page_with({"webapp.user-detail": a_detail()})


@pytest.mark.parametrize(
    ("code", "verdict"),
    (
        (10000, Blocked),
        (10101, Transient),
        (10102, Blocked),
        (10111, Transient),
        (10113, Blocked),
        (10114, Blocked),
        (10201, Blocked),
        (10202, NotFound),
        (10221, NotFound),
        (10222, Private),
        (10223, Unavailable),
        (10225, Unavailable),
        (10204, SchemaChanged),
        (99_999, SchemaChanged),
        ("10221", NotFound),
        ("what", SchemaChanged),
        (None, SchemaChanged),
        (True, SchemaChanged),
        (0, SchemaChanged),
    ),
)
def test_each_code_of_a_page_without_an_account_has_its_verdict(
    tiktok: TikTok, provider: WebProvider, code: object, verdict: type
):
    tiktok.answers[PAGE] = nobody_page(code)

    answer = provider.creator_profiles(NANNY)

    assert type(answer) is verdict
    assert tiktok.paths == [PAGE]


def test_the_code_counts_even_if_counters_come_with_it(
    tiktok: TikTok, provider: WebProvider
):
    tiktok.answers[PAGE] = profile_page(a_detail(code=10222))

    verdict = provider.creator_profiles(NANNY)

    assert isinstance(verdict, Private)


@pytest.mark.parametrize(("code", "verdict"), ((10221, NotFound), (10222, Private)))
def test_an_older_page_gives_codes_too(
    tiktok: TikTok, provider: WebProvider, code: int, verdict: type
):
    tiktok.answers[PAGE] = older_profile_page(code=code)

    assert type(provider.creator_profiles(NANNY)) is verdict


@pytest.mark.parametrize(
    ("flag", "verdict"), (("privateAccount", Private), ("ftc", Unavailable))
)
def test_accounts_that_are_not_for_the_public_are_not_read(
    tiktok: TikTok, provider: WebProvider, flag: str, verdict: type
):
    detail = a_detail(user=a_user(**{flag: True}))
    tiktok.answers[PAGE] = profile_page(detail)

    assert type(provider.creator_profiles(NANNY)) is verdict


@pytest.mark.parametrize(
    "detail",
    (
        {},
        {"statusCode": 0},
        {"statusCode": 0, "userInfo": None},
        {"statusCode": 0, "userInfo": {"user": []}},
        {"statusCode": 0, "userInfo": {"user": {}, "statsV2": COUNTERS}},
        a_detail(user=a_user(id=None)),
        a_detail(user=a_user(id="0")),
        a_detail(user=a_user(id="../../etc")),
        a_detail(user=a_user(uniqueId=None)),
        # A public tracker wrote zeros for five months when its page came like this.
        a_detail(stats=None, exact=None),
        a_detail(stats={}, exact={}),
        a_detail(stats=[1], exact="2"),
        ["webapp"],
        "text",
        None,
    ),
)
def test_a_page_that_lacks_what_makes_a_profile_is_in_no_known_shape(
    tiktok: TikTok, provider: WebProvider, detail: object
):
    tiktok.answers[PAGE] = profile_page(detail)

    verdict = provider.creator_profiles(NANNY)

    assert isinstance(verdict, SchemaChanged)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    (
        (CAPTCHA_PAGE, Blocked),
        (WAF_PAGE, Blocked),
        (html(b"<html><title>Log in | TikTok</title></html>"), Blocked),
        (html(b"<HTML><TITLE>Access Denied</TITLE></HTML>", status=403), Blocked),
        (html(WHOLE_PAGE, status=401), Blocked),
        (html(WHOLE_PAGE, status=500), Transient),
        (html(b"Bad gateway", status=502), Transient),
        (html(b"", status=503), Transient),
        (html(b"", status=408), Transient),
        (html(b"", status=400), SchemaChanged),
        # A missing profile answers 200 and a code; a bare 404 is some other server.
        (html(b"Not here", status=404), SchemaChanged),
        (html(b"Not here", status=410), SchemaChanged),
        (EMPTY_PAGE, Transient),
        (html(b" \n", status=200), Transient),
        (STRANGE_PAGE, SchemaChanged),
        (html(b"{}"), SchemaChanged),
        (html(WHOLE_PAGE[: len(WHOLE_PAGE) // 2]), Transient),
        (html(WHOLE_PAGE.replace(b'"userInfo"', b'"userInfo')), SchemaChanged),
        (html(WHOLE_PAGE.replace(b"}</script>", b"</script>")), SchemaChanged),
        (html(b"\xff\xfe" * 1_000), SchemaChanged),
    ),
)
def test_what_comes_in_place_of_a_page_has_its_verdict(
    tiktok: TikTok, provider: WebProvider, answer: Answer, verdict: type
):
    tiktok.answers[PAGE] = answer

    given = provider.creator_profiles(NANNY)

    assert type(given) is verdict
    # No puzzle is solved, and nothing is tried a second time.
    assert tiktok.paths == [PAGE]


def test_a_404_that_carries_a_page_is_read_as_one(
    tiktok: TikTok, provider: WebProvider
):
    tiktok.answers[PAGE] = html(nobody_page(10221).body, status=404)

    assert isinstance(provider.creator_profiles(NANNY), NotFound)


def test_deeply_nested_json_is_not_followed_down(tiktok: TikTok, provider: WebProvider):
    deep = b"[" * 100_000 + b"]" * 100_000
    body = WHOLE_PAGE.replace(b'"itemList": []', b'"itemList": ' + deep)
    tiktok.answers[PAGE] = html(body)

    assert isinstance(provider.creator_profiles(NANNY), SchemaChanged)


def later(seconds: float) -> str:
    moment = NOW + timedelta(seconds=seconds)
    return moment.strftime("%a, %d %b %Y %H:%M:%S GMT")


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    (
        ("120", 120.0),
        ("0", 1.0),
        (later(90), 90.0),
        (later(-90), 1.0),
        ("999999999999999999999", 86_400.0),
        ("9" * 5_000, 86_400.0),
        (later(10_000_000), 86_400.0),
        ("-5", 60.0),
        ("soon", 60.0),
        ("Sat, 99 Foo 20000 99:99:99 GMT", 60.0),
        ("\u0663", 60.0),
        (None, 60.0),
    ),
)
def test_too_many_requests_say_when_to_come_back(
    tiktok: TikTok, provider: WebProvider, retry_after: str | None, seconds: float
):
    answer = html(b"", status=429)
    if retry_after is not None:
        answer.headers["Retry-After"] = retry_after.encode().decode("latin-1")
    tiktok.answers[PAGE] = answer

    verdict = provider.creator_profiles(NANNY)

    assert isinstance(verdict, RateLimited)
    assert verdict.retry_after == seconds


def test_a_503_that_says_when_to_come_back_is_a_limit_too(
    tiktok: TikTok, provider: WebProvider
):
    answer = html(b"", status=503)
    answer.headers["Retry-After"] = "30"
    tiktok.answers[PAGE] = answer

    verdict = provider.creator_profiles(NANNY)

    assert isinstance(verdict, RateLimited)
    assert verdict.retry_after == 30

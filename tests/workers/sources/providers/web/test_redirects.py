"""Where the provider goes, and where nothing gets it to go."""

from collections.abc import Callable

import pytest

from domain.scrape.verdicts import (
    Blocked,
    NotFound,
    Ok,
)
from tests.workers.sources.providers.web.server import Answer, TikTok
from tests.workers.sources.providers.web.shapes import HANDLE, a_detail, profile_page
from workers.sources.port import Target
from workers.sources.providers.web import WebProvider

NANNY = Target(handle=HANDLE)
PAGE = f"/@{HANDLE}"


@pytest.mark.parametrize(
    "handle",
    (
        "",
        "..",
        "a/../../api",
        "a?b",
        "a#b",
        "a b",
        "@@a",
        "\u212aid",
        "x" * 40,
        "a\r\nb",
    ),
)
def test_what_is_no_handle_is_never_asked_for(
    tiktok: TikTok, provider: WebProvider, handle: str
):
    verdict = provider.creator_profiles(Target(handle=handle))

    assert isinstance(verdict, NotFound)
    assert tiktok.received == []


def redirect(location: str) -> Answer:
    return Answer(status=302, headers={"Location": location})


def test_a_redirect_to_the_same_profile_is_followed(
    tiktok: TikTok, provider: WebProvider
):
    tiktok.answers[PAGE] = redirect(f"{PAGE}/?lang=en")
    tiktok.answers[f"{PAGE}/"] = profile_page(a_detail())

    verdict = provider.creator_profiles(NANNY)

    assert isinstance(verdict, Ok)
    assert verdict.pages == 2
    assert tiktok.received[1].query == {"lang": ["en"]}


ELSEWHERE: list[Callable[[str], str]] = [
    lambda url: f"{url}/login?redirect_url=x",
    lambda url: f"{url}/@billy.butt",
    lambda url: f"{url}/@{HANDLE}/../../secret",
    lambda url: url.replace("127.0.0.1", "localhost") + PAGE,
    lambda url: url.replace("http://", "http://user@") + PAGE,
    lambda url: url.replace("http://", "https://") + PAGE,
    lambda _: "http://169.254.169.254/latest/meta-data",
    lambda _: f"//127.0.0.1:1{PAGE}",
    lambda _: f"http://[::1{PAGE}",
    lambda _: "http:\\\\evil.example\\@" + HANDLE,
    lambda _: "file:///etc/passwd",
    lambda _: "javascript:alert(1)",
    lambda url: f"{url}{PAGE}\xe9\x7f",
    lambda _: "/login",
    lambda _: "",
]


@pytest.mark.parametrize("location", ELSEWHERE)
def test_a_redirect_to_anything_else_is_not_followed(
    tiktok: TikTok, provider: WebProvider, location: Callable[[str], str]
):
    tiktok.answers[PAGE] = redirect(location(tiktok.url))

    verdict = provider.creator_profiles(NANNY)

    assert isinstance(verdict, Blocked)
    assert tiktok.paths == [PAGE]


def test_redirects_in_circles_come_to_an_end(tiktok: TikTok, provider: WebProvider):
    tiktok.answers[PAGE] = redirect(PAGE)

    verdict = provider.creator_profiles(NANNY)

    assert isinstance(verdict, Blocked)
    assert len(tiktok.received) == 4


def test_no_cookie_is_kept_and_nobody_is_impersonated(
    tiktok: TikTok, provider: WebProvider
):
    first = redirect(f"{PAGE}/")
    first.headers["Set-Cookie"] = "ttwid=1; Path=/"
    second = profile_page(a_detail())
    second.headers["Set-Cookie"] = "msToken=2"
    tiktok.answers |= {PAGE: first, f"{PAGE}/": second}

    provider.creator_profiles(NANNY)
    provider.creator_profiles(NANNY)

    assert len(tiktok.received) == 4
    for request in tiktok.received:
        assert "cookie" not in request.headers
        assert "Goatherd" in request.headers["user-agent"]
        assert request.headers["accept-encoding"] == "gzip"

"""In a chain: a paid service is asked where the pages are shut, and only then."""

import pytest

from domain.scrape.verdicts import Ok
from infra.http_out.limiter import polite
from tests.kit.paid_accounts import HANDLE, USER_ID
from tests.workers.sources.providers.paid.building import (
    KNOWN,
    NOW,
    PATIENT,
    Paid,
    ids_in,
)
from tests.workers.sources.providers.web.server import Answer, TikTok
from tests.workers.sources.providers.web.shapes import (
    CAPTCHA_PAGE,
    a_detail,
    an_item,
    profile_page,
)
from workers.sources.chain import Answered, Chain
from workers.sources.providers.web import WebProvider

PAGE = f"/@{HANDLE}"
LIST = "/api/creator/item_list/"


def ask(tiktok: TikTok, paid: Paid) -> Answered:
    web = WebProvider(
        tiktok.url,
        politeness=polite(None, gap=0.0, jitter=0.0),
        limits=PATIENT,
        now=lambda: NOW,
    )
    answered = Chain(web, paid.provider).ask("discover_videos", KNOWN, longest_wait=1)
    assert isinstance(answered, Answered)
    return answered


@pytest.mark.parametrize("shut", (CAPTCHA_PAGE, Answer(status=403)))
def test_a_page_that_is_shut_leads_to_the_service(paid: Paid, shut: Answer):
    ids = paid.add(videos=3)
    with TikTok() as tiktok:
        tiktok.answers[PAGE] = shut
        answered = ask(tiktok, paid)

    assert answered.provider.name == paid.name
    assert ids_in(answered.verdict) == ids
    assert [(each.provider, each.outcome) for each in answered.tried] == [
        ("web", "blocked")
    ]


def test_a_profile_of_the_page_goes_with_the_list_of_the_service(paid: Paid):
    ids = paid.add(videos=3)
    with TikTok() as tiktok:
        tiktok.answers[PAGE] = profile_page(a_detail())
        tiktok.answers[LIST] = CAPTCHA_PAGE
        answered = ask(tiktok, paid)

    assert ids_in(answered.verdict) == ids
    assert answered.profile is not None
    name, profile = answered.profile
    assert (name, profile.user_id) == ("web", USER_ID)
    assert isinstance(answered.verdict, Ok)
    assert answered.verdict.profile is None


@pytest.mark.parametrize("further", (3, 1))
def test_a_list_that_is_shut_after_a_page_is_asked_of_the_service(
    paid: Paid, further: int
):
    ids = paid.add(videos=further)
    shown = a_detail(stats=None, exact={"videoCount": "9"})
    shown["userInfo"]["itemList"] = [
        an_item(video_id, author={"id": USER_ID}) for video_id in ("71", "72")
    ]
    with TikTok() as tiktok:
        tiktok.answers[PAGE] = profile_page(shown)
        tiktok.answers[LIST] = CAPTCHA_PAGE
        answered = ask(tiktok, paid)

    is_longer = further > 2
    assert ids_in(answered.verdict) == (ids if is_longer else ["71", "72"])
    assert isinstance(answered.verdict, Ok)
    assert (answered.verdict.listed_reason is None) is is_longer
    (tried,) = answered.tried
    assert (tried.provider, tried.outcome) == (
        ("web", "blocked") if is_longer else (paid.name, "ok")
    )


def test_a_page_that_answers_costs_nothing(paid: Paid):
    paid.add(videos=3)
    with TikTok() as tiktok:
        tiktok.answers[PAGE] = profile_page(
            a_detail(stats=None, exact={"followerCount": "7", "videoCount": "0"})
        )
        answered = ask(tiktok, paid)

    assert answered.provider.name == "web"
    assert paid.server.received == []

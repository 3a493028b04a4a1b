"""In a chain: a paid service is asked where the pages are shut, and only then."""

import pytest

from tests.kit.paid_accounts import HANDLE, USER_ID
from tests.workers.providers.paid.building import KNOWN, NOW, PATIENT, Paid, ids_in
from tests.workers.providers.web.server import Answer, TikTok
from tests.workers.providers.web.shapes import CAPTCHA_PAGE, a_detail, profile_page
from workers.politeness import Politeness
from workers.provider import Ok
from workers.providers.web import WebProvider
from workers.scraping.chain import Answered, Chain

PAGE = f"/@{HANDLE}"
LIST = "/api/creator/item_list/"


def ask(tiktok: TikTok, paid: Paid) -> Answered:
    web = WebProvider(
        tiktok.url,
        politeness=Politeness(None, gap=0.0, jitter=0.0),
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


def test_a_page_that_answers_costs_nothing(paid: Paid):
    paid.add(videos=3)
    with TikTok() as tiktok:
        tiktok.answers[PAGE] = profile_page(
            a_detail(stats=None, exact={"followerCount": "7", "videoCount": "0"})
        )
        answered = ask(tiktok, paid)

    assert answered.provider.name == "web"
    assert paid.server.received == []

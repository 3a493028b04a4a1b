"""Profiles: whose they are, which counters they have, and which they leave out."""

from hashlib import sha256

import pytest

from domain.scrape.observations import ProfileObservation
from domain.scrape.verdicts import (
    IdentityChanged,
    NotFound,
    Ok,
    Private,
    SchemaChanged,
    Unavailable,
    Verdict,
)
from tests.kit.paid_accounts import SEC_UID, USER_ID, PaidAccount
from tests.workers.sources.providers.paid.building import KNOWN, NANNY, NOW, Paid
from workers.sources.port import Target

STRANGER = "7040088116276609999"


def profile_in(verdict: Verdict) -> ProfileObservation:
    assert isinstance(verdict, Ok), verdict
    assert verdict.profile is not None
    return verdict.profile


def test_a_profile_in_the_shape_of_the_web_is_as_rounded_as_the_page(
    scrapecreators: Paid,
):
    scrapecreators.add(videos=3)

    verdict = scrapecreators.provider.creator_profiles(NANNY)

    assert profile_in(verdict) == ProfileObservation(
        user_id=USER_ID,
        sec_uid=SEC_UID,
        display_name="Nanny Bleat",
        avatar_url="https://p16.example.net/avt-0068/1080.jpeg",
        follower_count=4_100_000,
        following_count=74,
        total_likes_count=190_400_000,
        video_count=3,
        precision="rounded",
    )


def test_exact_counters_are_taken_where_a_service_passes_them_on(paid: Paid):
    web = PaidAccount().web
    exact = {"followerCount": "4100233", "heart": "7", "heartCount": "7"}
    counters = {"followingCount": "74", "videoCount": "3"}
    paid.answer_profile({**web, "statsV2": {**exact, **counters}})

    profile = profile_in(paid.provider.creator_profiles(NANNY))

    assert (profile.follower_count, profile.total_likes_count) == (4_100_233, 7)
    assert profile.precision == "exact"


def test_a_profile_in_the_shape_of_the_app_is_exact(ensembledata: Paid):
    ensembledata.add(videos=3)

    verdict = ensembledata.provider.creator_profiles(NANNY)

    assert profile_in(verdict) == ProfileObservation(
        user_id=USER_ID,
        sec_uid=SEC_UID,
        display_name="Nanny Bleat",
        avatar_url="https://p16.example.net/avt/1080.webp",
        follower_count=4_100_233,
        following_count=74,
        total_likes_count=190_412_345,
        video_count=3,
        precision="exact",
    )
    assert isinstance(verdict, Ok)
    assert (verdict.observed_at, verdict.pages) == (NOW, 1)


def test_names_of_one_shape_may_come_with_counters_of_the_other(paid: Paid):
    account = PaidAccount()
    paid.answer_profile({"user": account.app, "stats": account.web["stats"]})
    of_the_app = profile_in(paid.provider.creator_profiles(NANNY))
    counters = {"follower_count": 12, "aweme_count": 4}
    paid.answer_profile({"user": account.web["user"] | counters})
    of_the_web = profile_in(paid.provider.creator_profiles(NANNY))

    assert of_the_app.follower_count == 4_100_233
    assert (of_the_web.follower_count, of_the_web.video_count) == (12, 4)
    assert of_the_web.following_count is None


def test_the_digest_is_of_what_was_read(paid: Paid):
    paid.add()
    verdict = paid.provider.creator_profiles(NANNY)
    body = paid.server.answer_to(paid.server.received[0]).body

    assert isinstance(verdict, Ok)
    assert verdict.payload_sha256 == sha256(body).hexdigest()


@pytest.mark.parametrize(
    ("written", "read"),
    (
        ("4100233", 4_100_233),
        (0, 0),
        ("", None),
        ("null", None),
        (None, None),
        (True, None),
        (12.5, None),
        (2**63, None),
        (str(10**30), None),
        ([4], None),
        ({"value": 4}, None),
    ),
)
def test_a_counter_is_a_number_that_is_there_or_null(
    paid: Paid, written: object, read: int | None
):
    account = PaidAccount(
        stats={"followerCount": written}, user={"follower_count": written}
    )
    paid.server.add(account)

    profile = profile_in(paid.provider.creator_profiles(NANNY))

    assert profile.follower_count == read
    assert profile.following_count == 74


def test_likes_that_passed_the_largest_number_of_a_phone_are_null(paid: Paid):
    wrapped = -1_720_410_671
    account = PaidAccount(
        stats={"heart": wrapped, "heartCount": wrapped},
        user={"total_favorited": wrapped},
    )
    paid.server.add(account)

    profile = profile_in(paid.provider.creator_profiles(NANNY))

    assert profile.total_likes_count is None


@pytest.mark.parametrize(
    "gone",
    (
        {"user": {}},
        {"user": None},
        {"user": "nanny.bleat"},
        {},
        {"user": {"uniqueId": "nanny.bleat"}, "stats": {"followerCount": 4}},
        {"user": {"unique_id": "nanny.bleat", "follower_count": 4}},
        {"user": {"id": "1", "uniqueId": "nanny.bleat"}, "stats": {}},
        {"user": {"id": "0", "uniqueId": "nanny.bleat"}, "stats": {"videoCount": 1}},
        {"user": {"uid": "1", "unique_id": "nanny.bleat"}},
    ),
)
def test_an_answer_without_what_makes_a_profile_is_in_no_known_shape(
    paid: Paid, gone: dict[str, object]
):
    paid.answer_profile(gone)

    assert isinstance(paid.provider.creator_profiles(NANNY), SchemaChanged)


def test_the_profile_of_another_account_is_not_taken(paid: Paid):
    paid.add(PaidAccount(user_id=STRANGER))

    verdict = paid.provider.creator_profiles(KNOWN)

    assert isinstance(verdict, IdentityChanged)
    assert verdict.user_id == STRANGER


def test_without_a_known_id_the_handle_decides_whose_profile_it_is(paid: Paid):
    account = PaidAccount(user={"uniqueId": "billy.butt", "unique_id": "billy.butt"})
    paid.server.add(account)

    assert isinstance(paid.provider.creator_profiles(NANNY), IdentityChanged)


def test_an_account_that_is_private_is_not_read(paid: Paid):
    paid.server.add(PaidAccount(user={"privateAccount": True, "secret": 1}))

    assert isinstance(paid.provider.creator_profiles(NANNY), Private)


def test_an_account_under_age_is_not_read(scrapecreators: Paid):
    scrapecreators.server.add(PaidAccount(user={"ftc": True}))

    verdict = scrapecreators.provider.creator_profiles(NANNY)

    assert isinstance(verdict, Unavailable)


def test_what_is_no_handle_is_not_requested(paid: Paid):
    verdict = paid.provider.creator_profiles(Target(handle="../../customer?x=1"))

    assert isinstance(verdict, NotFound)
    assert paid.server.received == []


@pytest.mark.parametrize(
    ("code", "verdict"), ((10221, NotFound), (10222, Private), (10223, Unavailable))
)
def test_a_code_of_tiktok_that_is_passed_on_has_its_verdict(
    paid: Paid, code: int, verdict: type
):
    paid.answer(paid.profile_path, {"statusCode": code, "user": {}, "data": {}})

    assert type(paid.provider.creator_profiles(NANNY)) is verdict

"""Reading a profile: the fields of its page, and its account."""

from datetime import UTC, datetime
from hashlib import sha256

from domain.scrape.observations import ProfileObservation
from domain.scrape.verdicts import (
    IdentityChanged,
    Ok,
)
from infra.http_out.limiter import Limiter
from tests.workers.sources.providers.web.server import TikTok, seen
from tests.workers.sources.providers.web.shapes import (
    HANDLE,
    NOW,
    SEC_UID,
    SHORT_SEC_UID,
    USER_ID,
    a_detail,
    a_user,
    html,
    older_profile_page,
    page_with,
    profile_page,
)
from workers.sources.port import Target
from workers.sources.providers.web import WebProvider

NANNY = Target(handle=HANDLE)
PAGE = f"/@{HANDLE}"
WHOLE_PAGE = page_with({"webapp.user-detail": a_detail()})


def test_a_profile_is_seen_with_its_exact_counters(
    tiktok: TikTok, provider: WebProvider
):
    answer = profile_page(a_detail())
    tiktok.answers[PAGE] = answer

    verdict = provider.creator_profiles(NANNY)

    assert verdict == Ok(
        observed_at=NOW,
        profile=ProfileObservation(
            user_id=USER_ID,
            sec_uid=SEC_UID,
            display_name="Nanny Bleat \U0001f410",
            avatar_url="https://p16.example.net/avt-0068/732753~tplv.jpeg?x-expires=1",
            follower_count=4_001_943,
            following_count=9,
            total_likes_count=77_615_151,
            video_count=178,
            precision="exact",
        ),
        pages=1,
        payload_sha256=sha256(answer.body).hexdigest(),
    )
    assert tiktok.paths == [PAGE]


def test_a_page_of_the_older_kind_is_read_too(tiktok: TikTok, provider: WebProvider):
    profile = seen(tiktok, provider, older_profile_page())

    assert profile.user_id == USER_ID
    assert profile.sec_uid == SEC_UID
    assert profile.follower_count == 4_000_000
    assert profile.total_likes_count == 77_600_000
    assert profile.precision == "rounded"


def test_a_short_sec_uid_is_one(tiktok: TikTok, provider: WebProvider):
    detail = a_detail(user=a_user(secUid=SHORT_SEC_UID))

    profile = seen(tiktok, provider, profile_page(detail))

    assert profile.sec_uid == SHORT_SEC_UID


def test_texts_that_are_none_are_left_out(tiktok: TikTok, provider: WebProvider):
    user = a_user(
        nickname="",
        secUid="MS4wLjABAAAA-too-short",
        avatarLarger="javascript:alert(1)",
        avatarMedium=None,
        avatarThumb=["https://example.net"],
    )

    profile = seen(tiktok, provider, profile_page(a_detail(user=user)))

    assert profile.user_id == USER_ID
    assert profile.display_name is None
    assert profile.sec_uid is None
    assert profile.avatar_url is None


def test_half_a_character_in_a_name_does_not_spoil_the_page(
    tiktok: TikTok, provider: WebProvider
):
    user = a_user(nickname="cut \ud83d")

    profile = seen(tiktok, provider, profile_page(a_detail(user=user)))

    assert profile.display_name == "cut \ud83d"
    assert profile.follower_count == 4_001_943


def test_stray_bytes_in_a_name_do_not_spoil_the_page(
    tiktok: TikTok, provider: WebProvider
):
    body = WHOLE_PAGE.replace(b'"nickname": "Nanny', b'"nickname": "\xf0\x9f Nanny')

    profile = seen(tiktok, provider, html(body))

    assert profile.follower_count == 4_001_943
    assert profile.display_name is not None
    assert "Nanny" in profile.display_name


def test_a_page_that_mentions_the_state_before_carrying_it_is_read(
    tiktok: TikTok, provider: WebProvider
):
    mention = b"<p>id='__UNIVERSAL_DATA_FOR_REHYDRATION__'> {}</script></p>"
    script = b"<script>get('__UNIVERSAL_DATA_FOR_REHYDRATION__')</script>"

    profile = seen(tiktok, provider, html(mention + script + WHOLE_PAGE))

    assert profile.follower_count == 4_001_943


def test_an_account_with_another_id_is_somebody_else(
    tiktok: TikTok, provider: WebProvider
):
    tiktok.answers[PAGE] = profile_page(a_detail())

    verdict = provider.creator_profiles(Target(handle=HANDLE, user_id="6999"))

    assert isinstance(verdict, IdentityChanged)
    assert verdict.user_id == USER_ID


def test_without_a_known_id_another_handle_is_somebody_else(
    tiktok: TikTok, provider: WebProvider
):
    detail = a_detail(user=a_user(uniqueId="billy.butt"))
    tiktok.answers[PAGE] = profile_page(detail)

    verdict = provider.creator_profiles(NANNY)

    assert isinstance(verdict, IdentityChanged)


def test_the_known_account_under_a_new_handle_is_the_same(
    tiktok: TikTok, provider: WebProvider
):
    detail = a_detail(user=a_user(uniqueId="billy.butt"))
    tiktok.answers[PAGE] = profile_page(detail)

    verdict = provider.creator_profiles(Target(handle=HANDLE, user_id=USER_ID))

    assert isinstance(verdict, Ok)


def test_by_default_it_is_now(tiktok: TikTok, politeness: Limiter):
    tiktok.answers[PAGE] = profile_page(a_detail())
    ours = WebProvider(tiktok.url, politeness=politeness)
    before = datetime.now(UTC)

    verdict = ours.creator_profiles(NANNY)

    assert isinstance(verdict, Ok)
    assert before <= verdict.observed_at <= datetime.now(UTC)

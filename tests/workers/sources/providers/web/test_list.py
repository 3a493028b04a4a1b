"""Listing videos: page by page, and everything that is wrong with pages."""

import json
import ssl
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace
from yt_dlp.networking import Request

from domain.scrape.observations import VideoObservation
from domain.scrape.turns import WHOLE_LIST
from domain.scrape.verdicts import (
    Blocked,
    IdentityChanged,
    NotFound,
    Ok,
    Private,
    RateLimited,
    SchemaChanged,
    Transient,
)
from domain.video.attributes import Sound
from infra.http_out.limiter import Limiter
from infra.http_out.refusals import RefusedError
from tests.workers.sources.providers.web.server import Answer, ReceivedRequest, TikTok
from tests.workers.sources.providers.web.shapes import (
    CAPTCHA_PAGE,
    EMPTY_PAGE,
    HANDLE,
    NOW,
    PATIENT,
    SEC_UID,
    SHORT_SEC_UID,
    USER_ID,
    a_detail,
    a_photo,
    a_user,
    an_item,
    html,
    json_answer,
    list_page,
    nobody_page,
    profile_page,
)
from workers.sources.port import Target
from workers.sources.providers.web import WebProvider
from workers.sources.providers.web.course import ListCourse
from workers.sources.providers.web.listing import Gate
from workers.sources.providers.web.session import TikTokSession, TikTokSite

NANNY = Target(handle=HANDLE)
PAGE = f"/@{HANDLE}"
LIST = "/api/creator/item_list/"
COVER = "https://a/b.jpeg?x=1"
POSTED_AT = datetime(2025, 4, 28, 12, 20, 41, tzinfo=UTC)


@pytest.fixture
def listing(tiktok: TikTok) -> Callable[..., None]:
    """Answer with these pages of the list, one after the other; the last one stays."""

    def answer_with(*pages: Answer, videos: object = 3) -> None:
        stats = {"followerCount": "12", "videoCount": videos}
        tiktok.answers[PAGE] = profile_page(a_detail(stats=None, exact=stats))
        waiting = list(pages)
        tiktok.answers[LIST] = lambda _: waiting.pop(0) if waiting[1:] else waiting[0]

    return answer_with


def ids(verdict: object) -> list[str]:
    assert isinstance(verdict, Ok), verdict
    return [video.tiktok_video_id for video in verdict.videos]


def reason(verdict: object) -> str | None:
    assert isinstance(verdict, Ok), verdict
    return verdict.listed_reason


def times(count: int, *, first: int = 1) -> list[dict[str, Any]]:
    """So many items, the newest first, each a day older than the one before."""
    return [
        an_item(str(n), createTime=1_745_842_841 - n * 86_400)
        for n in range(first, first + count)
    ]


def test_a_list_is_read_to_its_end(
    tiktok: TikTok, provider: WebProvider, listing: Callable[..., None]
):
    listing(
        list_page(times(15), more=True),
        list_page(times(15, first=16), more=True),
        list_page(times(2, first=31), more=False),
        videos=32,
    )

    verdict = provider.discover_videos(NANNY)

    assert ids(verdict) == [str(n) for n in range(1, 33)]
    assert isinstance(verdict, Ok)
    assert verdict.pages == 4
    assert verdict.observed_at == NOW
    assert verdict.profile is not None
    assert verdict.profile.video_count == 32
    assert tiktok.paths == [PAGE, LIST, LIST, LIST]


def test_each_page_is_asked_for_from_where_the_last_one_ended(
    tiktok: TikTok, provider: WebProvider, listing: Callable[..., None]
):
    items = times(15)
    listing(list_page(items, more=True), list_page(times(1, first=16), more=False))

    provider.discover_videos(NANNY)

    first, second = tiktok.received[1:]
    assert first.query["secUid"] == second.query["secUid"] == [SEC_UID]
    assert second.query["cursor"] == [str(items[-1]["createTime"] * 1000)]
    assert "cookie" not in second.headers


def test_a_video_is_seen_with_its_exact_counters(
    provider: WebProvider, listing: Callable[..., None]
):
    listing(list_page([an_item("7498337886933191943")], more=False))

    verdict = provider.discover_videos(NANNY)

    assert isinstance(verdict, Ok)
    assert verdict.videos == (
        VideoObservation(
            tiktok_video_id="7498337886933191943",
            title="Which #hay is best?",
            kind="video",
            posted_at=POSTED_AT,
            view_count=14_200_113,
            like_count=866_000,
            comment_count=18_904,
            share_count=34_711,
            save_count=59_149,
            duration_s=30,
            sound=Sound(
                id="7064643531196860417",
                title="Good Hay (Instrumental)",
                author="Cleo",
                original=False,
            ),
            hashtags=("Hay",),
            mentions=("berta",),
            is_ad=False,
            is_private=False,
            language="en",
        ),
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    (
        ({"statsV2": None}, {"view_count": 14_200_000, "save_count": 59_100}),
        # Old recordings have no such counter, and yt-dlp reads none of statsV2.
        ({"statsV2": {"playCount": "5"}, "stats": {}}, {"save_count": None}),
        ({"stats": {}, "statsV2": {"playCount": "5"}}, {"view_count": 5}),
        ({"statsV2": {}, "stats": {"collectCount": "97723"}}, {"save_count": 97_723}),
        ({"statsV2": {}, "stats": {"playCount": "1.2M"}}, {"view_count": 1_200_000}),
        ({"statsV2": {}, "stats": {"playCount": 2**63}}, {"view_count": None}),
        ({"statsV2": {}, "stats": {"playCount": -3}}, {"view_count": -3}),
        ({"stats": None, "statsV2": None}, {"view_count": None, "like_count": None}),
        ({"statsV2": {"repostCount": "7"}, "stats": {}}, {"share_count": None}),
        ({"desc": ""}, {"title": ""}),
        ({"desc": None}, {"title": None}),
        ({"desc": 7}, {"title": None}),
        ({"desc": "x" * 9_000}, {"title": "x" * 4_000}),
        ({"createTime": "1745842841"}, {"posted_at": POSTED_AT}),
        ({"createTime": 0}, {"posted_at": None}),
        ({"createTime": 10**18}, {"posted_at": None}),
        ({"createTime": None}, {"posted_at": None}),
        ({"createTime": "1.7B"}, {"posted_at": None}),
        ({"imagePost": {"images": []}}, {"kind": "photo"}),
        ({"video": {"duration": 0}}, {"kind": None}),
        ({"video": None}, {"kind": None}),
        ({"video": {"cover": "https://a/b.jpeg?x=1"}}, {"thumbnail_url": COVER}),
        (
            {
                "imagePost": {
                    "images": [{"imageURL": {"urlList": [COVER, "https://c"]}}]
                }
            },
            {"thumbnail_url": COVER},
        ),
        ({"imagePost": {"images": [7]}}, {"thumbnail_url": UNSET}),
        ({"video": {"cover": "javascript:alert(1)"}}, {"thumbnail_url": UNSET}),
        ({"id": 7498337886933191943}, {"tiktok_video_id": "7498337886933191943"}),
        ({"music": None}, {"sound": UNSET}),
        ({"music": {"original": True}}, {"sound": UNSET}),
        ({"music": {"id": "7", "title": 3}}, {"sound": Sound(id="7")}),
        ({"textExtra": None, "challenges": None}, {"hashtags": UNSET}),
        ({"textExtra": [], "challenges": None}, {"hashtags": (), "mentions": ()}),
        (
            {"textExtra": None, "contents": [{"textExtra": [{"hashtagName": "a"}]}]},
            {"hashtags": ("a", "hay")},
        ),
        ({"isAd": 1, "isPinnedItem": True}, {"is_ad": True, "is_pinned": True}),
        ({"isAd": "yes", "textLanguage": "un"}, {"is_ad": UNSET, "language": UNSET}),
        ({"video": {"duration": 0}}, {"duration_s": UNSET}),
    ),
)
def test_a_video_is_what_its_item_says_or_nothing(
    provider: WebProvider,
    listing: Callable[..., None],
    changes: dict[str, Any],
    expected: dict[str, object],
):
    listing(list_page([{**an_item("7498337886933191943"), **changes}], more=False))

    verdict = provider.discover_videos(NANNY)

    assert isinstance(verdict, Ok)
    video = verdict.videos[0]
    assert {name: getattr(video, name) for name in expected} == expected


def test_half_a_character_in_a_title_does_not_spoil_the_list(
    provider: WebProvider, listing: Callable[..., None]
):
    cut = an_item("1", desc="so cute \ud83d")

    listing(list_page([cut, an_item("2")], more=False))

    assert ids(provider.discover_videos(NANNY)) == ["1", "2"]


def test_photo_posts_are_told_from_videos(
    provider: WebProvider, listing: Callable[..., None]
):
    listing(list_page([a_photo("1"), an_item("2")], more=False))

    verdict = provider.discover_videos(NANNY)

    assert isinstance(verdict, Ok)
    assert [video.kind for video in verdict.videos] == ["photo", "video"]


def test_old_pinned_posts_on_top_do_not_end_the_list(
    tiktok: TikTok, provider: WebProvider, listing: Callable[..., None]
):
    pinned = [
        an_item("901", createTime=1_600_000_000, isPinnedItem=True),
        an_item("902", createTime=1_500_000_000, isPinnedItem=True),
    ]
    newest = times(13)
    listing(
        list_page([*pinned, *newest], more=True),
        list_page([*times(2, first=14), pinned[0]], more=False),
        videos=17,
    )

    verdict = provider.discover_videos(NANNY)

    assert ids(verdict) == ["901", "902", *(str(n) for n in range(1, 16))]
    assert tiktok.received[2].query["cursor"] == [str(newest[-1]["createTime"] * 1000)]


def test_times_as_texts_do_not_stop_the_list(
    tiktok: TikTok, provider: WebProvider, listing: Callable[..., None]
):
    texts = [{**item, "createTime": str(item["createTime"])} for item in times(15)]
    listing(
        list_page(texts, more=True),
        list_page(times(1, first=16), more=False),
        videos=16,
    )

    verdict = provider.discover_videos(NANNY)

    assert len(ids(verdict)) == 16
    assert tiktok.received[2].query["cursor"] == [texts[-1]["createTime"] + "000"]


def test_weeks_without_videos_do_not_end_the_list(
    provider: WebProvider, listing: Callable[..., None]
):
    empty = json_answer({"hasMorePrevious": True})
    listing(
        list_page(times(2), more=True),
        *(empty, empty, empty, empty),
        list_page(times(1, first=3), more=False),
    )

    assert ids(provider.discover_videos(NANNY)) == ["1", "2", "3"]


def test_a_short_sec_uid_lists_as_well(
    tiktok: TikTok, provider: WebProvider, listing: Callable[..., None]
):
    listing(list_page(times(3), more=False))
    detail = a_detail(user=a_user(secUid=SHORT_SEC_UID))
    tiktok.answers[PAGE] = profile_page(detail)

    verdict = provider.discover_videos(NANNY)

    assert len(ids(verdict)) == 3
    assert tiktok.received[1].query["secUid"] == [SHORT_SEC_UID]


def test_a_known_sec_uid_helps_out(
    tiktok: TikTok, provider: WebProvider, listing: Callable[..., None]
):
    listing(list_page(times(3), more=False))
    tiktok.answers[PAGE] = profile_page(a_detail(user=a_user(secUid=None)))
    known = Target(handle=HANDLE, user_id=USER_ID, sec_uid=SEC_UID)

    assert len(ids(provider.discover_videos(known))) == 3
    assert isinstance(provider.discover_videos(NANNY), SchemaChanged)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    (
        (nobody_page(10221), NotFound),
        (nobody_page(10222), Private),
        (CAPTCHA_PAGE, Blocked),
        (html(b"", status=403), Blocked),
        (html(b"", status=429), RateLimited),
        (profile_page(a_detail(user=a_user(uniqueId="billy"))), IdentityChanged),
    ),
)
def test_the_profile_decides_before_the_list_is_asked_for(
    tiktok: TikTok,
    provider: WebProvider,
    listing: Callable[..., None],
    answer: Answer,
    verdict: type,
):
    listing(list_page(times(3), more=False))
    tiktok.answers[PAGE] = answer

    given = provider.discover_videos(NANNY)

    assert type(given) is verdict
    assert tiktok.paths == [PAGE]


def test_an_account_without_videos_is_not_asked_for_a_list(
    tiktok: TikTok, provider: WebProvider, listing: Callable[..., None]
):
    listing(EMPTY_PAGE, videos="0")

    verdict = provider.discover_videos(NANNY)

    assert ids(verdict) == []
    assert tiktok.paths == [PAGE]


@pytest.mark.parametrize("videos", (178, None, -5, "many"))
def test_an_empty_list_of_an_account_with_videos_is_a_block(
    provider: WebProvider, listing: Callable[..., None], videos: object
):
    listing(json_answer({"itemList": [], "hasMorePrevious": False}), videos=videos)

    assert isinstance(provider.discover_videos(NANNY), Blocked)


TRUNCATED = json.dumps({"itemList": times(3), "hasMorePrevious": False}).encode()[:-9]


IN_PLACE_OF_A_PAGE = (
    # yt-dlp takes this for the end of the list.
    (json_answer({"statusCode": 10201}), Blocked),
    (json_answer({"status_code": 10000}), Blocked),
    (json_answer({"statusCode": 10101}), Transient),
    (json_answer({"statusCode": 10202}), Blocked),
    (CAPTCHA_PAGE, Blocked),
    (html(b"", status=403), Blocked),
    (html(b"", status=404), Transient),
    (html(b"<html>Not found</html>", status=404), Blocked),
    (html(b"", status=429), RateLimited),
    (html(b"", status=500), Transient),
    (EMPTY_PAGE, Transient),
    (html(b"\n \n"), Transient),
    (html(TRUNCATED), Transient),
    (html(b"{'itemList': []}"), SchemaChanged),
    (html(b"null"), SchemaChanged),
    (html(b"[]"), SchemaChanged),
    (html(b"[" * 100_000), SchemaChanged),
    (html(b"\xff\xfe\x00"), SchemaChanged),
    (json_answer({}), SchemaChanged),
    (json_answer({"statusCode": 0}), SchemaChanged),
    (json_answer({"items": times(3), "hasMore": True}), SchemaChanged),
    (json_answer({"itemList": {"0": {}}}), SchemaChanged),
    (json_answer({"itemList": [1, None, {}, {"id": {}}]}), SchemaChanged),
    (
        list_page([an_item("7", author={"id": "6999"})], more=False),
        SchemaChanged,
    ),
    (Answer(status=302, headers={"Location": "/login"}), Blocked),
    (Answer(status=302, headers={"Location": LIST}), Blocked),
)


@pytest.mark.parametrize(("answer", "verdict"), IN_PLACE_OF_A_PAGE)
def test_what_comes_in_place_of_the_list_has_its_verdict(
    provider: WebProvider, listing: Callable[..., None], answer: Answer, verdict: type
):
    listing(answer, videos=40)

    given = provider.discover_videos(NANNY)

    assert type(given) is verdict
    # The profile of the page is not lost, whichever source is asked next.
    assert isinstance(given, Blocked | RateLimited | Transient | SchemaChanged)
    assert given.profile is not None
    assert given.profile.video_count == 40


@pytest.mark.parametrize("answer", [answer for answer, _ in IN_PLACE_OF_A_PAGE])
def test_a_list_that_is_refused_further_down_is_partial(
    provider: WebProvider, listing: Callable[..., None], answer: Answer
):
    listing(list_page(times(15), more=True), answer, videos=40)

    given = provider.discover_videos(NANNY)

    # Half a list must not look like a whole one, and the next source may list more.
    assert len(ids(given)) == 15
    assert isinstance(given, Ok)
    assert given.cut_by is not None
    assert given.listed_reason == given.cut_by.detail


def with_items(*items: object, videos: object = 3) -> Answer:
    """A page that shows some of its videos itself, as some do to some visitors."""
    stats = {"followerCount": "12", "videoCount": videos}
    detail = a_detail(stats=None, exact=stats)
    detail["userInfo"]["itemList"] = [*items]
    return profile_page(detail)


def test_videos_on_the_profile_s_page_are_a_first_page_for_free(
    tiktok: TikTok, provider: WebProvider, listing: Callable[..., None]
):
    listing(list_page(times(3, first=2), more=False))
    fresher = an_item("2", statsV2={"playCount": "99"})
    tiktok.answers[PAGE] = with_items(an_item("1"), fresher, videos=4)

    verdict = provider.discover_videos(NANNY)

    assert ids(verdict) == ["1", "2", "3", "4"]
    assert reason(verdict) is None
    assert tiktok.paths == [PAGE, LIST]


def test_a_page_that_shows_all_its_videos_needs_no_list(
    tiktok: TikTok, provider: WebProvider, listing: Callable[..., None]
):
    listing(CAPTCHA_PAGE)
    tiktok.answers[PAGE] = with_items(*times(3), videos=3)

    verdict = provider.discover_videos(NANNY)

    assert ids(verdict) == ["1", "2", "3"]
    assert reason(verdict) is None
    assert tiktok.paths == [PAGE]


@pytest.mark.parametrize(
    "answer", (CAPTCHA_PAGE, EMPTY_PAGE, html(b"", status=429), html(b"[]"))
)
def test_a_list_that_does_not_answer_leaves_what_the_page_shows(
    provider: WebProvider,
    tiktok: TikTok,
    listing: Callable[..., None],
    answer: Answer,
):
    listing(answer)
    tiktok.answers[PAGE] = with_items(*times(3), videos=40)

    verdict = provider.discover_videos(NANNY)

    assert ids(verdict) == ["1", "2", "3"]
    assert str(reason(verdict)).startswith("Only the profile's page shows videos: ")
    assert isinstance(verdict, Ok)
    assert verdict.cut_by is not None


@pytest.mark.parametrize(
    "items", ([None, 5, {}], [an_item("7", author={"id": "6999"})], [])
)
def test_a_page_that_shows_no_video_of_the_creator_leaves_nothing(
    provider: WebProvider,
    tiktok: TikTok,
    listing: Callable[..., None],
    items: list[object],
):
    listing(CAPTCHA_PAGE)
    tiktok.answers[PAGE] = with_items(*items, videos=40)

    assert isinstance(provider.discover_videos(NANNY), Blocked)


def test_a_page_that_came_empty_is_asked_for_once_more(
    tiktok: TikTok, provider: WebProvider, listing: Callable[..., None]
):
    listing(EMPTY_PAGE, list_page(times(3), more=False))

    verdict = provider.discover_videos(NANNY)

    assert ids(verdict) == ["1", "2", "3"]
    assert tiktok.received[1].query["cursor"] == tiktok.received[2].query["cursor"]


def test_videos_of_other_people_are_left_out(
    provider: WebProvider, listing: Callable[..., None]
):
    someone = an_item("2", author={"id": "6999", "uniqueId": "billy.butt"})
    nobody = an_item("3", author=None)
    listing(list_page([an_item("1"), someone, nobody, an_item("1")], more=False))

    assert ids(provider.discover_videos(NANNY)) == ["1", "3"]


def test_the_same_page_again_and_again_is_a_part_of_the_list(
    tiktok: TikTok, provider: WebProvider, listing: Callable[..., None]
):
    listing(list_page(times(15), more=True), videos=40)

    verdict = provider.discover_videos(NANNY)

    assert len(ids(verdict)) == 15
    assert reason(verdict) == "TikTok sends the same page of the list again."
    assert len(tiktok.received) <= 5


def test_pages_that_repeat_further_down_are_a_part_of_the_list(
    tiktok: TikTok, provider: WebProvider, listing: Callable[..., None]
):
    listing(
        list_page(times(15), more=True),
        list_page(times(15, first=16), more=True),
        videos=400,
    )

    verdict = provider.discover_videos(NANNY)

    assert len(ids(verdict)) == 30
    assert reason(verdict)
    assert len(tiktok.received) <= 8


def test_going_in_circles_after_every_video_is_the_end(
    provider: WebProvider, listing: Callable[..., None]
):
    listing(list_page(times(15), more=True), videos=15)

    verdict = provider.discover_videos(NANNY)

    assert len(ids(verdict)) == 15
    assert reason(verdict) is None


def endless(request: ReceivedRequest) -> Answer:
    """Fifteen more videos, for ever, each an hour older than the one before."""
    newest = int(request.query["cursor"][0]) // 1000
    ages = [newest - n * 3_600 for n in range(1, 16)]
    return list_page([an_item(str(age), createTime=age) for age in ages], more=True)


def test_an_endless_list_is_read_as_far_as_the_limits_go(
    tiktok: TikTok, politeness: Limiter, listing: Callable[..., None]
):
    listing(EMPTY_PAGE, videos=10_000)
    tiktok.answers[LIST] = endless
    few = replace(PATIENT, requests=6)

    verdict = WebProvider(
        tiktok.url, politeness=politeness, limits=few
    ).discover_videos(NANNY)

    assert len(ids(verdict)) == 5 * 15
    assert reason(verdict) == "The run read as much as it may."
    assert len(tiktok.received) == 6


def test_a_list_with_bytes_for_ever_is_read_as_far_as_the_limits_go(
    tiktok: TikTok, politeness: Limiter, listing: Callable[..., None]
):
    listing(EMPTY_PAGE, videos=10_000)
    tiktok.answers[LIST] = endless
    few = replace(PATIENT, run_bytes=50_000)

    verdict = WebProvider(
        tiktok.url, politeness=politeness, limits=few
    ).discover_videos(NANNY)

    assert 0 < len(ids(verdict)) < 200


def test_no_page_of_a_list_before_the_limits_is_no_list(
    tiktok: TikTok, politeness: Limiter, listing: Callable[..., None]
):
    listing(json_answer({"hasMorePrevious": True}))
    few = replace(PATIENT, requests=6)

    verdict = WebProvider(
        tiktok.url, politeness=politeness, limits=few
    ).discover_videos(NANNY)

    assert isinstance(verdict, Transient)
    assert len(tiktok.received) == 6


def test_stats_of_no_video_in_particular_are_those_of_the_list(
    provider: WebProvider, listing: Callable[..., None]
):
    listing(list_page(times(3), more=False))

    verdict = provider.video_stats(NANNY)

    assert verdict == provider.discover_videos(NANNY)
    assert len(ids(verdict)) == 3


@pytest.mark.parametrize(
    "url",
    (
        f"https://www.tiktok.com/embed/@{HANDLE}",
        f"https://www.tiktok.com/@{HANDLE}",
        "https://api16-normal-c-useast1a.tiktokv.com/aweme/v1/multi/aweme/detail/",
        "file:///etc/passwd",
    ),
)
def test_yt_dlp_gets_nothing_but_the_list(
    tiktok: TikTok, politeness: Limiter, url: str
):
    site = TikTokSite(
        name="TikTok",
        base_url=tiktok.url,
        politeness=politeness,
        limits=PATIENT,
        headers={},
        tls=ssl.create_default_context(),
        now=lambda: NOW,
    )

    with (
        TikTokSession(site) as visit,
        Gate(visit, author_id=USER_ID, course=ListCourse(WHOLE_LIST)) as gate,
        pytest.raises(RefusedError),
    ):
        gate.urlopen(Request(url))

    assert tiktok.received == []


def test_nobody_elses_plug_ins_come_along_with_yt_dlp(tmp_path: Path):
    plug_ins = tmp_path / "yt_dlp_plugins" / "extractor"
    plug_ins.mkdir(parents=True)
    (plug_ins / "nosy.py").write_text("import sys; sys.exit('Here I am.')\n")
    script = (
        "from workers.sources.providers.web import listing\n"
        "with listing.Gate(None, author_id='1', course=None): pass\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": f"{tmp_path}:{Path.cwd()}", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_in_a_list_with_pinned_videos_the_others_are_not_pinned(
    provider: WebProvider, listing: Callable[..., None]
):
    listing(list_page([an_item("1", isPinnedItem=True), an_item("2")], more=False))

    verdict = provider.discover_videos(NANNY)

    assert isinstance(verdict, Ok)
    assert [video.is_pinned for video in verdict.videos] == [True, False]

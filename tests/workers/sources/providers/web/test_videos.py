"""Reading single videos: each on its page, each with what became of it."""

import pytest
from msgspec.structs import replace

from domain.scrape.verdicts import (
    Blocked,
    NotFound,
    Ok,
    RateLimited,
    SchemaChanged,
    Transient,
)
from infra.http_out.limiter import Limiter
from tests.workers.sources.providers.web.server import Answer, TikTok
from tests.workers.sources.providers.web.shapes import (
    CAPTCHA_PAGE,
    EMPTY_PAGE,
    HANDLE,
    NOW,
    PATIENT,
    STRANGE_PAGE,
    USER_ID,
    an_item,
    gone_page,
    html,
    video_page,
)
from workers.sources.port import Target
from workers.sources.providers.web import NotShown, VideosRead, WebProvider


def path_of(video_id: str) -> str:
    return f"/@{HANDLE}/video/{video_id}"


def asking_for(*video_ids: str) -> Target:
    return Target(handle=HANDLE, user_id=USER_ID, video_ids=video_ids)


def read(provider: WebProvider, *video_ids: str) -> VideosRead:
    reading = provider.read_videos(asking_for(*video_ids))
    assert isinstance(reading, VideosRead), reading
    return reading


def seen_in(reading: VideosRead) -> list[str]:
    return [video.tiktok_video_id for video in reading.ok.videos]


def test_each_video_asked_for_is_seen_on_its_page(
    tiktok: TikTok, provider: WebProvider
):
    tiktok.answers[path_of("1")] = video_page(an_item("1", createTime="1745842841"))
    tiktok.answers[path_of("2")] = video_page(an_item("2"))

    verdict = provider.video_stats(asking_for("1", "2", "1"))

    assert isinstance(verdict, Ok)
    assert [video.tiktok_video_id for video in verdict.videos] == ["1", "2"]
    assert {video.view_count for video in verdict.videos} == {14_200_113}
    assert {video.posted_at for video in verdict.videos} == {
        verdict.videos[0].posted_at
    }
    assert verdict.profile is None
    assert verdict.observed_at == NOW
    assert verdict.pages == 2
    assert verdict.payload_sha256
    assert tiktok.paths == [path_of("1"), path_of("2")]


@pytest.mark.parametrize(
    ("code", "reason"),
    (
        (10204, "missing"),
        (10202, "missing"),
        (10221, "missing"),
        (10216, "private"),
        (10222, "private"),
        (10213, "unavailable"),
        (10220, "unavailable"),
        (10223, "unavailable"),
        (10227, "unavailable"),
        (10231, "unavailable"),
    ),
)
def test_a_video_that_is_not_shown_is_told_apart_from_those_that_are(
    tiktok: TikTok, provider: WebProvider, code: int, reason: str
):
    tiktok.answers[path_of("1")] = gone_page(code)
    tiktok.answers[path_of("2")] = video_page(an_item("2"))

    reading = read(provider, "1", "2")

    assert seen_in(reading) == ["2"]
    (gone,) = reading.not_shown
    assert (gone.video_id, gone.reason, gone.code) == ("1", reason, code)
    assert reading.ok.missing == ("1",)
    assert reading.unread == ()


def test_all_of_them_missing_is_an_answer_without_videos(
    tiktok: TikTok, provider: WebProvider
):
    tiktok.answers[path_of("1")] = gone_page(10204)

    verdict = provider.video_stats(asking_for("1"))

    assert isinstance(verdict, Ok)
    assert verdict.videos == ()
    assert verdict.missing == ("1",)


def test_a_video_for_members_only_is_unavailable(tiktok: TikTok, provider: WebProvider):
    item = an_item("1", isContentClassified=True, video=None)
    tiktok.answers[path_of("1")] = video_page(item)

    reading = read(provider, "1")

    assert reading.not_shown == (NotShown(video_id="1", reason="unavailable"),)


def test_a_photo_is_known_by_where_its_page_is(tiktok: TikTok, provider: WebProvider):
    photo = f"/@{HANDLE}/photo/1"
    tiktok.answers[path_of("1")] = Answer(status=301, headers={"Location": photo})
    tiktok.answers[photo] = video_page(an_item("1", video={"duration": 0}))

    reading = read(provider, "1")

    assert [video.kind for video in reading.ok.videos] == ["photo"]
    assert reading.ok.pages == 2


def test_a_page_of_another_video_is_not_taken_for_it(
    tiktok: TikTok, provider: WebProvider
):
    elsewhere = {"Location": path_of("2")}
    tiktok.answers[path_of("1")] = video_page(an_item("2"))
    tiktok.answers[path_of("3")] = Answer(status=302, headers=elsewhere)

    assert isinstance(provider.read_videos(asking_for("1")), SchemaChanged)
    assert isinstance(provider.read_videos(asking_for("3")), Blocked)
    assert path_of("2") not in tiktok.paths


@pytest.mark.parametrize(
    ("known", "author", "theirs"),
    (
        (USER_ID, {"id": USER_ID, "uniqueId": "new.name"}, True),
        (USER_ID, {"id": "6999", "uniqueId": HANDLE}, False),
        (USER_ID, {"uniqueId": HANDLE.upper()}, True),
        (USER_ID, {"uniqueId": "billy.butt"}, False),
        (None, {"id": "6999", "uniqueId": HANDLE}, True),
        (None, {"id": "6999", "uniqueId": "billy.butt"}, False),
        (None, {}, True),
    ),
)
def test_a_video_is_the_creators_if_its_author_is(
    tiktok: TikTok,
    provider: WebProvider,
    known: str | None,
    author: dict[str, str],
    theirs: bool,  # noqa: FBT001
):
    tiktok.answers[path_of("1")] = video_page(an_item("1", author=author))

    reading = provider.read_videos(
        Target(handle=HANDLE, user_id=known, video_ids=("1",))
    )

    assert isinstance(reading, VideosRead)
    assert seen_in(reading) == (["1"] if theirs else [])
    assert [gone.reason for gone in reading.not_shown] == (
        [] if theirs else ["someone_elses"]
    )
    assert reading.ok.missing == ()


@pytest.mark.parametrize(
    ("answer", "verdict"),
    (
        (CAPTCHA_PAGE, Blocked),
        (html(b"", status=403), Blocked),
        (html(b"", status=404), Transient),
        (html(b"", status=429), RateLimited),
        (html(b"", status=500), Transient),
        (Answer(status=302, headers={"Location": "/login"}), Blocked),
        (EMPTY_PAGE, Transient),
        (STRANGE_PAGE, SchemaChanged),
        (gone_page(10000), Blocked),
        (gone_page(10101), Transient),
        (gone_page(77), SchemaChanged),
        (video_page(None), SchemaChanged),
        (video_page({}), SchemaChanged),
        (video_page({"id": "1"}, code="what"), SchemaChanged),
    ),
)
def test_a_refusal_before_anything_was_learned_is_the_answer(
    tiktok: TikTok, provider: WebProvider, answer: Answer, verdict: type
):
    tiktok.answers[path_of("1")] = answer

    assert type(provider.video_stats(asking_for("1"))) is verdict


def test_what_was_read_before_a_block_stands(tiktok: TikTok, provider: WebProvider):
    tiktok.answers[path_of("1")] = video_page(an_item("1"))
    tiktok.answers[path_of("2")] = CAPTCHA_PAGE
    tiktok.answers[path_of("3")] = video_page(an_item("3"))

    reading = read(provider, "1", "2", "3")

    assert seen_in(reading) == ["1"]
    assert reading.unread == ("2", "3")
    assert reading.ok.missing == ()
    assert path_of("3") not in tiktok.paths


def test_one_page_that_cannot_be_read_does_not_keep_the_others(
    tiktok: TikTok, provider: WebProvider
):
    tiktok.answers[path_of("1")] = STRANGE_PAGE
    tiktok.answers[path_of("2")] = video_page(an_item("2"))

    reading = read(provider, "1", "2")

    assert seen_in(reading) == ["2"]
    assert reading.unread == ("1",)


def test_when_page_after_page_fails_the_rest_is_left_alone(
    tiktok: TikTok, provider: WebProvider
):
    for number in range(1, 9):
        tiktok.answers[path_of(str(number))] = STRANGE_PAGE

    verdict = provider.video_stats(asking_for(*"12345678"))

    assert isinstance(verdict, SchemaChanged)
    assert len(tiktok.received) == 3


def test_more_videos_than_a_run_may_ask_for_are_left_unread(
    tiktok: TikTok, politeness: Limiter
):
    for number in range(1, 6):
        tiktok.answers[path_of(str(number))] = video_page(an_item(str(number)))
    few = WebProvider(
        tiktok.url, politeness=politeness, limits=replace(PATIENT, requests=2)
    )

    reading = read(few, *"12345")

    assert seen_in(reading) == ["1", "2"]
    assert reading.unread == ("3", "4", "5")


@pytest.mark.parametrize("video_id", ("../login", "1?x=", "x", "", "\u0661", "1" * 21))
def test_what_is_no_id_is_never_asked_for(
    tiktok: TikTok, provider: WebProvider, video_id: str
):
    reading = read(provider, video_id)

    assert reading.not_shown == (NotShown(video_id=video_id, reason="missing"),)
    assert tiktok.received == []


def test_videos_of_what_is_no_handle_are_never_asked_for(
    tiktok: TikTok, provider: WebProvider
):
    verdict = provider.video_stats(Target(handle="../..", video_ids=("1",)))

    assert isinstance(verdict, NotFound)
    assert tiktok.received == []

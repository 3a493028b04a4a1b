"""Lists: page after page, to the end or as far as it makes sense to pay for."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from domain.scrape.observations import VideoObservation
from domain.scrape.verdicts import (
    Blocked,
    IdentityChanged,
    Ok,
    RateLimited,
    SchemaChanged,
    Transient,
    Verdict,
)
from domain.video.attributes import Sound
from infra.http_out.request_notes import BudgetSpentError, metered
from tests.kit.paid_accounts import NEWEST, USER_ID, PaidAccount, an_aweme
from tests.kit.scripted_site import Answer, ReceivedRequest, json_answer
from tests.workers.sources.providers.paid.building import (
    KNOWN,
    NANNY,
    PATIENT,
    Paid,
    ids_in,
)
from workers.sources.providers.paid.listing import MOST_PAGES

STRANGER = {"uid": "7040088116276609999", "unique_id": "billy.butt"}
BROKEN = Answer(status=502, body=b"bad gateway")


def reason_in(verdict: Verdict) -> str | None:
    assert isinstance(verdict, Ok), verdict
    return verdict.listed_reason


def test_a_list_is_read_to_its_end(paid: Paid):
    ids = paid.add(videos=123)

    verdict = paid.provider.discover_videos(KNOWN)

    assert ids_in(verdict) == ids
    assert isinstance(verdict, Ok)
    assert verdict.listed_reason is None
    assert verdict.profile is None
    assert verdict.pages == len(paid.server.received)
    assert set(paid.server.paths) == {paid.list_path}


def test_a_video_has_all_that_the_app_counts(paid: Paid):
    (video_id,) = paid.add(videos=1)

    verdict = paid.provider.discover_videos(KNOWN)

    assert isinstance(verdict, Ok)
    assert verdict.videos == (
        VideoObservation(
            tiktok_video_id=video_id,
            title="Which #hay is best? 🐐 @berta",
            kind="video",
            posted_at=datetime.fromtimestamp(NEWEST, UTC),
            thumbnail_url="https://p16.example.net/cover.webp",
            view_count=987_654,
            like_count=56_789,
            comment_count=1_234,
            share_count=456,
            save_count=78,
            duration_s=15,
            sound=Sound(
                id="7064643531196860417",
                title="original sound - nanny",
                author="Nanny Bleat",
                original=True,
            ),
            hashtags=("Hay",),
            mentions=("berta",),
            is_ad=False,
            is_pinned=True,
            is_private=False,
            language="en",
        ),
    )


def test_photos_are_told_from_videos(paid: Paid):
    photos = {"images": [{"display_image": {"url_list": ["https://a.example/1"]}}]}
    paid.answer_list(
        [an_aweme("71", image_post_info=photos, video=None), an_aweme("72", video={})]
    )

    verdict = paid.provider.discover_videos(KNOWN)

    assert isinstance(verdict, Ok)
    assert [video.kind for video in verdict.videos] == ["photo", None]
    assert verdict.videos[0].thumbnail_url == "https://a.example/1"


@pytest.mark.parametrize(
    ("statistics", "views"),
    (
        ({"play_count": "14200113"}, 14_200_113),
        ({"play_count": 0}, 0),
        ({"play_count": 2**64}, None),
        ({"play_count": None}, None),
        ({}, None),
        (None, None),
        ([1, 2], None),
        ("many", None),
    ),
)
def test_a_counter_of_a_video_is_there_or_null(
    paid: Paid, statistics: object, views: int | None
):
    paid.answer_list([an_aweme("71", statistics=statistics)])

    verdict = paid.provider.discover_videos(KNOWN)

    assert isinstance(verdict, Ok)
    (video,) = verdict.videos
    assert video.view_count == views
    assert video.save_count is None


def test_rows_may_be_wrapped_or_in_the_shape_of_the_web(paid: Paid):
    web = {
        "id": "73",
        "author": {"id": USER_ID, "uniqueId": "nanny.bleat"},
        "stats": {"playCount": 5},
    }
    paid.answer_list(
        [{"aweme_detail": an_aweme("71")}, {"aweme_info": an_aweme("72")}, web]
    )

    verdict = paid.provider.discover_videos(KNOWN)

    assert ids_in(verdict) == ["71", "72", "73"]
    assert isinstance(verdict, Ok)
    assert verdict.videos[2].view_count == 5


def test_a_video_that_is_listed_twice_counts_once_as_first_seen(paid: Paid):
    first = an_aweme("71", statistics={"play_count": 9})
    again = an_aweme("71", statistics={"play_count": 8})

    def answer(request: ReceivedRequest) -> Answer:
        is_first = not ({"max_cursor", "start_cursor"} & request.query.keys())
        if is_first:
            return paid.list_answer([first, an_aweme("72")], cursor=5, more=True)
        return paid.list_answer([again, an_aweme("73")])

    paid.server.answers[paid.list_path] = answer

    verdict = paid.provider.discover_videos(KNOWN)

    assert ids_in(verdict) == ["71", "72", "73"]
    assert isinstance(verdict, Ok)
    assert verdict.videos[0].view_count == 9


def test_a_list_without_end_is_paid_for_up_to_a_limit(paid: Paid):
    numbers = iter(range(1, 10_000))

    def answer(_: ReceivedRequest) -> Answer:
        number = next(numbers)
        return paid.list_answer([an_aweme(str(number))], cursor=number, more=True)

    paid.server.answers[paid.list_path] = answer

    verdict = paid.provider.discover_videos(KNOWN)

    assert len(ids_in(verdict)) == MOST_PAGES == len(paid.server.received)
    assert reason_in(verdict) == "The list has more than 30 pages."


@pytest.mark.parametrize("cursor", (None, 5, "5", "x&token=y", {"a": 1}, 5.5, True))
def test_a_list_that_repeats_itself_or_leads_nowhere_is_left(
    paid: Paid, cursor: object
):
    paid.answer_list([an_aweme("71")], cursor=cursor, more=True)

    verdict = paid.provider.discover_videos(KNOWN)

    assert ids_in(verdict) == ["71"]
    assert len(paid.server.received) <= 2
    says_it_ends = paid.name == "ensembledata" and cursor is None
    assert str(reason_in(verdict)).endswith(
        "None" if says_it_ends else "does not say what comes next."
    )


def test_pages_without_anything_new_are_not_paid_for_ever(paid: Paid):
    numbers = iter(range(1, 10_000))

    def answer(_: ReceivedRequest) -> Answer:
        return paid.list_answer([an_aweme("71")], cursor=next(numbers), more=True)

    paid.server.answers[paid.list_path] = answer

    verdict = paid.provider.discover_videos(KNOWN)

    assert ids_in(verdict) == ["71"]
    assert len(paid.server.received) == 3
    assert str(reason_in(verdict)).endswith("lists the same videos again.")


@pytest.mark.parametrize(
    "broken",
    (
        BROKEN,
        json_answer({"detail": "x", "message": "Too many requests"}, status=429),
        json_answer([1]),
        json_answer({}),
        Answer(body=b""),
        Answer(body=b"<html>Just a moment...</html>"),
    ),
)
def test_what_was_listed_before_a_page_failed_is_kept(paid: Paid, broken: Answer):
    def answer(request: ReceivedRequest) -> Answer:
        if {"max_cursor", "start_cursor"} & request.query.keys():
            return broken
        return paid.list_answer([an_aweme("71")], cursor=5, more=True)

    paid.server.answers[paid.list_path] = answer

    verdict = paid.provider.discover_videos(KNOWN)

    assert ids_in(verdict) == ["71"]
    assert reason_in(verdict)


def test_a_budget_that_is_spent_ends_a_list_like_a_limit(paid: Paid):
    paid.add(videos=200)
    left = iter(range(2))

    def take() -> None:
        if next(left, None) is None:
            raise BudgetSpentError(60.0)

    with metered(take):
        verdict = paid.provider.discover_videos(KNOWN)
        nothing = paid.provider.discover_videos(KNOWN)

    assert 20 <= len(ids_in(verdict)) <= 100
    assert "budget" in str(reason_in(verdict))
    assert isinstance(verdict, Ok)
    assert verdict.pages == len(paid.server.received) == 2
    assert isinstance(nothing, RateLimited)


def test_a_run_ends_with_what_its_requests_listed(paid: Paid):
    paid.add(videos=200)
    paid.limit(replace(PATIENT, requests=2))

    verdict = paid.provider.discover_videos(KNOWN)

    assert 20 <= len(ids_in(verdict)) <= 100
    assert len(paid.server.received) == 2
    assert reason_in(verdict) == "The run read as much as it may."


def test_a_later_page_that_fails_in_passing_is_requested_once_more(paid: Paid):
    ids = paid.add(videos=60)

    def answer(request: ReceivedRequest) -> Answer:
        if len(paid.server.received) == 2:
            return BROKEN
        del paid.server.answers[paid.list_path]
        found = paid.server.answer_to(request)
        if len(paid.server.received) == 1:
            paid.server.answers[paid.list_path] = answer
        return found

    paid.server.answers[paid.list_path] = answer

    verdict = paid.provider.discover_videos(KNOWN)

    assert ids_in(verdict) == ids
    assert reason_in(verdict) is None


def test_a_first_page_that_fails_is_a_failure_of_the_run(paid: Paid):
    paid.server.answers[paid.list_path] = BROKEN

    assert isinstance(paid.provider.discover_videos(KNOWN), Transient)
    assert len(paid.server.received) == 1


@pytest.mark.parametrize("first", (Blocked, RateLimited))
def test_a_refusal_is_not_requested_again(paid: Paid, first: type):
    status = {Blocked: 401, RateLimited: 429}[first]
    paid.answer(paid.list_path, {"message": "no", "detail": "no"}, status=status)

    assert isinstance(paid.provider.discover_videos(KNOWN), first)
    assert len(paid.server.received) == 1


def test_videos_of_others_are_left_out(paid: Paid):
    paid.answer_list([an_aweme("71", author=STRANGER), an_aweme("72")])

    assert ids_in(paid.provider.discover_videos(KNOWN)) == ["72"]
    assert ids_in(paid.provider.discover_videos(NANNY)) == ["72"]


def test_a_list_of_nothing_but_others_is_not_the_creators(paid: Paid):
    paid.answer_list([an_aweme("71", author=STRANGER)])

    assert isinstance(paid.provider.discover_videos(KNOWN), SchemaChanged)
    assert isinstance(paid.provider.discover_videos(NANNY), SchemaChanged)


def test_a_list_of_another_account_with_the_handle_is_told_as_such(paid: Paid):
    author = {**STRANGER, "unique_id": "Nanny.Bleat"}
    paid.answer_list([an_aweme("71", author=author)])

    verdict = paid.provider.discover_videos(KNOWN)

    assert isinstance(verdict, IdentityChanged)
    assert verdict.user_id == STRANGER["uid"]


def test_rows_without_ids_are_no_videos(paid: Paid):
    paid.answer_list([{"desc": "hay"}, None, 5, "x", []])
    nothing = paid.provider.discover_videos(KNOWN)
    paid.answer_list([{"desc": "hay"}, an_aweme("71")])
    something = paid.provider.discover_videos(KNOWN)

    assert isinstance(nothing, SchemaChanged)
    assert ids_in(something) == ["71"]


def test_a_withdrawn_video_is_not_listed(paid: Paid):
    paid.answer_list(
        [
            an_aweme("71", status={"is_delete": True}),
            an_aweme("72", status={"private_status": 1}),
            an_aweme("73"),
        ]
    )

    assert ids_in(paid.provider.discover_videos(KNOWN)) == ["73"]


def test_an_empty_list_is_believed_if_the_profile_counts_no_videos(paid: Paid):
    paid.add()

    verdict = paid.provider.discover_videos(KNOWN)

    assert ids_in(verdict) == []
    assert paid.server.paths == [paid.list_path, paid.profile_path]
    assert isinstance(verdict, Ok)
    assert verdict.profile is not None


def test_an_empty_list_of_an_account_with_videos_is_a_refusal(paid: Paid):
    paid.add(videos=3)
    paid.answer_list([])

    assert isinstance(paid.provider.discover_videos(KNOWN), Blocked)


def test_nobody_has_an_empty_list_because_of_being_unknown(paid: Paid):
    verdict = paid.provider.discover_videos(NANNY)

    assert type(verdict).__name__ == "NotFound"


def test_the_older_form_of_a_list_is_read_as_far_as_it_goes(ensembledata: Paid):
    ensembledata.answer(ensembledata.list_path, {"data": [an_aweme("71")]})

    verdict = ensembledata.provider.discover_videos(KNOWN)

    assert ids_in(verdict) == ["71"]
    assert reason_in(verdict) == "EnsembleData does not say what comes next."


def test_each_service_is_asked_as_it_documents(
    scrapecreators: Paid, ensembledata: Paid
):
    for paid in (scrapecreators, ensembledata):
        paid.add(PaidAccount(), videos=60)
        paid.provider.discover_videos(KNOWN)

    assert scrapecreators.server.received[1].query == {
        "handle": ["nanny.bleat"],
        "sort_by": ["latest"],
        "user_id": [USER_ID],
        "max_cursor": ["10"],
    }
    assert ensembledata.server.received[1].query == {
        "username": ["nanny.bleat"],
        "depth": ["5"],
        "start_cursor": ["50"],
        "token": [ensembledata.key],
    }

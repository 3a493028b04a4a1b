"""Single videos: read in the list if they are many, else one by one."""

import pytest

from domain.scrape.verdicts import (
    Blocked,
    NotFound,
    Ok,
    RateLimited,
    SchemaChanged,
    Transient,
    Verdict,
)
from tests.kit.paid_accounts import HANDLE, USER_ID, an_aweme
from tests.kit.scripted_site import Answer, json_answer
from tests.workers.sources.providers.paid.building import Paid, ids_in
from workers.sources.port import Target
from workers.sources.providers.paid.provider import FEW_VIDEOS, MOST_SINGLE_VIDEOS

GONE = "7100000000000000111"


def stats(paid: Paid, *ids: str, user_id: str | None = USER_ID) -> Verdict:
    target = Target(handle=HANDLE, user_id=user_id, video_ids=ids)
    return paid.provider.video_stats(target)


def missing_in(verdict: Verdict) -> tuple[str, ...]:
    assert isinstance(verdict, Ok), verdict
    return verdict.missing


def test_a_few_videos_are_requested_one_by_one(paid: Paid):
    ids = paid.add(videos=30)

    verdict = stats(paid, ids[3], ids[20], ids[3])

    assert ids_in(verdict) == [ids[3], ids[20]]
    assert set(paid.server.paths) == {paid.video_path}
    assert paid.server.received[0].query["url"] == [
        f"https://www.tiktok.com/@{HANDLE}/video/{ids[3]}"
    ]


def test_many_videos_are_read_in_the_list_and_no_further_than_needed(paid: Paid):
    ids = paid.add(videos=200)

    verdict = stats(paid, *ids[: FEW_VIDEOS + 1])

    assert ids_in(verdict) == ids[: FEW_VIDEOS + 1]
    assert paid.server.paths == [paid.list_path]


def test_what_the_list_does_not_show_is_requested_by_itself(paid: Paid):
    ids = paid.add(videos=8)

    verdict = stats(paid, *ids, GONE)

    assert ids_in(verdict) == ids
    assert missing_in(verdict) == (GONE,)
    assert paid.server.paths == [paid.list_path, paid.video_path]


def test_a_run_requests_only_some_videos_by_themselves(paid: Paid):
    paid.add(videos=1)
    gone = [str(int(GONE) + n) for n in range(50)]

    verdict = stats(paid, *gone)

    assert missing_in(verdict) == tuple(gone[:MOST_SINGLE_VIDEOS])
    assert len(paid.server.received) == 1 + MOST_SINGLE_VIDEOS


def test_without_ids_the_list_is_read(paid: Paid):
    ids = paid.add(videos=2)

    assert ids_in(stats(paid)) == ids


def test_a_video_without_a_known_creator_is_read_by_its_handle(paid: Paid):
    ids = paid.add(videos=2)

    assert ids_in(stats(paid, ids[1], user_id=None)) == [ids[1]]


@pytest.mark.parametrize(
    "answer",
    (
        json_answer({"message": "Video not found"}, status=404),
        json_answer({"detail": "Post does not exist"}, status=404),
        json_answer({"message": "This video is private", "aweme_detail": None}),
        json_answer({"statusCode": 10204, "aweme_detail": None, "data": []}),
        json_answer({"status_code": 10216, "data": {}}),
    ),
)
def test_a_video_that_is_not_shown_is_missing(paid: Paid, answer: Answer):
    paid.server.answers[paid.video_path] = answer

    assert missing_in(stats(paid, GONE)) == (GONE,)


def test_a_video_that_is_not_shown_everywhere_is_missing(ensembledata: Paid):
    ensembledata.answer(ensembledata.video_path, {"detail": "Restricted"}, status=520)

    assert missing_in(stats(ensembledata, GONE)) == (GONE,)


def test_a_withdrawn_video_is_missing(paid: Paid):
    paid.answer_video(an_aweme(GONE, status={"is_delete": True}))

    assert missing_in(stats(paid, GONE)) == (GONE,)


def test_somebody_elses_video_is_neither_read_nor_missing(paid: Paid):
    paid.answer_video(an_aweme(GONE, author={"uid": "7", "unique_id": "billy.butt"}))

    verdict = stats(paid, GONE)

    assert ids_in(verdict) == []
    assert missing_in(verdict) == ()


def test_an_answer_about_another_video_is_not_taken(paid: Paid):
    paid.answer_video(an_aweme("71"))

    assert isinstance(stats(paid, GONE), SchemaChanged)


@pytest.mark.parametrize("row", (None, {}, [], "x", {"desc": "hay"}))
def test_an_answer_without_a_video_is_in_no_known_shape(paid: Paid, row: object):
    paid.answer_video(row)

    assert isinstance(stats(paid, GONE), SchemaChanged)


@pytest.mark.parametrize(
    ("status", "verdict", "requests"),
    ((401, Blocked, 1), (429, RateLimited, 1), (500, Transient, 5)),
)
def test_it_makes_no_sense_to_go_on_after_some_refusals(
    paid: Paid, status: int, verdict: type, requests: int
):
    paid.answer(paid.video_path, {"message": "no", "detail": "no"}, status=status)

    assert type(stats(paid, "71", "72", "73", "74")) is verdict
    assert len(paid.server.received) == requests


def test_what_was_read_before_a_refusal_is_kept(paid: Paid):
    (video_id,) = paid.add(videos=1)
    if paid.name == "scrapecreators":
        paid.server.credits = 1  # pyright: ignore[reportAttributeAccessIssue]
    else:
        paid.server.units = 1  # pyright: ignore[reportAttributeAccessIssue]

    verdict = stats(paid, video_id, GONE)

    assert ids_in(verdict) == [video_id]
    assert missing_in(verdict) == ()


def test_what_is_no_id_is_not_requested(paid: Paid):
    verdict = stats(paid, "71/../../customer", "0")

    assert ids_in(verdict) == []
    assert paid.server.received == []


def test_a_creator_who_is_unknown_ends_the_run(ensembledata: Paid):
    assert isinstance(stats(ensembledata, *map(str, range(1, 9))), NotFound)

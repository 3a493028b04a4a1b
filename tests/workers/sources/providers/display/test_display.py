"""The display provider reads connected creators, and says what each refusal means."""

import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec import Raw

from application.connect.outcomes import Connected
from application.connect.rows import EARLY_SECONDS
from domain import events as e
from domain.connection.consent import BASIC, PROFILE, STATS, VIDEOS
from domain.scrape.verdicts import (
    Blocked,
    IdentityChanged,
    Ok,
    RateLimited,
    SchemaChanged,
    Transient,
)
from infra.eventstore.store import plain_events
from infra.http_out.refusals import RefusedError
from infra.http_out.request_notes import BudgetSpentError, metered
from infra.http_out.tiktok_api import TikTokReply
from infra.settings import Settings
from tests.kit.builders import Home
from tests.kit.connections import Fake, account, connect, fake_tiktok
from tests.tools.fake_tiktok.consents import ACCESS_SECONDS
from workers.sources.port import Target
from workers.sources.providers.display import DisplayProvider, open_display
from workers.sources.providers.display.api import data_of
from workers.sources.providers.display.shapes import page_of, profile_of
from workers.sources.tiktok_envelope import TokenRefusedError


@pytest.fixture
def fake() -> Iterator[Fake]:
    with fake_tiktok(account("billie", videos=45)) as fake:
        yield fake


@pytest.fixture
def display(home: Home, fake: Fake) -> Iterator[DisplayProvider]:
    settings: Settings = fake.settings(home.store.settings)
    provider = open_display(home.store, settings, server=None)
    yield provider
    provider.close()


@pytest.fixture
def billie(home: Home, fake: Fake) -> Target:
    creator_id = home.creator("billie")
    assert isinstance(connect(home.store, fake, creator_id, "billie"), Connected)
    return Target(handle="billie", creator_id=creator_id)


def ends(home: Home, creator_id: UUID | None) -> list[str]:
    assert creator_id is not None
    history = plain_events(home.store.load(creator_id)[creator_id])
    return [ev.reason for ev in history if isinstance(ev, e.CreatorConnectionLost)]


def test_a_profile_has_every_number_to_the_last_digit(
    display: DisplayProvider, billie: Target
):
    seen = display.creator_profiles(billie)

    assert isinstance(seen, Ok)
    assert seen.profile is not None
    assert (seen.profile.follower_count, seen.profile.precision) == (12_345, "exact")
    assert (seen.profile.total_likes_count, seen.profile.video_count) == (890_123, 45)


def test_a_list_goes_on_to_its_end_and_has_no_saves(
    display: DisplayProvider, billie: Target, fake: Fake
):
    listed = display.discover_videos(billie)

    assert isinstance(listed, Ok)
    assert (len(listed.videos), listed.pages, listed.listed_reason) == (45, 3, None)
    first = listed.videos[0]
    assert (first.view_count, first.save_count, first.title) == (
        1_044,
        None,
        "Video 44",
    )
    assert fake.tiktok.requests.count("/v2/video/list/") == 3


def test_a_list_that_fails_further_down_keeps_what_it_has(
    display: DisplayProvider, billie: Target, fake: Fake
):
    def fail_later() -> None:
        if fake.tiktok.requests.count("/v2/video/list/") == 2:
            raise RefusedError(Transient("It was not heard."))

    with metered(fail_later):
        listed = display.discover_videos(billie)

    assert isinstance(listed, Ok)
    assert (len(listed.videos), listed.pages) == (40, 2)
    assert listed.cut_by == Transient("It was not heard.")
    assert listed.listed_reason == "It was not heard."


def test_a_list_within_which_the_budget_ends_keeps_what_it_has(
    display: DisplayProvider, billie: Target
):
    left = [2]

    def take() -> None:
        if not left[0]:
            raise BudgetSpentError(60)
        left[0] -= 1

    with metered(take):
        listed = display.discover_videos(billie)

    assert isinstance(listed, Ok)
    assert (len(listed.videos), listed.cut_by) == (40, None)
    assert listed.listed_reason == "The day's budget of requests is used up."


def test_a_scope_that_is_taken_back_within_a_list_is_noticed(
    display: DisplayProvider, billie: Target, fake: Fake, home: Home
):
    def take_back() -> None:
        if fake.tiktok.requests.count("/v2/video/list/") == 1:
            fake.consents.withdraw_scope(fake.accounts["billie"].open_id, VIDEOS)

    with metered(take_back):
        assert isinstance(display.discover_videos(billie), Blocked)
    assert ends(home, billie.creator_id) == ["scope_missing"]


def test_videos_are_read_by_their_ids_twenty_at_a_time(
    display: DisplayProvider, billie: Target, fake: Fake
):
    ids = tuple(video.id for video in fake.accounts["billie"].videos[:25])
    target = msgspec.structs.replace(billie, video_ids=(*ids, "7"))

    seen = display.video_stats(target)

    assert isinstance(seen, Ok)
    assert {video.tiktok_video_id for video in seen.videos} == {*ids}
    # TikTok does not say why it leaves one out.
    assert (seen.missing, seen.pages) == ((), 2)


def test_a_video_that_was_not_asked_for_is_nobodys(
    display: DisplayProvider, billie: Target, monkeypatch: pytest.MonkeyPatch
):
    def more(_videos: object, _fields: str) -> list[dict[str, object]]:
        return [{"id": id_, "view_count": 1} for id_ in ("7", "8")]

    monkeypatch.setattr("tests.tools.fake_tiktok.display._shown", more)

    seen = display.video_stats(msgspec.structs.replace(billie, video_ids=("7",)))

    assert isinstance(seen, Ok)
    assert [video.tiktok_video_id for video in seen.videos] == ["7"]


def test_a_clock_ten_minutes_ahead_at_tiktok_takes_no_token_that_is_used(
    display: DisplayProvider, billie: Target, fake: Fake
):
    # The last second in which the token is not refreshed here.
    ahead = ACCESS_SECONDS - EARLY_SECONDS + 600
    fake.consents.clock = lambda: time.time() + ahead

    assert isinstance(display.creator_profiles(billie), Ok)
    assert fake.tiktok.requests.count("/v2/user/info/") == 2
    assert fake.consents.refreshes == 0


def test_it_serves_where_the_creator_has_connected_and_what_it_allows(
    display: DisplayProvider, home: Home, fake: Fake
):
    creator_id = home.creator("billie")
    target = Target(handle="billie", creator_id=creator_id)

    assert display.cannot_serve(Target(handle="billie"), "creator_profiles")
    assert display.cannot_serve(target, "creator_profiles")
    connect(home.store, fake, creator_id, "billie", scopes=(BASIC, PROFILE, VIDEOS))

    assert display.cannot_serve(target, "creator_profiles")
    assert display.cannot_serve(target, "discover_videos") is None
    assert display.cannot_serve(target, "video_stats") is None


def test_a_refused_token_is_refreshed_once(
    display: DisplayProvider, billie: Target, fake: Fake
):
    fake.consents.end_access()

    assert isinstance(display.creator_profiles(billie), Ok)
    assert fake.consents.refreshes == 1


def test_a_withdrawn_consent_is_lost_and_the_next_source_is_asked(
    display: DisplayProvider, billie: Target, fake: Fake, home: Home
):
    fake.consents.withdraw(fake.accounts["billie"].open_id)

    assert isinstance(display.creator_profiles(billie), Blocked)
    assert ends(home, billie.creator_id) == ["revoked_there"]
    assert display.cannot_serve(billie, "creator_profiles")


def test_a_scope_that_was_taken_back_is_noticed(
    display: DisplayProvider, billie: Target, fake: Fake, home: Home
):
    fake.consents.withdraw_scope(fake.accounts["billie"].open_id, STATS)

    assert isinstance(display.creator_profiles(billie), Blocked)
    assert ends(home, billie.creator_id) == ["scope_missing"]


def test_what_is_of_another_account_is_nobodys_here(
    display: DisplayProvider,
    billie: Target,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(
        "tests.tools.fake_tiktok.display.FakeDisplay._field",
        lambda _self, _account, field: f"other {field}",
    )

    assert isinstance(display.creator_profiles(billie), IdentityChanged)


def reply(status: int, code: str | None = None, body: bytes = b"") -> TikTokReply:
    if code is not None:
        error = {"code": code, "message": "", "log_id": "1"}
        body = msgspec.json.encode({"data": {}, "error": error})
    return TikTokReply(status=status, body=body)


@pytest.mark.parametrize(
    ("answer", "kind"),
    (
        (reply(429, "rate_limit_exceeded"), RateLimited),
        (reply(403, "scope_permission_missed"), Blocked),
        (reply(500, "internal_error"), Transient),
        (reply(400, "invalid_params"), SchemaChanged),
        (reply(200, "of_tomorrow"), SchemaChanged),
        (reply(503, None, b"<html>"), Transient),
        (reply(200, None, b""), Transient),
        (reply(200, None, b"[1]"), SchemaChanged),
        (reply(403, None, b"no"), Blocked),
    ),
)
def test_each_word_of_tiktoks_errors_has_its_verdict(answer: TikTokReply, kind: type):
    with pytest.raises(RefusedError) as refused:
        data_of(answer)

    assert type(refused.value.verdict) is kind


@pytest.mark.parametrize("answer", (reply(401, "access_token_invalid"), reply(401)))
def test_a_refused_token_is_known_by_its_word_or_status(answer: TikTokReply):
    with pytest.raises(TokenRefusedError):
        data_of(answer)


def raw(value: object) -> Raw:
    return Raw(msgspec.json.encode(value))


def test_numbers_that_are_missing_are_unknown_and_never_0():
    user: dict[str, Any] = {"open_id": "a", "follower_count": "12", "likes_count": 1.5}

    profile = profile_of(raw({"user": user}), open_id="a")

    assert (profile.follower_count, profile.total_likes_count) == (12, None)
    assert profile.following_count is None
    with pytest.raises(RefusedError):
        profile_of(raw({"user": {"open_id": "a"}}), open_id="a")


def test_a_page_that_leads_nowhere_is_no_page():
    video = {"id": 7, "view_count": 2**70, "like_count": "3"}

    (found,) = page_of(raw({"videos": [video, {"id": "x"}]})).videos

    assert (found.tiktok_video_id, found.view_count, found.like_count) == ("7", None, 3)
    for broken in (
        {"videos": [video], "has_more": True},
        {"videos": [video], "has_more": True, "cursor": 5},
        {"videos": [{"id": "x"}]},
        [],
    ):
        with pytest.raises(RefusedError):
            page_of(raw(broken), after=5)

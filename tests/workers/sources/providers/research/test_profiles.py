"""Reading a profile: fields that the research provider sees, and missing ones."""

import json
from hashlib import sha256

import pytest

from domain.scrape.observations import ProfileObservation
from domain.scrape.verdicts import (
    Ok,
    SchemaChanged,
    Verdict,
)
from tests.workers.sources.providers.research.building import BILLIE, NOON, Researcher
from tests.workers.sources.providers.research.server import (
    USER_PATH,
    ResearchServer,
    answer_data,
    enveloped,
)
from workers.sources.port import Provider

USER = {
    "display_name": "Billie 🐐 the Goat",
    "avatar_url": "https://cdn.example/billie.jpeg?x-expires=1",
    "follower_count": 4_001_943,
    "following_count": 45,
    "likes_count": 11_907_467_940,
    "video_count": 44,
}
PROFILE = ProfileObservation(
    display_name="Billie 🐐 the Goat",
    avatar_url="https://cdn.example/billie.jpeg?x-expires=1",
    follower_count=4_001_943,
    following_count=45,
    total_likes_count=11_907_467_940,
    video_count=44,
    precision="exact",
)


def profile_in(verdict: Verdict) -> ProfileObservation:
    assert isinstance(verdict, Ok), verdict
    assert verdict.profile
    return verdict.profile


def test_a_profile_is_read_with_exact_counters(
    server: ResearchServer, researcher: Researcher
):
    server.users["billie.goat"] = USER | {"bio_description": "bleats", "is_verified": 1}
    provider: Provider = researcher.provider()

    verdict = provider.creator_profiles(BILLIE)

    assert isinstance(verdict, Ok)
    assert verdict.observed_at == NOON
    assert verdict.profile == PROFILE
    assert (verdict.videos, verdict.pages) == ((), 1)


def test_a_profile_is_asked_for_as_the_api_wants_it(
    server: ResearchServer, researcher: Researcher
):
    server.users["billie.goat"] = USER

    researcher.provider().creator_profiles(BILLIE)

    (request,) = server.requests(USER_PATH)
    assert request.body == {"username": "billie.goat"}
    assert sorted(request.fields.split(",")) == sorted(USER)
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Authorization"] == f"Bearer {server.tokens[0]}"


def test_the_digest_is_of_the_data_and_not_of_the_request(
    server: ResearchServer, researcher: Researcher
):
    server.next_time(
        USER_PATH,
        lambda handler: handler.send_json(200, enveloped(USER, log_id="1")),
        lambda handler: handler.send_json(200, enveloped(USER, log_id="2")),
    )
    provider = researcher.provider()

    digests = [provider.creator_profiles(BILLIE) for _ in range(2)]

    expected = sha256(json.dumps(USER).encode()).hexdigest()
    assert {v.payload_sha256 for v in digests if isinstance(v, Ok)} == {expected}


@pytest.mark.parametrize(
    "unreadable",
    (None, "many", "4.1M", "", "-", 1.5, 4e6, True, [1], {"count": 1}, 2**63, "9" * 20),
)
def test_a_counter_that_cannot_be_read_is_null_and_not_0(
    unreadable: object, server: ResearchServer, researcher: Researcher
):
    server.users["billie.goat"] = USER | {"follower_count": unreadable}

    verdict = researcher.provider().creator_profiles(BILLIE)

    profile = profile_in(verdict)
    assert profile.follower_count is None
    assert profile.video_count == 44


@pytest.mark.parametrize("field", tuple(USER))
def test_a_field_that_is_missing_is_null(
    field: str, server: ResearchServer, researcher: Researcher
):
    left = {name: value for name, value in USER.items() if name != field}
    server.users["billie.goat"] = left

    verdict = researcher.provider().creator_profiles(BILLIE)

    profile = profile_in(verdict)
    ours = field.replace("likes_count", "total_likes_count")
    assert getattr(profile, ours) is None
    assert profile.precision == "exact"


@pytest.mark.parametrize("counter", (0, -1_720_410_671, 2**63 - 1, -(2**63)))
def test_a_counter_is_kept_as_it_was_seen(
    counter: int, server: ResearchServer, researcher: Researcher
):
    server.users["billie.goat"] = USER | {"likes_count": counter}

    verdict = researcher.provider().creator_profiles(BILLIE)

    assert profile_in(verdict).total_likes_count == counter


def test_digits_in_a_string_are_a_number(
    server: ResearchServer, researcher: Researcher
):
    server.users["billie.goat"] = USER | {"likes_count": "11907467940"}

    verdict = researcher.provider().creator_profiles(BILLIE)

    assert profile_in(verdict) == PROFILE


@pytest.mark.parametrize("data", ({}, {"user": USER}, None, [], "billie", [USER]))
def test_a_user_without_any_known_field_is_a_changed_schema(
    data: object, server: ResearchServer, researcher: Researcher
):
    server.next_time(USER_PATH, answer_data(data))

    verdict = researcher.provider().creator_profiles(BILLIE)

    assert isinstance(verdict, SchemaChanged)

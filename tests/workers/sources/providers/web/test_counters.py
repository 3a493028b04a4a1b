"""Counters: read as they are written, or not at all."""

from typing import Any

import pytest

from tests.workers.sources.providers.web.server import TikTok, seen
from tests.workers.sources.providers.web.shapes import (
    HANDLE,
    a_detail,
    counting,
    profile_page,
)
from workers.sources.port import Target
from workers.sources.providers.web import WebProvider

NANNY = Target(handle=HANDLE)
PAGE = f"/@{HANDLE}"


def test_counters_without_an_exact_twin_are_rounded(
    tiktok: TikTok, provider: WebProvider
):
    profile = seen(tiktok, provider, profile_page(a_detail(exact=None)))

    assert profile.follower_count == 4_000_000
    assert profile.video_count == 178
    assert profile.precision == "rounded"


def test_a_single_counter_without_an_exact_twin_is_rounded(
    tiktok: TikTok, provider: WebProvider
):
    detail = a_detail(stats={"followerCount": 4_000_000}, exact=None)

    profile = seen(tiktok, provider, profile_page(detail))

    assert profile.follower_count == 4_000_000
    assert profile.precision == "rounded"


def test_one_rounded_counter_makes_the_whole_profile_rounded(
    tiktok: TikTok, provider: WebProvider
):
    exact = {"followerCount": "4001943", "followingCount": "9"}

    profile = seen(tiktok, provider, profile_page(a_detail(exact=exact)))

    assert profile.follower_count == 4_001_943
    assert profile.video_count == 178
    assert profile.precision == "rounded"


@pytest.mark.parametrize(
    ("written", "read"),
    (
        (0, 0),
        ("0", 0),
        (-1_720_410_671, -1_720_410_671),
        ("  44 ", 44),
        (2**63 - 1, 2**63 - 1),
        ("9223372036854775807", 2**63 - 1),
        (-(2**63), -(2**63)),
        (2**63, None),
        ("9223372036854775808", None),
        (-(2**63) - 1, None),
        ("123456789012345678901234567890", None),
        (10**400, None),
        (1.5, None),
        (12.0, None),
        (True, None),
        (None, None),
        ("", None),
        ("null", None),
        ("-", None),
        ("1,234,567", None),
        ("1_000", None),
        ("0x10", None),
        ("\u0661\u0662", None),
        ("\u00b2", None),
        ({}, None),
        ([7], None),
        ({"value": 7}, None),
    ),
)
def test_a_counter_is_what_is_written_or_nothing(
    tiktok: TikTok, provider: WebProvider, written: object, read: int | None
):
    detail = counting(followerCount=written, followingCount="3")

    profile = seen(tiktok, provider, profile_page(detail))

    assert profile.follower_count == read
    assert profile.following_count == 3
    assert profile.video_count is None
    assert profile.total_likes_count is None
    assert profile.precision == "exact"


@pytest.mark.parametrize(
    ("written", "read"),
    (
        ("1.2M", 1_200_000),
        ("1,2M", 1_200_000),
        ("1.1m", 1_100_000),
        ("59K", 59_000),
        ("11.4 K", 11_400),
        ("2B", 2_000_000_000),
        ("1.234k", 1_234),
    ),
)
def test_an_abbreviated_counter_is_read_as_rounded(
    tiktok: TikTok, provider: WebProvider, written: str, read: int
):
    profile = seen(tiktok, provider, profile_page(counting(followerCount=written)))

    assert profile.follower_count == read
    assert profile.precision == "rounded"


@pytest.mark.parametrize("written", ("1.2345M", "1.M", ".5K", "12345K", "-1K", "1T"))
def test_what_only_looks_abbreviated_is_not_read(
    tiktok: TikTok, provider: WebProvider, written: str
):
    detail = counting(followerCount=written, followingCount=3)

    profile = seen(tiktok, provider, profile_page(detail))

    assert profile.follower_count is None


@pytest.mark.parametrize(
    ("stats", "exact", "likes"),
    (
        # 32 bits hold no more, and more than once around may look like anything.
        ({"followerCount": 10_000_001, "heartCount": 12_345}, None, None),
        ({"followerCount": 10_000_000, "heartCount": 12_345}, None, 12_345),
        ({"followerCount": 900, "heartCount": -1_720_410_671}, None, None),
        # How many follow is not known, so neither is whether it wrapped.
        ({"followingCount": 9, "heartCount": 12_345}, None, None),
        # A page of 2020 said both of these.
        ({"followerCount": 900, "heartCount": 0, "heart": 4_200_000_000}, None, None),
        ({"followerCount": 900, "heart": 12_345}, None, 12_345),
        (
            {"followerCount": 70_000_000, "heartCount": -977_433_948},
            {"followerCount": "70000001", "heartCount": "11907467940"},
            11_907_467_940,
        ),
        ({"followerCount": 900, "heartCount": 5}, {"heartCount": "-7"}, 5),
        ({"followerCount": 900}, {"heartCount": "-7"}, None),
    ),
)
def test_likes_that_may_have_wrapped_are_not_told(
    tiktok: TikTok,
    provider: WebProvider,
    stats: dict[str, Any],
    exact: dict[str, Any] | None,
    likes: int | None,
):
    profile = seen(tiktok, provider, profile_page(a_detail(stats=stats, exact=exact)))

    assert profile.total_likes_count == likes


def test_likes_given_are_not_likes_received(tiktok: TikTok, provider: WebProvider):
    detail = counting(followerCount="5", diggCount="1234")

    profile = seen(tiktok, provider, profile_page(detail))

    assert profile.total_likes_count is None

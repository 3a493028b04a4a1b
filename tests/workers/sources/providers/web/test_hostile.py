"""Hostile pages: every one has a verdict, and no number is made up."""

import json
import re
from collections.abc import Iterator
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.scrape.verdicts import (
    Ok,
    Verdict,
)
from infra.http_out.limiter import polite
from tests.kit.depth import part_of
from tests.kit.mutated_json import mutated
from tests.workers.sources.providers.web.server import TikTok
from tests.workers.sources.providers.web.shapes import (
    HANDLE,
    PATIENT,
    SEC_UID,
    USER_ID,
    a_detail,
    an_item,
    html,
    html_with,
    page_with,
    profile_page,
)
from workers.sources.port import Target
from workers.sources.providers.web import WebProvider

PAGE = f"/@{HANDLE}"
LIST = "/api/creator/item_list/"
VIDEO = f"{PAGE}/video/71"
NANNY = Target(handle=HANDLE, user_id=USER_ID, sec_uid=SEC_UID)

VERDICTS = get_args(Verdict)
UNIVERSAL = {
    "__DEFAULT_SCOPE__": {
        "webapp.user-detail": a_detail(),
        "webapp.video-detail": {"itemInfo": {"itemStruct": an_item("71")}},
    }
}
OLDER = {
    "UserModule": {
        "users": {HANDLE: a_detail()["userInfo"]["user"]},
        "stats": {HANDLE: a_detail()["userInfo"]["stats"]},
    },
    "UserPage": {"uniqueId": HANDLE, "statusCode": 0},
}
LISTED = {"itemList": [an_item("71"), an_item("72")], "hasMorePrevious": False}


@st.composite
def damaged(draw: st.DrawFn, text: bytes) -> bytes:
    """The text with a piece of it replaced, by nothing or by something."""
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 400)))
    return text[:start] + draw(st.binary(max_size=40)) + text[end:]


def numbers_in(text: bytes) -> set[int]:
    """Every number that somebody might read there, plain or abbreviated."""
    plain = {int(number) for number in re.findall(rb"-?[0-9]{1,40}", text)}
    short = {
        int(whole + fraction) * 10 ** ({"k": 3, "m": 6, "b": 9}[unit] - len(fraction))
        for whole, fraction, unit in re.findall(
            r"([0-9]{1,4})(?:[.,]([0-9]{1,3}))?\s?([kmb])",
            text.decode(errors="replace").lower(),
        )
    }
    return plain | {-number for number in plain} | short


def check(verdict: object, *bodies: bytes) -> None:
    assert isinstance(verdict, VERDICTS)
    if not isinstance(verdict, Ok):
        return
    numbers = [
        value
        for seen in (verdict.profile, *verdict.videos)
        if seen
        for name in seen.__struct_fields__
        if name.endswith("_count") and (value := getattr(seen, name)) is not None
    ]
    assert set(numbers) <= numbers_in(b"\n".join(bodies))
    assert all(-(2**63) <= value < 2**63 for value in numbers)


@pytest.fixture(scope="module")
def tiktok() -> Iterator[TikTok]:
    with TikTok() as tiktok:
        yield tiktok


@pytest.fixture(scope="module")
def provider(tiktok: TikTok) -> WebProvider:
    politeness = polite(None, gap=0.0, jitter=0.0)
    return WebProvider(tiktok.url, politeness=politeness, limits=PATIENT)


carefully = settings(
    max_examples=part_of(120),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@carefully
@given(state=mutated(UNIVERSAL))
def test_a_mutated_profile_makes_nothing_up(
    tiktok: TikTok, provider: WebProvider, state: object
):
    body = html_with("__UNIVERSAL_DATA_FOR_REHYDRATION__", state)
    tiktok.answers[PAGE] = html(body)

    check(provider.creator_profiles(NANNY), body)


@carefully
@given(state=mutated(OLDER))
def test_a_mutated_older_profile_makes_nothing_up(
    tiktok: TikTok, provider: WebProvider, state: object
):
    body = html_with("SIGI_STATE", state)
    tiktok.answers[PAGE] = html(body)

    check(provider.creator_profiles(NANNY), body)


@carefully
@given(body=damaged(page_with(UNIVERSAL["__DEFAULT_SCOPE__"])))
def test_a_damaged_page_makes_nothing_up(
    tiktok: TikTok, provider: WebProvider, body: bytes
):
    tiktok.answers[PAGE] = html(body)
    tiktok.answers[VIDEO] = html(body)
    target = Target(handle=HANDLE, user_id=USER_ID, video_ids=("71",))

    check(provider.creator_profiles(NANNY), body)
    check(provider.video_stats(target), body)


@carefully
@given(state=mutated(UNIVERSAL))
def test_a_mutated_video_makes_nothing_up(
    tiktok: TikTok, provider: WebProvider, state: object
):
    body = html_with("__UNIVERSAL_DATA_FOR_REHYDRATION__", state)
    tiktok.answers[VIDEO] = html(body)
    target = Target(handle=HANDLE, user_id=USER_ID, video_ids=("71",))

    check(provider.video_stats(target), body)


@carefully
@given(
    body=st.one_of(
        mutated(LISTED).map(lambda page: json.dumps(page).encode()),
        damaged(json.dumps(LISTED).encode()),
    )
)
def test_a_mutated_list_makes_nothing_up(
    tiktok: TikTok, provider: WebProvider, body: bytes
):
    profile = profile_page(a_detail())
    tiktok.answers[PAGE] = profile
    tiktok.answers[LIST] = html(body)

    check(provider.discover_videos(NANNY), profile.body, body)

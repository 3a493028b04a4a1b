"""The rights of a consent, and consents with too few of them."""

import pytest

from domain.connection.consent import (
    BASIC,
    PROFILE,
    SCOPES,
    STATS,
    VIDEOS,
    check_scopes,
    explained,
    granted_scopes,
    may_serve,
)
from domain.connection.errors import ScopeMissingError


def test_scopes_are_read_with_commas_or_blanks_and_each_once():
    assert granted_scopes("video.list,user.info.basic, video.list") == (BASIC, VIDEOS)
    assert granted_scopes("") == ()


@pytest.mark.parametrize(
    ("scopes", "missing"),
    (
        ((PROFILE, STATS, VIDEOS), (BASIC,)),
        ((BASIC, STATS, VIDEOS), (PROFILE,)),
        ((BASIC, PROFILE), (STATS, VIDEOS)),
        ((), (BASIC, PROFILE, STATS, VIDEOS)),
    ),
)
def test_a_consent_that_says_neither_whose_nor_any_number_is_too_little(
    scopes: tuple[str, ...], missing: tuple[str, ...]
):
    with pytest.raises(ScopeMissingError) as refused:
        check_scopes(scopes)

    assert refused.value.scopes == missing


@pytest.mark.parametrize("scope", (STATS, VIDEOS))
def test_numbers_or_videos_alone_are_enough(scope: str):
    check_scopes((BASIC, PROFILE, scope))


def test_each_kind_of_scrape_needs_its_own_scope():
    assert may_serve("creator_profiles", {STATS})
    assert not may_serve("creator_profiles", {VIDEOS})
    for job_type in ("discover_videos", "video_stats"):
        assert may_serve(job_type, {VIDEOS})
        assert not may_serve(job_type, {STATS})


def test_every_scope_that_is_asked_for_is_explained():
    assert len({*explained(SCOPES)}) == len(SCOPES) == 4

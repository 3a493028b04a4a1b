"""Mappers: no number is made up from any JSON in a plausible shape."""

import json
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.scrape.observations import (
    ProfileObservation,
    VideoObservation,
)
from infra.http_out.refusals import RefusedError
from tests.kit.depth import part_of
from tests.kit.mutated_json import VALUES, mutated
from tests.kit.paid_accounts import HANDLE, SEC_UID, USER_ID, PaidAccount, an_aweme
from workers.sources.providers.paid.ensembledata import (
    EnsembleDataProvider,
    open_ensembledata,
)
from workers.sources.providers.paid.rows import seen_video_of
from workers.sources.providers.paid.scrapecreators import (
    ScrapeCreatorsProvider,
    open_scrapecreators,
)
from workers.sources.providers.paid.session import paid_limits
from workers.sources.shapes.app import as_web_counters, as_web_user
from workers.sources.shapes.json_values import decode
from workers.sources.shapes.web import account_of

ACCOUNT = PaidAccount(stats={"followerCount": "4100233"})
WEB_VIDEO = {
    "id": "71",
    "desc": "hay",
    "createTime": "1745842841",
    "author": {"id": USER_ID, "uniqueId": HANDLE, "secUid": SEC_UID},
    "stats": {"playCount": 14_200_000, "diggCount": "866K"},
    "statsV2": {"playCount": "14200113"},
    "video": {"duration": 30, "cover": "https://a.example/c"},
}


def counters_of(seen: ProfileObservation | VideoObservation) -> set[int]:
    return {
        value
        for name in seen.__struct_fields__
        if name.endswith("_count") and (value := getattr(seen, name)) is not None
    }


def check(seen: ProfileObservation | VideoObservation, tree: object) -> None:
    """Every counter is a number that somebody can read in the tree."""
    text = json.dumps(tree)
    plain = {int(number) for number in re.findall(r"-?[0-9]{1,40}", text)}
    short = {
        int(whole + fraction) * 10 ** ({"k": 3, "m": 6, "b": 9}[unit] - len(fraction))
        for whole, fraction, unit in re.findall(
            r"([0-9]{1,4})(?:[.,]([0-9]{1,3}))?\s?([kmb])", text.lower()
        )
    }
    assert counters_of(seen) <= plain | short
    assert all(-(2**63) <= value < 2**63 for value in counters_of(seen))


often = settings(max_examples=part_of(150), deadline=None)


@often
@given(tree=mutated(ACCOUNT.web, {"user": ACCOUNT.app}))
def test_a_mutated_account_makes_nothing_up(tree: Any):  # noqa: ANN401
    user = tree.get("user")
    try:
        account = account_of(
            as_web_user(user),
            exact=as_web_counters(user),
            rounded=tree.get("stats"),
            subject="It",
            handle=HANDLE,
        )
    except RefusedError:
        return
    check(account.profile, tree)
    assert counters_of(account.profile)


@often
@given(row=mutated(an_aweme("71"), {"aweme_detail": an_aweme("71")}, WEB_VIDEO))
def test_a_mutated_video_makes_nothing_up(row: object):
    seen = seen_video_of(row)

    if seen:
        check(seen.video, row)
        assert seen.video.tiktok_video_id in json.dumps(row)


LIMITS = paid_limits(40)
SCRAPECREATORS: ScrapeCreatorsProvider = open_scrapecreators(
    base_url="http://127.0.0.1:1", api_key="k", limits=LIMITS
)
ENSEMBLEDATA: EnsembleDataProvider = open_ensembledata(
    base_url="http://127.0.0.1:1", api_key="k", limits=LIMITS
)
PAGE = {"aweme_list": [an_aweme("71")], "has_more": 1, "max_cursor": "5"}
WRAPPED = {"data": {"data": [an_aweme("71")], "nextCursor": 5}}
SINGLE = ({"aweme_detail": an_aweme("71")}, {"data": [an_aweme("71")]})


@often
@given(body=st.one_of(VALUES, mutated(PAGE, WRAPPED, *SINGLE)))
def test_a_mutated_answer_has_rows_or_none(body: object):
    for provider in (SCRAPECREATORS, ENSEMBLEDATA):
        page = provider.page_in(body)
        provider.row_in(body)
        provider.account_in(body)
        if page is not None:
            assert page.cursor is None or page.cursor.lstrip("-").isdecimal()
            for row in page.rows:
                seen_video_of(row)


@often
@given(text=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_any_bytes_are_json_or_none(text: bytes):
    decode(text)


def test_half_of_a_character_is_read():
    body = rb'{"data":{"desc":"hay \ud83d"},"n":9007199254740993}'

    tree: Any = decode(body)

    assert tree["data"]["desc"].startswith("hay ")
    assert tree["n"] == 9_007_199_254_740_993

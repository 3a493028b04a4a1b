"""Pages and answers in the shapes that TikTok gives them, with invented people."""

import json
from datetime import UTC, datetime
from typing import Any

from tests.kit.scripted_site import json_answer
from tests.workers.sources.providers.web.server import Answer
from workers.sources.providers.web import SessionLimits

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
# Like the real ones, but nobody waits for seconds.
# For tests of time running out; the others wait for a machine that has much to do.
LIMITS = SessionLimits(
    run_seconds=6.0, request_seconds=0.6, connect_seconds=0.5, silence_seconds=0.3
)
PATIENT = SessionLimits(
    run_seconds=60.0, request_seconds=15.0, connect_seconds=5.0, silence_seconds=5.0
)

HANDLE = "nanny.bleat"
USER_ID = "7040088116276600001"
SEC_UID = "MS4wLjABAAAA" + "nB-x_" * 12 + "Zq9w"
SHORT_SEC_UID = "MS4wLjABAAAA" + "kV3_-mQ" * 6 + "t"

# Values of counters that no test cares about.
COUNTERS = {
    "followerCount": 4_000_000,
    "followingCount": 9,
    "heart": 77_600_000,
    "heartCount": 77_600_000,
    "videoCount": 178,
    "diggCount": 0,
    "friendCount": 6,
}
EXACT_COUNTERS = {
    "followerCount": "4001943",
    "followingCount": "9",
    "heart": "77615151",
    "heartCount": "77615151",
    "videoCount": "178",
    "diggCount": "0",
    "friendCount": "6",
}


def a_user(**changes: object) -> dict[str, Any]:
    return {
        "id": USER_ID,
        "shortId": "",
        "uniqueId": HANDLE,
        "nickname": "Nanny Bleat \U0001f410",
        "avatarLarger": "https://p16.example.net/avt-0068/732753~tplv.jpeg?x-expires=1",
        "avatarMedium": "https://p16.example.net/avt-0068/720.jpeg",
        "avatarThumb": "https://p16.example.net/avt-0068/100.jpeg",
        "signature": "hay, mostly\n\u202eand </script> jokes",
        "createTime": 0,
        "verified": False,
        "secUid": SEC_UID,
        "ftc": False,
        "privateAccount": False,
        "secret": False,
        "uniqueIdModifyTime": 1_700_000_000,
        "bioLink": {"link": "https://example.org/captcha", "risk": 0},
        "isOrganization": 0,
        **changes,
    }


def a_detail(
    *,
    code: object = 0,
    user: dict[str, Any] | None = None,
    stats: object = COUNTERS,
    exact: object = EXACT_COUNTERS,
) -> dict[str, Any]:
    """The data of a profile page about its account; None leaves counters out."""
    info: dict[str, Any] = {"user": user or a_user(), "itemList": []}
    if stats is not None:
        info["stats"] = stats
    if exact is not None:
        info["statsV2"] = exact
    return {"userInfo": info, "statusCode": code, "statusMsg": "", "needFix": False}


def counting(**counters: object) -> dict[str, Any]:
    """A detail with these as all the counters there are, exact ones."""
    return a_detail(stats=None, exact=counters)


def html_with(script_id: str, state: object) -> bytes:
    text = json.dumps(state).replace("</", "<\\/")
    return (
        "<!DOCTYPE html><html><head><title>Nanny Bleat (@nanny.bleat) | TikTok</title>"
        '<script>window.captcha = "https://verify.example.net/captcha.js"</script>'
        f'</head><body><script id="{script_id}" type="application/json">{text}</script>'
        '<script src="https://example.net/app.js"></script></body></html>'
    ).encode()


def page_with(scope: dict[str, Any]) -> bytes:
    shared = {"webapp.app-context": {"language": "en", "region": "XX"}}
    return html_with(
        "__UNIVERSAL_DATA_FOR_REHYDRATION__",
        {"__DEFAULT_SCOPE__": {**shared, **scope}},
    )


def profile_page(detail: object) -> Answer:
    return html(page_with({"webapp.user-detail": detail}))


def nobody_page(code: object) -> Answer:
    """How a page looks whose code tells that there is nothing to see."""
    return profile_page({"userInfo": {}, "statusCode": code, "statusMsg": ""})


def older_profile_page(
    *, code: int = 0, users: dict[str, Any] | None = None, **stats: object
) -> Answer:
    state: dict[str, Any] = {
        "ItemList": {"user-post": {"list": [], "statusCode": 0}},
        "ItemModule": {},
        "UserModule": {
            "users": users or {HANDLE: a_user()},
            "stats": {HANDLE: stats or COUNTERS},
        },
        "UserPage": {"uniqueId": HANDLE, "statusCode": code, "secUid": SEC_UID},
        "SEO": {"metaParams": {"title": "@nanny.bleat"}},
    }
    return html(html_with("SIGI_STATE", state))


def an_item(video_id: str, **changes: object) -> dict[str, Any]:
    return {
        "id": video_id,
        "desc": "Which #hay is best?",
        "createTime": 1_745_842_841,
        "author": {"id": USER_ID, "uniqueId": HANDLE, "secUid": SEC_UID},
        "stats": {
            "playCount": 14_200_000,
            "diggCount": 866_000,
            "commentCount": 18_900,
            "shareCount": 34_700,
            "collectCount": 59_100,
        },
        "statsV2": {
            "playCount": "14200113",
            "diggCount": "866000",
            "commentCount": "18904",
            "shareCount": "34711",
            "collectCount": "59149",
            "repostCount": "0",
        },
        "video": {"id": video_id, "duration": 30, "height": 1024, "width": 576},
        "privateItem": False,
        "isAd": False,
        "textLanguage": "en",
        "music": {
            "id": "7064643531196860417",
            "title": "Good Hay (Instrumental)",
            "authorName": "Cleo",
            "original": False,
            "duration": 171,
        },
        "challenges": [{"id": "1", "title": "hay"}],
        "textExtra": [
            {"start": 6, "end": 10, "hashtagName": "Hay", "type": 1},
            {"start": 20, "end": 26, "hashtagName": "", "userUniqueId": "berta"},
        ],
        **changes,
    }


def a_photo(video_id: str) -> dict[str, Any]:
    return an_item(
        video_id, imagePost={"images": [{}]}, video={"id": video_id, "duration": 0}
    )


def list_page(items: list[dict[str, Any]], *, more: bool) -> Answer:
    return json_answer({"itemList": items, "hasMorePrevious": more, "statusCode": 0})


def video_page(item: object, *, code: object = 0) -> Answer:
    detail = {"itemInfo": {"itemStruct": item}, "statusCode": code, "statusMsg": ""}
    return html(page_with({"webapp.video-detail": detail}))


def gone_page(code: int) -> Answer:
    return html(page_with({"webapp.video-detail": {"statusCode": code}}))


def html(body: bytes, *, status: int = 200) -> Answer:
    headers = {"Content-Type": "text/html; charset=utf-8"}
    return Answer(status=status, headers=headers, body=body)


CAPTCHA_PAGE = html(
    b"<html><head><title>TikTok</title></head><body><div id='captcha_container'>"
    b"<script src='https://example.net/captcha/index.js'></script></div></body></html>"
)
# A puzzle of SHA-256 sums that browsers solve on the way. We do not.
WAF_PAGE = html(
    b"<html><head></head><body>Please wait...<p id='cs' class='eyJ2Ijp7fX0'></p>"
    b"<p id='wci' class='_wafchallengeid'></p><p id='rci' class='waforiginalreid'></p>"
    b"<p id='rs' class='abc'></p></body></html>"
)
EMPTY_PAGE = html(b"")
STRANGE_PAGE = html(b"<html><head><title>Welcome</title></head><body></body></html>")

"""ScrapeCreators as tests see it: its documented shapes over real HTTP, invented data.

It answers from the accounts that a test puts in, unless ``answers`` has a path.
"""

from typing import Any

from tests.kit.paid_accounts import PaidAccount, PaidServer
from tests.kit.scripted_site import Answer, ReceivedRequest, json_answer
from workers.sources.providers.paid.scrapecreators import (
    LIST_PATH,
    PROFILE_PATH,
    VIDEO_PATH,
)

KEY = "sc-k3y-0f-th3-g0ats"
OUT_OF_CREDITS = json_answer(
    {
        "success": False,
        "message": "Looks like you're out of credits :( You'll need to buy more.",
    },
    status=402,
)


class ScrapeCreatorsServer(PaidServer):
    """The service; each answer costs a credit of ``credits``."""

    def __init__(self) -> None:
        super().__init__()
        self.credits = 100
        self.page_size = 10

    def answer_from_accounts(self, request: ReceivedRequest) -> Answer:
        if request.headers.get("x-api-key") != KEY:
            refused = {"success": False, "message": "Invalid API key"}
            return json_answer(refused, status=401)
        if not self.credits:
            return OUT_OF_CREDITS
        self.credits -= 1
        match request.path:
            case path if path == PROFILE_PATH:
                return self._profile(request)
            case path if path == LIST_PATH:
                return self._list(request)
            case path if path == VIDEO_PATH:
                return self._video(request)
            case path:
                return Answer(status=404, body=f"Cannot GET {path}".encode())

    def _profile(self, request: ReceivedRequest) -> Answer:
        account = self._account(request)
        if account is None:
            return json_answer({"message": "User not found"})
        return json_answer({**account.web, "itemList": []})

    def _list(self, request: ReceivedRequest) -> Answer:
        account = self._account(request)
        videos: list[dict[str, Any]] = account.videos if account else []
        start = int(request.query.get("max_cursor", ["0"])[0])
        end = start + self.page_size
        return json_answer(
            {
                "aweme_list": videos[start:end],
                "has_more": int(end < len(videos)),
                "max_cursor": end,
                "status_code": 0,
                "credits_remaining": self.credits,
            }
        )

    def _video(self, request: ReceivedRequest) -> Answer:
        video = self.requested_video(request)
        if video is not None:
            return json_answer({"aweme_detail": video, "status_code": 0})
        refused = {"success": False, "message": "Video not found"}
        return json_answer(refused, status=404)

    def _account(self, request: ReceivedRequest) -> PaidAccount | None:
        return self.accounts.get(request.query["handle"][0])

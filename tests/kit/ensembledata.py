"""EnsembleData as tests see it: its documented shapes over real HTTP, invented data.

It answers from the accounts that a test puts in, unless ``answers`` has a path.
"""

from tests.kit.paid_accounts import PaidServer
from tests.kit.scripted_site import Answer, ReceivedRequest, json_answer
from workers.sources.providers.paid.ensembledata import (
    LIST_PATH,
    PROFILE_PATH,
    VIDEO_PATH,
)

KEY = "ed-t0k3n/0f+g0ats"
PREFIX = "/apis"
UNITS_USED_UP = json_answer(
    {"detail": "Maximum requests limit reached for today."}, status=495
)
_STEP = 10


def refuse(status: int, detail: str) -> Answer:
    return json_answer({"detail": detail}, status=status)


class EnsembleDataServer(PaidServer):
    """The service; an answer costs a unit of ``units``, of a list one for each step."""

    def __init__(self) -> None:
        super().__init__()
        self.units = 100

    def answer_from_accounts(self, request: ReceivedRequest) -> Answer:
        if request.query.get("token") != [KEY]:
            return refuse(491, "Token not found")
        if self.units <= 0:
            return UNITS_USED_UP
        self.units -= 1
        match request.path.removeprefix(PREFIX):
            case path if path == PROFILE_PATH:
                return self._profile(request)
            case path if path == LIST_PATH:
                return self._list(request)
            case path if path == VIDEO_PATH:
                return self._video(request)
            case _:
                return refuse(404, "Not Found")

    def _profile(self, request: ReceivedRequest) -> Answer:
        account = self.accounts.get(request.query["username"][0])
        if account is None:
            return refuse(473, "User not found")
        return json_answer({"data": {"user": account.app}})

    def _list(self, request: ReceivedRequest) -> Answer:
        account = self.accounts.get(request.query["username"][0])
        if account is None:
            return refuse(473, "User not found")
        start = int(request.query.get("start_cursor", ["0"])[0])
        end = start + _STEP * int(request.query["depth"][0])
        more = {"nextCursor": end} if end < len(account.videos) else {}
        return json_answer({"data": {"data": account.videos[start:end], **more}})

    def _video(self, request: ReceivedRequest) -> Answer:
        video = self.requested_video(request)
        if video is not None:
            return json_answer({"data": [video]})
        return refuse(404, "Post not found")

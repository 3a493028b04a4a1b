"""The Research API as tests see it: its real shapes over real HTTP, invented data.

It answers as TikTok's does, from the users and videos that a test puts in, unless the
test says what goes wrong with the next requests.
"""

import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from workers.sources.providers.research.access import PATH as TOKEN_PATH
from workers.sources.providers.research.api import USER_PATH, VIDEO_PATH

KEY, SECRET = "aw1nv3nt3dk3y", "s3cr3t-0f-th3-g0ats"
LOG_ID = "20260315120000ABCDEF0123456789"
TOO_MUCH = 50 * 1024 * 1024
# Nobody waits for it: a slow answer is slow until the test is over.
LONG = 30.0

Trouble = Callable[["Handler"], None]


class ReceivedRequest(NamedTuple):
    path: str
    fields: str
    body: Any
    headers: dict[str, str]


class ResearchServer(ThreadingHTTPServer):
    """A server at ``url``; what it holds may be changed while it runs."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.users: dict[str, dict[str, Any]] = {}
        self.videos: list[dict[str, Any]] = []
        self.hidden: set[int] = set()
        """Ids of videos that count on a page and are not shown, like deleted ones."""
        self.unknown_for = 0
        """How often a new search is still unknown when its next page is requested."""
        self.daily_limit = 1_000_000
        self.token_seconds = 7_200
        self.tokens: list[str] = []
        """Every token that was given out; those in ``ended`` are refused."""
        self.ended: set[str] = set()
        self.received: list[ReceivedRequest] = []
        self.sent_of_too_much = 0
        self.over = threading.Event()
        self._troubles: dict[str, deque[Trouble]] = defaultdict(deque)
        self._searches: dict[str, int] = {}
        self._numbers = count(7_201_388_525_814_961_198)
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def add_video(
        self, username: str, posted_at: datetime, **changes: object
    ) -> dict[str, Any]:
        """Put in a video as it was posted; its id is of the same second."""
        video: dict[str, Any] = {
            "id": (int(posted_at.timestamp()) << 32) + len(self.videos),
            "username": username,
            "create_time": int(posted_at.timestamp()),
            "video_description": f"goat {len(self.videos)} #goats",
            "view_count": 1_050,
            "like_count": 42,
            "comment_count": 7,
            "share_count": 3,
            "favorites_count": 5,
            "region_code": "CH",
            "hashtag_names": ["goats", "Goats"],
            "music_id": 703_847_506_349_838_790,
            "video_mention_list": [],
            "video_duration": 15,
        } | changes
        self.videos.append(video)
        return video

    def next_time(self, path: str, *troubles: Trouble) -> None:
        """Answer the next requests for the path with the troubles, one each."""
        self._troubles[path].extend(troubles)

    def requests(self, path: str) -> list[ReceivedRequest]:
        return [request for request in self.received if request.path == path]

    def research_requests(self) -> int:
        return len(self.requests(USER_PATH)) + len(self.requests(VIDEO_PATH))

    def trouble_with(self, request: ReceivedRequest) -> Trouble | None:
        with self._lock:
            self.received.append(request)
            waiting = self._troubles[request.path]
            return waiting.popleft() if waiting else None

    def new_token(self) -> str:
        with self._lock:
            self.tokens.append(f"clt.goat{len(self.tokens)}")
            return self.tokens[-1]

    def new_search(self) -> str:
        with self._lock:
            search = str(next(self._numbers))
            self._searches[search] = self.unknown_for
            return search

    def knows(self, search: str) -> bool:
        with self._lock:
            self._searches[search] = self._searches.get(search, 1_000) - 1
            return self._searches[search] < 0

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients hang up on purpose here."""


class Handler(BaseHTTPRequestHandler):
    """Answers one connection's requests."""

    server: ResearchServer  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        url = urlsplit(self.path)
        content = self.rfile.read(int(self.headers["Content-Length"]))
        form = self.headers["Content-Type"] == "application/x-www-form-urlencoded"
        body: Any = parse_qs(content.decode()) if form else json.loads(content)
        fields = parse_qs(url.query).get("fields", [""])[0]
        request = ReceivedRequest(url.path, fields, body, dict(self.headers))
        if trouble := self.server.trouble_with(request):
            trouble(self)
        elif url.path == TOKEN_PATH:
            self._token(body)
        elif request.headers.get("Authorization") not in self._good():
            refuse("access_token_invalid", "Access token is invalid", status=401)(self)
        elif self.server.research_requests() > self.server.daily_limit:
            quota_spent(self)
        elif url.path == USER_PATH:
            self._user(body["username"])
        elif url.path == VIDEO_PATH:
            self._videos(body, fields.split(","))
        else:
            self.send(404, b"404 page not found", kind="text/plain")

    def send(
        self,
        status: int,
        body: bytes,
        *,
        kind: str = "application/json",
        **headers: str,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def send_json(self, status: int, body: object, **headers: str) -> None:
        self.send(status, json.dumps(body).encode(), **headers)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def _good(self) -> set[str]:
        good = set(self.server.tokens) - self.server.ended
        return {f"Bearer {token}" for token in good}

    def _token(self, form: dict[str, list[str]]) -> None:
        if (form["client_key"], form["client_secret"]) != ([KEY], [SECRET]):
            refuse_client(self)
            return
        assert form["grant_type"] == ["client_credentials"]
        self.send_json(
            200,
            {
                "access_token": self.server.new_token(),
                "expires_in": self.server.token_seconds,
                "token_type": "Bearer",
            },
        )

    def _user(self, username: str) -> None:
        if username not in self.server.users:
            message = f"Username {username} is invalid: cannot find the user"
            refuse("invalid_params", message)(self)
            return
        self.send_json(200, enveloped(self.server.users[username]))

    def _videos(self, body: dict[str, Any], fields: list[str]) -> None:
        start, end = (
            datetime.strptime(body[name], "%Y%m%d").replace(tzinfo=UTC)
            for name in ("start_date", "end_date")
        )
        if not timedelta(0) <= end - start <= timedelta(days=30):
            refuse("invalid_params", "The date range is invalid")(self)
            return
        cursor = body.get("cursor", 0)
        if cursor and not self.server.knows(search := body["search_id"]):
            refuse("invalid_params", f"Search Id {search} is invalid or expired")(self)
            return
        after = end + timedelta(days=1)
        (condition,) = body["query"]["and"]
        found = sorted(
            (
                video
                for video in self.server.videos
                if start.timestamp() <= video["create_time"] < after.timestamp()
                if str(video[condition["field_name"].replace("video_id", "id")])
                in condition["field_values"]
            ),
            key=lambda video: video["create_time"],
            reverse=True,
        )
        count = body["max_count"]
        assert 1 <= count <= 100
        shown = [
            {name: video[name] for name in fields if name in video}
            for video in found[cursor : cursor + count]
            if video["id"] not in self.server.hidden
        ]
        data = {
            "videos": shown,
            "cursor": cursor + count,
            "has_more": cursor + count < len(found),
            "search_id": body.get("search_id") or self.server.new_search(),
        }
        self.send_json(200, enveloped(data))


def enveloped(data: object, *, log_id: str = LOG_ID) -> dict[str, object]:
    return {"data": data, "error": {"code": "ok", "message": "", "log_id": log_id}}


# Troubles


def refuse(code: str, message: str, *, status: int = 400, **headers: str) -> Trouble:
    body = {
        "data": {},
        "error": {"code": code, "message": message, "log_id": LOG_ID},
    }
    return lambda handler: handler.send_json(status, body, **headers)


def refuse_flat(error: str, description: str, *, status: int = 200) -> Trouble:
    """Refuse as the token's endpoint does, which may be with HTTP 200."""
    body = {"error": error, "error_description": description, "log_id": LOG_ID}
    return lambda handler: handler.send_json(status, body)


def answer(body: bytes, *, status: int = 200, kind: str = "text/html") -> Trouble:
    return lambda handler: handler.send(status, body, kind=kind)


def answer_data(data: object) -> Trouble:
    return lambda handler: handler.send_json(200, enveloped(data))


quota_spent = refuse(
    "daily_quota_limit_exceeded", "The API daily quota limit exceeded.", status=429
)
too_fast = refuse("rate_limit_exceeded", "The API rate limit was exceeded.", status=429)
internal_error = refuse("internal_error", "Something is wrong", status=500)
refuse_client = refuse_flat("invalid_client", "Client key or secret is incorrect.")
html = answer(b"<!doctype html><title>TikTok</title>")


def say_nothing(handler: Handler) -> None:
    """Take the request and never answer."""
    handler.server.over.wait(LONG)
    handler.close_connection = True


def drip(handler: Handler) -> None:
    """Answer so slowly that no single wait is long and all of them are."""
    handler.send_response(200)
    handler.send_header("Content-Length", "10000")
    handler.end_headers()
    for _ in range(10_000):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        if handler.server.over.wait(0.02):
            break
    handler.close_connection = True


def send_too_much(handler: Handler) -> None:
    """Answer with 50 MB of JSON."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(TOO_MUCH))
    handler.end_headers()
    part = b'"goats",' * 8_192
    while handler.server.sent_of_too_much < TOO_MUCH:
        handler.wfile.write(part)
        handler.server.sent_of_too_much += len(part)


def hang_up(handler: Handler) -> None:
    """Say half of the answer, and no more."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"data":')
    handler.close_connection = True

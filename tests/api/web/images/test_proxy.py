"""Pictures are fetched from hosts of the list alone, checked, kept, and given on."""

import asyncio
import gzip
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from api.http.access.sessions import Sessions
from api.main import assemble
from api.web.images.cache import PictureCache
from api.web.images.erased import ErasedPictures
from api.web.images.fetching import (
    MOST_BYTES,
    Picture,
    fetch,
)
from api.web.images.proxy import ImageProxy
from application.erase import pictures
from domain.video.url import picture_name
from infra.database import own_pool
from infra.http_out.public import NotReadError, PublicHosts
from infra.settings import Settings
from tests.kit.application import Tenant

PNG = b"\x89PNG\r\n\x1a\n" + b"goat" * 20
JPEG = b"\xff\xd8\xff\xe0" + b"kid" * 20
WEBP = b"RIFF\x00\x00\x00\x00WEBPVP8 " + b"ewe" * 20
AVIF = b"\x00\x00\x00\x20ftypavif" + b"ram" * 20
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><title>Access denied</title>"


class Cdn:
    """A local server that answers as picture servers do, well and badly."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.hosts: set[str] = set()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.port = self.server.server_address[1]
        self.source = PublicHosts(
            hosts=("127.0.0.1",),
            scheme="http",
            port=self.port,
            seconds=1.0,
            may_reach=lambda address: address.is_loopback,
        )

    def url(self, path: str, *, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/{path}"

    def handler(self) -> type[BaseHTTPRequestHandler]:
        cdn = self
        contents = {
            "png": (PNG, "image/png"),
            "jpeg": (JPEG, "text/html"),
            "webp": (WEBP, "image/webp"),
            "avif": (AVIF, "image/avif"),
            "svg": (SVG, "image/svg+xml"),
            "disguised": (SVG, "image/png"),
            "html": (HTML, "text/html"),
            "empty": (b"", "image/png"),
            "huge": (PNG + b"\0" * MOST_BYTES, "image/png"),
            "packed": (gzip.compress(PNG + b"\0" * MOST_BYTES), "image/png"),
        }
        redirects = {
            "moved": "/png",
            "outside": cdn_outside,
            "file": lambda _: "file:///etc/hostname",
            "loop": "/loop",
        }

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.lstrip("/").partition("?")[0]
                cdn.requests[path] += 1
                cdn.hosts.add(self.headers["Host"])
                if path in redirects:
                    to = redirects[path]
                    self.send_response(302)
                    location = to if isinstance(to, str) else to(cdn.port)
                    self.send_header("Location", location)
                    self.end_headers()
                elif path == "slow":
                    self.send_response(200)
                    self.end_headers()
                    for _ in range(40):
                        self.wfile.write(b"\x89")
                        time.sleep(0.1)
                elif path in contents:
                    content, media_type = contents[path]
                    self.send_response(200)
                    self.send_header("Content-Type", media_type)
                    if path == "packed":
                        self.send_header("Content-Encoding", "gzip")
                    self.end_headers()
                    self.wfile.write(content)
                else:
                    self.send_error(403 if path == "expired" else 500)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        return Handler


def cdn_outside(port: int) -> str:
    """An address on the same machine by a name that is not on the list."""
    return f"http://localhost:{port}/png"


@pytest.fixture
def cdn() -> Iterator[Cdn]:
    found = Cdn()
    thread = threading.Thread(target=found.server.serve_forever, daemon=True)
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("path", "content", "media_type"),
    (
        ("png", PNG, "image/png"),
        ("jpeg", JPEG, "image/jpeg"),
        ("webp", WEBP, "image/webp"),
        ("avif", AVIF, "image/avif"),
        ("moved", PNG, "image/png"),
    ),
)
def test_a_picture_is_what_its_bytes_say(
    cdn: Cdn, path: str, content: bytes, media_type: str
):
    found = fetch(cdn.source, cdn.url(path))

    assert (found.content, found.media_type) == (content, media_type)
    assert cdn.hosts == {f"127.0.0.1:{cdn.port}"}


@pytest.mark.parametrize(
    ("path", "reason"),
    (
        ("svg", "no picture"),
        ("disguised", "no picture"),
        ("html", "no picture"),
        ("empty", "no picture"),
        ("huge", "too large"),
        ("packed", "no picture"),
        ("expired", "status 403"),
        ("broken", "status 500"),
        ("slow", "ReadTimeout"),
        ("outside", "not on the list"),
        ("file", "not on the list"),
        ("loop", "too many redirects"),
    ),
)
def test_what_is_no_picture_or_leads_elsewhere_is_refused(
    cdn: Cdn, path: str, reason: str
):
    with pytest.raises(NotReadError, match=reason) as raised:
        fetch(cdn.source, cdn.url(path))

    assert raised.value.is_final is (path not in {"broken", "slow"})
    assert cdn.requests["png"] == 0


def test_an_address_that_is_not_public_is_not_connected_to(cdn: Cdn):
    public = PublicHosts(hosts=("127.0.0.1",), scheme="http", port=cdn.port)

    with pytest.raises(NotReadError, match="not public"):
        fetch(public, cdn.url("png"))

    assert not cdn.requests


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    (
        ("https://p16-sign-va.tiktokcdn.com/a.jpeg?x-expires=1", True),
        ("https://tiktokcdn.com/a", True),
        ("https://tiktokcdn.com:443/a", True),
        ("http://tiktokcdn.com/a", False),
        ("https://tiktokcdn.com:8443/a", False),
        ("https://tiktokcdn.com:goat/a", False),
        ("https://eviltiktokcdn.com/a", False),
        ("https://tiktokcdn.com.evil.example/a", False),
        ("https://goat@tiktokcdn.com/a", False),
        ("https://tiktokcdn.com@evil.example/a", False),
        ("https://tiktokcdn.com\\@evil.example/a", False),
        ("//tiktokcdn.com/a", False),
        ("https://[::1]/a", False),
        ("https://tiktokcdn.com/" + "a" * 4_000, False),
        ("", False),
    ),
)
def test_only_urls_of_hosts_on_the_list_are_allowed(url: str, *, is_allowed: bool):
    assert PublicHosts(hosts=("tiktokcdn.com",)).allows(url) is is_allowed


def proxy_of(cdn: Cdn, folder: Path, now: list[float] | None = None) -> ImageProxy:
    clock = now or [0.0]
    return ImageProxy(
        Sessions("s" * 32),
        source=cdn.source,
        kept=PictureCache(folder),
        clock=lambda: clock[0],
    )


def test_a_picture_is_asked_for_once_and_kept_for_other_processes(
    cdn: Cdn, tmp_path: Path
):
    async def look() -> None:
        proxy = proxy_of(cdn, tmp_path)
        await asyncio.gather(*(proxy.picture(cdn.url("png")) for _ in range(5)))
        await proxy.picture(cdn.url("png?x-signature=another"))

    asyncio.run(look())
    other = asyncio.run(proxy_of(cdn, tmp_path).picture(cdn.url("png")))

    assert other is not None
    assert other.content == PNG
    assert cdn.requests == {"png": 1}


def test_what_has_expired_is_not_asked_for_again_for_a_while(cdn: Cdn, tmp_path: Path):
    now = [0.0]

    async def look() -> None:
        proxy = proxy_of(cdn, tmp_path, now)
        for path in ("expired", "broken"):
            for now[0] in (0, 599, 601, 21_601):
                assert await proxy.picture(cdn.url(path)) is None

    asyncio.run(look())

    # At once, and after six hours; what may pass, after ten minutes, too.
    assert cdn.requests == {"expired": 2, "broken": 3}


def test_the_folder_does_not_grow_without_end(cdn: Cdn, tmp_path: Path):
    kept = PictureCache(tmp_path, most_bytes=3 * len(PNG))
    found = fetch(cdn.source, cdn.url("png"))

    for number in range(120):
        kept.keep(picture_name(f"https://cdn.example/{number}"), found)

    assert len(list(tmp_path.iterdir())) <= 3 + 50
    assert kept.get(picture_name("https://cdn.example/119")) is not None


def test_a_folder_that_cannot_be_written_keeps_nothing_and_breaks_nothing(
    cdn: Cdn, tmp_path: Path
):
    (tmp_path / "file").write_text("no folder")
    proxy = proxy_of(cdn, tmp_path / "file" / "images")

    found = asyncio.run(proxy.picture(cdn.url("png")))

    assert found is not None


def client_of(tmp_path: Path) -> tuple[TestClient[Litestar], ImageProxy]:
    nowhere = "postgresql://nobody@127.0.0.1:1/x"
    settings = Settings(
        database_url=nowhere, secret="s" * 32, data_dir=tmp_path, providers=("web",)
    )
    app = assemble(settings)
    return TestClient(app), app.state.site.images


def test_only_addresses_that_a_page_signed_are_answered(tmp_path: Path):
    client, proxy = client_of(tmp_path)
    url = "https://p16.tiktokcdn.com/goat.png?x-expires=1"
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / picture_name(url)).write_bytes(PNG)
    address = proxy.address(url)
    assert address is not None
    assert proxy.address("https://evil.example/goat.png") is None

    found = client.get(address)
    forged = client.get(f"{address[:-4]}AAAA")
    again = client.get(address, headers={"If-None-Match": found.headers["ETag"]})

    assert (found.status_code, found.content) == (200, PNG)
    assert found.headers["Content-Type"] == "image/png"
    assert found.headers["Cache-Control"] == "private, max-age=86400"
    assert found.headers["X-Content-Type-Options"] == "nosniff"
    assert forged.status_code == 404
    assert (again.status_code, again.content) == (304, b"")


def test_an_address_stays_for_a_day_and_ends_after_two_more(cdn: Cdn, tmp_path: Path):
    now = [86_400.0 * 20_000]
    sessions = Sessions("s" * 32)
    proxy = ImageProxy(
        sessions, source=cdn.source, kept=PictureCache(tmp_path), now=lambda: now[0]
    )
    url = cdn.url("png")
    address = proxy.address(url)
    assert address is not None
    signed = address.removeprefix("/images/")

    valid: list[tuple[bool, bool]] = []
    for _ in range(4):
        now[0] += 86_399
        valid.append((proxy.url_of(signed) == url, proxy.address(url) == address))
        now[0] += 1

    assert valid == [(True, True), (True, False), (True, False), (False, False)]
    assert proxy.url_of(signed) is None
    # As earlier releases made them.
    assert proxy.url_of(sessions.signed("image", url.encode())) is None


def test_a_picture_that_is_not_there_leaves_its_placeholder_in_sight(
    cdn: Cdn, tmp_path: Path
):
    client, proxy = client_of(tmp_path)
    # The setting's list, and a server of the test's own in place of TikTok's.
    proxy._source = cdn.source  # noqa: SLF001
    address = proxy.address(cdn.url("expired"))
    assert address is not None

    answer = client.get(address)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/gif"
    assert answer.content.startswith(b"GIF89a\x01\x00\x01\x00")
    assert answer.headers["Cache-Control"] == "private, max-age=600"


@pytest.mark.parametrize(
    "settings",
    ({"providers": ("replay",)}, {"providers": ("web",), "remote_images": False}),
)
def test_a_recording_or_the_operator_leaves_placeholders_alone(
    settings: dict[str, object],
):
    nowhere = "postgresql://nobody@127.0.0.1:1/x"
    app = assemble(
        Settings(database_url=nowhere, secret="s" * 32, **settings)  # pyright: ignore[reportArgumentType]
    )

    assert app.state.site.images.address("https://tiktokcdn.com/a.png") is None


class ErasedMeanwhile(PictureCache):
    """A folder that gets its picture just before the erasure is done."""

    def __init__(self, folder: Path, home: Tenant, name: str) -> None:
        super().__init__(folder)
        self._home = home
        self._name = name

    def keep(self, name: str, picture: Picture) -> None:
        super().keep(name, picture)
        note_erased(self._home, self._name)


def note_erased(tenant: Tenant, name: str) -> None:
    tenant.goatherd.query("INSERT INTO erased_pictures (name) VALUES (%s)", name)


@asynccontextmanager
async def proxy_of_erased(
    cdn: Cdn, home: Tenant, kept: PictureCache, folder: Path
) -> AsyncIterator[tuple[ImageProxy, ErasedPictures]]:
    async with own_pool(home.goatherd.url, size=1) as pool:
        erased = ErasedPictures(pool, folder)
        yield (
            ImageProxy(Sessions("s" * 32), source=cdn.source, kept=kept, erased=erased),
            erased,
        )


def test_a_picture_of_who_was_erased_is_deleted_and_not_fetched_again(
    cdn: Cdn, home: Tenant, tmp_path: Path
):
    name = picture_name(cdn.url("png"))

    async def look() -> None:
        kept = PictureCache(tmp_path)
        async with proxy_of_erased(cdn, home, kept, tmp_path) as (proxy, erased):
            await erased.forget_new()
            assert await proxy.picture(cdn.url("png")) is not None
            assert await proxy.picture(cdn.url("jpeg")) is not None
            note_erased(home, name)
            await erased.forget_new()
            assert not (tmp_path / name).exists()
            assert (tmp_path / picture_name(cdn.url("jpeg"))).exists()
            assert await proxy.picture(cdn.url("png?x-signature=old")) is None
            home.goatherd.query(
                "UPDATE erased_pictures SET erased_at = now() - interval '8 days' "
                "WHERE name = %s",
                name,
            )
            pictures.prune(home.goatherd.store.pool)
            assert await proxy.picture(cdn.url("png")) is not None

    asyncio.run(look())

    assert cdn.requests == {"png": 2, "jpeg": 1}


def test_a_picture_that_is_fetched_during_an_erasure_is_not_kept(
    cdn: Cdn, home: Tenant, tmp_path: Path
):
    name = picture_name(cdn.url("webp"))

    async def look() -> None:
        kept = ErasedMeanwhile(tmp_path, home, name)
        async with proxy_of_erased(cdn, home, kept, tmp_path) as (proxy, _):
            assert await proxy.picture(cdn.url("webp")) is None

    asyncio.run(look())

    assert cdn.requests == {"webp": 1}
    assert list(tmp_path.iterdir()) == []

"""Takes the documents' pictures of the pages from a Goatherd with the demo's creators.

``make screenshots`` runs it; it takes a minute, and a browser.
"""

import re
import shutil
import sys
import tempfile
from base64 import b64decode
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import httpx
import msgspec
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from infra.embedded.processes import wait_until
from tests.browser.chromium import ARGUMENTS, NO_BROWSER, find_browser
from tests.kit.command_line import Running, running
from tests.kit.paths import ROOT
from tests.kit.ports import free_port

FOLDER = ROOT / "docs" / "screenshots"

# Widths and heights.
_DESK, _PHONE = (1280, 800), (375, 740)
_QUALITY = 82
_PATIENTLY = 120.0


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """One picture: of which page, how, and under which name."""

    name: str
    path: str
    scheme: Literal["light", "dark"] = "light"
    size: tuple[int, int] = _DESK


# {first} to {third} are creators of the demo, by their followers.
PICTURES = (
    Picture(name="home", path="/"),
    Picture(name="creators", path="/creators"),
    Picture(name="creators-dark", path="/creators", scheme="dark"),
    Picture(name="creators-phone", path="/creators", size=_PHONE),
    Picture(name="overview", path="/creators/{first}"),
    Picture(name="overview-dark", path="/creators/{first}", scheme="dark"),
    Picture(name="overview-phone", path="/creators/{first}", size=_PHONE),
    Picture(name="videos", path="/creators/{first}/videos"),
    Picture(name="change-log", path="/creators/{first}/changes"),
    Picture(
        name="compare",
        path="/compare?entity=creator&ids={first},{second},{third}&metric=views",
    ),
    Picture(name="settings", path="/settings"),
)


def main() -> int:
    """Take all pictures; returns the exit status."""
    browser_path = find_browser()
    if browser_path is None:
        print(NO_BROWSER, file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    with demo() as (address, link, key), sync_playwright() as playwright:
        creators = furnished(address, key)
        browser = playwright.chromium.launch(
            executable_path=browser_path, args=list(ARGUMENTS)
        )
        page = signed_in(browser, address, link)
        for picture in PICTURES:
            taken = take(page, picture, creators)
            (FOLDER / f"{picture.name}.webp").write_bytes(taken)
            print(f"{picture.name}.webp {len(taken):,} bytes")
        browser.close()
    return 0


@contextmanager
def demo() -> Generator[tuple[str, str, str]]:
    """Run the demo; gives its address, a link that signs in, and a key."""
    # PostgreSQL's own account has to reach it.
    folder = Path(tempfile.mkdtemp(prefix="goatherd-pictures-", dir="/tmp"))
    folder.chmod(0o711)
    port = free_port()
    data = folder / "data"
    words = ("up", "--demo", "--port", str(port), "--data-dir", str(data))
    try:
        with running(*words, settings={}, folder=folder) as up:
            assert up.says("is ready"), up.err
            link = wait_until(lambda: link_in(up) is not None, seconds=_PATIENTLY)
            assert link, up.out
            key = (data / "api-key").read_text().strip()
            yield f"http://127.0.0.1:{port}", link_in(up) or "", key
    finally:
        shutil.rmtree(folder)


def link_in(up: Running) -> str | None:
    """The path of the printed link."""
    found = re.search(r"/sign-in/[\w-]+", up.out + up.err)
    return found[0] if found else None


def furnished(address: str, key: str) -> dict[str, str]:
    """The creators' ids by their place, once all they did has been taken in."""
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=f"{address}/api/v1", headers=headers) as client:

        def is_caught_up() -> bool:
            answer = client.get("/admin/projections")
            assert answer.is_success, answer.text
            return all(each["lag_events"] == 0 for each in answer.json()["data"])

        def is_idle() -> bool:
            counts = client.get("/scrapes/counts").json()["data"]
            return counts["queued"] == counts["running"] == 0

        assert wait_until(is_idle, seconds=_PATIENTLY)
        assert wait_until(is_caught_up, seconds=_PATIENTLY)
        options = {"sort": "follower_count", "status": "active"}
        rows = client.get("/creators", params=options).json()["data"]
        ids = [row["id"] for row in rows]
    return dict(zip(("first", "second", "third"), ids, strict=False))


def signed_in(browser: Browser, address: str, link: str) -> Page:
    """A page of somebody who made their account at the link."""
    context = browser.new_context(
        base_url=address, device_scale_factor=1, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(link)
    page.get_by_label("Your name").fill("Ada Alm")
    page.get_by_label("Email").fill("ada@example.com")
    page.get_by_label("Password").fill("seven goats on a hill")
    page.get_by_role("button", name="Save and begin").click()
    # Home shows its figures and no invitation of colleagues.
    page.get_by_role("button", name="Not now").click()
    page.get_by_role("button", name="Not now").wait_for(state="detached")
    return page


def take(page: Page, picture: Picture, creators: dict[str, str]) -> bytes:
    width, height = picture.size
    page.set_viewport_size(ViewportSize(width=width, height=height))
    page.emulate_media(color_scheme=picture.scheme)
    answer = page.goto(picture.path.format(**creators), wait_until="load")
    assert answer is not None
    assert answer.ok, f"{answer.url}: {answer.status}"
    # Charts are drawn in the frame after they were laid out.
    page.evaluate("new Promise(done => setTimeout(done, 300))")
    session = page.context.new_cdp_session(page)
    options = {"format": "webp", "quality": _QUALITY}
    return b64decode(session.send("Page.captureScreenshot", options)["data"])


if __name__ == "__main__":
    sys.exit(main())

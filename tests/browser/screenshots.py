"""Takes the documents' pictures of the pages from a Goatherd with the demo's creators.

``make screenshots`` runs it; it takes a minute, and a browser. What the demo would play
from now on is imported as what happened until now, so that there is much to see.
"""

import gzip
import re
import shutil
import sys
import tempfile
from base64 import b64decode
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import httpx
import msgspec
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from infra.embedded.processes import wait_until
from tests.browser.chromium import ARGUMENTS, NO_BROWSER, find_browser
from tests.commandline import ROOT, Running, free_port, running
from workers.demo import DEMO_RECORDING

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
    Picture(name="creators", path="/creators"),
    Picture(name="creators-dark", path="/creators", scheme="dark"),
    Picture(name="creators-phone", path="/creators", size=_PHONE),
    Picture(name="overview", path="/creators/{first}?range=90d"),
    Picture(name="overview-dark", path="/creators/{first}?range=90d", scheme="dark"),
    Picture(name="overview-phone", path="/creators/{first}?range=90d", size=_PHONE),
    Picture(name="videos", path="/creators/{first}/videos"),
    Picture(name="change-log", path="/creators/{first}/changes"),
    Picture(
        name="compare",
        path="/compare?entity=creator&ids={first},{second},{third}&metric=views",
    ),
    Picture(name="operations", path="/operations"),
)


def main() -> int:
    """Take all pictures; returns what the process ends with."""
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
    past, present = folder / "past.jsonl", folder / "present.jsonl"
    tell_until_now(past, present)
    words = ("up", "--port", str(port), "--data-dir", str(data))
    settings = {"recordings": present, "replay_speed": 1}
    try:
        with running(*words, settings=settings, folder=folder) as up:
            assert up.says("is ready"), up.err
            link = wait_until(lambda: link_in(up) is not None, seconds=_PATIENTLY)
            assert link, up.out
            key = (data / "api-key").read_text().strip()
            address = f"http://127.0.0.1:{port}"
            import_past(past, data=data, address=address, key=key, folder=folder)
            yield address, link_in(up) or "", key
    finally:
        shutil.rmtree(folder)


def tell_until_now(past: Path, present: Path) -> None:
    """Write the demo's recording as if it had ended today, and how it ended."""
    with gzip.open(DEMO_RECORDING, "rb") as recording:
        told = [msgspec.json.decode(line) for line in recording]
    ended = max(datetime.fromisoformat(one["observed_at"]) for one in told)
    late = (datetime.now(UTC) - ended - timedelta(hours=1)).days
    last: dict[tuple[str, str], Any] = {}
    for one in told:
        one["observed_at"] = moved(one["observed_at"], days=late)
        video = one.get("video", {})
        if video.get("posted_at"):
            video["posted_at"] = moved(video["posted_at"], days=late)
        last[one["handle"], video.get("tiktok_video_id", "")] = one
    now = [
        {**one, "observed_at": moved(str(ended), days=late)} for one in last.values()
    ]
    for file, lines in ((past, told), (present, now)):
        file.write_bytes(b"\n".join(map(msgspec.json.encode, lines)))
        file.chmod(0o644)


def moved(moment: str, *, days: int) -> str:
    """The same time of day, some days later."""
    return (datetime.fromisoformat(moment) + timedelta(days=days)).isoformat()


def import_past(
    past: Path, *, data: Path, address: str, key: str, folder: Path
) -> None:
    """Have everything imported that is told in a file, and its creators tracked."""
    headers = {"Authorization": f"Bearer {key}"}
    projects = httpx.get(f"{address}/api/v1/projects", headers=headers).json()["data"]
    words = ("import", str(past), "--project", projects[0]["id"], "--create-creators")
    with running(*words, "--data-dir", str(data), settings={}, folder=folder) as done:
        assert done.process.wait(_PATIENTLY) == 0, done.err


def link_in(up: Running) -> str | None:
    """The path of the link in what was printed."""
    found = re.search(r"/sign-in/[\w-]+", up.out + up.err)
    return found[0] if found else None


def furnished(address: str, key: str) -> dict[str, str]:
    """The creators' ids by their place, once all they did has been taken in."""
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=f"{address}/api/v1", headers=headers) as client:

        def is_level() -> bool:
            answer = client.get("/admin/projections")
            assert answer.is_success, answer.text
            return all(each["lag_events"] == 0 for each in answer.json()["data"])

        def rows() -> list[dict[str, Any]]:
            asked = {"sort": "follower_count", "status": "active"}
            return client.get("/creators", params=asked).json()["data"]

        assert wait_until(is_level, seconds=_PATIENTLY)
        for row in rows():
            if row["tiktok_handle"] == "kid-and-kettle":
                # It goes on under another name.
                client.delete(f"/creators/{row['id']}")
            else:
                client.post(f"/creators/{row['id']}/scrape")
        # One of them is private by then and is seen no more.
        assert wait_until(
            lambda: sum(bool(row["last_scraped_at"]) for row in rows()) >= 3,
            seconds=_PATIENTLY,
        )
        assert wait_until(is_level, seconds=_PATIENTLY)
        ids = [row["id"] for row in rows()]
    return dict(zip(("first", "second", "third"), ids, strict=False))


def signed_in(browser: Browser, address: str, link: str) -> Page:
    """A page of somebody who followed the link."""
    context = browser.new_context(
        base_url=address, device_scale_factor=1, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(link)
    return page


def take(page: Page, picture: Picture, creators: dict[str, str]) -> bytes:
    """What the page looks like, as WebP."""
    width, height = picture.size
    page.set_viewport_size(ViewportSize(width=width, height=height))
    page.emulate_media(color_scheme=picture.scheme)
    answer = page.goto(picture.path.format(**creators), wait_until="load")
    assert answer is not None
    assert answer.ok, f"{answer.url}: {answer.status}"
    # Charts are drawn in the frame after they were laid out.
    page.evaluate("new Promise(done => setTimeout(done, 300))")
    session = page.context.new_cdp_session(page)
    asked = {"format": "webp", "quality": _QUALITY}
    return b64decode(session.send("Page.captureScreenshot", asked)["data"])


if __name__ == "__main__":
    sys.exit(main())

"""Finding a browser: Chromium or Chrome, which page tests drive and do not bring.

A headless shell is the same engine without windows, and starts a page with a quarter of
the work, so it has precedence.

GOATHERD_TEST_BROWSER names the program to drive; ``required`` means that whatever is
found will do, but that there has to be one.
"""

import os
import shutil

VARIABLE = "GOATHERD_TEST_BROWSER"
REQUIRED = "required"
HOW_TO_GET_ONE = (
    "Install Chromium or Chrome (on Debian: apt install chromium-headless-shell), or "
    f"name one with {VARIABLE}."
)
NO_BROWSER = f"No browser was found. {HOW_TO_GET_ONE}"
ARGUMENTS = (
    "--no-sandbox",  # which root, as in containers, cannot have
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)

_NAMES = (
    "chromium-headless-shell",
    "chrome-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


class NoBrowserError(Exception):
    """A browser was demanded, and there is none."""


def find_browser() -> str | None:
    """Return the path of a browser; None if there is none and that is all right.

    Raises:
        NoBrowserError: there is none and that is not.
    """
    wanted = os.environ.get(VARIABLE, "")
    names = _NAMES if wanted in {"", REQUIRED} else (wanted,)
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None and wanted:
        said = f"{VARIABLE} is {wanted!r}, but there is no such browser."
        raise NoBrowserError(f"{said} {HOW_TO_GET_ONE}")
    return found

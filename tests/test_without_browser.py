"""The tests of pages are skipped where there is no browser."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.chromium import (
    HOW_TO_GET_ONE,
    VARIABLE,
    NoBrowserError,
    find_browser,
)
from tests.kit.paths import ROOT

PAGES = "tests/browser/test_watching.py"


def run_without_browser(folder: Path, *words: str, wanted: str) -> tuple[int, str]:
    """Run the tests of a page where nothing is on the PATH."""
    run = subprocess.run(
        [sys.executable, "-m", "pytest", PAGES, "-p", "no:cacheprovider", *words],
        cwd=ROOT,
        env={"PATH": str(folder), VARIABLE: wanted},
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, run.stdout


def test_they_are_skipped_aloud(tmp_path: Path):
    status, out = run_without_browser(tmp_path, "--numprocesses", "1", wanted="")

    assert status == 0, out
    skipped = re.search(r"(\d+) skipped in ", out.splitlines()[-1])
    assert skipped
    message = f"Tests of pages that did not run: {skipped[1]}. {HOW_TO_GET_ONE}"
    assert message in out


def test_they_fail_where_they_have_to_run(tmp_path: Path):
    status, out = run_without_browser(tmp_path, wanted="required")

    assert status == 1
    assert "is 'required', but there is no such browser." in out
    assert "skipped" not in out


def test_a_browser_that_was_named_is_not_replaced_by_another(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv(VARIABLE, "no-such-browser")

    with pytest.raises(NoBrowserError, match="'no-such-browser', but there is no such"):
        find_browser()

"""release.py: checksums, licences and the parts of a release."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.kit.paths import ROOT, module_of

SETUP = ROOT / "infra" / "setup"


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SETUP))
    return module_of(SETUP / "release.py")


def test_checksums_are_those_that_sha256sum_checks(release: ModuleType, tmp_path: Path):
    (tmp_path / "b.txt").write_text("bell")
    (tmp_path / "a.txt").write_text("goat")
    sums = tmp_path / release.SUMS

    sums.write_text(release.checksums(tmp_path))
    sums.write_text(release.checksums(tmp_path))

    assert [line.split()[1] for line in sums.read_text().splitlines()] == [
        "a.txt",
        "b.txt",
    ]
    check = ["sha256sum", "--check", "--strict", release.SUMS]
    assert subprocess.run(check, cwd=tmp_path, check=False).returncode == 0
    (tmp_path / "a.txt").write_text("kid")
    assert subprocess.run(check, cwd=tmp_path, check=False).returncode == 1


def test_each_component_has_its_licence_or_says_that_none_is_named(
    release: ModuleType,
):
    def part(name: str, *licences: dict[str, Any]) -> dict[str, Any]:
        return {"name": name, "version": "1.0", "licenses": list(licences)}

    bsd = {"license": {"name": "License :: OSI Approved :: BSD License"}}
    bill = {
        "components": [
            part("Yodel", {"expression": "MIT OR 0BSD"}),
            part("bell", {"license": {"id": "MIT"}}, bsd),
            part("alp", bsd),
            part("Cheese"),
        ]
    }

    assert [*release.licences_in(bill)] == [
        "alp 1.0: BSD License",
        "bell 1.0: MIT",
        "Cheese 1.0: not named in its metadata",
        "Yodel 1.0: MIT OR 0BSD",
    ]


def test_the_pages_libraries_are_components_with_a_licence(release: ModuleType):
    folder = ROOT / "api" / "web" / "frontend"
    lock = json.loads((folder / "package-lock.json").read_text())
    named = json.loads((folder / "package.json").read_text())["dependencies"]

    found = {each["name"]: each for each in release.libraries_of_pages(lock)}

    assert {name: each["version"] for name, each in found.items()} == named
    assert all(each["licenses"][0]["license"]["id"] for each in found.values())
    inter = found["@fontsource-variable/inter"]
    assert inter["purl"].startswith("pkg:npm/%40fontsource-variable/inter@")


def test_the_context_of_the_image_has_all_that_the_image_copies(release: ModuleType):
    text = (ROOT / "Dockerfile").read_text()
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
        for source in line.split()[:-1]
    }

    assert copied <= {*release.IMAGE}
    assert {*release.IMAGE} - copied == {"Dockerfile", ".dockerignore", "compose.yaml"}


def test_a_release_is_refused_while_something_is_not_committed(tmp_path: Path):
    clone = tmp_path / "clone"
    for command in (
        ["git", "clone", "--quiet", "--shared", "--no-checkout", ROOT, clone],
        ["git", "-C", clone, "checkout", "--quiet", "HEAD", "--", "infra/setup"],
    ):
        subprocess.run(command, check=True)

    # Every file but those of the folder is missing.
    refused = subprocess.run(
        [sys.executable, clone / "infra" / "setup" / "release.py"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert refused.returncode == 1
    assert "A release is made of what is committed" in refused.stderr
    assert not (clone / "dist").exists()

"""A wheel has what no checkout has: the pages' libraries, and the commit."""

import shutil
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from tests.kit.paths import ROOT

COMMIT_FILE = "infra/commit.txt"
LIBRARY = "api/web/static/vendor/htmx.js"


def test_a_wheel_has_the_pages_libraries_and_the_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("COMMIT", raising=False)
    tree = tmp_path / "clone"
    for name in ("domain", "infra", "projections", "application", "workers", "api"):
        (tree / name).mkdir(parents=True)
        (tree / name / "__init__.py").touch()
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)

    with pytest.raises(FileNotFoundError, match="make setup"):
        _build(tree)

    assert not (tree / "dist").exists() or not [*(tree / "dist").iterdir()]
    (tree / LIBRARY).parent.mkdir(parents=True)
    (tree / LIBRARY).write_text("// a library")
    with zipfile.ZipFile(_build(tree)) as wheel:
        assert LIBRARY in wheel.namelist()
        # The tree is no checkout, and nobody named a commit.
        assert COMMIT_FILE not in wheel.namelist()
    monkeypatch.setenv("COMMIT", "0a1b2c")
    shutil.rmtree(tree / "dist")
    with zipfile.ZipFile(_build(tree)) as wheel:
        assert wheel.read(COMMIT_FILE) == b"0a1b2c\n"


def _build(tree: Path) -> str:
    (path,) = WheelBuilder(str(tree)).build(
        directory=str(tree / "dist"), versions=["standard"]
    )
    return path

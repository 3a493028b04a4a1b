"""A wheel is built only where the pages' libraries are, because it needs them."""

import shutil
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from tests.kit.paths import ROOT

LIBRARY = "api/web/static/vendor/htmx.js"


def test_a_wheel_is_refused_without_the_pages_libraries(tmp_path: Path):
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


def _build(tree: Path) -> str:
    (path,) = WheelBuilder(str(tree)).build(
        directory=str(tree / "dist"), versions=["standard"]
    )
    return path

"""The commit of a checkout is found, and nobody else's is taken for it."""

import re
import subprocess
from pathlib import Path

from infra.build import commit_of


def test_a_checkout_has_its_newest_commit_and_other_folders_have_none(tmp_path: Path):
    git = ["git", "-C", str(tmp_path), "-c", "user.name=Ada", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    without_history = commit_of(tmp_path)
    words = ["commit", "--quiet", "--allow-empty", "--message", "Begin"]
    subprocess.run([*git, *words], check=True)
    inside = tmp_path / "goatherd"
    inside.mkdir()

    assert re.fullmatch("[0-9a-f]{40}", commit_of(tmp_path))
    assert without_history == ""
    assert commit_of(inside) == ""

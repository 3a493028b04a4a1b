"""``goatherd up --fake-tiktok`` outside of a clone."""

from pathlib import Path

import pytest

from api.cli.up import fake_tiktok
from tests.kit.command_line import CommandLine


def test_a_release_says_that_only_a_clone_has_the_pretended_tiktok(
    command_line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(fake_tiktok, "_MODULE", "tests.tools.nothing")
    folder = tmp_path / "data"

    refused = command_line("up", "--demo", "--fake-tiktok", "--data-dir", str(folder))

    assert refused.status == 2
    assert "which a release lacks" in refused.complaint
    assert not (folder / "postgres").exists()

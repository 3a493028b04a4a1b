"""The lock on a data directory: its file, and its message."""

import fcntl
import os
import threading
from pathlib import Path

import pytest

from api.cli import CommandError
from api.cli.up.data_dir_lock import data_dir_locked
from infra.embedded.data_dir import open_data_dir


def test_a_directory_made_for_nothing_is_gone_and_one_that_is_used_stays(
    tmp_path: Path,
):
    unused, used, given = tmp_path / "unused", tmp_path / "used", tmp_path / "given"
    given.mkdir()

    for folder in (unused, used, given):
        with data_dir_locked(open_data_dir(folder), is_new=folder != given):
            if folder == used:
                (folder / "secret").touch()

    assert not unused.exists()
    assert sorted(path.name for path in used.iterdir()) == ["format", "secret"]
    assert [path.name for path in given.iterdir()] == ["format"]


def test_a_directory_that_cannot_be_written_to_is_said_with_the_cure(tmp_path: Path):
    # Root may write anywhere, but nobody writes to a directory.
    (open_data_dir(tmp_path) / "up.lock").mkdir()

    with (
        pytest.raises(CommandError, match=r"cannot be written to: .*GOATHERD_DATA_DIR"),
        data_dir_locked(tmp_path, is_new=False),
    ):
        pass


def test_who_waited_for_a_file_that_is_gone_takes_the_one_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "up.lock"
    is_opened = threading.Event()
    open_file = os.open

    def open_and_tell(name: Path, flags: int, mode: int = 0o777) -> int:
        opened = open_file(name, flags, mode)
        is_opened.set()
        return opened

    # Held by somebody who is about to end: no process has this number.
    path.write_text("999999999\n")
    holder = open_file(path, os.O_RDWR)
    fcntl.flock(holder, fcntl.LOCK_EX)
    monkeypatch.setattr(os, "open", open_and_tell)

    def end() -> None:
        is_opened.wait(5)
        path.unlink()
        os.close(holder)

    ending = threading.Thread(target=end)
    ending.start()
    with data_dir_locked(tmp_path, is_new=False) as lock:
        assert os.path.samestat(os.fstat(lock), path.stat())
        assert path.read_text() == f"{os.getpid()}\n"
    ending.join()

"""A file of the finished parts of a log check, from which a killed check continues."""

import fcntl
import os
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Self

import msgspec

from domain.integrity.chains import CheckedRange
from domain.integrity.roots import Positions

PROGRESS_FILE = "verify-progress"

# Parts that were checked longer ago are checked again.
_VALID_SECONDS = 86_400


class _Header(msgspec.Struct, frozen=True):
    """The name of the check, and its beginning in seconds since 1970."""

    name: str
    began_at: float


class ProgressFile:
    """Remembers checked ranges, unless it has no path or another process has the file.

    ``name`` is that of the check; ranges of another check do not count.
    """

    def __init__(self, path: Path | None, *, name: str) -> None:
        self._path = path
        self._name = name
        self._file: int | None = None

    def __enter__(self) -> Self:
        if self._path is not None:
            with suppress(OSError):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    os.close(file)
                    raise
                self._file = file
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            os.close(self._file)

    def ranges(self, valid: Collection[Positions]) -> list[CheckedRange]:
        """Return the ranges that an earlier run finished, or begin anew."""
        if self._file is None or self._path is None:
            return []
        lines = self._path.read_bytes().split(b"\n")
        if not self._is_ours(lines[0]):
            os.ftruncate(self._file, 0)
            self._write(_Header(self._name, time.time()))
            return []
        done: dict[Positions, CheckedRange] = {}
        for line in lines[1:]:
            # The last line is torn if the earlier run was killed while writing it.
            with suppress(msgspec.DecodeError):
                each = msgspec.json.decode(line, type=CheckedRange)
                done[each.first, each.last] = each
        # The next line must not continue the torn one.
        os.write(self._file, b"\n")
        expected = set(valid)
        return [each for place, each in done.items() if place in expected]

    def add(self, checked: CheckedRange) -> None:
        if self._file is not None:
            self._write(checked)

    def remove(self) -> None:
        """Remove the file once the check is complete."""
        if self._path is not None and self._file is not None:
            self._path.unlink(missing_ok=True)

    def _is_ours(self, line: bytes) -> bool:
        try:
            header = msgspec.json.decode(line, type=_Header)
        except msgspec.DecodeError:
            return False
        age = time.time() - header.began_at
        return header.name == self._name and 0 <= age < _VALID_SECONDS

    def _write(self, line: msgspec.Struct) -> None:
        if self._file is not None:
            os.write(self._file, msgspec.json.encode(line) + b"\n")

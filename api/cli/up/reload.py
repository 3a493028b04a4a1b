"""``goatherd up --reload``: which files have changed, and which processes run them."""

import os
import time
from collections.abc import Collection, Iterator
from pathlib import Path

# The processes start in this order and are stopped in reverse order.
PROCESSES = ("project", "dispatch", "work", "serve")

_PACKAGES = ("domain", "infra", "projections", "application", "workers", "api")
_SUFFIXES = (".py", ".sql", ".css", ".js", ".html", ".svg")
_NOT_LOOKED_INTO = {"__pycache__", "node_modules", "vendor"}
_LOOK_EVERY_SECONDS = 0.5


class SourceFiles:
    """The files of Goatherd's packages below a folder, by their time of change."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._times = dict(self._found())
        self._next_look = 0.0

    def changed(self) -> set[str]:
        """Return the paths that were written, added or removed since the last call.

        It looks twice a second at most, and returns nothing in between.
        """
        if time.monotonic() < self._next_look:
            return set()
        before, self._times = self._times, dict(self._found())
        self._next_look = time.monotonic() + _LOOK_EVERY_SECONDS
        return {path for path, _ in before.items() ^ self._times.items()}

    def _found(self) -> Iterator[tuple[str, int]]:
        folders = [self._root / package for package in _PACKAGES]
        while folders:
            # A file or folder may be gone again before it is looked at.
            for entry in _entries(folders.pop()):
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in _NOT_LOOKED_INTO:
                        folders.append(Path(entry.path))
                elif entry.name.endswith(_SUFFIXES):
                    path = str(Path(entry.path).relative_to(self._root))
                    yield path, entry.stat(follow_symlinks=False).st_mtime_ns


def processes_to_restart(changed: Collection[str]) -> tuple[str, ...]:
    """Return the processes that have to start again after these paths changed.

    Templates are read again at each request, so they need none.
    """
    suffixes = {Path(path).suffix for path in changed}
    if suffixes & {".py", ".sql"}:
        return PROCESSES
    return ("serve",) if suffixes - {".html"} else ()


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []

"""Pictures that were fetched, as files in a folder of a bounded size."""

import logging
import os
from contextlib import suppress
from pathlib import Path

from api.web.images.fetching import Picture
from api.web.images.formats import format_of
from application.erase.pictures import forget_pictures

MOST_KEPT_BYTES = 256 << 20
# Listing the folder takes some milliseconds, which is too long for each file.
_PRUNE_EVERY = 50
_log = logging.getLogger(__name__)


class PictureCache:
    """Files in a folder of limited size, from which the oldest are deleted.

    Without a folder that can be written, nothing is kept.
    """

    def __init__(self, folder: Path, *, most_bytes: int = MOST_KEPT_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._written = 0

    def get(self, name: str) -> Picture | None:
        try:
            content = (self._folder / name).read_bytes()
        except OSError:
            return None
        media_type = format_of(content)
        return None if media_type is None else Picture(content, media_type)

    def keep(self, name: str, picture: Picture) -> None:
        half = self._folder / f"{name}.{os.getpid()}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            half.write_bytes(picture.content)
            half.replace(self._folder / name)
        except OSError as error:
            _log.info("A picture could not be kept: %r", error)
            return
        if self._written % _PRUNE_EVERY == 0:
            self._prune()
        self._written += 1

    def forget(self, name: str) -> None:
        forget_pictures(self._folder, [name])

    def _prune(self) -> None:
        files = [(entry.stat(), entry.path) for entry in os.scandir(self._folder)]
        total = sum(status.st_size for status, _ in files)
        for status, path in sorted(files, key=lambda file: file[0].st_mtime):
            if total <= self._most_bytes:
                return
            with suppress(OSError):
                Path(path).unlink()
            total -= status.st_size

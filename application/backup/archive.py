"""The file of a backup: a zip of a database dump and of its secrets."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Literal
from zipfile import BadZipFile, ZipFile, ZipInfo

import msgspec

from application.backup.errors import BackupError

FORMAT = 1
# The dump is in pg_dump's custom format, so pg_restore can read it without Goatherd.
DATABASE = "database.dump"
SECRET = "secret"  # noqa: S105 - a file's name
MASTER_KEY = "master-key"
API_KEY = "api-key"
_MANIFEST = "backup.json"


Content = Literal["all", "data", "keys"]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The description of a backup.

    ``content`` is ``keys`` for a backup of the keys that open sealed data, and ``data``
    for a backup of everything else. Backups of older releases have both. ``position``
    is the position of its newest event and ``schema`` the newest migration;
    ``postgresql`` and ``pg_dump`` are the major versions of the server and the program.
    """

    format: int = FORMAT
    content: Content = "all"
    goatherd: str
    made_at: datetime
    postgresql: int
    pg_dump: int
    schema: int
    position: int


def write_manifest(archive: ZipFile, manifest: Manifest) -> None:
    """Write the description of the backup, which must be the first member."""
    write_text(archive, _MANIFEST, msgspec.json.encode(manifest).decode())


def write_text(archive: ZipFile, name: str, text: str) -> None:
    """Write a small member, which only its owner can read after unpacking."""
    member = ZipInfo(name)
    member.external_attr = 0o100600 << 16
    archive.writestr(member, text)


def opened_for_writing(file: IO[bytes]) -> ZipFile:
    """Open the archive for writing.

    It is not compressed, since pg_dump compresses the dump.
    """
    return ZipFile(file, "w")


class Backup:
    """A backup that is open for reading."""

    def __init__(self, archive: ZipFile, manifest: Manifest) -> None:
        self.manifest = manifest
        self._archive = archive

    @property
    def database_bytes(self) -> int:
        return self._archive.getinfo(DATABASE).file_size

    def database(self) -> IO[bytes]:
        return self._archive.open(DATABASE)

    def text(self, name: str) -> str | None:
        """Return the text of a small member, None if the backup does not have it."""
        if name not in self._archive.namelist():
            return None
        return self._archive.read(name).decode()


@contextmanager
def opened_backup(file: Path) -> Generator[Backup]:
    """Open a backup file.

    Raises:
        BackupError: the file is no backup, is damaged, or belongs to a newer Goatherd.
        OSError: the file cannot be read.
    """
    try:
        with ZipFile(file) as archive:
            raw = archive.read(_MANIFEST)
            form = msgspec.json.decode(raw, type=dict[str, object]).get("format")
            if not isinstance(form, int) or form > FORMAT:
                raise BackupError(
                    f"{file} was made by a newer Goatherd (format {form}, this one "
                    f"knows {FORMAT}): restore it with that one."
                )
            manifest = msgspec.json.decode(raw, type=Manifest)
            archive.getinfo(DATABASE)
            yield Backup(archive, manifest)
    except KeyError:
        raise BackupError(f"{file} is not a backup of Goatherd.") from None
    except (BadZipFile, EOFError, msgspec.DecodeError) as error:
        raise BackupError(
            f"{file} is not a backup of Goatherd, or is damaged: {error}"
        ) from None

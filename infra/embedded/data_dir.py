"""The data directory: its layout, its lock, and folders for servers and sockets."""

import fcntl
import os
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

import structlog

from infra.database import BEFORE_FIRST_RELEASE
from infra.embedded.errors import EmbeddedServiceError
from infra.embedded.os_user import OsUser, shelter

# The version of a data directory. A later one gets the next number; those with 1 are
# from before 0.1.0.
FORMAT = 2
_MARK = "format"

_log = structlog.get_logger()


def key_path(data_dir: Path) -> Path:
    """Return the file of the first API key."""
    return data_dir / "api-key"


def secret_path(data_dir: Path) -> Path:
    """Return the file of the secret that signs cookies and links."""
    return data_dir / "secret"


def address_path(data_dir: Path) -> Path:
    """Return the file of the address at which ``goatherd up`` shows pages now."""
    return data_dir / "address"


def settings_path(data_dir: Path) -> Path:
    """Return the file of the settings with which ``goatherd up`` runs now."""
    return data_dir / "settings.json"


def open_data_dir(data_dir: Path) -> Path:
    """Create the data directory if it is missing, and return its full path.

    Raises:
        EmbeddedServiceError: the directory cannot be used, or has another version.
    """
    folder = data_dir.expanduser().resolve()
    try:
        if not folder.exists():
            # If we are root, PostgreSQL runs as another account, which must be able to
            # enter.
            folder.mkdir(parents=True, mode=0o711 if os.geteuid() == 0 else 0o700)
        mark = folder / _MARK
        if not mark.exists():
            mark.write_text(f"{FORMAT}\n")
        found = mark.read_text().strip()
    except OSError as error:
        msg = f"The data directory {folder} cannot be used: {error.strerror}."
        raise EmbeddedServiceError(msg) from error
    if not found.isdecimal() or int(found) > FORMAT:
        msg = (
            f"The data directory {folder} was used by a newer Goatherd (format "
            f"{found}, this one knows {FORMAT}): install that one."
        )
        raise EmbeddedServiceError(msg)
    if int(found) < FORMAT:
        raise EmbeddedServiceError(
            f"The data directory {folder} {BEFORE_FIRST_RELEASE}"
        )
    return folder


def discard_if_unused(folder: Path) -> None:
    """Remove a data directory that contains only the mark of its format."""
    with suppress(OSError):
        if [entry.name for entry in folder.iterdir()] == [_MARK]:
            (folder / _MARK).unlink()
            folder.rmdir()


class DataDirLock:
    """A lock that one process holds; the system releases it when the process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def take(self) -> None:
        """Take the lock; do nothing if this object holds it already.

        Raises:
            EmbeddedServiceError: another process holds it.
        """
        if self._file is not None:
            return
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(file, 20).decode(errors="replace").strip() or "unknown"
            os.close(file)
            msg = (
                f"The data directory {self._path.parent} is in use by another "
                f"Goatherd (process {holder}): stop that one or name another "
                "directory."
            )
            raise EmbeddedServiceError(msg) from None
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        self._file = file

    def release(self) -> None:
        """Release the lock. The file stays, because removing it would be a race."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def service_home(data_dir: Path, name: str, *, os_user: OsUser | None) -> Path:
    """Return a server's own folder, private to its account; create it if it is missing.

    If the account cannot enter the data directory, the folder is created under
    ``os_user.SHELTER``, and a link in the data directory leads to it.

    Raises:
        EmbeddedServiceError: the folder is gone, or its account cannot enter it.
    """
    home = data_dir / name
    if home.is_symlink() and not home.exists():
        msg = (
            f"{home} points to {home.readlink()}, which is gone: bring it back, or "
            "remove the link to start without its data."
        )
        raise EmbeddedServiceError(msg)
    if not home.exists():
        _make_home(home, os_user=os_user)
    place = home.resolve()
    if os_user is not None and not os_user.reaches(place):
        msg = (
            f"PostgreSQL runs as {os_user.name!r}, who cannot enter {place}: move the "
            "data directory to where everybody may pass, for example under /srv."
        )
        raise EmbeddedServiceError(msg)
    return place


def socket_folder(home: Path, *, socket_name: str, os_user: OsUser | None) -> Path:
    """Return a private folder whose path is short enough for a socket of that name.

    It is the home itself if the whole path has at most about 100 bytes. Otherwise it is
    a folder in /tmp, to which a link in the home leads.
    """
    if _takes_sockets(home, socket_name):
        return home
    link = home / "sockets"
    if link.is_symlink():
        remembered = link.readlink()
        if _is_private(remembered, home=home):
            return remembered
        link.unlink()
    # The user's TMPDIR is not used, because its path may be long as well.
    made = Path(tempfile.mkdtemp(prefix="goatherd-", dir="/tmp"))
    if os_user is not None:
        os_user.owns(made)
    link.symlink_to(made)
    return made


def _make_home(home: Path, *, os_user: OsUser | None) -> None:
    if os_user is None:
        home.mkdir(mode=0o700)
        return
    if os_user.reaches(home.parent):
        home.mkdir(mode=0o700)
        os_user.owns(home)
        return
    place = Path(tempfile.mkdtemp(prefix=f"{home.name}-", dir=shelter()))
    os_user.owns(place)
    home.symlink_to(place)
    _log.warning(
        "The account PostgreSQL runs as cannot enter the data directory; "
        "its files are kept elsewhere.",
        account=os_user.name,
        data_dir=str(home.parent),
        kept_in=str(place),
    )


def _takes_sockets(folder: Path, name: str) -> bool:
    """Try whether a socket works here.

    Limits differ, and some file systems have none.
    """
    if "," in str(folder):
        return False  # libpq would read this as two hosts.
    probe = folder / f"{name}.probe"
    with socket.socket(socket.AF_UNIX) as attempt:
        try:
            attempt.bind(str(probe))
        except OSError:
            return False
        finally:
            probe.unlink(missing_ok=True)
    return True


def _is_private(folder: Path, *, home: Path) -> bool:
    # Everybody may write to /tmp, so a folder of another account is not ours.
    try:
        found = folder.lstat()
    except OSError:
        return False
    private = folder.is_dir() and not folder.is_symlink()
    return private and found.st_uid == home.stat().st_uid and not found.st_mode & 0o077

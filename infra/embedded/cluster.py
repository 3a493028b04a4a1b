"""The cluster: PostgreSQL's files in the data directory, created once, then checked."""

import shutil
import subprocess
from pathlib import Path

import psutil

from infra.embedded.binaries import PostgresBinaries
from infra.embedded.errors import EmbeddedServiceError
from infra.embedded.os_user import OsUser, acting_as
from infra.embedded.processes import server_environment

SUPERUSER = "postgres"

# These lines are written into postgresql.conf once; the operator may change them.
_SETTINGS = {
    "shared_buffers": "192MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_connections": "100",
    "max_wal_size": "1GB",
    "min_wal_size": "128MB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "1s",
    "log_lock_waits": "on",
    "log_line_prefix": "%m [%p] %a ",
    # One log file for each weekday, overwritten a week later.
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
}
_FIRST_WITH_BUILTIN_LOCALE = 17


def ensure_cluster(
    cluster: Path, *, binaries: PostgresBinaries, account: OsUser | None, durable: bool
) -> None:
    """Create the cluster if it is missing, or check that these programs can run it.

    Raises:
        EmbeddedServiceError: the cluster cannot be created, or another version of
            PostgreSQL created it.
    """
    if cluster.exists():
        _check_version(cluster, binaries=binaries)
        _forget_recycled_pid(cluster)
        return
    # The cluster is created under another name and then renamed, so that a cluster
    # under its final name is complete.
    fresh = cluster.with_name(f"{cluster.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    made = subprocess.run(
        _initdb(fresh, binaries=binaries, durable=durable),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=server_environment(),
        umask=0o077,
        **acting_as(account),
    )
    if made.returncode != 0:
        lines = made.stderr.strip().splitlines() or ["initdb failed"]
        msg = f"PostgreSQL could not make its files in {fresh}: {lines[-1]}"
        raise EmbeddedServiceError(msg)
    fresh.rename(cluster)


def configured_connections(
    cluster: Path, binaries: PostgresBinaries, *, account: OsUser | None
) -> int | None:
    """Return the number of connections that the cluster's own settings allow.

    None means that they cannot be read: the server itself will say why.
    """
    answer = subprocess.run(
        [binaries.postgres, "-D", cluster, "-C", "max_connections"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=server_environment(),
        **acting_as(account),
    )
    text = answer.stdout.strip()
    return int(text) if answer.returncode == 0 and text.isdecimal() else None


def _initdb(
    folder: Path, *, binaries: PostgresBinaries, durable: bool
) -> list[str | Path]:
    command: list[str | Path] = [
        binaries.initdb,
        f"--pgdata={folder}",
        f"--username={SUPERUSER}",
        # Only the socket connects to the server, and no other user may enter its
        # folder.
        "--auth-local=trust",
        "--auth-host=reject",
        "--encoding=UTF8",
        "--locale=C",
        "--data-checksums",
        "--no-instructions",
    ]
    if binaries.major >= _FIRST_WITH_BUILTIN_LOCALE:
        # This locale knows all of Unicode, and sorts the same on every system and
        # version.
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    if not durable:
        command.append("--no-sync")
    for name, value in _SETTINGS.items():
        command += ["--set", f"{name}={value}"]
    return command


def _check_version(cluster: Path, *, binaries: PostgresBinaries) -> None:
    try:
        made_by = int((cluster / "PG_VERSION").read_text())
    except (OSError, ValueError):
        msg = f"{cluster} is not a PostgreSQL cluster: its PG_VERSION cannot be read."
        raise EmbeddedServiceError(msg) from None
    if made_by > binaries.major:
        msg = (
            f"{cluster} was made by PostgreSQL {made_by}, newer than the "
            f"{binaries.major} at hand: install the Goatherd that brought it."
        )
        raise EmbeddedServiceError(msg)
    if made_by < binaries.major:
        msg = (
            f"{cluster} was made by PostgreSQL {made_by} and this Goatherd runs "
            f"{binaries.major}: upgrade it with pg_upgrade, or restore a dump."
        )
        raise EmbeddedServiceError(msg)


def _forget_recycled_pid(cluster: Path) -> None:
    """Remove the lock file of an ended process whose number another process has now.

    PostgreSQL only checks whether a process with this number exists, and would refuse
    to start. This is usual in containers, where the same few numbers are used again.
    """
    lock = cluster / "postmaster.pid"
    try:
        holder = psutil.Process(int(lock.read_text().split("\n", 1)[0]))
        if holder.name() != "postgres" or holder.status() == psutil.STATUS_ZOMBIE:
            lock.unlink()
    except (OSError, ValueError, psutil.Error):
        return

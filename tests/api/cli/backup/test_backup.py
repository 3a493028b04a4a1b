"""``goatherd backup`` and ``restore``: one consistent file, back in an empty place."""

import stat
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
import psycopg
import pytest
from psycopg import sql

from api.system.all_projections import ALL_PROJECTIONS
from api.web.sign_in.links import make_link as make_sign_in_link
from application.accounts.invitations import add_link
from application.accounts.operators import make_password_link, register
from application.accounts.rows import make_second_step
from application.accounts.sessions import begin_session
from application.backup import (
    archive,
    programs,
)
from domain import events as e
from infra.embedded import EmbeddedPostgres
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.keys.digests import digest_of
from infra.keys.keyring import destroy
from projections.engine.follower import Follower
from tests.kit.application import SECRET, started
from tests.kit.builders import (
    Home,
    asking,
    log_of,
    make_home,
    next_events,
    opened_store,
)
from tests.kit.command_line import CommandLine, Outcome
from tests.kit.databases import new_database
from tests.kit.people import EMAIL

# The secret of an invitation's link.
INVITED = "invited"

# Names of everything that the application made, and how many rows it has.
TABLES = """
SELECT quote_ident(nspname) || '.' || quote_ident(relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind = 'r' AND nspname NOT IN ('pg_catalog', 'information_schema')
ORDER BY 1
"""


@pytest.fixture
def cli(
    command_line: CommandLine,
    tmp_path: Path,
) -> CommandLine:
    command_line.set(data_dir=tmp_path / "nothing")
    return command_line


@pytest.fixture
def home(database_url: str) -> Iterator[Home]:
    with opened_store(database_url) as store:
        home = make_home(store)
        home.creator("old-billy")
        home.remove(home.creator("gone"))
        catch_up(store)
        yield home


def back_up(cli: CommandLine, file: Path, *words: str) -> Outcome:
    """Back up everything: the keys into a file of their own."""
    outcome = cli("backup", str(file), *words)
    assert cli("backup", "--keys", f"{file}.keys").status == 0
    return outcome


def restore(cli: CommandLine, file: Path, *words: str) -> Outcome:
    return cli("restore", str(file), "--keys", f"{file}.keys", *words)


def catch_up(store: Store) -> None:
    for projection in ALL_PROJECTIONS:
        follower = Follower(projection, pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()


RESTORED = r'("\\x",'
NOTES = {"public.backups", "public.restores"}


def rows(url: str) -> dict[str, list[Any]]:
    """Every row of every table, as text, but those that commands of backups note."""
    with psycopg.connect(url, autocommit=True) as connection:
        tables = [row[0] for row in connection.execute(TABLES)]
        kept = {
            table: connection.execute(
                f"SELECT t::text FROM {table} AS t ORDER BY 1".encode()  # noqa: S608
            ).fetchall()
            for table in tables
        }
        return {
            table: [row for row in found if not row[0].startswith(RESTORED)]
            for table, found in kept.items()
            if table not in NOTES
        }


def events(url: str, *, until: int) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(
            "SELECT e::text FROM goatherd_events e WHERE notification_id <= %s "
            "ORDER BY notification_id",
            (until,),
        ).fetchall()


def answers(url: str, home: Home, key: str) -> list[Any]:
    """All answers of the API, without the id of each request."""
    with started(url) as goatherd:
        said = [
            goatherd.client.get(
                f"/api/v1/{path}", headers={"Authorization": f"Bearer {key}"}
            )
            for path in (
                *("projects", "creators?status=all", "creators?status=removed"),
                f"analytics?entity=project&entity_id={home.project_id}&metric=views",
            )
        ]
    assert {answer.status_code for answer in said} == {200}
    return [answer.json()["data"] for answer in said]


class Writer:
    """Adds creators and lets the read models follow, until the block ends."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.written = 0

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._home.creator(f"goat-{self.written}")
            catch_up(self._home.store)
            self.written += 1


def test_what_is_backed_up_under_writes_is_whole_in_a_new_data_directory(
    cli: CommandLine, home: Home, database_url: str, tmp_path: Path, data_dir: Path
):
    file = tmp_path / "backup.zip"
    cli.set(database_url=database_url, secret=SECRET)
    writer = Writer(home)
    with writer:
        while writer.written < 3:
            time.sleep(0.01)
        backed_up = back_up(cli, file, "--json").document
        while writer.written < 6:
            time.sleep(0.01)
    cli.set(database_url="", secret="", data_dir=data_dir)

    restored = restore(cli, file, "--json").document
    at_rest = cli("doctor", "--at-rest", "--json")

    position = backed_up["position"]
    assert backed_up["bytes"] == file.stat().st_size
    assert restored["position"] == position < home.store.head()
    assert at_rest.status == 0, at_rest.out
    found = {each["check"]: each["state"] for each in at_rest.document["findings"]}
    assert found["event log"] == found["projections"] == "ok"
    assert (data_dir / "secret").read_text() == f"{SECRET.strip()}\n"
    assert not (data_dir / "api-key").exists()
    server = EmbeddedPostgres(data_dir)
    try:
        url = server.start()
        assert events(url, until=position) == events(database_url, until=position)
        with opened_store(url) as store:
            assert store.head() == position
            Home(store, home.organization_id, home.project_id).creator("after")
            catch_up(store)
            assert store.head() > position
        cli.set(database_url=url)
        caught_up = cli("doctor", "--at-rest", "--json").document
        assert {each["state"] for each in caught_up["findings"]} == {"ok"}
    finally:
        server.stop()


def test_a_restored_database_has_every_row_and_gives_the_same_answers(
    cli: CommandLine,
    home: Home,
    database_url: str,
    empty_database_url: str,
    tmp_path: Path,
):
    file = tmp_path / "backup.zip"
    cli.set(database_url=database_url)
    words = ("keys", "create", "--org", str(home.organization_id), "--scope", "read")
    key = cli(*words, "--json").document["api_key"]
    catch_up(home.store)
    outcome = back_up(cli, file)
    cli.set(database_url=empty_database_url)

    restored = restore(cli, file)

    head = home.store.head()
    assert f"up to position {head} of the log" in outcome.out
    assert f"position {head} of the log" in restored.out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert rows(empty_database_url) == rows(database_url)
    with psycopg.connect(database_url) as connection:
        noted = connection.execute("SELECT position FROM backups").fetchall()
    assert noted == [(head,)]
    assert len(rows(database_url)) > 20
    assert answers(empty_database_url, home, key) == answers(database_url, home, key)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "backup.zip",
        "backup.zip.keys",
    ]


def test_a_restore_signs_everybody_out_and_ends_links(
    cli: CommandLine,
    home: Home,
    database_url: str,
    empty_database_url: str,
    tmp_path: Path,
):
    cli.set(database_url=database_url)
    person_id = register(home.store, name="Ada", email=EMAIL, context=asking())
    make_password_link(home.store, person_id)
    with psycopg.connect(database_url, autocommit=True) as connection:
        make_sign_in_link(connection, "tga_")
        begin_session(
            connection.cursor(),
            person_id=person_id,
            organization_id=home.organization_id,
            address="",
            browser="",
        )
        add_link(
            connection.cursor(),
            new_id(),
            organization_id=home.organization_id,
            token=INVITED,
            email_digest=b"address",
        )
        make_second_step(connection.cursor(), person_id)
        connection.execute(
            "INSERT INTO email_links (digest, person_id, email_digest, expires_at) "
            "VALUES ('a link', %s, 'address', now() + interval '1 hour')",
            (person_id,),
        )
        connection.execute(
            "INSERT INTO mails (id, subject, sealed, until) "
            "VALUES (%s, %s, 'a link', now() + interval '1 hour')",
            (new_id(), person_id),
        )
        connection.execute(
            "INSERT INTO channel_messages (id, organization_id, channel_id, kind, "
            "content) VALUES (%s, %s, %s, 'alert', '{}')",
            (new_id(), home.organization_id, new_id()),
        )
    back_up(cli, tmp_path / "backup.zip")
    cli.set(database_url=empty_database_url)

    assert restore(cli, tmp_path / "backup.zip").status == 0

    with psycopg.connect(empty_database_url) as connection:
        ended = connection.execute("SELECT nonce FROM ended_sessions").fetchall()
        noted = connection.execute(
            "SELECT at <= clock_timestamp() FROM restores"
        ).fetchall()
    assert ended == [(b"",)]
    assert noted == [(True,)]
    for url, left in ((database_url, 1), (empty_database_url, 0)):
        kept = rows(url)
        for table in (
            "password_links",
            "person_sessions",
            "sign_in_links",
            "pending_sign_ins",
            "email_links",
            "mails",
            "channel_messages",
        ):
            assert len(kept[f"public.{table}"]) == left, table
        with psycopg.connect(url) as connection:
            links = connection.execute(
                "SELECT email_digest, digest = %s FROM invitation_links",
                (digest_of(INVITED),),
            ).fetchall()
        # An erasure finds the invitation by its address.
        assert links == [(b"address", bool(left))]
    assert len(kept["public.person_emails"]) == 1


def test_the_reader_of_a_restored_database_sees_its_own_rows_only(
    cli: CommandLine,
    home: Home,
    database_url: str,
    empty_database_url: str,
    tmp_path: Path,
):
    cli.set(database_url=database_url)
    back_up(cli, tmp_path / "backup.zip")
    cli.set(database_url=empty_database_url)
    assert restore(cli, tmp_path / "backup.zip").status == 0

    with psycopg.connect(empty_database_url) as connection:
        connection.execute("SET ROLE goatherd_reader")
        count = "SELECT count(*) FROM creator_list"
        assert connection.execute(count).fetchone() == (0,)
        connection.execute(
            "SELECT set_config('goatherd.organization_id', %s, true)",
            (str(home.organization_id),),
        )
        assert connection.execute(count).fetchone() == (2,)


def test_an_owner_that_is_no_superuser_backs_up_and_restores(
    cli: CommandLine, home: Home, database_url: str, postgres_url: str, tmp_path: Path
):
    cli.set(database_url=database_url)
    back_up(cli, tmp_path / "first.zip")
    owner = f"goatherd_owner_{uuid4().hex}"
    file = tmp_path / "second.zip"
    with (
        psycopg.connect(postgres_url, autocommit=True) as server,
        new_database(postgres_url) as target,
        new_database(postgres_url) as second,
    ):
        name = sql.Identifier(owner)
        server.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(name))
        server.execute(
            sql.SQL(
                "GRANT goatherd_reader, goatherd_limited TO {} WITH ADMIN OPTION"
            ).format(name)
        )
        for url in (target, second):
            database = sql.Identifier(urlsplit(url).path.strip("/"))
            server.execute(
                sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database, name)
            )
        try:
            cli.set(database_url=_as(target, owner))
            restored = restore(cli, tmp_path / "first.zip")
            backed_up = back_up(cli, file)
            cli.set(database_url=_as(second, owner))
            again = restore(cli, file)

            assert (restored.err, backed_up.err, again.err) == ("", "", "")
            assert rows(second) == rows(target) == rows(database_url)
        finally:
            for url in (target, second):
                with psycopg.connect(url, autocommit=True) as connection:
                    connection.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(name))
                database = sql.Identifier(urlsplit(url).path.strip("/"))
                server.execute(
                    sql.SQL("ALTER DATABASE {} OWNER TO postgres").format(database)
                )
            server.execute(sql.SQL("DROP OWNED BY {}").format(name))
            server.execute(sql.SQL("DROP ROLE {}").format(name))
    assert home.store.head() > 0


def _as(url: str, user: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{user}@{host}{parts.path}?{parts.query}"


def test_nothing_is_written_over(
    cli: CommandLine, home: Home, database_url: str, tmp_path: Path
):
    file, used = tmp_path / "backup.zip", tmp_path / "used"
    used.mkdir()
    (used / "mine").touch()
    cli.set(database_url=database_url)
    back_up(cli, file)
    head = home.store.head()

    into_database = restore(cli, file)
    cli.set(database_url="", data_dir=used)
    into_folder = restore(cli, file)

    assert (into_database.status, into_folder.status) == (1, 1)
    assert "The database is not empty: it has" in into_database.complaint
    assert f"data directory {used} is not empty" in into_folder.complaint
    assert home.store.head() == head
    assert [path.name for path in used.iterdir()] == ["mine"]


def test_a_damaged_backup_leaves_nothing_behind(
    cli: CommandLine,
    home: Home,
    database_url: str,
    empty_database_url: str,
    tmp_path: Path,
    data_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    # So that pg_restore has begun before the damage is found.
    monkeypatch.setattr(programs, "_CHUNK", 4_096)
    file = tmp_path / "backup.zip"
    cli.set(database_url=database_url)
    back_up(cli, file)
    with zipfile.ZipFile(file) as whole:
        at = whole.getinfo(archive.DATABASE)
        # In the last rows: the definitions of tables come first.
        end = at.header_offset + at.file_size
    raw = bytearray(file.read_bytes())
    raw[end - 100 : end] = bytes(100)
    file.write_bytes(raw)

    cli.set(database_url=empty_database_url)
    into_database = restore(cli, file)
    cli.set(database_url="", data_dir=data_dir)
    into_folder = restore(cli, file)

    assert (into_database.status, into_folder.status) == (1, 1)
    assert rows(empty_database_url) == {}
    assert not data_dir.exists()
    assert home.store.head() > 0


def test_a_restore_that_fails_halfway_leaves_nothing_behind(
    cli: CommandLine,
    home: Home,
    database_url: str,
    empty_database_url: str,
    tmp_path: Path,
):
    cli.set(database_url=database_url)
    back_up(cli, tmp_path / "backup.zip")
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION goatherd_tenant() RETURNS uuid LANGUAGE sql "
            "RETURN NULL::uuid"
        )
    cli.set(database_url=empty_database_url)

    outcome = restore(cli, tmp_path / "backup.zip")

    assert outcome.status == 1
    assert "pg_restore failed" in outcome.complaint
    assert "already exists" in outcome.complaint
    assert rows(empty_database_url) == {}
    assert home.store.head() > 0


@pytest.mark.parametrize(
    ("members", "complaint"),
    (
        ({}, "is not a backup of Goatherd"),
        ({"backup.json": '{"format": 2}'}, "made by a newer Goatherd (format 2"),
        ({"backup.json": "{}"}, "made by a newer Goatherd"),
        (
            {
                "backup.json": msgspec.json.encode(
                    archive.Manifest(
                        goatherd="9.9.9",
                        made_at="2026-01-01T00:00:00Z",  # pyright: ignore[reportArgumentType]
                        postgresql=18,
                        pg_dump=18,
                        schema=9_999,
                        position=1,
                    )
                ).decode(),
                "database.dump": "",
            },
            "restore it with the release that made it, 9.9.9",
        ),
    ),
    ids=["no backup", "newer", "none", "newer schema"],
)
def test_what_cannot_be_restored_is_refused(
    cli: CommandLine, tmp_path: Path, members: dict[str, str], complaint: str
):
    file = tmp_path / "backup.zip"
    with zipfile.ZipFile(file, "w") as made:
        for name, text in members.items():
            made.writestr(name, text)
    plain = tmp_path / "plain"
    plain.write_text("goats")

    outcome = restore(cli, file)

    assert outcome.status == 1
    assert complaint in outcome.complaint
    assert "is not a backup" in cli("restore", str(plain)).complaint
    assert "No such file" in cli("restore", str(tmp_path / "gone")).complaint
    assert not (tmp_path / "nothing").exists()


def test_without_a_program_that_is_new_enough_nothing_is_begun(
    cli: CommandLine,
    home: Home,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(programs, "client_programs", lambda _: [(Path("x"), 15)])
    cli.set(database_url=database_url)

    outcome = cli("backup", str(tmp_path / "backup.zip"))

    assert outcome.status == 1
    assert "There is no pg_dump of PostgreSQL" in outcome.complaint
    assert list(tmp_path.iterdir()) == []
    assert home.store.head() > 0


def test_the_key_and_secret_of_a_data_directory_are_taken_if_they_are_its_own(
    cli: CommandLine, home: Home, database_url: str, tmp_path: Path
):
    folder, file = tmp_path / "data", tmp_path / "backup.zip"
    folder.mkdir()
    (folder / "secret").write_text(f"{SECRET}\n")
    cli.set(database_url=database_url, data_dir=folder)
    made = cli("keys", "create", "--org", str(home.organization_id), "--json").document

    def taken(key: str) -> set[str]:
        (folder / "api-key").write_text(f"{key}\n")
        assert cli("backup", str(file), "--overwrite").status == 0
        with zipfile.ZipFile(file) as backup:
            return {"secret", "api-key"} & set(backup.namelist())

    assert taken(made["api_key"]) == {"secret", "api-key"}
    assert taken("tga_" + "0" * 64) == set()


# the keys


def test_a_backup_without_the_keys_says_nothing_that_is_sealed(
    cli: CommandLine,
    home: Home,
    database_url: str,
    empty_database_url: str,
    tmp_path: Path,
):
    file, position = tmp_path / "backup.zip", home.store.head()
    with home.store.pool.connection() as connection:
        # No backup may keep the value that was erased a moment ago.
        connection.execute(
            "INSERT INTO erased_values VALUES (%s, %s, '{}', 1, now(), 'sealed')",
            (new_id(), home.organization_id),
        )
    cli.set(database_url=database_url)
    outcome = cli("backup", str(file))
    cli.set(database_url=empty_database_url)

    restored = cli("restore", str(file))

    assert "back them up with --keys" in outcome.out
    assert "no handle, name, title or note in the log can be read" in restored.out
    assert rows(empty_database_url)["public.subject_keys"] == []
    assert rows(empty_database_url)["public.installation_keys"] == []
    assert rows(empty_database_url)["public.erased_values"] == []
    assert events(empty_database_url, until=position) == events(
        database_url, until=position
    )
    with zipfile.ZipFile(file) as backup:
        assert "master-key" not in backup.namelist()
    with opened_store(empty_database_url) as store:
        assert "old-billy" not in repr(log_of(store))


def test_with_the_keys_everything_can_be_read_but_who_was_erased_since(
    cli: CommandLine,
    home: Home,
    database_url: str,
    empty_database_url: str,
    tmp_path: Path,
):
    file, keys = tmp_path / "backup.zip", tmp_path / "keys"
    erased = home.creator("erased-goat")
    cli.set(database_url=database_url)
    assert cli("backup", "--keys", str(keys)).status == 0
    event = e.SubjectErased(
        organization_id=home.organization_id, number=1, figures="drop"
    )
    home.store.append(
        next_events(erased, home.store.load(erased)[erased], [event]),
        context=asking(),
        in_transaction=lambda cursor, _: destroy(cursor, [erased]),
    )
    assert cli("backup", str(file)).status == 0
    cli.set(database_url=empty_database_url)

    restored = cli("restore", str(file), "--keys", str(keys))

    assert restored.status == 0, restored.err
    assert "can be read" not in restored.out
    with opened_store(empty_database_url) as store:
        log = repr(log_of(store))
    assert "old-billy" in log
    assert "erased-goat" not in log


def test_a_backup_with_its_keys_does_not_ask_for_them(
    cli: CommandLine, home: Home, database_url: str, tmp_path: Path
):
    cli.set(database_url=database_url)

    done = cli("backup", str(tmp_path / "it.zip"), "--keys", str(tmp_path / "keys"))

    assert home.organization_id
    assert done.status == 0
    assert "Backed up to" in done.out
    assert "back them up with --keys" not in done.out
    assert f"Backed up the keys to {tmp_path / 'keys'}" in done.out


def test_keys_from_before_somebody_came_are_refused(
    cli: CommandLine,
    home: Home,
    database_url: str,
    empty_database_url: str,
    tmp_path: Path,
):
    file, keys = tmp_path / "backup.zip", tmp_path / "keys"
    cli.set(database_url=database_url)
    assert cli("backup", "--keys", str(keys)).status == 0
    home.creator("new-goat")
    assert cli("backup", str(file)).status == 0
    cli.set(database_url=empty_database_url)

    restored = cli("restore", str(file), "--keys", str(keys))

    assert restored.status == 1
    assert "lacks the keys of 1 person in the log" in restored.complaint


def test_an_existing_file_is_replaced_only_if_that_is_asked(
    cli: CommandLine, home: Home, database_url: str, tmp_path: Path
):
    file, keys = tmp_path / "backup.zip", tmp_path / "keys"
    keys.write_text("older")
    cli.set(database_url=database_url)
    assert cli("backup", str(file)).status == 0
    before = file.read_bytes()
    home.creator("late-goat")

    refused = cli("backup", str(file))
    with_keys = cli("backup", str(tmp_path / "new.zip"), "--keys", str(keys))
    replaced = cli("backup", str(file), "--keys", str(keys), "--overwrite")

    assert refused.status == with_keys.status == 1
    assert refused.complaint == (
        f"{file} exists already: name another file, or replace it with --overwrite."
    )
    assert str(keys) in with_keys.complaint
    assert not (tmp_path / "new.zip").exists()
    assert replaced.status == 0, replaced.err
    assert file.read_bytes() != before
    assert zipfile.is_zipfile(keys)


def test_files_of_keys_and_of_data_are_told_apart(
    cli: CommandLine,
    home: Home,
    database_url: str,
    empty_database_url: str,
    tmp_path: Path,
):
    file = tmp_path / "backup.zip"
    cli.set(database_url=database_url)
    back_up(cli, file)
    cli.set(database_url=empty_database_url)

    swapped = cli("restore", f"{file}.keys")
    twice = cli("restore", str(file), "--keys", str(file))
    none = cli("backup")
    same = cli("backup", str(file), "--keys", str(file))

    assert home.store.head() > 0
    assert "only has the keys" in swapped.complaint
    assert "is not a file that `goatherd backup --keys` wrote" in twice.complaint
    assert "Name a file to write" in none.complaint
    assert "a file of their own" in same.complaint
    assert rows(empty_database_url) == {}

"""Commands that ask the database and end: their output, and their refusals."""

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import TupleRow

from api.system.all_projections import ALL_PROJECTIONS
from application.accounts.operators import register
from infra.build import commit, version
from infra.database import (
    LIMITED_ROLE,
    READER_ROLE,
    create_reader,
    known_migrations,
)
from infra.eventstore.store import Store
from infra.ids import new_id
from projections.bans import Bans
from projections.engine.follower import Follower
from projections.organizations.projection import ApiKeys
from projections.registry import PROJECTIONS
from tests.kit.builders import asking, opened_store
from tests.kit.command_line import CommandLine
from tests.kit.commands import issue_key

NOBODY = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def cli(
    command_line: CommandLine,
    tmp_path: Path,
) -> CommandLine:
    """A command line that no database is set for."""
    command_line.set(data_dir=tmp_path / "nothing")
    return command_line


@pytest.fixture
def store(cli: CommandLine, database_url: str) -> Iterator[Store]:
    """The store on the database that the command line works with."""
    cli.set(database_url=database_url)
    with opened_store(database_url) as store:
        yield store


def queried(store: Store, query: bytes, *values: object) -> list[TupleRow]:
    with store.pool.connection() as connection:
        return connection.execute(query, values).fetchall()


COMMANDS = [
    *("up", "serve", "project", "dispatch", "work", "migrate", "projections"),
    *("rebuild", "doctor", "orgs", "orgs create", "orgs operator", "orgs list"),
    "projects",
    *("campaigns", "campaigns create", "campaigns list", "views", "views list"),
    *("sources", "sources list", "sources check", "creators add"),
    *("creators", "creators list", "creators move", "keys", "keys create", "keys list"),
    *(
        "import",
        "keys revoke",
        "keys rotate-master",
        "bans",
        "bans add",
        "bans remove",
        "bans list",
    ),
    *("backup", "restore"),
    *("export", "export observations", "export events", "export analytics"),
    *("events", "events list", "events show", "events types", "trace"),
    *("projection", "projection try", "projection retry", "projection skip"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(cli: CommandLine, command: str):
    outcome = cli(*command.split(), "--help")

    assert outcome.status == 0
    assert outcome.out.startswith(f"Usage: goatherd {command}")
    assert len(outcome.out.splitlines()) > 3
    assert outcome.err == ""


def test_without_a_word_every_command_is_listed_with_what_it_does(cli: CommandLine):
    outcome = cli()

    lines = outcome.out.splitlines()
    for command in (command for command in COMMANDS if " " not in command):
        (line,) = (line for line in lines if line.startswith(f"│ {command} "))
        assert len(line.strip("│ ")) > len(command) + 10


def test_the_version_names_the_commit(cli: CommandLine):
    outcome = cli("--version")

    assert outcome.status == 0
    assert outcome.out.strip() == f"{version()} (commit {commit()})"
    assert re.fullmatch("[0-9a-f]{40}|unknown", commit())


@pytest.mark.parametrize(
    "words",
    (
        ["fly"],
        ["keys", "steal"],
        ["orgs", "create"],
        ["up", "--port", "0"],
        ["up", "--prot", "8000"],
        ["keys", "create"],
        ["keys", "create", "--org", NOBODY, "--scope", "all"],
        ["keys", "revoke", "tga_1"],
    ),
    ids=" ".join,
)
def test_a_wrong_command_line_is_one_line_and_status_2(
    cli: CommandLine, words: list[str]
):
    outcome = cli(*words)

    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.complaint


def test_a_wrong_value_is_told_without_names_of_types(cli: CommandLine):
    said = {
        words: cli(*words.split()).complaint
        for words in (
            "erase 123",
            "creators move 123 --project Herd",
            "events show first",
            "campaigns create Herd Spring --target-posts soon",
            "keys create --org Herd --expires-at soon",
        )
    }

    assert said == {
        "erase 123": 'CREATOR_ID: "123" is not an id; lists show ids with --ids.',
        "creators move 123 --project Herd": 'CREATOR_ID: "123" is not an id; lists '
        "show ids with --ids.",
        "events show first": 'POSITION: "first" is not a whole number.',
        "campaigns create Herd Spring --target-posts soon": (
            '--target-posts: "soon" is not a whole number.'
        ),
        "keys create --org Herd --expires-at soon": '--expires-at: "soon" is not a '
        "time, such as 2026-11-29T12:00.",
    }


def test_a_new_organization_s_key_opens_at_once(cli: CommandLine, store: Store):
    made = cli("orgs", "create", "The Herd", "--time-zone", "Europe/Berlin", "--json")

    document = made.document
    digest = hashlib.sha256(document["api_key"].encode()).hexdigest()
    assert set(document) == {"org_id", "project_id", "api_key"}
    # No follower runs here: the command itself has written both tables.
    assert queried(
        store,
        b"SELECT organization_id::text, o.name, plan, time_zone, scopes "
        b"FROM api_keys JOIN organizations o USING (organization_id) "
        b"WHERE digest = %s",
        digest,
    ) == [
        (
            *(document["org_id"], "The Herd", "unlimited", "Europe/Berlin"),
            ["read", "write", "admin"],
        )
    ]
    (stream,) = store.load(UUID(document["org_id"])).values()
    assert {recorded.actor for recorded in stream} == {"cli"}


def test_an_organization_is_told_to_people_line_by_line(cli: CommandLine, store: Store):
    made = cli("orgs", "create", "The Herd")

    assert made.status == 0
    assert [line.split()[0] for line in made.out.splitlines()] == [
        "Organization",
        "Project",
        "API",
    ]
    assert queried(store, b"SELECT count(*) FROM organizations") == [(1,)]


@pytest.mark.parametrize(
    ("words", "complaint"),
    (
        (["Herd", "--plan", "gold"], "choose one of free, starter, ultra, unlimited"),
        (["Herd", "--time-zone", "Mars/Olympus"], "is no time zone; choose one"),
        ([" "], "1 to 200 characters"),
        (["x" * 201], "1 to 200 characters"),
        (["a\x1b[31m"], "printable"),
    ),
    ids=["plan", "time zone", "blank", "long", "escape"],
)
def test_an_organization_that_cannot_be_is_refused_and_nothing_kept(
    cli: CommandLine, store: Store, words: list[str], complaint: str
):
    outcome = cli("orgs", "create", *words)

    assert outcome.status == 2
    assert complaint in outcome.complaint
    assert store.head() == 0


def test_a_plan_that_only_the_settings_know_can_be_given(
    cli: CommandLine, store: Store
):
    cli.set(plans='{"goats": {"max_api_keys_per_org": 1}}')

    made = cli("orgs", "create", "Herd", "--plan", "goats", "--json").document
    refused = cli("keys", "create", "--org", made["org_id"])

    assert queried(store, b"SELECT plan FROM organizations") == [("goats",)]
    assert refused.status == 1
    assert refused.complaint == "The plan allows 1 API key, and there is 1 already."


@pytest.fixture
def org(cli: CommandLine, store: Store) -> str:
    """An organization's id; it has one key, its first."""
    del store
    return cli("orgs", "create", "Herd", "--json").document["org_id"]


def test_an_organization_is_let_run_the_installation_and_no_longer(
    cli: CommandLine, store: Store
):
    operator = cli("orgs", "create", "Agency", "--operator", "--json").document
    other = cli("orgs", "create", "Client", "--json").document["org_id"]

    def marked() -> list[bool | None]:
        query = b"SELECT is_operator FROM organizations ORDER BY name"
        return [row[0] for row in queried(store, query)]

    assert set(operator) == {"org_id", "project_id", "api_key"}
    assert marked() == [True, None]
    assert cli("orgs", "operator", other).out == (
        f"Organization {other} runs the installation.\n"
    )
    assert cli("orgs", "operator", "Client").out == (
        f"Organization {other} runs the installation already.\n"
    )
    assert marked() == [True, True]
    off = cli("orgs", "operator", operator["org_id"], "--off", "--json").document
    assert off == {"org_id": operator["org_id"], "is_operator": False}
    assert marked() == [False, True]
    unknown = cli("orgs", "operator", str(new_id()))
    assert unknown.status == 1
    assert "There is no organization" in unknown.err


def test_a_key_has_the_scopes_that_were_asked_for(cli: CommandLine, org: str):
    usual = cli("keys", "create", "--org", org, "--json").document
    chosen = cli(
        *("keys", "create", "--org", org, "--name", "Robot", "--scope", "admin"),
        *("--scope", "read", "--expires-at", "2099-01-01", "--json"),
    ).document

    assert set(usual) == {"id", "api_key", "scopes"}
    assert usual["scopes"] == ["read", "write"]
    assert chosen["scopes"] == ["admin", "read"]
    *_, listed = cli("keys", "list", "--json").document
    assert listed["id"] == chosen["id"]
    assert listed["name"] == "Robot"
    assert listed["hint"] == chosen["api_key"][-4:]
    assert listed["expires_at"] == "2099-01-01T00:00:00Z"


def test_keys_are_listed_without_their_texts(cli: CommandLine, org: str):
    issued = cli("keys", "create", "--org", org, "--json").document
    other = cli("orgs", "create", "Other", "--json").document

    for_people = cli("keys", "list", "--ids")
    of_one = cli("keys", "list", "--org", other["org_id"], "--json").document

    assert len(for_people.out.splitlines()) == 4
    assert issued["id"] in for_people.out
    assert issued["api_key"] not in for_people.out
    assert "tga_" not in for_people.out
    assert [key["org_id"] for key in of_one] == [other["org_id"]]


def test_keys_are_listed_with_their_owners(cli: CommandLine, store: Store):
    register(store, name="Ada", email="ada@example.com", context=asking())
    made = cli(
        "orgs", "create", "Alps", "--owner", "ada@example.com", "--json"
    ).document
    org_id, owner_id = UUID(made["org_id"]), UUID(made["owner_id"])
    issue_key(
        store,
        org_id,
        name="Laptop",
        person_id=owner_id,
        context=asking(),
        in_transaction=lambda cursor, done: ApiKeys().write(cursor, done.events),
    )

    first, laptop = cli("keys", "list", "--org", "Alps", "--json").document
    shown = cli("keys", "list", "--org", "Alps").out

    assert first["owner"] == {"type": "organization", "id": made["org_id"]}
    assert laptop["owner"] == {"type": "person", "id": made["owner_id"]}
    assert re.search("Laptop +Alps +Ada ", shown)
    assert re.search("First key +Alps +organization ", shown)


def test_a_revoked_key_is_revoked_in_the_tables_at_once(
    cli: CommandLine, org: str, store: Store
):
    issued = cli("keys", "create", "--org", org, "--json").document

    revoked = cli("keys", "revoke", issued["id"], "--json").document
    head = store.head()
    again = cli("keys", "revoke", issued["id"]).status

    assert revoked == {"id": issued["id"], "revoked": True}
    assert queried(
        store,
        b"SELECT revoked_at IS NOT NULL FROM api_keys WHERE id = %s",
        issued["id"],
    ) == [(True,)]
    assert again == 0
    assert store.head() == head
    assert "revoked" in cli("keys", "list").out


@pytest.mark.parametrize(
    "words",
    (
        ["create", "--org", NOBODY],
        ["revoke", NOBODY],
    ),
    ids=["create", "revoke"],
)
def test_a_key_of_nobody_is_refused(cli: CommandLine, org: str, words: list[str]):
    outcome = cli("keys", *words)

    assert outcome.status == 1
    assert "no" in outcome.complaint.lower()
    assert org not in outcome.complaint


def test_a_key_that_has_expired_before_it_begins_is_refused(
    cli: CommandLine, org: str, store: Store
):
    head = store.head()

    outcome = cli("keys", "create", "--org", org, "--expires-at", "2020-01-01")

    assert outcome.status == 2
    assert "future" in outcome.complaint
    assert store.head() == head


def test_a_ban_is_listed_once_the_followers_know_it(cli: CommandLine, store: Store):
    banned = cli("bans", "add", "@Mallory", "--reason", "a bot", "--json").document
    follower = Follower(Bans(), pool=store.pool, codec=store.codec)
    follower.register()
    follower.catch_up()

    listed = cli("bans", "list", "--json")
    table = cli("bans", "list")

    assert banned == {"tiktok_handle": "mallory", "banned": True}
    (ban,) = listed.document
    assert listed.err == ""
    assert ban["tiktok_handle"] == "mallory"
    assert ban["reason"] == "a bot"
    assert datetime.fromisoformat(ban["created_at"]) <= datetime.now(UTC)
    assert "mallory" in table.out


def test_lifting_a_ban_twice_changes_nothing_the_second_time(
    cli: CommandLine, store: Store
):
    cli("bans", "add", "mallory")

    lifted = cli("bans", "remove", "@mallory", "--json")
    again = cli("bans", "remove", "mallory")

    assert lifted.document == {"tiktok_handle": "mallory", "banned": False}
    assert again.out == "@mallory is not banned\n"
    assert store.head() == 2


def test_a_ban_of_what_is_no_handle_is_refused(cli: CommandLine, store: Store):
    outcome = cli("bans", "add", "not a handle")

    assert outcome.status == 1
    assert "is not a TikTok handle" in outcome.complaint
    assert store.head() == 0


def test_projections_are_shown_even_if_they_were_never_started(
    cli: CommandLine, store: Store
):
    cli("bans", "add", "mallory")
    follower = Follower(Bans(), pool=store.pool, codec=store.codec)
    follower.register()
    follower.catch_up()

    shown = cli("projections", "--json").document
    table = cli("projections")

    known = sorted(projection.name for projection in ALL_PROJECTIONS)
    assert [each["name"] for each in shown] == known
    assert {"bans", "creator_list", "scrape_jobs"} <= set(known)
    by_name = {each["name"]: each for each in shown}
    assert by_name["bans"]["position"] == by_name["bans"]["head"] == 1
    assert by_name["bans"]["lag_events"] == 0
    assert by_name["projects"]["status"] == "never started"
    assert by_name["projects"]["lag_events"] == 1
    assert len(table.out.splitlines()) == 1 + len(known)


def banned(cli: CommandLine, store: Store) -> None:
    """Ban somebody, and let the read model know."""
    cli("bans", "add", "mallory")
    follower = Follower(Bans(), pool=store.pool, codec=store.codec)
    follower.register()
    follower.catch_up()


def test_a_rebuild_says_what_was_compared_and_how_long_it_took(
    cli: CommandLine, store: Store
):
    banned(cli, store)

    outcome = cli("rebuild", "bans")
    document = cli("rebuild", "bans", "--json").document

    assert outcome.status == 0
    assert "bans: swapped in at position 1, locked for " in outcome.out
    assert outcome.out.endswith("ms. All 1 row is equal.\n")
    assert document[0]["comparison"]["tables"][0]["rows"] == 1
    assert queried(store, b"SELECT handle FROM bans") == [("mallory",)]


def test_every_read_model_is_rebuilt_if_none_is_named(cli: CommandLine, store: Store):
    banned(cli, store)

    document = cli("rebuild", "--json").document

    assert [each["name"] for each in document] == [each.name for each in PROJECTIONS]


def test_a_read_model_that_cannot_be_cut_is_rebuilt_by_one_process_which_says_so(
    cli: CommandLine, store: Store, redis_url: str
):
    banned(cli, store)
    cli.set(redis_url=redis_url)

    outcome = cli("rebuild", "bans", "--distributed")

    assert outcome.status == 0
    assert outcome.err == (
        "bans: its work cannot be cut into slices, so this process does all of it.\n"
    )
    assert "bans: swapped in at position 1" in outcome.out


def test_a_distributed_rebuild_that_nobody_hears_of_is_done_here_and_says_so(
    cli: CommandLine, store: Store
):
    banned(cli, store)
    cli.set(redis_url="redis://127.0.0.1:1/0")

    outcome = cli("rebuild", "analytics", "--distributed")

    assert outcome.status == 0
    assert outcome.err.startswith("analytics: Redis cannot be reached")
    assert outcome.err.endswith("this process works on the slices.\n")
    assert outcome.err.count("\n") == 1
    assert "analytics: swapped in at position" in outcome.out


def test_only_a_rebuild_is_distributed(cli: CommandLine):
    refused = cli("rebuild", "analytics", "--cancel", "--distributed")

    assert refused.status == 2
    assert "--distributed needs a rebuild." in refused.err


def test_a_rebuild_that_differs_is_refused_until_it_is_forced(
    cli: CommandLine, store: Store
):
    banned(cli, store)
    queried(store, b"UPDATE bans SET handle = 'trudy' RETURNING handle")

    refused = cli("rebuild", "bans")
    shown = cli("projections")
    forced = cli("rebuild", "bans", "--force")
    back = cli("rebuild", "bans", "--rollback")

    assert refused.status == 1
    assert "bans was not swapped: bans: hash of rows, 2 rows differ" in refused.err
    assert "rebuild refused" in shown.out
    assert forced.status == 0
    assert "were restored, at version 1 and position 1." in back.out
    assert queried(store, b"SELECT handle FROM bans") == [("trudy",)]


def test_a_rebuild_is_cancelled_by_name(cli: CommandLine, store: Store):
    banned(cli, store)
    queried(store, b"UPDATE bans SET handle = 'trudy' RETURNING handle")
    cli("rebuild", "bans")

    assert cli("rebuild", "bans", "--cancel").out == "bans: cancelled.\n"
    assert cli("rebuild", "bans", "--cancel").out == (
        "bans: there is no rebuild to cancel.\n"
    )


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("words", "why"),
    (
        (("goats",), "There is no read model 'goats'"),
        (("scrape_jobs",), "There is no read model 'scrape_jobs'"),
        (("--rollback",), "Name the read models to restore."),
        (("bans", "--force", "--cancel"), "exclude each other"),
    ),
)
def test_what_cannot_be_rebuilt_is_refused(
    cli: CommandLine, words: tuple[str, ...], why: str
):
    outcome = cli("rebuild", *words)

    assert outcome.status == 2
    assert why in outcome.complaint


def test_an_owner_who_may_not_make_roles_is_told_what_a_superuser_types(
    cli: CommandLine,
    empty_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    subtests: pytest.Subtests,
):
    parts = urlsplit(empty_database_url)
    owner, database = f"owner_{uuid4().hex}", sql.Identifier(parts.path.strip("/"))
    name, host = sql.Identifier(owner), parts.netloc.rpartition("@")[2]
    with psycopg.connect(empty_database_url, autocommit=True) as server:
        create_reader(server)
        server.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
        change = "ALTER DATABASE {} OWNER TO {}"
        server.execute(sql.SQL(change).format(database, name))
        url = f"{parts.scheme}://{owner}@{host}{parts.path}?{parts.query}"
        cli.set(database_url=url)
        try:
            for role in ("goatherd_reader", f"missing_{uuid4().hex}"):
                with subtests.test(role), monkeypatch.context() as changed:
                    changed.setattr("infra.database.READER_ROLE", role)
                    outcome = cli("migrate")

                    assert outcome.status == 1
                    assert f"CREATE ROLE {role} NOLOGIN;" in outcome.err
                    assert f'GRANT {role} TO "{owner}"' in outcome.err
                    assert "Traceback" not in outcome.err
            # Somebody granted the roles, and not the right to grant them.
            for role in (READER_ROLE, LIMITED_ROLE):
                grant = "GRANT {} TO {}"
                server.execute(sql.SQL(grant).format(sql.Identifier(role), name))
            assert cli("migrate").err == ""
        finally:
            change = "ALTER DATABASE {} OWNER TO CURRENT_USER"
            server.execute(sql.SQL(change).format(database))
            server.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(name))
            server.execute(sql.SQL("DROP ROLE {}").format(name))


def test_migrate_makes_the_schema_once(cli: CommandLine, empty_database_url: str):
    cli.set(database_url=empty_database_url)

    first = cli("migrate", "--json").document
    second = cli("migrate", "--json").document
    third = cli("migrate")

    applied = [name for _, name, _ in known_migrations()]
    assert first == {"applied": applied}
    assert second == {"applied": []}
    assert third.out == "The schema is up to date.\n"


ASKING = [
    ["orgs", "create", "Herd"],
    ["keys", "create", "--org", NOBODY],
    ["keys", "list"],
    ["keys", "revoke", NOBODY],
    ["bans", "add", "mallory"],
    ["bans", "remove", "mallory"],
    ["bans", "list"],
    ["projections"],
]


@pytest.mark.parametrize("words", ASKING, ids=" ".join)
def test_a_database_without_a_schema_is_refused_with_the_cure(
    cli: CommandLine, empty_database_url: str, words: list[str]
):
    cli.set(database_url=empty_database_url)

    outcome = cli(*words)

    assert outcome.status == 1
    assert "has no Goatherd schema" in outcome.complaint
    assert "goatherd migrate" in outcome.complaint


@pytest.mark.parametrize(
    ("change", "complaint"),
    (
        (
            "DELETE FROM schema_migration WHERE number > 301",
            "older than this Goatherd",
        ),
        (
            "INSERT INTO schema_migration (number, name) VALUES (9999, 'later')",
            "used by a newer version",
        ),
    ),
    ids=["older", "newer"],
)
def test_a_schema_of_another_release_is_refused(
    cli: CommandLine, database_url: str, change: str, complaint: str
):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(change.encode())
    cli.set(database_url=database_url)

    outcome = cli("keys", "list")

    assert outcome.status == 1
    assert complaint in outcome.complaint


@pytest.mark.parametrize("words", (*ASKING, ["migrate"]), ids=" ".join)
def test_without_a_database_the_ways_to_one_are_named(
    cli: CommandLine,
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    cli.set(data_dir="nothing")
    monkeypatch.chdir(tmp_path)

    outcome = cli(*words)

    assert outcome.status == 1
    for way in (
        *("goatherd up", "--data-dir", "GOATHERD_DATA_DIR", "GOATHERD_DATABASE_URL"),
        f"{tmp_path}/nothing, which does not exist",
    ):
        assert way in outcome.complaint


def test_a_database_out_of_reach_is_said_without_its_password(cli: CommandLine):
    cli.set(database_url="postgresql://goat:bleating@127.0.0.1:1/herd")

    outcome = cli("keys", "list")

    assert outcome.status == 1
    assert "cannot be reached" in outcome.complaint
    assert "bleating" not in outcome.err


def test_a_misspelled_setting_is_named(cli: CommandLine):
    cli.set(databse_url="postgresql:///")

    outcome = cli("keys", "list")

    assert outcome.status == 1
    assert outcome.complaint == "GOATHERD_DATABSE_URL is not a setting of Goatherd."

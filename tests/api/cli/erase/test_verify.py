"""``goatherd erase --verify``: remains of an erased person are found and named."""

import gzip
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
import redis

from application.erase import sealed_list
from domain import events as e
from domain.video.attributes import Sound, VideoAttributes
from domain.video.url import picture_name
from tests.kit.application import Goatherd, Tenant, own_installation
from tests.kit.builders import NOON, log_of
from tests.kit.command_line import CommandLine

AVATAR = "https://p16.tiktokcdn.com/{}~c5_100x100.jpeg?x-expires=1"


@pytest.fixture(scope="module")
def goatherd(postgres_url: str, template_database: str) -> Iterator[Goatherd]:
    yield from own_installation(postgres_url, template_database)


@pytest.fixture
def cli(
    command_line: CommandLine,
    goatherd: Goatherd,
    redis_url: str,
    tmp_path: Path,
) -> CommandLine:
    (tmp_path / "data").mkdir()
    command_line.set(
        database_url=goatherd.url, redis_url=redis_url, data_dir=tmp_path / "data"
    )
    return command_line


def saw(tenant: Tenant, creator_id: str, **figures: Any) -> None:  # noqa: ANN401
    """Let the run that was requested first have seen the creator's profile."""
    stream = next(
        recorded.stream
        for recorded in log_of(tenant.goatherd.store, e.ScrapeRequested)
        if getattr(recorded.event, "creator_id", None) == UUID(creator_id)
    )
    event = e.ProfileSnapshotRecorded(
        organization_id=tenant.organization_id,
        creator_id=UUID(creator_id),
        observed_at=NOON,
        provider="test",
        **figures,
    )
    tenant.goatherd.append(stream, event)


def known(tenant: Tenant, handle: str) -> str:
    """A creator with much data, present and past."""
    creator_id = tenant.add(handle, readme=f"{handle} climbs mountains")["id"]
    for avatar, name in ((f"{handle}/1", "first"), (f"{handle}/2", "last")):
        saw(
            tenant,
            creator_id,
            display_name=f"{handle} the {name}",
            avatar_url=AVATAR.format(avatar),
            user_id=str(UUID(creator_id).int)[:19],
        )
    tenant.found(
        creator_id,
        title=f"{handle} jumps again",
        pseudonym="12345678901",
        attributes=VideoAttributes(sound=Sound(title="A bell", author=handle)),
    )
    tenant.goatherd.catch_up()
    return creator_id


def erased(tenant: Tenant, cli: CommandLine, handle: str) -> str:
    creator_id = known(tenant, handle)
    assert cli("erase", creator_id, "--confirm", handle).status == 0
    tenant.goatherd.catch_up()
    return creator_id


def verdict(cli: CommandLine, creator_id: str, *words: str) -> tuple[int, Any]:
    outcome = cli("erase", "--verify", creator_id, "--json", *words)
    return outcome.status, msgspec.json.decode(outcome.out)


def places(document: Any) -> list[str]:  # noqa: ANN401
    return [f"{one['place']}: {one['kind']}" for one in document["found"]]


def test_nothing_is_found_and_every_place_is_named(
    home: Tenant, cli: CommandLine, tmp_path: Path, redis_url: str
) -> None:
    log = tmp_path / "goatherd.log"
    log.write_text("info: all is well\n")
    (tmp_path / "data" / "secret").write_text("mountain\n")
    with redis.Redis.from_url(redis_url) as valkey:
        valkey.set("a", "b")
    creator_id = erased(home, cli, "quiet.goat")

    status, document = verdict(cli, creator_id, "--also", str(log))
    shown = cli("erase", creator_id, "--verify", "--verbose")
    verdict_only = cli("erase", creator_id, "--verify")

    assert (status, document["ok"], document["found"]) == (0, True, [])
    counts = {one["kind"]: one["values"] for one in document["looked_for"]}
    # The video was found under another handle.
    assert counts == {
        "handle": 2,
        "name": 2,
        "picture": 2,
        "readme": 1,
        "title": 1,
        "user id": 1,
        "video id": 1,
    }
    searched = document["searched"]
    assert {"public.creator_list", "public.goatherd_events"} < {*searched["tables"]}
    assert "public.creator_list_pkey" in searched["indexes"]
    assert searched["statistics"] > 0
    assert searched["valkey_keys"] == 1
    assert searched["files"] == [str(tmp_path / "data" / "secret"), str(log)]
    assert shown.status == 0
    assert "public.creator_list" in shown.out
    tables = len(searched["tables"])
    assert verdict_only.out == (
        f"No data of the erased person were found in {tables} tables, 1 key of Valkey "
        "and 1 file.\n"
    )
    assert shown.out.endswith(verdict_only.out)
    assert "quiet.goat" not in shown.out + shown.err


def test_whatever_is_left_is_found_and_named_without_saying_it(
    home: Tenant, cli: CommandLine, tmp_path: Path, redis_url: str
) -> None:
    creator_id = erased(home, cli, "loud.goat")
    query, organization = home.goatherd.query, home.organization_id
    query(
        "CREATE SCHEMA goatherd_old_left; CREATE TABLE goatherd_old_left.rows (t text)"
    )
    query(
        "INSERT INTO goatherd_old_left.rows VALUES (%s), ('b'), ('c')",
        '{"a": "Loud.Goat"}',
    )
    query(
        "INSERT INTO annotation_projects (organization_id, id, tracked, "
        "observed_times, position) VALUES (%s, %s, 0, %s, 0)",
        *(organization, home.key_id, '{"x": "loud.goat the first"}'),
    )
    data, exports = tmp_path / "data", tmp_path / "exports"
    (data / "images").mkdir()
    picture = data / "images" / picture_name(AVATAR.format("loud.goat/1"))
    picture.write_bytes(b"JPEG")
    # A file is read in parts of a megabyte: this one is cut within the handle.
    (data / "worker.log").write_text("x" * ((1 << 20) - 8) + "\n@loud.goat, twice")
    exports.mkdir()
    packed = gzip.compress(b'{"title":"loud.goat\\njumps again"}')
    (exports / "events.jsonl.gz").write_bytes(packed)
    with redis.Redis.from_url(redis_url) as valkey:
        valkey.hset("seen", "loud.goat", "1")

    try:
        status, document = verdict(cli, creator_id, "--also", str(exports))
        shown = cli("erase", "--verify", creator_id)
    finally:
        query("DROP SCHEMA goatherd_old_left CASCADE")
        query("DELETE FROM annotation_projects WHERE id = %s", home.key_id)

    assert status == shown.status == 1
    assert {*places(document)} >= {
        "goatherd_old_left.rows: handle",
        "statistics of goatherd_old_left.rows.t: handle",
        "public.annotation_projects: name",
        f"{picture}: picture",
        f"{data / 'worker.log'}: handle",
        f"{exports / 'events.jsonl.gz'}: title",
        "a key of Valkey: handle",
    }
    assert "FOUND  goatherd_old_left.rows: handle, 1 time" in shown.out
    verdict_line = shown.out.splitlines()[-1]
    assert re.fullmatch(
        r"Some data of the erased person are left, in \d places \(above\)\.",
        verdict_line,
    )
    assert "loud.goat" not in shown.out.lower().replace(str(tmp_path), "")


def test_handles_of_before_a_renaming_are_looked_for_in_every_spelling(
    home: Tenant, cli: CommandLine, tmp_path: Path
) -> None:
    creator_id = home.add("early.goat")["id"]
    for handle in ("middle.goat", "late.goat"):
        home.patch(f"/creators/{creator_id}", {"tiktok_handle": handle})
    for number, handle in enumerate(("early.goat", "late.goat")):
        url = f"https://www.tiktok.com/@{handle}/video/731122334455667798{number}"
        home.post(f"/projects/{home.project_id}/videos", {"url": url})
    home.goatherd.catch_up()
    assert cli("erase", creator_id, "--confirm", "late.goat").status == 0
    home.goatherd.catch_up()

    clean, document = verdict(cli, creator_id)
    (tmp_path / "data" / "a.log").write_text("add @Early.Goat")
    (tmp_path / "data" / "b.log").write_text("?u=tiktok.com%2F%40MIDDLE.GOAT")
    (tmp_path / "data" / "c.log").write_text("https://tiktok.com/@late.goat?lang=en")
    status, found = verdict(cli, creator_id)

    counts = {one["kind"]: one["values"] for one in document["looked_for"]}
    assert (clean, counts) == (0, {"handle": 3, "video id": 2})
    assert status == 1
    assert places(found) == [
        f"{tmp_path / 'data' / name}.log: handle" for name in ("a", "b", "c")
    ]


def test_copies_of_pictures_go_with_the_erasure(
    home: Tenant, cli: CommandLine, tmp_path: Path
) -> None:
    folder = tmp_path / "data" / "images"
    folder.mkdir()
    names = [picture_name(AVATAR.format(f"{who}.goat/1")) for who in ("seen", "other")]
    for name in names:
        (folder / name).write_bytes(b"JPEG")

    creator_id = erased(home, cli, "seen.goat")

    assert [path.name for path in folder.iterdir()] == names[1:]
    status, document = verdict(cli, creator_id)
    assert (status, document["searched"]["pictures"]) == (0, 1)


def test_what_others_have_or_words_that_goatherd_uses_are_not_looked_for(
    home: Tenant, stranger: Tenant, cli: CommandLine
) -> None:
    for tenant in (home, stranger):
        # Another organization may know the same person.
        other = tenant.add("other.goat", readme="A goat like no other")["id"]
        saw(tenant, other, display_name="Heidi")
    stranger.add("private")
    mine = home.add("private", readme="A goat like no other")["id"]
    saw(home, mine, display_name="Heidi")
    home.goatherd.catch_up()
    assert cli("erase", mine, "--confirm", "private").status == 0
    home.goatherd.catch_up()

    status, document = verdict(cli, mine)

    assert (status, document["found"], document["looked_for"]) == (0, [], [])
    reasons = {one["kind"]: one["why"] for one in document["not_looked_for"]}
    assert reasons == {
        "name": "others whom the organization tracks have them, too",
        "readme": "others whom the organization tracks have them, too",
        "handle": "a word that Goatherd uses itself",
    }


def test_samples_of_another_organization_are_theirs(
    home: Tenant, stranger: Tenant, cli: CommandLine
) -> None:
    known(stranger, "shared.goat")
    creator_id = erased(home, cli, "shared.goat")

    status, document = verdict(cli, creator_id)

    assert (status, document["found"]) == (0, [])
    kept = {(one["place"], one["kind"], one["note"]) for one in document["kept"]}
    theirs = "data of another organization that tracks the same account"
    sample = "statistics of public.creator_list.tiktok_handle"
    assert (sample, "handle", theirs) in kept
    assert {note for _, _, note in kept} == {theirs}


def test_a_place_that_cannot_be_searched_is_no_success(
    home: Tenant, cli: CommandLine, tmp_path: Path
) -> None:
    creator_id = erased(home, cli, "hidden.goat")
    archive = tmp_path / "backup.goatherd"
    archive.write_bytes(b"PK\x03\x04")
    cli.set(redis_url="redis://127.0.0.1:1/0")

    status, document = verdict(
        cli, creator_id, "--also", str(archive), "--also", str(tmp_path / "nowhere")
    )

    assert (status, document["ok"], document["found"]) == (2, False, [])
    assert [one["place"] for one in document["not_searched"]] == [
        *("Valkey", str(archive), str(tmp_path / "nowhere"))
    ]


def test_after_a_day_the_list_is_gone_and_values_can_be_given(
    home: Tenant,
    cli: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    creator_id = erased(home, cli, "passing.goat")
    query = home.goatherd.query
    (row,) = query("SELECT sealed FROM erased_values WHERE id = %s", creator_id)
    assert b"passing" not in row[0]
    assert sealed_list.prune(home.goatherd.store.pool) == 0
    query("UPDATE erased_values SET kept_until = now() WHERE id = %s", creator_id)

    late = cli("erase", "--verify", creator_id)
    sealed_list.prune(home.goatherd.store.pool)
    later = cli("erase", "--verify", creator_id)
    given = tmp_path / "values"
    given.write_text("passing.goat\n\nanother long one\n")
    (tmp_path / "data" / "notes").write_text("Another  long one!")
    status, document = verdict(cli, creator_id, "--values", str(given))
    monkeypatch.setattr("sys.stdin", io.StringIO("nobody.goat\n"))
    by_stdin = cli("erase", "--verify", creator_id, "--values", "-")

    assert (late.status, late.out) == (later.status, later.out) == (2, "")
    assert "24 hours" in late.complaint
    assert "--values" in later.complaint
    assert query("SELECT id FROM erased_values WHERE id = %s", creator_id) == []
    keys = "SELECT name FROM installation_keys WHERE name LIKE %s"
    assert query(keys, f"%{creator_id}") == []
    assert status == 1
    assert places(document) == [f"{tmp_path / 'data' / 'notes'}: given value"]
    assert by_stdin.status == 0


def test_only_an_erased_creator_can_be_verified(home: Tenant, cli: CommandLine) -> None:
    creator_id = home.add("living.goat")["id"]
    home.goatherd.catch_up()

    for words, complaint in (
        (("--verify",), "was not erased"),
        (("--verify", "--confirm", "living.goat"), "choose one"),
        ((), "--confirm"),
        (("--confirm", "living.goat", "--values", "-"), "--verify"),
        (("--confirm", "living.goat", "--verbose"), "--verify"),
    ):
        refused = cli("erase", creator_id, *words)
        assert refused.status in {1, 2}
        assert complaint in refused.complaint
    assert home.shown(creator_id)["status"] == "active"


def test_a_read_model_that_is_behind_is_named(
    home: Tenant, cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    creator_id = known(home, "late.goat")
    assert cli("erase", creator_id, "--confirm", "late.goat").status == 0
    monkeypatch.setattr("application.erase.remains.PATIENCE_SECONDS", 0)

    early = cli("erase", "--verify", creator_id)

    assert early.status == 2
    assert "creator_list" in early.complaint
    home.goatherd.catch_up()
    assert cli("erase", "--verify", creator_id).status == 0

"""Proofs over HTTP and on the command line: one creator's, and nobody else's."""

from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from domain.integrity.proofs import Proof
from domain.integrity.roots import text_hash
from tests.kit.application import Goatherd, Tenant, code_of, data_of
from tests.kit.command_line import CommandLine


def proof_of(tenant: Tenant, creator_id: str) -> Proof:
    tenant.goatherd.catch_up()
    return msgspec.convert(data_of(tenant.get(f"/creators/{creator_id}/proof")), Proof)


def test_a_proof_has_the_streams_of_a_creator_and_no_others(home: Tenant):
    creator, other = home.add(f"a.{uuid4().hex[:9]}"), home.add(f"b.{uuid4().hex[:9]}")
    video = home.found(creator["id"])
    scrape = data_of(home.post(f"/creators/{creator['id']}/scrape"), status=202)
    home.found(other["id"])
    home.post("/admin/roots")

    proof = proof_of(home, creator["id"])

    own, *others = (str(each.stream) for each in proof.streams)
    assert own == creator["id"] == str(proof.creator_id)
    assert {video, scrape["scrape_id"]} <= set(others)
    runs = {
        str(run)
        for (run,) in home.goatherd.query(
            "SELECT id FROM scrape_runs WHERE creator_id = %s", creator["id"]
        )
    }
    assert set(others) == {video, *runs}
    assert all(each.version == len(each.events) for each in proof.streams)


def test_who_was_erased_with_the_figures_is_proven_as_before(home: Tenant):
    creator = home.add(handle := f"a.{uuid4().hex[:9]}")
    home.found(creator["id"])
    data_of(home.post(f"/creators/{creator['id']}/scrape"), status=202)
    home.post("/admin/roots")
    before = proof_of(home, creator["id"])
    body = {"confirm": handle, "figures": "drop"}
    data_of(home.post(f"/creators/{creator['id']}/erase", body))

    after = proof_of(home, creator["id"])

    assert {each.stream for each in after.streams} == {
        each.stream for each in before.streams
    }


def test_nobody_elses_creator_is_proven(home: Tenant, stranger: Tenant):
    creator = home.add(f"a.{uuid4().hex[:9]}")
    home.post("/admin/roots")
    home.goatherd.catch_up()

    refused = stranger.get(f"/creators/{creator['id']}/proof")
    reader = home.with_key("read").get(f"/creators/{creator['id']}/proof")

    assert code_of(refused) == (404, "not_found")
    assert code_of(reader) == (403, "insufficient_scope")


def test_the_command_line_writes_the_same_proof(
    goatherd: Goatherd,
    home: Tenant,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
):
    creator = home.add(f"a.{uuid4().hex[:9]}")
    home.post("/admin/roots")
    answered = proof_of(home, creator["id"])
    cli = CommandLine(monkeypatch, capsys)
    cli.set(data_dir=tmp_path, database_url=goatherd.url)
    file = tmp_path / "proof.json"

    words = ("export", "proof", "--creator", creator["id"], "--output", str(file))
    done = cli(*words)
    unknown = cli(*words[:3], str(uuid4()), *words[4:])

    written = msgspec.json.decode(file.read_bytes(), type=Proof)
    kept = tmp_path / "kept.json"
    kept.write_bytes(msgspec.json.encode({"data": written.root}))
    home.post("/admin/roots")
    led = cli(*words, "--root", str(kept))
    leads = msgspec.json.decode(file.read_bytes(), type=Proof)
    nowhere = cli(*words, "--root", str(file))

    assert led.status == 0
    assert leads.kept is not None
    assert leads.kept.root == written.root
    name = text_hash(written.root)
    by_hash = home.get(f"/creators/{creator['id']}/proof?root={name}")
    assert msgspec.convert(data_of(by_hash), Proof).kept == leads.kept
    assert code_of(home.get(f"/creators/{creator['id']}/proof?root=1")) == (
        *(404, "not_found"),
    )
    assert (nowhere.status, "holds no root" in nowhere.complaint) == (1, True)
    assert done.status == 0
    assert done.out.startswith("Wrote ")
    assert (written.root, written.streams) == (answered.root, answered.streams)
    assert (unknown.status, unknown.out) == (1, "")

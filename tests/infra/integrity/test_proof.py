"""Proofs, and the script that checks them without Goatherd."""

import json
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any
from uuid import UUID

import msgspec
import pytest

from domain.errors import NotFoundError
from infra.eventstore.store import Store
from infra.integrity.make_proof import make_proof
from infra.integrity.make_root import make_root
from tests.kit.builders import ADA, BERTA, asking, events_for
from tests.kit.paths import ROOT, module_of
from tests.kit.tampered_log import FORGER, SIGNER

SCRIPT = ROOT / "docs" / "verify.py"
# Known signatures of RFC 8032, 7.1: public key, both halves of the signature, text.
VECTORS = (
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155",
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        "",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        "72",
    ),
)
Document = dict[str, Any]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script, as a module."""
    return module_of(SCRIPT)


@pytest.fixture
def proof(store: Store) -> Document:
    """A proof of two streams, among others, one of which has gone on since the root."""
    for number in range(9):
        store.append(events_for(UUID(int=number + 1), "x", "y"), context=asking())
    store.append(events_for(ADA, "a", "b", "c"), context=asking())
    store.append(events_for(BERTA, "d"), context=asking("key:1"))
    make_root(store, SIGNER, context=asking())
    store.append(events_for(ADA, "later", after=store.load(ADA)[ADA]), context=asking())
    made = make_proof(store.pool, SIGNER, ADA, [ADA, BERTA])
    return json.loads(msgspec.json.encode(made))


def run(proof: Document, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the script as somebody without Goatherd and without any library does."""
    file = folder / "proof.json"
    file.write_text(json.dumps(proof))
    command = [sys.executable, "-I", "-S", str(SCRIPT), str(file), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_script_stays_short_enough_to_be_read():
    assert len(SCRIPT.read_text().splitlines()) < 150


def test_a_proof_is_checked_without_goatherd(proof: Document, tmp_path: Path):
    key = tmp_path / "key.json"
    key.write_text(json.dumps({"data": {"algorithm": "Ed25519", "key": SIGNER.key}}))

    done = run({"data": proof}, tmp_path, "--key", str(key))
    alone = run(proof, tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert "Checked 5 events, 1 of them not yet under a root" in done.stdout
    assert "compare it" not in done.stdout
    assert alone.returncode == 0
    assert "compare it" in alone.stdout


def test_a_key_that_was_kept_finds_another_ones_signature(
    proof: Document, tmp_path: Path
):
    key = tmp_path / "key.json"
    key.write_text(json.dumps({"key": FORGER.key}))

    done = run(proof, tmp_path, "--key", str(key))

    assert done.returncode == 1
    assert "DOES NOT FIT: the root is not signed with this key" in done.stdout


@pytest.mark.parametrize("text", ("", "[]", "{}", '{"root": {}}', "no JSON"))
def test_what_is_no_proof_is_refused(tmp_path: Path, text: str):
    file = tmp_path / "proof.json"
    file.write_text(text)
    command = [sys.executable, "-I", "-S", str(SCRIPT), str(file)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "cannot be read as a proof" in done.stderr


@pytest.mark.parametrize(("key", "r", "s", "text"), VECTORS)
def test_signatures_are_checked_as_the_standard_says(
    script: ModuleType, key: str, r: str, s: str, text: str
):
    given = bytes.fromhex(key), bytes.fromhex(r + s), bytes.fromhex(text)
    assert script.is_signed_by_rfc_8032(*given)
    assert script.is_signed(key, r + s, given[2])
    assert not script.is_signed_by_rfc_8032(*given[:2], given[2] + b"x")
    # The same point with a larger number is another signature of the same text.
    larger = int.from_bytes(given[1][32:], "little") + script.L
    malleable = given[1][:32] + larger.to_bytes(32, "little")
    assert not script.is_signed_by_rfc_8032(given[0], malleable, given[2])


def test_both_ways_to_check_a_signature_agree(script: ModuleType):
    random = Random(5)  # noqa: S311
    for _ in range(40):
        text = random.randbytes(30)
        signature = bytearray.fromhex(SIGNER.sign(text))
        if random.random() < 0.6:
            signature[random.randrange(64)] ^= 1 << random.randrange(8)
        by_library = script.is_signed(SIGNER.key, signature.hex(), text)
        try:
            key = bytes.fromhex(SIGNER.key)
            by_hand = script.is_signed_by_rfc_8032(key, bytes(signature), text)
        except ValueError:
            by_hand = False
        assert by_hand == by_library


def tamper(proof: Document, random: Random) -> str:
    """Change something; return a word of what must be said of it."""
    stream = random.choice(proof["streams"])
    events = stream["events"]
    event = random.choice(events)
    where = f"position {event['position']}, "
    match random.randrange(12):
        case 0:
            at = random.randrange(len(event["body"]))
            event["body"] = event["body"][:at] + "~" + event["body"][at + 1 :]
            return f"{where}version {event['version']} of {stream['stream']}: changed"
        case 1:
            name = random.choice(["actor", "name", "causation_id", "recorded_at"])
            event[name] = event[name][:-2] + "7" + event[name][-1:]
            return "changed"
        case 2:
            event["correlation_id"] = str(ADA)
            return f"{where}version {event['version']} of {stream['stream']}: changed"
        case 3:
            events.remove(event)
            return "" if events else "cut off"
        case 4:
            event["digest"] = (
                f"{int(event['digest'][:8], 16) ^ 1:08x}{event['digest'][8:]}"
            )
            return f"{where}version {event['version']} of {stream['stream']}: changed"
        case 5:
            events.insert(random.randrange(len(events)), dict(event))
            return "inserted"
        case 6:
            event["position"] += random.choice([-1, 1, 1_000])
            return ""
        case 7:
            ada = proof["streams"][0]["events"]
            ada[0], ada[1] = ada[1], ada[0]
            return "reordered"
        case 8:
            proof["streams"].remove(stream)
            return "the list of streams"
        case 9:
            step = random.randrange(len(stream["path"]))
            path = stream["path"][step]
            stream["path"][step] = path[:1] + path[:0:-1]
            return "not the one that the root has"
        case 10:
            name = random.choice(["tree", "details", "signature", "key"])
            text = proof["root"][name]
            proof["root"][name] = ("0" if text[0] != "0" else "1") + text[1:]
            return "the root is not signed with this key"
        case _:
            del events[random.randrange(len(events)) :]
            return ""


def test_whatever_is_changed_in_a_proof_is_found_and_named(
    proof: Document, script: ModuleType
):
    assert list(script.check(proof, SIGNER.key)) == []
    random = Random(11)  # noqa: S311
    for number in range(600):
        document = deepcopy(proof)
        said = tamper(document, random)
        if document == proof:
            continue

        problems = list(script.check(document, SIGNER.key))

        assert any(said in problem for problem in problems), (number, said, problems)


def test_what_was_recorded_since_the_root_is_all_new(store: Store, script: ModuleType):
    store.append(events_for(ADA, "a"), context=asking())
    make_root(store, SIGNER, context=asking())
    store.append(events_for(BERTA, "b"), context=asking())

    made = make_proof(store.pool, SIGNER, BERTA, [BERTA])

    assert [(each.version, each.path) for each in made.streams] == [(0, ())]
    document = json.loads(msgspec.json.encode(made))
    assert list(script.check(document, SIGNER.key)) == []


def test_without_a_root_there_is_no_proof(store: Store):
    store.append(events_for(ADA, "a"), context=asking())
    with pytest.raises(NotFoundError):
        make_proof(store.pool, SIGNER, ADA, [ADA])

"""Proofs, and the script that checks them without Goatherd."""

import json
import subprocess
import sys
from copy import deepcopy
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from application.integrity.make_proof import make_proof
from application.integrity.make_root import make_root
from application.integrity.verify import verify
from domain.errors import InvalidQuestionError, NotFoundError
from domain.integrity.events import RootSigned
from domain.integrity.proofs import Proof
from domain.integrity.roots import (
    LogContent,
    PublicRoot,
    SignedRoot,
    signed_text,
    text_hash,
    unsigned_root,
)
from domain.streams import INSTALLATION
from infra.eventstore.store import Store
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
KEYS = [{"key": SIGNER.key, "from": None, "until": None}]
Document = dict[str, Any]


@pytest.fixture(scope="module")
def script() -> ModuleType:
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
    return document_of(made)


def document_of(made: Proof | PublicRoot) -> Document:
    return json.loads(msgspec.json.encode(made))


def run(proof: Document, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the script as somebody without Goatherd and without any library does."""
    file = folder / "proof.json"
    file.write_text(json.dumps(proof))
    command = [sys.executable, "-I", "-S", str(SCRIPT), str(file), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_script_stays_short_enough_to_be_read():
    # Decision 57 says what the lines are for.
    assert len(SCRIPT.read_text().splitlines()) < 335


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


def test_a_signature_has_one_spelling(script: ModuleType):
    signature = SIGNER.sign(b"goats")
    key = SIGNER.key
    for other in (
        signature.upper(),
        f" {signature}",
        f"{signature[:64]} {signature[64:]}",
    ):
        assert not script.is_signed(key, other, b"goats")
    assert not script.is_signed(key.upper(), signature, b"goats")
    assert not script.is_signed(f"{key}\n", signature, b"goats")
    assert script.is_signed(key, signature, b"goats")


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
    assert list(script.check(proof, KEYS)) == []
    random = Random(11)  # noqa: S311
    for number in range(600):
        document = deepcopy(proof)
        said = tamper(document, random)
        if document == proof:
            continue

        problems = list(script.check(document, KEYS))

        assert any(said in problem for problem in problems), (number, said, problems)


def test_what_was_recorded_since_the_root_is_all_new(store: Store, script: ModuleType):
    store.append(events_for(ADA, "a"), context=asking())
    make_root(store, SIGNER, context=asking())
    store.append(events_for(BERTA, "b"), context=asking())

    made = make_proof(store.pool, SIGNER, BERTA, [BERTA])

    assert [(each.version, each.path) for each in made.streams] == [(0, ())]
    document = document_of(made)
    assert list(script.check(document, KEYS)) == []


def test_without_a_root_there_is_no_proof(store: Store):
    store.append(events_for(ADA, "a"), context=asking())
    with pytest.raises(NotFoundError):
        make_proof(store.pool, SIGNER, ADA, [ADA])


def sign_root(store: Store) -> RootSigned:
    root = make_root(store, SIGNER, context=asking()).result
    assert root is not None
    return root


def some_roots(store: Store, amount: int) -> list[RootSigned]:
    """So many roots, with an event of ADA before each."""
    for number in range(amount):
        history = store.load(ADA)[ADA]
        store.append(events_for(ADA, f"h{number}", after=history), context=asking())
        sign_root(store)
    return [
        each.event
        for each in store.load(INSTALLATION)[INSTALLATION]
        if isinstance(each.event, RootSigned)
    ]


def check_against(
    proof: Document, root: RootSigned, folder: Path, *, is_whole: bool = False
) -> subprocess.CompletedProcess[str]:
    kept = folder / "kept.json"
    form = SignedRoot.of(root) if is_whole else PublicRoot.of(root)
    kept.write_bytes(msgspec.json.encode(form))
    return run(proof, folder, "--root", str(kept))


def test_a_proof_leads_to_each_root_that_somebody_may_have_kept(
    store: Store, script: ModuleType, tmp_path: Path
):
    roots = some_roots(store, 9)
    for number, root in enumerate(roots):
        made = make_proof(store.pool, SIGNER, ADA, [ADA], kept=text_hash(root))
        proof = document_of(made)

        assert made.streams[0].kept_version == number + 1
        assert list(script.check(proof, KEYS)) == []
        assert list(script.not_proven(proof, proof["kept"]["root"])) == []
    first = document_of(
        make_proof(store.pool, SIGNER, ADA, [ADA], kept=text_hash(roots[0]))
    )
    for is_whole in (False, True):
        done = check_against(first, roots[0], tmp_path, is_whole=is_whole)
        another = check_against(first, roots[1], tmp_path, is_whole=is_whole)
        assert (done.returncode, done.stderr) == (0, "")
        assert another.returncode == 3
        assert "not made for the root that you kept" in another.stdout
    with pytest.raises(NotFoundError):
        make_proof(store.pool, SIGNER, ADA, [ADA], kept="00" * 32)


def test_a_root_that_was_replaced_since_is_not_proven_to_be_there(
    store: Store, script: ModuleType
):
    roots = some_roots(store, 7)
    whole = document_of(
        make_proof(store.pool, SIGNER, ADA, [ADA], kept=text_hash(roots[3]))
    )
    random = Random(3)  # noqa: S311
    forged = replace(roots[3], tree="00" * 32)
    forged = replace(forged, signature=SIGNER.sign(signed_text(forged)))
    for number in range(200):
        document = deepcopy(whole)
        kept = document["kept"]
        match number % 5:
            case 0:
                name = random.choice(["inclusion", "consistency"])
                at = random.randrange(len(kept[name]))
                kept[name][at] = kept[name][at][::-1]
            case 1:
                name = random.choice(["inclusion", "consistency"])
                del kept[name][random.randrange(len(kept[name]))]
            case 2:
                kept["index"] += random.choice([-1, 1, 2, 100])
            case 3:
                kept["root"] = document_of(PublicRoot.of(forged))
            case _:
                other = random.choice([root for root in roots if root != roots[3]])
                kept["root"] = document_of(PublicRoot.of(other))

        problems = list(script.check(document, KEYS))

        assert any("root" in problem for problem in problems), (number, problems)


def test_what_is_older_than_a_root_and_not_in_it_is_named(
    store: Store, script: ModuleType, monkeypatch: pytest.MonkeyPatch
):
    first, *_ = some_roots(store, 2)
    proof = document_of(
        make_proof(store.pool, SIGNER, ADA, [ADA], kept=text_hash(first))
    )
    monkeypatch.setattr(script, "WHILE", timedelta(0))
    assert list(script.check(proof, KEYS)) == []
    assert list(script.not_proven(proof, proof["kept"]["root"])) == []
    (stream,) = proof["streams"]

    unproven = {**stream, "kept_version": 0, "kept_path": []}
    said = script.not_proven({**proof, "streams": [unproven]}, proof["kept"]["root"])
    hidden = {**stream, "version": 0, "path": []}
    found = script.check({**proof, "streams": [hidden]}, KEYS)

    assert "1 events are older than the kept root" in next(said)
    assert any("older than the root, not in it" in each for each in found)


def test_a_root_of_older_releases_is_a_leaf_of_the_log_and_can_be_led_to(
    store: Store, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def nameless(
        content: LogContent, roots: list[RootSigned], *, key: str, at: datetime
    ) -> RootSigned:
        root = unsigned_root(content, roots, key=key, at=at)
        return replace(root, size=0, roots=None)

    with monkeypatch.context() as earlier:
        earlier.setattr("application.integrity.make_root.unsigned_root", nameless)
        before = some_roots(store, 3)
    own = make_proof(store.pool, SIGNER, ADA, [ADA], kept=text_hash(before[-1]))
    with pytest.raises(InvalidQuestionError):
        make_proof(store.pool, SIGNER, ADA, [ADA], kept=text_hash(before[0]))
    some_roots(store, 2)
    led = make_proof(store.pool, SIGNER, ADA, [ADA], kept=text_hash(before[1]))

    assert signed_text(before[0]).startswith(b"goatherd root 1\n")
    assert check_against(document_of(own), before[-1], tmp_path).returncode == 0
    assert check_against(document_of(led), before[1], tmp_path).returncode == 0
    assert verify(database_url, key=SIGNER.key, processes=1).misfits == []


def as_earlier(proof: Document) -> Document:
    """The proof as releases made it that had no log of roots."""
    root = {k: v for k, v in proof["root"].items() if k not in {"size", "roots"}}
    streams = [
        {k: v for k, v in stream.items() if not k.startswith("kept")}
        for stream in proof["streams"]
    ]
    lines = ["goatherd proof 1", proof["creator_id"], proof["made_at"]]
    text = signed_text(msgspec.convert(root, PublicRoot))
    root["signature"] = SIGNER.sign(text)
    lines.append(sha256(text).hexdigest())
    for stream in streams:
        hashed = sha256()
        for event in stream["events"]:
            position = event["position"].to_bytes(8, "big")
            hashed.update(position + bytes.fromhex(event["digest"]))
        lines.append(f"{stream['stream']} {stream['version']} {hashed.hexdigest()}")
    signed = "".join(f"{line}\n" for line in lines).encode()
    return {
        "format": lines[0],
        "creator_id": lines[1],
        "made_at": lines[2],
        "root": root,
        "streams": streams,
        "signature": SIGNER.sign(signed),
    }


def test_a_proof_of_older_releases_is_checked_as_before(
    proof: Document, tmp_path: Path
):
    done = run(as_earlier(proof), tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert "Checked 5 events, 1 of them not yet under a root" in done.stdout


def test_names_that_stand_twice_and_unknown_members_are_refused(
    store: Store, script: ModuleType, tmp_path: Path
):
    first, *_ = some_roots(store, 2)
    proof = document_of(
        make_proof(store.pool, SIGNER, ADA, [ADA], kept=text_hash(first))
    )
    file = tmp_path / "twice.json"
    text = json.dumps(proof)
    twice = [
        text.replace(name, f"{name} 1, {name}", 1)
        for name in ('"made_at":', '"tree":', '"body":', '"index":', '"path":')
    ]
    for each in twice:
        file.write_text(each)
        with pytest.raises(ValueError, match="stands twice"):
            script.read(file)
    parts: list[Document] = [
        *(proof, proof["root"], proof["kept"], proof["kept"]["root"]),
        *(proof["streams"][0], proof["streams"][0]["events"][0]),
    ]
    for number in range(len(parts)):
        document = deepcopy(proof)
        stream = document["streams"][0]
        kept = document["kept"]
        same = [document, document["root"], kept, kept["root"], stream]
        [*same, stream["events"][0]][number]["note"] = "unknown"
        done = run(document, tmp_path)
        assert done.returncode == 2, number
        assert "with these members" in done.stderr
    file.write_text(text)
    assert script.read(file) == proof

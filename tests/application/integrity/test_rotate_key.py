"""Another key signs roots; roots of the old one in its time stay valid."""

import json
from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace

from application.integrity.make_proof import make_proof
from application.integrity.make_root import make_root
from application.integrity.rotate_key import rotate_signing_key
from application.integrity.signing import InstallationSigner, Signer
from application.integrity.verify import verify
from domain.integrity.events import RootSigned
from domain.integrity.roots import PublicRoot, signed_text, text_hash
from domain.streams import INSTALLATION
from infra.eventstore.store import BusyError, Store
from infra.settings import Settings
from tests.kit.builders import ADA, asking, events_for
from tests.kit.keys import MASTER_KEY, MASTER_KEY_TEXT
from tests.kit.paths import ROOT, module_of

SCRIPT = module_of(ROOT / "docs" / "verify.py")


@pytest.fixture
def signer(store: Store) -> InstallationSigner:
    store.append(events_for(ADA, "a"), context=asking())
    return InstallationSigner(store.pool, Settings(master_key=MASTER_KEY_TEXT))


def newest_root(store: Store) -> RootSigned:
    root = store.load(INSTALLATION)[INSTALLATION][-1].event
    assert isinstance(root, RootSigned)
    return root


def key_file(key: str) -> dict[str, str]:
    """Return a key as somebody kept it before keys had times."""
    return {"algorithm": "Ed25519", "key": key}


def test_roots_of_both_keys_are_valid_each_in_its_time(
    store: Store, signer: InstallationSigner, database_url: str
):
    old = signer.open()
    make_root(store, old, context=asking())
    kept = newest_root(store)
    rotate_signing_key(store, old, MASTER_KEY, context=asking())
    new = signer.open()
    first = newest_root(store)

    assert (kept.key, first.key) == (old.key, new.key)
    assert old.key != new.key
    assert verify(database_url, key=new.key, kept=kept).misfits == []
    assert verify(database_url, key=old.key, is_kept_key=True).misfits == []
    restored = verify(database_url, key=old.key)
    (found,) = restored.misfits
    assert "not this installation's" in found.text
    with pytest.raises(BusyError):
        make_root(store, old, context=asking())
    with pytest.raises(BusyError):
        rotate_signing_key(store, old, MASTER_KEY, context=asking())


def test_whoever_kept_the_first_key_follows_to_the_newest(
    store: Store, signer: InstallationSigner
):
    first = signer.open()
    make_root(store, first, context=asking())
    kept = newest_root(store)
    for _ in range(2):
        rotate_signing_key(store, signer.open(), MASTER_KEY, context=asking())
    made = make_proof(store.pool, signer.open(), ADA, [ADA], kept=text_hash(kept))
    proof = json.loads(msgspec.json.encode(made))

    keys = SCRIPT.keys_of(key_file(first.key), proof)

    assert [key["key"] for key in keys] == [each["key"] for each in proof["keys"]]
    assert len(keys) == 3
    assert list(SCRIPT.check(proof, keys)) == []
    # The file of now needs no proof of it.
    published = {"key": signer.open().key, "keys": proof["keys"]}
    assert SCRIPT.keys_of(published, {}) == proof["keys"]
    for number in (1, 2):
        forged = json.loads(json.dumps(proof))
        forged["keys"][number]["signatures"].reverse()
        with pytest.raises(ValueError, match="did not sign"):
            SCRIPT.keys_of(key_file(first.key), forged)
        # A key that ended in a file that was kept is not continued by another one.
        ended = {**proof["keys"][0], "until": proof["keys"][2]["from"]}
        with pytest.raises(ValueError, match="did not sign"):
            SCRIPT.keys_of({"key": first.key, "keys": [ended]}, proof)


def test_what_the_old_key_signs_after_its_end_is_refused(
    store: Store, signer: InstallationSigner
):
    old = signer.open()
    make_root(store, old, context=asking())
    change = rotate_signing_key(store, old, MASTER_KEY, context=asking())
    made = make_proof(store.pool, signer.open(), ADA, [ADA])
    proof = json.loads(msgspec.json.encode(made))
    keys = SCRIPT.keys_of(key_file(old.key), proof)

    def checked(signer: Signer, root: RootSigned) -> bool:
        root = replace(root, key=signer.key)
        root = replace(root, signature=signer.sign(signed_text(root)))
        public = json.loads(msgspec.json.encode(PublicRoot.of(root)))
        return list(SCRIPT.check_root(public, keys, "it")) == []

    root = newest_root(store)
    before = replace(root, signed_at=change.rotated_at - timedelta(microseconds=1))
    assert checked(signer.open(), root)
    assert not checked(old, root)
    assert checked(old, before)
    assert not checked(signer.open(), before)

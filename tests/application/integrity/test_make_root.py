"""Roots: their contents, and that each contains the one before it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import pytest
from msgspec.structs import replace
from psycopg import Connection
from psycopg.rows import TupleRow

from application.integrity import make_root as making
from application.integrity.log import newest_recorded
from application.integrity.make_root import make_root, make_root_if_due
from application.integrity.signing import Signer, is_signed
from domain.integrity.events import PositionGap, RootSigned
from domain.integrity.handlers import record_root
from domain.integrity.merkle import MerkleTree, leaf_hash
from domain.integrity.roots import PublicRoot, signed_text, text_hash
from domain.streams import INSTALLATION
from infra.eventstore.append import Context
from infra.eventstore.execute import execute
from infra.eventstore.store import BusyError, Store
from infra.ids import new_id
from tests.kit.builders import ADA, BERTA, asking, events_for

SIGNER = Signer(b"\x07" * 32)


def sign(store: Store) -> RootSigned:
    root = make_root(store, SIGNER, context=asking()).result
    assert root is not None
    return root


def newest(store: Store) -> RootSigned | None:
    with store.pool.connection() as connection:
        return newest_recorded(connection)


def rows(store: Store) -> list[tuple[int, UUID, int, bytes]]:
    with store.pool.connection() as connection:
        return connection.execute(
            "SELECT notification_id, originator_id, originator_version, digest "
            "FROM goatherd_events ORDER BY notification_id"
        ).fetchall()


def test_a_root_holds_the_head_of_every_stream_in_order_of_their_ids(store: Store):
    store.append(events_for(BERTA, "b1", "b2"), context=asking())
    store.append(events_for(ADA, "a1"), context=asking())
    log = rows(store)

    root = sign(store)

    tree = MerkleTree()
    for _, stream, version, digest in (log[2], log[1]):
        tree.add(leaf_hash(stream.bytes + version.to_bytes(8, "big") + digest))
    entries = b"".join(at.to_bytes(8, "big") + digest for at, _, _, digest in log)
    assert root.tree == tree.root_hash().hex()
    assert root.streams == 2
    assert root.position == store.head() - 1 == log[-1][0]
    assert root.events == sha256(sha256(entries).digest()).hexdigest()
    assert (root.before, root.before_position, root.gaps) == (None, 0, ())


def test_a_root_signs_exactly_these_lines(store: Store):
    store.append(events_for(ADA, "a1"), context=asking())
    first, second = sign(store), sign(store)

    details = (
        "goatherd root details 1\nposition 2\nstreams 2\n"
        f"events {second.events}\ngaps \nbefore {text_hash(first)} 1\n"
    )
    text = (
        "goatherd root 2\n"
        f"{second.signed_at:%Y-%m-%dT%H:%M:%S.%f}Z\n{second.tree}\n"
        f"{sha256(details.encode()).hexdigest()}\n"
        f"1 {leaf_hash(signed_text(first)).hex()}\n{SIGNER.key}\n"
    ).encode()
    assert signed_text(second) == signed_text(PublicRoot.of(second)) == text
    assert is_signed(text, second.signature, SIGNER.key)
    assert not is_signed(text + b" ", second.signature, SIGNER.key)
    assert not is_signed(text, first.signature, SIGNER.key)
    assert not is_signed(text, second.signature, Signer(b"\x08" * 32).key)
    assert not is_signed(text, "no hex", SIGNER.key)


def test_every_field_of_a_root_is_under_its_signature(store: Store):
    store.append(events_for(ADA, "a1"), context=asking())
    sign(store)
    root = sign(store)
    others = {
        "position": 7,
        "streams": 7,
        "tree": "00",
        "events": "00",
        "signed_at": root.signed_at + timedelta(microseconds=1),
        "key": "00",
        "gaps": (PositionGap(1, 1),),
        "before": "00",
        "before_position": 7,
        "size": 7,
        "roots": "00",
    }

    assert {*others, "signature"} == set(RootSigned.__struct_fields__)
    texts = {signed_text(replace(root, **{name: it})) for name, it in others.items()}
    assert len(texts | {signed_text(root)}) == len(others) + 1


def test_a_root_names_the_positions_of_appends_that_failed(store: Store):
    store.append(events_for(ADA, "a1"), context=asking())
    with store.pool.connection() as connection:
        connection.execute("SELECT setval('goatherd_events_position_seq', 4)")
    store.append(events_for(BERTA, "b1"), context=asking())

    assert sign(store).gaps == (PositionGap(2, 4),)
    assert sign(store).gaps == ()


def test_what_is_appended_meanwhile_is_not_in_the_root(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    store.append(events_for(ADA, "a1"), context=asking())
    expected = sign(store)
    read = making.digests_between

    def read_slowly(*given: object) -> object:
        store.append(events_for(new_id(), "late"), context=asking())
        return read(*given)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(making, "digests_between", read_slowly)
    root = sign(store)

    assert root.position == expected.position + 1
    assert root.streams == 2
    assert store.head() == root.position + 2


def test_two_who_make_roots_at_once_make_a_chain_of_them(store: Store):
    store.append(events_for(ADA, "a1"), context=asking())
    ready = threading.Barrier(4)

    def several() -> int:
        ready.wait()
        made = 0
        while made < 3:
            with suppress(BusyError):
                sign(store)
                made += 1
        return made

    with ThreadPoolExecutor(4) as pool:
        made = sum(pool.map(lambda _: several(), range(4)))

    history = [recorded.event for recorded in store.load(INSTALLATION)[INSTALLATION]]
    roots = [event for event in history if isinstance(event, RootSigned)]
    assert len(roots) == made == 12
    assert [root.before for root in roots] == [None, *map(text_hash, roots[:-1])]
    assert newest(store) == roots[-1]


def test_one_root_a_day_is_made_by_itself(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    def daily() -> RootSigned | None:
        return make_root_if_due(
            store, SIGNER, context=Context(actor="roots", command_id=new_id())
        )

    store.append(events_for(ADA, "a1"), context=asking())
    assert daily() == newest(store) is not None
    assert daily() is None

    monkeypatch.setattr(making, "ROOT_EVERY", timedelta())
    with ThreadPoolExecutor(4) as pool:
        made = [root for root in pool.map(lambda _: daily(), range(8)) if root]
    recorded = store.load(INSTALLATION)[INSTALLATION]
    assert len(recorded) == 1 + len(made)
    assert recorded[0].actor == "roots"


def test_the_root_of_an_empty_log_holds_nothing(store: Store):
    root = sign(store)

    assert (root.position, root.streams, root.tree) == (0, 0, sha256().hexdigest())


def test_a_root_that_is_recorded_while_another_is_measured_stays_the_only_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    store.append(events_for(ADA, "a"), context=asking())
    measured = making._measure(store, SIGNER)  # noqa: SLF001
    assert measured is not None

    def recorded_just_after(connection: Connection[TupleRow]) -> RootSigned | None:
        found = newest_recorded(connection)
        execute(store, lambda: record_root(measured), context=asking())
        return found

    monkeypatch.setattr(making, "newest_recorded", recorded_just_after)

    late = make_root_if_due(store, SIGNER, context=asking())

    assert late is None
    assert len(store.load(INSTALLATION)[INSTALLATION]) == 1

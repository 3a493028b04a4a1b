"""A root that was kept elsewhere, of a log whose history was sealed since."""

from datetime import UTC, datetime, timedelta, timezone
from random import Random

import pytest
from msgspec.structs import replace

from application.integrity.log import decoded
from application.integrity.verify import CheckedLog
from domain.integrity.events import RootSigned
from domain.integrity.roots import PublicRoot
from domain.integrity.sealing_note import note_hash
from domain.streams import INSTALLATION
from infra.eventstore.codec import Codec
from tests.kit.tampered_log import (
    Log,
    chained,
    make_log,
    notes_of,
    roots_of,
    sealed,
    signed,
    signed_note,
    verify_in_memory,
)

pytestmark = pytest.mark.usefixtures("small_blocks")

AT = datetime(2026, 12, 1, tzinfo=UTC)


def copy_of(log: Log) -> Log:
    return [replace(row) for row in log]


def rewritten(log: Log) -> Log:
    """The log with another number in it, and all chains computed anew."""
    log = copy_of(log)
    row = next(row for row in log if row.stream != INSTALLATION)
    row.body = b'{"handle":"1000000"}'
    return chained(log)


def with_note_of(log: Log, root: RootSigned) -> Log:
    """The log with a note that says it replaced what the root holds, where it ends."""
    row = log[-1]
    note = notes_of(log)[-1].note
    note = replace(note, tree_before=root.tree, events_before=root.events)
    row.body = Codec().encode(signed_note(note))
    return chained(log)


def state_of(verdict: CheckedLog) -> str | None:
    return verdict.kept and verdict.kept.state


def test_a_note_that_whoever_has_all_keys_wrote_does_not_make_a_root_count():
    log = make_log(Random(7))  # noqa: S311
    kept = roots_of(log)[-1].root
    forged = sealed(rewritten(log), at=AT)
    # It names the tree of the root, which everybody knows.
    copied = with_note_of(copy_of(forged), kept)

    for each in (forged, copied):
        hash_of_note = note_hash(notes_of(each)[0].note)
        for form in (kept, PublicRoot.of(kept)):
            alone = verify_in_memory(each, kept=form)
            named = verify_in_memory(each, kept=form, accepted=[hash_of_note])
            another = verify_in_memory(each, kept=form, accepted=["00" * 32])

            assert alone.misfits == named.misfits == []
            assert state_of(alone) == "not_comparable"
            assert hash_of_note in alone.kept.text  # pyright: ignore[reportOptionalMemberAccess]
            assert state_of(named) == "accepted"
            assert "cannot be compared any more" in named.kept.text  # pyright: ignore[reportOptionalMemberAccess]
            assert [each.how for each in another.misfits] == ["root"]
            assert alone.under_root == 0


def test_a_root_of_after_a_sealing_is_compared_and_finds_what_was_rewritten():
    log = make_log(Random(8), is_sealed=True)  # noqa: S311
    _, *since = roots_of(log)

    assert state_of(verify_in_memory(log, kept=since[0].root)) == "held"
    assert verify_in_memory(log).under_root == since[-1].root.position
    assert verify_in_memory(rewritten(log), kept=since[0].root).misfits


def test_every_sealing_since_a_root_has_to_be_named():
    log = make_log(Random(9), is_sealed=True)  # noqa: S311
    first, second, *_ = roots_of(log)
    log = sealed(log, at=AT)
    hashes = [note_hash(each.note) for each in notes_of(log)]

    def kept(root: RootSigned, *accepted: str) -> str | None:
        return state_of(verify_in_memory(log, kept=root, accepted=accepted))

    assert verify_in_memory(log).misfits == []
    assert kept(first.root, hashes[0]) == kept(first.root, hashes[1])
    assert kept(first.root, hashes[0]) == "not_comparable"
    assert kept(first.root, *hashes) == "accepted"
    assert kept(second.root, hashes[1]) == "accepted"


def test_a_note_that_replaced_another_log_at_the_roots_own_position_is_named():
    log = make_log(Random(10))  # noqa: S311
    kept = roots_of(log)[-1].root
    until = [row for row in log if row.position <= kept.position]
    note = notes_of(sealed(rewritten(until), at=AT))[0].note
    log = sealed(log, at=AT)
    log[-1].body = Codec().encode(note)

    found = verify_in_memory(chained(log), kept=kept, accepted=[note_hash(note)])

    assert any("replaced another log" in each.text for each in found.misfits)


def test_a_root_with_an_absurd_time_or_number_is_one_that_nobody_can_read():
    log = make_log(Random(11))  # noqa: S311
    row = log[-1]
    root = roots_of(log)[-1].root
    late = datetime.max.replace(tzinfo=timezone(-timedelta(hours=14)))
    first = datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))
    for absurd in (
        *(replace(root, signed_at=at) for at in (late, first)),
        *(replace(root, position=number) for number in (-1, 10**40)),
        replace(root, before_position=2**63),
    ):
        row.body = Codec().encode(absurd)

        found = verify_in_memory(chained(log)).misfits

        assert decoded(RootSigned, row.body) is None
        assert (row.position, "root") in {(each.position, each.how) for each in found}
    early = replace(root, signed_at=datetime(1, 1, 2, tzinfo=UTC))
    row.body = Codec().encode(signed(early))
    assert PublicRoot.of(early).signed_at == "0001-01-02T00:00:00.000000Z"
    assert verify_in_memory(chained(log)).misfits == []

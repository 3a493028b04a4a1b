"""Every change of the log is found and named; an untouched log is fine."""

from random import Random

import pytest
from msgspec.structs import replace

from domain.integrity.roots import PublicRoot
from tests.kit.depth import part_of
from tests.kit.tampered_log import (
    TAMPERINGS,
    Log,
    Tampering,
    make_log,
    next_rows,
    roots_of,
    verify_in_memory,
)

ROUNDS = 500

pytestmark = pytest.mark.usefixtures("small_blocks")


def copy_of(log: Log) -> Log:
    return [replace(row) for row in log]


def test_nothing_is_found_in_an_untouched_log():
    random = Random(1)  # noqa: S311
    for number in range(100):
        appends = random.randint(1, 20)
        roots = number % 4 or 1
        log = make_log(
            random,
            appends=appends,
            roots=roots,
            is_rotated=number % 5 == 0 and appends > roots > 1,
        )
        signed = [each.root for each in roots_of(log)]
        for since in (0, 1, log[len(log) // 2].position, log[-1].position):
            for kept in (None, *signed, PublicRoot.of(signed[0])):
                verdict = verify_in_memory(log, since=since, kept=kept)
                assert verdict.misfits == []
        assert verify_in_memory(log).events == len(log)


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda each: each.__name__)
def test_every_tampering_is_found_and_named(tampering: Tampering):
    random = Random(tampering.__name__)  # noqa: S311
    whole: Log = []
    for number in range(part_of(ROUNDS)):
        if number % 25 == 0:
            is_rotated = "rotat" in tampering.__name__ or number % 75 == 0
            whole = make_log(random, is_rotated=is_rotated)
        log, kept = copy_of(whole), roots_of(whole)[-1].root

        positions, how = tampering(log, random)
        misfits = verify_in_memory(log, kept=kept).misfits

        assert misfits, (number, positions)
        found = [
            misfit
            for misfit in misfits
            if misfit.how in how and (not positions or misfit.position in positions)
        ]
        assert found, (number, positions, how, misfits)


def test_events_that_no_root_holds_yet_cannot_change_places_with_later_ones():
    log = make_log(Random(2), roots=1, appends=8)  # noqa: S311
    new = next_rows(log, amount=2)
    assert verify_in_memory([*log, *new]).misfits == []

    new[0].position, new[1].position = new[1].position, new[0].position

    (misfit,) = verify_in_memory([*log, *new]).misfits
    assert (misfit.how, misfit.position) == ("reordered", new[0].position)


def test_that_is_ten_thousand():
    assert len(TAMPERINGS) * ROUNDS >= 10_000

"""A root with an absurd time or number."""

from datetime import UTC, datetime, timedelta, timezone
from random import Random

import pytest
from msgspec.structs import replace

from application.integrity.log import decoded
from domain.integrity.events import RootSigned
from domain.integrity.roots import PublicRoot
from infra.eventstore.codec import Codec
from tests.kit.tampered_log import (
    chained,
    make_log,
    roots_of,
    signed,
    verify_in_memory,
)

pytestmark = pytest.mark.usefixtures("small_blocks")


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

"""Limits: what no answer of a service may do to a worker."""

import time
from collections.abc import Iterable, Iterator

import pytest
from msgspec.structs import replace

from domain.scrape.verdicts import (
    SchemaChanged,
    Transient,
)
from tests.kit.patience import at_most
from tests.kit.scripted_site import Answer
from tests.workers.sources.providers.paid.building import HURRIED, NANNY, PATIENT, Paid
from workers.sources.providers.paid.session import paid_limits


def test_fifty_megabytes_are_not_read_to_their_end(paid: Paid):
    paid.limit(replace(PATIENT, body_bytes=2_000_000))
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        yield b'{"user":"'
        for _ in range(50):
            sent += 1_000_000
            yield b"x" * 1_000_000

    paid.server.answers[paid.profile_path] = Answer(pieces=pieces)

    verdict = paid.provider.creator_profiles(NANNY)

    assert isinstance(verdict, SchemaChanged)
    assert sent < 20_000_000


def test_a_body_that_says_that_it_is_too_large_is_not_read_at_all(paid: Paid):
    headers = {"Content-Length": str(50_000_000)}
    paid.server.answers[paid.profile_path] = Answer(headers=headers, body=b"{}")

    verdict = paid.provider.creator_profiles(NANNY)

    # A reader that waits for the rest, which does not come, finds that it was cut off.
    assert isinstance(verdict, SchemaChanged)


@pytest.mark.parametrize("is_head", (True, False))
def test_a_slow_drip_is_cut_off(paid: Paid, *, is_head: bool):
    paid.limit(HURRIED)

    def drip() -> Iterable[bytes]:
        return paid.server.drip(every=0.05)

    answer = Answer(dripping_head=True) if is_head else Answer(pieces=drip)
    paid.server.answers[paid.profile_path] = answer
    began_at = time.monotonic()

    verdict = paid.provider.creator_profiles(NANNY)

    # Each byte comes well before anybody would call the server silent.
    assert time.monotonic() - began_at < HURRIED.request_seconds + at_most(10)
    assert isinstance(verdict, Transient)


def test_nobody_there_is_a_failure_in_passing(paid: Paid):
    paid.provider.site = replace(paid.provider.site, base_url="http://127.0.0.1:1")

    assert isinstance(paid.provider.creator_profiles(NANNY), Transient)


@pytest.mark.parametrize("run_seconds", (20.0, 40.0, 120.0))
def test_every_run_has_time_for_two_requests_at_least(run_seconds: float):
    limits = paid_limits(run_seconds)

    assert 2 * limits.request_seconds <= limits.run_seconds == run_seconds

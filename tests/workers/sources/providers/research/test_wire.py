"""The wire: the server cannot make a run take more time or memory than its limits."""

import time
import tracemalloc

import pytest

from domain.scrape.verdicts import (
    Ok,
    SchemaChanged,
    Transient,
)
from infra.http_out.tiktok_api import LARGEST_BODY
from tests.kit.patience import at_most
from tests.workers.sources.providers.research.building import BILLIE, Researcher
from tests.workers.sources.providers.research.server import (
    TOKEN_PATH,
    TOO_MUCH,
    USER_PATH,
    ResearchServer,
    Trouble,
    drip,
    say_nothing,
    send_too_much,
)

PATIENCE = 0.4


@pytest.mark.parametrize("path", (TOKEN_PATH, USER_PATH))
@pytest.mark.parametrize("trouble", (say_nothing, drip))
def test_a_slow_server_costs_the_patience_and_no_more(
    path: str, trouble: Trouble, server: ResearchServer, researcher: Researcher
):
    server.next_time(path, *[trouble] * 5)
    provider = researcher.provider(patience=PATIENCE)
    provider.clock = time.monotonic
    started = time.monotonic()

    verdict = provider.creator_profiles(BILLIE)

    assert isinstance(verdict, Transient)
    assert PATIENCE * 0.9 < time.monotonic() - started < PATIENCE + at_most(10)


@pytest.mark.parametrize("path", (TOKEN_PATH, USER_PATH))
def test_an_answer_of_50_mb_is_refused_before_it_is_here(
    path: str, server: ResearchServer, researcher: Researcher
):
    server.users["billie.goat"] = {"follower_count": 7}
    server.next_time(path, send_too_much)
    provider = researcher.provider()
    tracemalloc.start()

    verdict = provider.creator_profiles(BILLIE)

    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(verdict, SchemaChanged)
    assert most < 4 * LARGEST_BODY
    assert server.sent_of_too_much < TOO_MUCH
    assert isinstance(provider.creator_profiles(BILLIE), Ok)


def test_nothing_is_asked_compressed_that_could_become_much_more(
    server: ResearchServer, researcher: Researcher
):
    researcher.provider().creator_profiles(BILLIE)

    assert {request.headers["Accept-Encoding"] for request in server.received} == {
        "identity"
    }


def test_a_base_url_may_have_a_path(server: ResearchServer, researcher: Researcher):
    researcher.url = f"{server.url}/mirror/"

    researcher.provider().creator_profiles(BILLIE)

    assert server.received[0].path == f"/mirror{TOKEN_PATH}"

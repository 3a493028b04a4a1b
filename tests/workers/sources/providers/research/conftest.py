import threading
from collections.abc import Iterator

import pytest

from tests.workers.sources.providers.research.building import Researcher
from tests.workers.sources.providers.research.server import ResearchServer


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is on this machine, so requests must not take its proxy."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[ResearchServer]:
    """A Research API without users and videos."""
    with ResearchServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.001,))
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def researcher(server: ResearchServer) -> Iterator[Researcher]:
    """Builds providers that look at the server."""
    researcher = Researcher(server.url)
    yield researcher
    researcher.close()

"""Fixtures of the tests of pages without a browser."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import pytest

from api.http.access import slowed_tries
from api.web import routes
from projections.runner import run_projections
from tests.kit.application import Goatherd, Tenant, started
from tests.kit.builders import opened_store
from tests.kit.databases import new_database
from tests.kit.threads import at_work
from tests.kit.tiny_pages import TinyPage
from tests.kit.visitor import Visitor


@pytest.fixture
def visitor(goatherd: Goatherd, home: Tenant) -> Visitor:
    """Somebody who signed in to the test's own organization."""
    visitor = Visitor(goatherd)
    visitor.sign_in(home.key)
    return visitor


@pytest.fixture
def other(goatherd: Goatherd, home: Tenant) -> Visitor:
    """Somebody else of the same organization, with a key and browser of their own."""
    visitor = Visitor(goatherd)
    visitor.sign_in(home.with_key("read", "write").key)
    return visitor


@pytest.fixture
def passer_by(goatherd: Goatherd) -> Visitor:
    """Somebody who did not sign in."""
    return Visitor(goatherd)


@pytest.fixture
def long_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Delays of wrong tries that no computer is slow enough to outlast."""
    delay = slowed_tries.Growth.delay
    monkeypatch.setattr(
        slowed_tries.Growth, "delay", lambda *given: 600 * delay(*given)
    )


@pytest.fixture(scope="module")
def followed(goatherd: Goatherd) -> Iterator[None]:
    """Followers beside the tests of a module whose pages show what was just done.

    Without them each of these pages waits two seconds in vain.
    """
    with (
        opened_store(goatherd.url, pool_size=12) as store,
        at_work(partial(run_projections, store, goatherd.url)),
    ):
        yield


@pytest.fixture(scope="session")
def tiny_goatherd(postgres_url: str, template_database: str) -> Iterator[Goatherd]:
    """The real application with one more page, /tiny."""
    with (
        new_database(postgres_url, template=template_database) as url,
        ExitStack() as stack,
    ):
        # An application has the page from its start; later ones do not have it.
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(routes, "PAGES", (*routes.PAGES, TinyPage))
            goatherd = stack.enter_context(started(url))
        yield goatherd


@pytest.fixture
def tiny_home(tiny_goatherd: Goatherd) -> Tenant:
    """An organization of the test's own there."""
    return tiny_goatherd.tenant()


@pytest.fixture
def tiny_visitor(tiny_goatherd: Goatherd, tiny_home: Tenant) -> Visitor:
    """Somebody who signed in to it."""
    visitor = Visitor(tiny_goatherd)
    visitor.sign_in(tiny_home.key)
    return visitor

"""The work of a process that serves HTTP before its first request."""

import gc
from collections.abc import Iterator

import pytest

from api import main


@pytest.fixture
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("thawed")
def test_what_was_made_at_the_start_is_not_looked_through_while_it_answers(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
):
    before = gc.get_freeze_count()
    monkeypatch.setenv("GOATHERD_DATABASE_URL", postgres_url)
    monkeypatch.setenv("GOATHERD_SECRET", "s" * 40)

    app = main.create()

    assert any(each is app for each in gc.get_objects()) is False
    assert gc.get_freeze_count() - before > 50_000

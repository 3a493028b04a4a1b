"""Drawn parts of pages: kept for the next look, and forgotten in time."""

import pytest

from api.web.kit.parts import drawn
from infra.embedded.processes import wait_until
from tests.kit.application import serving
from tests.kit.databases import new_database
from tests.kit.patience import PATIENTLY


def test_a_process_that_serves_forgets_what_it_drew_in_time(
    postgres_url: str, template_database: str, monkeypatch: pytest.MonkeyPatch
):
    names: list[str] = []

    @drawn.kept_drawn(most=9)
    def draw(name: str) -> str:
        names.append(name)
        return f"<b>{name}</b>"

    def is_drawn_again() -> bool:
        assert draw("Ada") == "<b>Ada</b>"
        return len(names) > 1

    assert draw("Ada") == draw("Ada")
    assert names == ["Ada"]
    monkeypatch.setattr(drawn, "SECONDS_KEPT", 0.05)
    with (
        new_database(postgres_url, template=template_database) as url,
        serving(url),
    ):
        assert wait_until(is_drawn_again, seconds=PATIENTLY)

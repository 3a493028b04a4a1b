"""Drawn parts of pages: kept for the next look, and forgotten in time."""

import asyncio

import pytest

from api.web.kit.parts import drawn
from tests.kit.patience import PATIENTLY


def test_drawn_parts_are_kept_and_forgotten_in_time(monkeypatch: pytest.MonkeyPatch):
    names: list[str] = []

    @drawn.kept_drawn(most=9)
    def draw(name: str) -> str:
        names.append(name)
        return f"<b>{name}</b>"

    async def run() -> None:
        forgetting = asyncio.create_task(drawn.keep_forgetting())
        async with asyncio.timeout(PATIENTLY):
            while len(names) == 1:
                await asyncio.sleep(0)
                assert draw("Ada") == "<b>Ada</b>"
        forgetting.cancel()

    monkeypatch.setattr(drawn, "SECONDS_KEPT", 0)
    assert draw("Ada") == draw("Ada")
    assert names == ["Ada"]
    asyncio.run(run())

    assert names == ["Ada", "Ada"]

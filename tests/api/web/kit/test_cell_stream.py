"""The stream of cells sends what a page does not show yet, and nothing twice."""

import asyncio
import json
from collections.abc import Mapping

from api.http.shutdown import Shutdown
from api.web.kit.cell_stream import watch_cells
from api.web.kit.filters import fingerprint


def sent(
    drawings: list[dict[str, str]], shown: Mapping[str, str]
) -> list[dict[str, str]]:
    """The cells that are sent while the drawings are made one after the other."""
    ending = Shutdown()
    left = iter(drawings)

    async def draw() -> dict[str, str]:
        drawing = next(left, None)
        if drawing is None:
            ending.begin()
            return drawings[-1]
        return drawing

    async def is_allowed() -> bool:
        return True

    async def collect() -> list[dict[str, str]]:
        stream = watch_cells(
            ending,
            draw=draw,
            is_allowed=is_allowed,
            poll_seconds=0,
            shown=lambda drawn: {k: v for k, v in drawn.items() if shown.get(k) == v},
        )
        return [
            json.loads(str(message.data))
            async for message in stream
            if message.event == "cells"
        ]

    return asyncio.run(collect())


def test_a_cell_that_the_page_shows_is_not_sent_again():
    drawing = {"a": "1", "b": "2"}

    assert sent([drawing, drawing], drawing) == []
    assert sent([drawing, drawing], {"a": "1", "b": "old"}) == [{"b": "2"}]
    assert sent([drawing, drawing], {}) == [drawing]


def test_a_cell_is_sent_when_it_changes_and_when_it_changes_back():
    first, second = {"a": "1", "b": "2"}, {"a": "3", "b": "2"}

    assert sent([first, second, first], first) == [{"a": "3"}, {"a": "1"}]


def test_the_fingerprint_of_a_row_changes_with_each_cell_and_its_place():
    rows = [["a", "b"], ["b", "a"], ["ab", ""], ["a"], ["a", "b", ""], ["a", "c"]]

    assert len({fingerprint(row) for row in rows}) == len(rows)

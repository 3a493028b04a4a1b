"""Tests of the limits on streams that are open at the same time."""

import gc
from collections.abc import AsyncGenerator

import pytest

from api.http.access.stream_places import StreamPlaces
from api.http.errors import ApiError, Code


async def numbers() -> AsyncGenerator[int]:
    yield 1
    yield 2


def test_a_place_is_taken_before_the_stream_sends_anything():
    places = StreamPlaces()
    most = {"organization": 3, "key": 2}
    first = places.held(numbers(), most=most)
    second = places.held(numbers(), most=most)

    for refused in (most, {"other": 5, "key": 2}):
        with pytest.raises(ApiError, match="There are 2 open streams") as error:
            places.held(numbers(), most=refused)
        assert error.value.code is Code.RATE_LIMIT_EXCEEDED
    third = places.held(numbers(), most={"organization": 3, "another key": 2})
    with pytest.raises(ApiError, match="There are 3 open streams"):
        places.held(numbers(), most={"organization": 3, "a third key": 2})

    # A stream that never began gives its place back, too.
    del first, second, third
    gc.collect()
    assert places.held(numbers(), most={"organization": 1, "key": 1})


@pytest.mark.anyio
async def test_the_place_is_given_back_once_at_the_end():
    places = StreamPlaces()
    most = {"key": 1}
    stream = places.held(numbers(), most=most)
    assert [number async for number in stream] == [1, 2]
    closed = places.held(numbers(), most=most)
    assert await anext(closed) == 1
    with pytest.raises(ApiError):
        places.held(numbers(), most=most)
    await closed.aclose()

    again = places.held(numbers(), most=most)
    with pytest.raises(ApiError):
        places.held(numbers(), most=most)
    await again.aclose()

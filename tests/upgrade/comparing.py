"""Recorded answers held against those of this version."""

from collections.abc import Callable, Iterable
from typing import Any

import httpx

from tests.upgrade.answers import (
    Answer,
    about,
    answer_now,
    comparable,
    etag_now,
    parsed,
    question_now,
    without_added,
)

# How to get a path with some headers, and what a command line prints.
Get = Callable[[str, dict[str, str]], httpx.Response]
Run = Callable[[list[str]], str]


def differences(
    recorded: Iterable[Answer], get: Get, run: Run, *, is_rebuilt: bool = False
) -> list[Any]:
    """Ask everything again; return each question whose answer differs, and where."""
    found: list[Any] = []
    for before in recorded:
        question = before.question
        status, etag, answer = _ask(before, get, run)
        old = comparable(question, answer_now(before), is_rebuilt=is_rebuilt)
        new = comparable(
            question, without_added(question, answer), is_rebuilt=is_rebuilt
        )
        etag = etag_now(before.etag, etag)
        expected, now = (before.status, before.etag, old), (status, etag, new)
        if now != expected:
            found.append((question, *_first_difference(expected, now)))
    return found


def bearer(key: str) -> dict[str, str]:
    """Return the header of a request with one of the dumped keys, by its name."""
    return {"Authorization": f"Bearer {about().keys[key]}"}


def _ask(before: Answer, get: Get, run: Run) -> tuple[int, str | None, object]:
    question = question_now(before.question)
    status, etag = 0, None
    if before.key is None:
        text = run(question.split())
    else:
        answer = get(question, bearer(before.key))
        status, etag, text = answer.status_code, answer.headers.get("ETag"), answer.text
    return status, etag, parsed(text)


def _first_difference(old: Any, new: Any, *, path: str = "") -> tuple[str, Any, Any]:  # noqa: ANN401
    match old, new:
        case dict(), dict() if old.keys() == new.keys():
            inner = [(name, old[name], new[name]) for name in old]
        case dict(), dict():
            return (
                path,
                sorted(old.keys() - new.keys()),
                sorted(new.keys() - old.keys()),
            )
        case (list() | tuple(), list() | tuple()) if len(old) == len(new):
            inner = [(at, *two) for at, two in enumerate(zip(old, new, strict=True))]
        case _:
            return path, old, new
    for name, one, other in inner:
        if one != other:
            return _first_difference(one, other, path=f"{path}/{name}")
    return path, old, new

"""Output of daily commands: tables, sentences and JSON of the answers."""

import sys
from collections.abc import Iterator
from itertools import chain
from string import Formatter
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from api.cli import CommandError
from api.cli.kit.output import plain, print_json, print_list, print_one
from api.cli.operations.daily import Daily
from api.cli.operations.options import struct_types
from api.in_process import RawResponse
from api.operations import Operation


class _Answered(Struct, frozen=True):
    data: msgspec.Raw


class _NamedCursor(Struct, frozen=True, rename="camel"):
    next_cursor: str | None = None


class _Paged(Struct, frozen=True):
    meta: _NamedCursor | None = None


def next_cursor(answer: RawResponse) -> str | None:
    """Return the cursor of the next page of a list; None without one."""
    meta = msgspec.json.decode(answer.body, type=_Paged).meta
    return None if meta is None else meta.next_cursor


def _data_of(answer: RawResponse) -> msgspec.Raw:
    return msgspec.json.decode(answer.body, type=_Answered).data


def _fields_in(text: str) -> Iterator[str]:
    return (name for _, name, _, _ in Formatter().parse(text) if name)


def print_raw(answer: RawResponse) -> None:
    """Print an answer as it is, a document with the end of its line."""
    out = sys.stdout.buffer
    out.write(answer.body)
    if answer.body and answer.headers.get("content-type", "").startswith(
        "application/"
    ):
        out.write(b"\n")
    out.flush()


class AnswerPrinter:
    """Prints the answers of one daily command; a list has an answer for each page."""

    def __init__(
        self, daily: Daily, operation: Operation, *, json: bool, ids: bool
    ) -> None:
        self._daily = daily
        self._operation = operation
        self._json = json
        self._ids = ids

    def print(self, answers: Iterator[RawResponse]) -> None:
        """Print all pages of a list, or one answer.

        Raises:
            CommandError: an act failed, as its answer says.
        """
        if self._operation.is_page and self._daily.is_whole:
            pages = list(answers)
        else:
            pages = [next(answers)]
        if not pages[0].headers.get("content-type", "").startswith("application/json"):
            print_raw(pages[0])
            return
        typed = [self._typed(page) for page in pages]
        if isinstance(typed[0], list):
            self._print_list(pages, list(chain.from_iterable(typed)))
        else:
            self._print_one(pages[0], typed[0])

    def _print_list(self, pages: list[RawResponse], rows: list[Any]) -> None:
        daily = self._daily
        if self._json:
            of_pages = (
                msgspec.json.decode(_data_of(page), type=list[msgspec.Raw])
                for page in pages
            )
            print_json(list(chain.from_iterable(of_pages)))
            return
        print_list(
            rows,
            daily.columns,
            ids=daily.ids if self._ids else "",
            json=False,
            **daily.computed,
        )

    def _print_one(self, answer: RawResponse, data: Any) -> None:  # noqa: ANN401
        daily = self._daily
        failure = None if daily.failed is None else daily.failed(data)
        if self._json:
            print_json(_data_of(answer))
        elif daily.rows:
            rows = getattr(data, daily.rows)
            if rows or not daily.says:
                print_list(rows, daily.columns, json=False, ids="", **daily.computed)
            self._say(data)
        elif failure is None and daily.columns:
            print_one(data, daily.columns, **daily.computed)
        elif failure is None:
            self._say(data)
        if failure is not None:
            raise CommandError(failure)

    def _say(self, data: Any) -> None:  # noqa: ANN401 - as operations have it
        fields = asdict(data)
        if not self._daily.columns:
            fields |= {name: of(data) for name, of in self._daily.computed.items()}
        for line in self._daily.says.splitlines():
            if all(fields[name] is not None for name in _fields_in(line)):
                print(plain(line.format_map(fields)))

    def _typed(self, answer: RawResponse) -> Any:  # noqa: ANN401 - as operations have it
        type_, _ = self._operation.answers[answer.status]
        # An operation about one thing or many answers in two ways.
        with_rows = (
            each
            for each in struct_types(type_)
            if self._daily.rows in each.__struct_fields__
        )
        return msgspec.json.decode(_data_of(answer), type=next(with_rows, type_))

"""Exports that are split into one file a day."""

import re
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from api.cli import CommandError
from api.cli.export.formats import Format, Layout, Writer, writer_of
from api.cli.kit.whole_file import whole_file

T = TypeVar("T")

_NAME = re.compile(r"\d{4}-\d{2}-\d{2}\.after-(\d+)\.(\w+)")


class DayFiles(Writer[T]):
    """Writes the records of each day to a file in a folder, such as 2026-11-30.csv.

    A file gets its name when it is complete. An export that begins ``after`` a position
    has it in the names, so that a repeated export replaces its own files alone.
    """

    def __init__(
        self, folder: Path, format_: Format, layout: Layout[T], *, after: int
    ) -> None:
        self.names: list[str] = []
        self._folder = folder
        self._format: Format = format_
        self._layout = layout
        self._end = f".after-{after}.{format_}" if after else f".{format_}"
        self._open: dict[date, tuple[ExitStack, Writer[T]]] = {}
        self._newest = date.min

    def write(self, records: Sequence[T]) -> None:
        for day, of_day in groupby(records, key=self._day_of):
            self._writer(day).write([*of_day])

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._open:
            _, (stack, _) = self._open.popitem()
            stack.__exit__(kind, error, trace)

    def _day_of(self, record: T) -> date:
        day = self._layout.day(record)
        # A clock that was set back must not open a complete file again.
        return max(day, self._newest) if self._layout.is_in_order else day

    def _writer(self, day: date) -> Writer[T]:
        if day not in self._open:
            if self._layout.is_in_order:
                self.__exit__(None, None, None)
                self._newest = day
            name = f"{day}{self._end}"
            with ExitStack() as opened:
                file = opened.enter_context(whole_file(self._folder / name))
                writer = writer_of(self._format, file, self._layout)
                opened.enter_context(writer)
                self._open[day] = opened.pop_all(), writer
            self.names.append(name)
        return self._open[day][1]


def check_folder(folder: Path, format_: Format, *, after: int) -> None:
    """Check that files of days can be written there; make the folder if needed.

    Raises:
        CommandError: the folder cannot be made, or it has rows from after a later
            position, which would be there twice.
    """
    if folder.exists() and not folder.is_dir():
        raise CommandError(f"{folder} is not a folder: --split day needs a folder.")
    if not folder.parent.is_dir():
        raise CommandError(f"There is no folder {folder.parent} to write to.")
    folder.mkdir(exist_ok=True)
    for path in sorted(folder.iterdir()):
        named = _NAME.fullmatch(path.name)
        if named and named[2] == format_ and int(named[1]) > after:
            raise CommandError(
                f"{folder} has rows from after position {named[1]} already, in "
                f"{path.name}, and they would be there twice: name another folder."
            )

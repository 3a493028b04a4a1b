"""Output: results on stdout, for people or as JSON, and progress on stderr."""

import sys
import time
from collections.abc import (
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar, cast

import msgspec

T = TypeVar("T")

_QUIET_SECONDS = 1.0
# Without a terminal, a row is one line whatever its length.
_WIDE = 400


def print_json(document: object) -> None:
    """Print a result as one JSON document on one line."""
    print(msgspec.json.encode(document).decode())


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under their headings, if there are any; None is shown as a dash."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=None, pad_edge=False, header_style="bold", show_header=any(headings)
    )
    for heading in headings:
        table.add_column(heading)
    for row in rows:
        # The cells are Text, because rich would read square brackets as its markup.
        table.add_row(*(Text(_shown(value)) for value in row))
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    console.print(table)


def print_list(
    found: Sequence[T],
    columns: str,
    *,
    json: bool,
    ids: str = "",
    **computed: Callable[[T], object],
) -> None:
    """Print structs as JSON, or as a table.

    ``columns`` are headings in order, each with the field behind a = if that has
    another name: ``name active=active_creators``. ``ids`` are the columns after them. A
    heading of ``computed`` shows the result of its function. Underscores of headings
    are shown as blanks.
    """
    if json:
        print_json(found)
        return
    of = _values(f"{columns} {ids}", computed)
    print_table(
        list(of), ([_in_words(value(each)) for value in of.values()] for each in found)
    )


def print_one(found: T, columns: str, **computed: Callable[[T], object]) -> None:
    """Print a line for each column of a struct, as ``print_list`` has them.

    Columns that are null are left out.
    """
    values = {name: of(found) for name, of in _values(columns, computed).items()}
    shown = ((name, _in_words(each)) for name, each in values.items())
    print_table(("", ""), (row for row in shown if row[1] is not None))


def _values(
    columns: str, computed: Mapping[str, Callable[[T], object]]
) -> dict[str, Callable[[T], object]]:
    named = (column.partition("=") for column in columns.split())
    return {
        name.replace("_", " "): computed.get(name) or attrgetter(field or name)
        for name, _, field in named
    }


class Branch(NamedTuple):
    """A line of a tree, and the branches below it."""

    text: str
    below: "Sequence[Branch]" = ()


def print_tree(root: Branch) -> None:
    """Print a tree, one line a branch."""

    def lines(branch: Branch) -> Iterator[str]:
        yield plain(branch.text)
        for each in branch.below:
            is_last = each is branch.below[-1]
            first, *others = lines(each)
            yield f"{'└─' if is_last else '├─'} {first}"
            yield from (f"{'  ' if is_last else '│ '} {line}" for line in others)

    print("\n".join(lines(root)))


def plain(text: str) -> str:
    """Return a text of unknown origin without control characters for the terminal."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


@contextmanager
def progress_bar(what: str, *, total: int | None) -> Generator[Callable[[int], None]]:
    """Yield a function to call with the progress since the last call.

    ``total`` is None if it is unknown. A bar appears on stderr if that is a terminal
    and the work takes longer than a second.
    """
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    )
    task = bar.add_task(what, total=total)
    began = time.monotonic()

    def advance(amount: int) -> None:
        if not bar.live.is_started and time.monotonic() - began > _QUIET_SECONDS:
            bar.start()
        bar.advance(task, amount)

    try:
        yield advance
    finally:
        bar.stop()


def _in_words(value: Any) -> object:  # noqa: ANN401 - whatever a field holds
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, list | tuple):
        return ", ".join(cast("Sequence[str]", value))
    return value


def _shown(value: object) -> str:
    return "-" if value is None else plain(str(value))

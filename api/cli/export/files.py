"""The output of an export: stdout, or a file that appears when it is complete."""

import gzip
import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import BinaryIO, cast
from uuid import uuid4

from api.cli import CommandError
from api.cli.export.formats import Format

STDOUT = Path("-")

# Python handles SIGINT itself; these signals would end it without a clean-up.
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def check_output(output: Path, format_: Format, *, json: bool) -> None:
    """Check that the format can be written there, and does not mix with the result.

    Raises:
        CommandError: it cannot.
    """
    if output != STDOUT:
        if output.exists() and not output.is_file():
            raise CommandError(
                f"{output} is not a file: name one that is to be written, or - for "
                "stdout."
            )
        if not output.parent.is_dir():
            raise CommandError(f"There is no folder {output.parent} to write to.")
        return
    if json:
        raise CommandError("--json needs --output FILE: stdout has the export itself.")
    if format_ == "parquet" and sys.stdout.isatty():
        raise CommandError(
            "Parquet is not for a terminal: give --output FILE, or redirect stdout."
        )


@contextmanager
def opened_output(output: Path, format_: Format) -> Generator[BinaryIO]:
    """Open the file to write to; it gets its name when it is complete.

    A file whose name ends with .gz is compressed, except for Parquet, which is
    compressed already.

    Raises:
        CommandError: it was interrupted; then there is no file of that name.
    """
    with _signals_interrupt():
        try:
            if output == STDOUT:
                yield sys.stdout.buffer
                sys.stdout.buffer.flush()
                return
            with _temporary(output) as file:
                if output.suffix == ".gz" and format_ != "parquet":
                    # Without a time or name in it, the same rows are the same bytes.
                    with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
                        yield cast("BinaryIO", packed)
                else:
                    yield file
        except KeyboardInterrupt:
            where = "stdout" if output == STDOUT else str(output)
            left = "is not whole" if output == STDOUT else "was not written"
            raise CommandError(f"Interrupted: {where} {left}.") from None


@contextmanager
def _temporary(output: Path) -> Generator[BinaryIO]:
    part = output.with_name(f".{output.name}.{uuid4().hex[:8]}.part")
    try:
        # x: a new file, with the permissions that any new file gets.
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(output)
    except BaseException:
        with suppress(FileNotFoundError):
            part.unlink()
        raise


@contextmanager
def _signals_interrupt() -> Generator[None]:
    """Let SIGTERM and SIGHUP interrupt the export as Ctrl-C does."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {
        number: signal.signal(number, interrupt)
        for number in _SIGNALS
        # Under nohup the terminal may close.
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

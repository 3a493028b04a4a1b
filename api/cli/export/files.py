"""The output of an export: stdout, or a file that appears when it is complete."""

import gzip
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from api.cli import CommandError
from api.cli.export.formats import Format
from api.cli.kit.whole_file import check_file, interruptible, whole_file

STDOUT = Path("-")


def check_output(output: Path, format_: Format, *, json: bool) -> None:
    """Check that the format can be written there, and does not mix with the result.

    Raises:
        CommandError: the format cannot be written there.
    """
    if output != STDOUT:
        check_file(output)
        return
    if json:
        raise CommandError("--json needs --output FILE: stdout has the export itself.")
    if format_ == "parquet" and sys.stdout.isatty():
        raise CommandError(
            "Parquet is not for a terminal: give --output FILE, or redirect stdout."
        )


@contextmanager
def opened_output(output: Path, format_: Format) -> Generator[BinaryIO]:
    """Open the file to write to, which gets its name when it is complete.

    A file whose name ends with .gz is compressed, except for Parquet, which is
    compressed already.

    Raises:
        CommandError: the export was interrupted; then no file has that name.
    """
    where = "stdout" if output == STDOUT else str(output)
    left = "is not whole" if output == STDOUT else "was not written"
    with interruptible(f"{where} {left}"):
        if output == STDOUT:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
            return
        with whole_file(output) as file:
            if output.suffix == ".gz" and format_ != "parquet":
                # Without a time or name in the header, the same rows give the same
                # bytes.
                with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
                    yield cast("BinaryIO", packed)
            else:
                yield file

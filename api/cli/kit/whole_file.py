"""Files that get their name only when they are complete, even after an interruption."""

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import BinaryIO
from uuid import uuid4

from api.cli import CommandError

# Python handles SIGINT itself. These signals would end the process without a clean-up.
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def check_file(output: Path) -> None:
    """Check that a file of that name can be written or replaced.

    Raises:
        CommandError: the file cannot be written.
    """
    if output.exists() and not output.is_file():
        raise CommandError(f"{output} is not a file: name a file to write.")
    if not output.parent.is_dir():
        raise CommandError(f"There is no folder {output.parent} to write to.")


@contextmanager
def whole_file(output: Path) -> Generator[BinaryIO]:
    """Open a file for writing; it gets its name if the block succeeds.

    Only its owner may read it, because such files contain personal data or keys.
    """
    part = output.with_name(f".{output.name}.{uuid4().hex[:8]}.part")
    try:
        made = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(made, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(output)
    except BaseException:
        with suppress(FileNotFoundError):
            part.unlink()
        raise


@contextmanager
def interruptible(what: str) -> Generator[None]:
    """Let SIGTERM and SIGHUP interrupt the block as Ctrl-C does.

    Raises:
        CommandError: a signal came; the message says that ``what`` was interrupted.
    """

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {
        number: signal.signal(number, interrupt)
        for number in _SIGNALS
        # Under nohup, SIGHUP stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    except KeyboardInterrupt:
        raise CommandError(f"Interrupted: {what}.") from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

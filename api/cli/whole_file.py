"""Files that have their name only once they are whole, whatever interrupts us."""

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import BinaryIO
from uuid import uuid4

from api.cli import CommandError

# Python handles SIGINT itself; these would end it without a chance to clean up.
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def check_file(output: Path) -> None:
    """Return if a file of that name can be written, over the one that is there.

    Raises:
        CommandError: it cannot.
    """
    if output.exists() and not output.is_file():
        raise CommandError(f"{output} is not a file: name one that is to be written.")
    if not output.parent.is_dir():
        raise CommandError(f"There is no folder {output.parent} to write to.")


@contextmanager
def whole_file(output: Path, *, private: bool = False) -> Generator[BinaryIO]:
    """Give the file to write to; it takes its name when all went well.

    It has the rights that any new file has, or is only ours to read if ``private``.
    """
    part = output.with_name(f".{output.name}.{uuid4().hex[:8]}.part")
    try:
        made = os.open(
            part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666
        )
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
    """Let SIGTERM and SIGHUP interrupt as Ctrl-C does.

    Raises:
        CommandError: one came; it says ``what``.
    """

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
    except KeyboardInterrupt:
        raise CommandError(f"Interrupted: {what}.") from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

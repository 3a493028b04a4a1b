"""The version of this program, and the commit that it was built from."""

import subprocess
from functools import cache
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Final

# The build of a wheel writes it, since a wheel has no history.
COMMIT_FILE: Final = "commit.txt"
UNKNOWN: Final = "unknown"

_HERE = Path(__file__).resolve()


def version() -> str:
    """Return the version, such as ``0.1.0``."""
    return version_of("goatherd")


@cache
def commit() -> str:
    """Return the commit of the program: of the wheel, or else of the checkout.

    It is ``unknown`` for a copy of the files without either.
    """
    built = _HERE.with_name(COMMIT_FILE)
    if built.is_file():
        return built.read_text().strip() or UNKNOWN
    return commit_of(_HERE.parents[1]) or UNKNOWN


def commit_of(checkout: Path) -> str:
    """Return the newest commit of a checkout, empty if the folder is not a checkout."""
    # A folder inside of another project's checkout is not that project.
    if not (checkout / ".git").exists():
        return ""
    command = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, check=False, timeout=5
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""

"""Files that only the user of the process can read."""

import os
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write a whole file that only we can read, or keep the former file."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w") as output:
        output.write(f"{text}\n" if text else "")
        output.flush()
        os.fsync(output.fileno())
    fresh.replace(path)

"""The bundled demo: four invented creators, what they did, and what they will do."""

from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

DEMO_RECORDING = Path(str(files(__name__) / "demo.jsonl.gz"))

# What came before the recording begins, a file a creator, to be imported.
DEMO_HISTORY = Path(str(files(__name__) / "past"))

# Hyphens, which TikTok does not allow, keep these from ever being anybody's handle.
# One of them is renamed on the way: this is the handle it starts with.
DEMO_HANDLES = (
    "mount-goatlympus",
    "kid-and-kettle",
    "gruff-brothers-trails",
    "the-quiet-herd",
)

# Midnight of the recording's first day, on its own clock: see
# ``workers.demo.shift_dates``.
DEMO_BEGINS = datetime(2026, 8, 15, tzinfo=UTC)

# Under which name it is kept when its replay started, wherever the file lies.
DEMO_NAME = "demo"


def history_path(handle: str) -> Path:
    """Return the recording of a demo creator's past, by its first handle."""
    return DEMO_HISTORY / f"{handle}.jsonl.gz"

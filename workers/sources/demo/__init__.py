"""The bundled demo: four invented creators, with their past and their future."""

from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

DEMO_RECORDING = Path(str(files(__name__) / "demo.jsonl.gz"))

# The observations before the recording begins, one file for each creator, to be
# imported.
DEMO_HISTORY = Path(str(files(__name__) / "past"))

# TikTok does not allow hyphens, so these can never be real handles. One creator is
# renamed during the demo; this is its first handle.
DEMO_HANDLES = (
    "mount-goatlympus",
    "kid-and-kettle",
    "gruff-brothers-trails",
    "the-quiet-herd",
)

# Midnight of the recording's first day, in the recording's own time: see
# ``workers.sources.demo.shift_dates``.
DEMO_BEGINS = datetime(2026, 8, 15, tzinfo=UTC)

# The name under which the start of the demo's replay is stored, for any place of the
# file.
DEMO_NAME = "demo"


def history_path(handle: str) -> Path:
    """Return the recording of a demo creator before the demo, by its first handle."""
    return DEMO_HISTORY / f"{handle}.jsonl.gz"

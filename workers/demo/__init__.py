"""The bundled demo: four months of four invented creators to replay, and a past."""

from importlib.resources import files
from pathlib import Path

DEMO_RECORDING = Path(str(files(__name__) / "demo.jsonl.gz"))

# The two months before the recording begins, a file a creator, to be imported.
DEMO_PAST = Path(str(files(__name__) / "past"))

# Hyphens, which TikTok does not allow, keep these from ever being anybody's handle.
# One of them is renamed on the way: this is the handle it starts with.
DEMO_HANDLES = (
    "mount-goatlympus",
    "kid-and-kettle",
    "gruff-brothers-trails",
    "the-quiet-herd",
)

DEMO_SPEED = 86_400.0  # a recorded day a second


def past_path(handle: str) -> Path:
    """Return the recording of a demo creator's past, by its first handle."""
    return DEMO_PAST / f"{handle}.jsonl.gz"

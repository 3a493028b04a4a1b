"""The bundled demo: four months of four invented creators, for the replay provider."""

from importlib.resources import files
from pathlib import Path

DEMO_RECORDING = Path(str(files(__name__) / "demo.jsonl.gz"))

# Hyphens, which TikTok does not allow, keep these from ever being anybody's handle.
# One of them is renamed on the way: this is the handle it starts with.
DEMO_HANDLES = (
    "mount-goatlympus",
    "kid-and-kettle",
    "gruff-brothers-trails",
    "the-quiet-herd",
)

DEMO_SPEED = 86_400.0  # a recorded day a second

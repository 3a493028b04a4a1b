"""Where things of the repository are, for tests."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
GOLDEN_EVENTS = ROOT / "tests" / "infra" / "eventstore" / "golden" / "events.jsonl"
RECORDING = ROOT / "tests" / "kit" / "recording.jsonl"

"""Where things of the repository are, for tests."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
_GOLDEN = ROOT / "tests" / "infra" / "eventstore" / "golden"
GOLDEN_EVENTS = _GOLDEN / "events.jsonl"
GOLDEN_SEALED_EVENTS = _GOLDEN / "sealed_events.jsonl"
RECORDING = ROOT / "tests" / "kit" / "recording.jsonl"

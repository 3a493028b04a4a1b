"""Where things of the repository are, for tests."""

import importlib.util
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
_GOLDEN = ROOT / "tests" / "infra" / "eventstore" / "golden"
GOLDEN_EVENTS = _GOLDEN / "events.jsonl"
GOLDEN_SEALED_EVENTS = _GOLDEN / "sealed_events.jsonl"
RECORDING = ROOT / "tests" / "kit" / "recording.jsonl"


def module_of(script: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(script.stem, script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

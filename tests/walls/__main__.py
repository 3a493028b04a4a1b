"""Writes the snapshots anew: ``python -m tests.walls``, with options of pytest."""

import sys
from pathlib import Path

import pytest

if __name__ == "__main__":
    here = str(Path(__file__).parent)
    sys.exit(pytest.main([here, "--write-walls", "-q", *sys.argv[1:]]))

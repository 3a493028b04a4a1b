"""Makes the dump and its answers anew: ``python -m tests.upgrade``."""

import sys
from pathlib import Path

import pytest

if __name__ == "__main__":
    here = str(Path(__file__).parent)
    sys.exit(pytest.main([here, "--write-dump", "-q", *sys.argv[1:]]))

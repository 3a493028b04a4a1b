"""Asks osv.dev whether anything that requirements.lock names has a known vulnerability.

``make check`` runs it. Where the index or osv.dev does not answer, nothing is known and
nothing fails.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from install import LOCK, pip_settings, uv_environment

_FOUND = 1
# Whoever has no way there learns it at once.
_HASTE = {"UV_HTTP_RETRIES": "0", "UV_HTTP_CONNECT_TIMEOUT": "5"}


def main(*options: str) -> int:
    """Return 1 if there is a known vulnerability, which is then printed; else 0."""
    pinned = re.findall(r"^(\S+==.*?)\s*\\?$", LOCK.read_text(), re.MULTILINE)
    environment = _HASTE | uv_environment(os.environ, pip_settings())
    with tempfile.TemporaryDirectory(prefix="goatherd-audit-") as folder:
        # uv audits projects: this one needs exactly what the lock names.
        Path(folder, "pyproject.toml").write_text(
            '[project]\nname = "goatherd-lock"\nversion = "0"\n'
            f'requires-python = ">=3.11"\ndependencies = {json.dumps(pinned)}\n'
        )
        command = [sys.executable, "-m", "uv", "audit", "--preview", "--quiet"]
        status = subprocess.run(  # noqa: S603
            [*command, "--no-python-downloads", "--project", folder, *options],
            env=environment,
            stdout=sys.stderr,
            stderr=subprocess.DEVNULL,
            check=False,
        ).returncode
    if status not in {0, _FOUND}:
        print(
            "Not asked for known vulnerabilities: osv.dev or the index does not answer",
            file=sys.stderr,
        )
    return _FOUND if status == _FOUND else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

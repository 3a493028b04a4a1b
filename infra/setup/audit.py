"""Looks up the packages of requirements.lock at osv.dev for known vulnerabilities.

``make check`` runs it. If the index or osv.dev does not answer, it reports so and does
not fail.
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
# Without a connection to the internet it ends at once.
_HASTE = {"UV_HTTP_RETRIES": "0", "UV_HTTP_CONNECT_TIMEOUT": "5"}


def main(*options: str) -> int:
    """Print the known vulnerabilities; return 1 if there is any, else 0."""
    pinned = re.findall(r"^(\S+==.*?)\s*\\?$", LOCK.read_text(), re.MULTILINE)
    environment = _HASTE | uv_environment(os.environ, pip_settings())
    with tempfile.TemporaryDirectory(prefix="goatherd-audit-") as folder:
        # uv audits a project, so this makes one with exactly the packages of the lock.
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
            "Known vulnerabilities not checked: osv.dev or the index does not answer",
            file=sys.stderr,
        )
    return _FOUND if status == _FOUND else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

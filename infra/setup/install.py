"""Installs the packages of requirements.lock and this project into the running Python.

``make setup`` runs it in .venv. pip installs only uv, with the hashes of the lock, and
uv installs the rest. uv does not read pip's settings, so this module passes them on.
"""

import ast
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
LOCK = HERE / "requirements.lock"

_PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
# uv's variable for each setting of pip, and the separator of several values.
_SETTINGS = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "no-index": ("UV_NO_INDEX", " "),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "default-timeout": ("UV_HTTP_TIMEOUT", " "),
    "timeout": ("UV_HTTP_TIMEOUT", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "proxy": ("ALL_PROXY", " "),
}


def main() -> int:
    """Install everything, with a line on stderr a step; return the exit status."""
    began = time.monotonic()
    amount = len(re.findall(r"^\S+==", LOCK.read_text(), re.MULTILINE))
    environment = uv_environment(os.environ, pip_settings())
    steps: list[tuple[str, Sequence[str | Path], Mapping[str, str]]] = [
        ("uv, which installs the rest", _fetch_uv(), os.environ),
        (
            f"{amount} packages",
            uv_install("--require-hashes", "--requirement", LOCK),
            environment,
        ),
        (
            "Goatherd itself",
            uv_install("--no-deps", "--no-build-isolation", "--no-index", "-e", HERE),
            environment,
        ),
        (
            "libraries of the pages",
            [sys.executable, HERE / "api" / "web" / "frontend" / "vendor.py"],
            os.environ,
        ),
    ]
    for number, (what, command, variables) in enumerate(steps, 1):
        _say(f"[{number}/{len(steps)}] {what}")
        status = subprocess.run(command, env=variables, check=False).returncode  # noqa: S603
        if status:
            return status
    _say(f"Set up in {time.monotonic() - began:.0f} s")
    return 0


def pip_settings() -> dict[str, list[str]]:
    """Return pip's settings from its files and variables, by option.

    A variable overrides the section ``install`` of a file, which overrides ``global``.
    """
    listed = subprocess.run(  # noqa: S603
        [*_PIP, "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    found: dict[str, list[str]] = {}
    for section in ("global", "install", ":env:"):
        for name, value in re.findall(
            rf"^{section}\.([\w-]+)=(.*)$", listed, re.MULTILINE
        ):
            found[name] = ast.literal_eval(value).split()
    return found


def uv_environment(
    environ: Mapping[str, str], settings: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """Return uv's environment with pip's settings; uv's own variables override them."""
    environment: dict[str, str] = {}
    for option, (variable, between) in _SETTINGS.items():
        if option in settings:
            environment[variable] = between.join(settings[option])
    if "UV_INDEX" in environment:
        # As with pip, a package comes from any index; hashes ensure that it is right.
        environment["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return environment | dict(environ)


def uv_install(*what: str | Path, python: str = sys.executable) -> list[str | Path]:
    """Return the command with which uv installs packages into a Python."""
    # Only a terminal shows uv's progress; a log needs no list of packages.
    quiet = [] if sys.stderr.isatty() else ["--quiet"]
    uv = [sys.executable, "-m", "uv", "pip", "install", *quiet, "--python", python]
    return [*uv, *what]


def _fetch_uv() -> list[str | Path]:
    entry = re.search(r"^uv==(?:.*\\\n)*.*\n", LOCK.read_text(), re.MULTILINE)
    assert entry is not None, "the lock names uv"
    pinned = HERE / ".venv" / "uv.lock"
    pinned.write_text(entry[0])
    return [*_PIP, "install", "--quiet", "--require-hashes", "--requirement", pinned]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

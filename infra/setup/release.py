"""Builds a release into dist/ and starts it once, in an environment without a clone.

``make release`` runs it in .venv. The same commit gives the same files: a wheel, the
sources, the context of the image, the pinned requirements, a bill of materials
(CycloneDX), the licences, and the checksums of all of them.
"""

import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from install import HERE, LOCK, pip_settings, uv_environment, uv_install

DIST = HERE / "dist"
SUMS = "SHA256SUMS"
_TOOLS = HERE / "build" / "release"
_TOOLS_LOCK = Path(__file__).with_name("release.lock")
_LIBRARIES = HERE / "api" / "web" / "frontend" / "package-lock.json"
_UV = [sys.executable, "-m", "uv"]
_PATIENCE_SECONDS = 180.0
# With the libraries of the pages the tool itself has not seen the bill.
_VALID = """
import sys
from pathlib import Path
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
bill = Path(sys.argv[1]).read_text()
if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill):
    sys.exit(str(error))
"""
# The files that the image is built from, and those that describe it.
IMAGE = (
    *("Dockerfile", ".dockerignore", "compose.yaml", "requirements.lock"),
    *("pyproject.toml", "hatch_build.py", "LICENSE", "README.md"),
    *("domain", "infra", "projections", "application", "workers", "api"),
)


def main() -> int:
    """Build and check a release, with a line on stderr a step; return the status."""
    changed = _output("git", "status", "--porcelain")
    if changed:
        _say(f"A release is made of what is committed. Commit or remove:\n{changed}")
        return 1
    name = f"goatherd-{version_of('goatherd')}"
    commit = _output("git", "rev-parse", "HEAD").strip()
    made_at = _output("git", "show", "--no-patch", "--format=%ct", "HEAD").strip()
    environment = {
        **uv_environment(os.environ, pip_settings()),
        "SOURCE_DATE_EPOCH": made_at,
        "COMMIT": commit,
    }
    shutil.rmtree(DIST, ignore_errors=True)
    _say("[1/4] wheel, sources and image")
    _run([sys.executable, "-m", "hatchling", "build", "--directory", DIST], environment)
    (DIST / "commit.txt").unlink()
    (wheel,) = DIST.glob("*.whl")
    _write_image(DIST / f"{name}-image.tar.gz", commit)
    requirements = DIST / f"{name}-requirements.txt"
    _write_requirements(requirements, environment)
    _say("[2/4] an environment with the wheel alone")
    # PostgreSQL runs as another user where root starts it, so others may enter.
    with tempfile.TemporaryDirectory(prefix="goatherd-release-") as folder:
        Path(folder).chmod(0o755)
        python = _installed(Path(folder), wheel, requirements, environment)
        _say("[3/4] bill of materials, licences and checksums")
        bill = DIST / f"{name}-sbom.json"
        _write_bill(bill, python, environment)
        licences = "\n".join(licences_in(json.loads(bill.read_text())))
        (DIST / f"{name}-licences.txt").write_text(f"{licences}\n")
        (DIST / SUMS).write_text(checksums(DIST))
        _say("[4/4] the first page of the wheel")
        _open_first_page(python.with_name("goatherd"), Path(folder))
    for path in sorted(DIST.iterdir()):
        print(f"{path.stat().st_size:>12,}  {path.name}")
    return 0


def checksums(folder: Path) -> str:
    """Return the SHA-256 of each file of a folder, for ``sha256sum --check``."""
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(folder.iterdir())
        if path.name != SUMS
    )


def licences_in(bill: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each component of a bill of materials: name, version, licence.

    A component whose maker names no licence says so, for a person to look it up.
    """
    for part in sorted(bill["components"], key=lambda each: each["name"].lower()):
        found = [
            each.get("expression") or each["license"].get("id")
            for each in part.get("licenses", ())
        ] or ["not named in its metadata"]
        classified = [
            each["license"]["name"].rpartition(" :: ")[2]
            for each in part.get("licenses", ())
            if "name" in each.get("license", ())
        ]
        named = " / ".join(filter(None, found)) or " / ".join(classified)
        yield f"{part['name']} {part['version']}: {named}"


def libraries_of_pages(lock: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the components of the pages' libraries, which npm fetches for the wheel."""
    for place, package in lock["packages"].items():
        if place and not package.get("dev"):
            name = place.removeprefix("node_modules/")
            yield {
                "type": "library",
                "name": name,
                "version": package["version"],
                "purl": f"pkg:npm/{name.replace('@', '%40')}@{package['version']}",
                "bom-ref": f"{name}@{package['version']}",
                "licenses": [{"license": {"id": package["license"]}}],
            }


def _write_image(path: Path, commit: str) -> None:
    # The context has no history, so it brings the commit along.
    note = (
        f"--add-virtual-file={path.name.split('.tar')[0]}/infra/commit.txt:{commit}\n"
    )
    prefix = f"--prefix={path.name.split('.tar')[0]}/"
    command = ["git", "archive", prefix, note, "--output", path, "HEAD", *IMAGE]
    _run(command, os.environ)


def _write_requirements(path: Path, environment: Mapping[str, str]) -> None:
    """Write the pinned packages that run Goatherd, without those of its development."""
    options = ("--universal", "--python-version", "3.11", "--generate-hashes")
    quiet = ("--no-header", "--no-annotate", "--quiet")
    hidden = ("--no-emit-index-url", "--no-emit-find-links")
    chosen = ("pyproject.toml", "--extra", "pdf", "--constraint", LOCK)
    command = [*_UV, "pip", "compile", *options, *quiet, *hidden, *chosen]
    _run([*command, "--output-file", path], environment)
    pinned = set(re.findall(r"^\S+==\S+", LOCK.read_text(), re.MULTILINE))
    new = set(re.findall(r"^\S+==\S+", path.read_text(), re.MULTILINE)) - pinned
    if new:
        raise ValueError(f"requirements.lock lacks {', '.join(sorted(new))}.")


def _installed(
    folder: Path, wheel: Path, requirements: Path, environment: Mapping[str, str]
) -> Path:
    """Return the Python of a new environment that has the wheel and what it needs."""
    venv = folder / "venv"
    _run([*_UV, "venv", "--quiet", "--python", sys.executable, venv], environment)
    python = venv / "bin" / "python"
    pinned = ("--require-hashes", "--requirement", requirements)
    _run(uv_install(*pinned, python=str(python)), environment)
    _run(uv_install("--no-deps", "--no-index", wheel, python=str(python)), environment)
    return python


def _write_bill(path: Path, python: Path, environment: Mapping[str, str]) -> None:
    tool = _TOOLS / "bin" / "cyclonedx-py"
    if not tool.exists():
        _run([*_UV, "venv", "--quiet", "--clear", _TOOLS], environment)
        pinned = ("--require-hashes", "--requirement", _TOOLS_LOCK)
        _run(uv_install(*pinned, python=str(_TOOLS)), environment)
    options = ("--output-reproducible", "--output-format", "JSON")
    schema = ("--spec-version", "1.6", "--no-validate")
    about = ("--pyproject", HERE / "pyproject.toml", "--mc-type", "application")
    command = [
        tool,
        "environment",
        *options,
        *schema,
        *about,
        "--output-file",
        path,
        python,
    ]
    _run(command, environment)
    bill = json.loads(path.read_text())
    bill["components"] = [
        *(part for part in bill["components"] if part["name"] != "goatherd"),
        *libraries_of_pages(json.loads(_LIBRARIES.read_text())),
    ]
    path.write_text(f"{json.dumps(bill, indent=2, sort_keys=True)}\n")
    _run([_TOOLS / "bin" / "python", "-c", _VALID, path], environment)


def _open_first_page(goatherd: Path, folder: Path) -> None:
    """Start the wheel in an empty folder, and open its first page.

    Raises:
        RuntimeError: the page did not open in time.
    """
    home = folder / "home"
    home.mkdir(mode=0o755)
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
    command = [goatherd, "up", "--demo", "--port", port, "--data-dir", home / "data"]
    log = folder / "up.log"
    with (
        log.open("w") as output,
        subprocess.Popen(  # noqa: S603
            command, cwd=home, env=environment, stdout=output, stderr=output
        ) as process,
    ):
        try:
            _wait_for(f"http://127.0.0.1:{port}/", process)
        except RuntimeError as error:
            raise RuntimeError(f"{error}\n{log.read_text()}") from None
        finally:
            process.terminate()
            status = process.wait(_PATIENCE_SECONDS)
    if status:
        raise RuntimeError(f"goatherd up ended with {status}:\n{log.read_text()}")


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    ends_at = time.monotonic() + _PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < ends_at:
        try:
            with urllib.request.urlopen(address, timeout=10) as page:  # noqa: S310
                if b"Goatherd" in page.read():
                    return
        # The port is taken before anybody answers at it.
        except OSError:
            time.sleep(0.5)
    raise RuntimeError(f"{address} did not open.")


def _run(command: Sequence[str | Path], environment: Mapping[str, str]) -> None:
    subprocess.run(command, cwd=HERE, env=environment, check=True)  # noqa: S603


def _output(*command: str) -> str:
    done = subprocess.run(  # noqa: S603
        command, cwd=HERE, capture_output=True, text=True, check=True
    )
    return done.stdout


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

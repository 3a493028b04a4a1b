"""The map of the house: every package with its own sentence, as docs/house.md shows it.

``python -m tests.kit.house_map`` prints the map.
"""

import ast
import sys
from pathlib import Path

from tests.kit.paths import ROOT

PACKAGES = ("domain", "infra", "projections", "application", "workers", "api")


def house_map() -> str:
    """Return a Markdown table of packages, in the order in which imports point up."""
    rows = [
        f"| `{init.parent.relative_to(ROOT)}` | {_sentence(init)} |\n"
        for package in PACKAGES
        for init in sorted((ROOT / package).rglob("__init__.py"))
    ]
    return "| Package | Purpose |\n|---|---|\n" + "".join(rows)


def _sentence(module: Path) -> str:
    docstring = ast.get_docstring(ast.parse(module.read_text())) or ""
    return " ".join(docstring.split("\n\n")[0].split())


if __name__ == "__main__":
    sys.stdout.write(house_map())

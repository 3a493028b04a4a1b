"""The wait of a new user, from a fresh clone to ready."""

import re
import shutil
import subprocess
from pathlib import Path
from time import perf_counter

from tests.benchmarks.harness import Report, Row
from tests.benchmarks.serving import ROOT, environment
from tests.kit.ports import free_port

BAR_SECONDS = 60


def test_a_fresh_clone_is_soon_ready(bench_folder: Path, report: Report):
    clone = bench_folder / "clone"
    git = shutil.which("git")
    make = shutil.which("make")
    assert git is not None
    assert make is not None
    subprocess.run([git, "clone", "--quiet", str(ROOT), str(clone)], check=True)

    began = perf_counter()
    with subprocess.Popen(
        [make, "up", f"ARGS=--port {free_port()}"],
        cwd=clone,
        env=environment({}),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        ready = next(line for line in process.stdout if "is ready at" in line)
        taken = perf_counter() - began
        process.terminate()

    assert re.search(r"http://127\.0\.0\.1:\d+", ready)
    report.add(
        Row(
            what="`make up` from a fresh clone to ready",
            ours=f"{taken:.0f} s",
            bar=(f"under {BAR_SECONDS} s", taken < BAR_SECONDS),
            how="Fresh clone: with the packages in pip's cache, without .venv.",
        )
    )

"""The options of a run of tests: a budget of time, and no servers."""

import os
import subprocess
import sys

from tests.kit.paths import ROOT

PURE = "tests/domain/test_tags.py"
NEEDING_A_DATABASE = "tests/projections/test_bans.py"


def run(*words: str) -> tuple[int, str]:
    """Run both files without servers; return the status and the output."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words]
    nowhere = "postgresql://nobody@127.0.0.1:1/nowhere"
    done = subprocess.run(
        [*command, "--without-servers", PURE, NEEDING_A_DATABASE],
        cwd=ROOT,
        env={**os.environ, "GOATHERD_TEST_DATABASE_URL": nowhere},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_a_run_without_servers_leaves_out_what_needs_one():
    status, output = run("--budget", "3600")

    assert status == 0, output
    assert " passed, 2 deselected" in output
    assert "budget" not in output


def test_a_run_beyond_its_budget_fails():
    status, output = run("--budget", "0.001")

    assert status == 1, output
    assert " passed, 2 deselected" in output
    assert "have a budget of 0 s" in output

"""The cost of a change: worked examples, each a patch that is applied to a copy.

docs/CONTRIBUTING.md explains the first one. Its table and the limits here are promises:
if an example grows, or no longer applies, then the recipe changed. `git apply --3way`
applies a patch to newer lines, and `git diff HEAD -U1` writes it anew.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import Struct

from tests.kit.house_map import PACKAGES
from tests.kit.paths import ROOT

HERE = Path(__file__).parent


MAIN = "tests/workers/test_main.py"
TABLE = "tests/api/routes/test_creator_table.py"
MEANINGS = "tests/api/openapi/test_meanings.py"
COMMANDS = "tests/api/cli/operations/test_every_operation.py"
WEBHOOKS = "tests/api/routes/test_webhooks.py"
LIMITED = "tests/api/http/test_limited_people.py"
WALLS = "tests/projections/test_row_level_security.py"
CREATORS = "tests/api/routes/creators/test_creators.py"


class Example(Struct, frozen=True, kw_only=True):
    """A patch, the number of files it may touch, and the tests that it brings."""

    name: str
    most_files: int
    tests: tuple[str, ...]

    @property
    def patch(self) -> Path:
        return HERE / f"{self.name}.patch"

    @property
    def files(self) -> list[str]:
        return re.findall(r"^\+\+\+ b/(.*)$", self.patch.read_text(), re.MULTILINE)


PINNED = Example(
    name="creator_pinned",
    most_files=14,
    tests=(
        "tests/domain/creator/test_decider.py",
        "tests/domain/test_summaries.py",
        "tests/infra/eventstore/test_codec.py",
        f"{CREATORS}::test_a_creator_is_pinned_by_its_route",
        f"{CREATORS}::test_a_creator_is_added_with_everything_that_was_asked",
        f"{MEANINGS}::test_every_property_of_an_answer_and_a_body_has_a_description",
    ),
)
SOURCE = Example(
    name="source_added",
    most_files=5,
    tests=(
        "tests/workers/sources/providers/test_oembed.py",
        f"{MAIN}::test_the_word_in_the_settings_chooses_the_provider",
    ),
)
COLUMN = Example(
    name="column_with_filter",
    most_files=10,
    tests=(
        f"{CREATORS}::test_a_creator_is_added_with_everything_that_was_asked",
        f"{TABLE}::test_creators_that_moved_are_filtered_by",
        f"{MEANINGS}::test_every_property_of_an_answer_and_a_body_has_a_description",
    ),
)
# It is a route, a command of its own and an operation of `goatherd call`.
OPERATION = Example(
    name="operation_added",
    most_files=3,
    tests=(
        f"{WEBHOOKS}::test_answers_of_endpoints_are_wiped_with_an_erasure",
        f"{MEANINGS}::test_every_property_of_an_answer_and_a_body_has_a_description",
        f"{COMMANDS}::test_every_daily_command_tells_each_refusal_in_a_line",
    ),
)
# Its operations are commands, too, and the sweeps over all operations know it.
THING = Example(
    name="thing_added",
    most_files=11,
    tests=(
        "tests/api/routes/test_bookmarks.py",
        "tests/infra/eventstore/test_codec.py",
        f"{WALLS}::test_no_table_of_tenants_is_open_to_readers_without_the_wall",
        f"{MEANINGS}::test_every_property_of_an_answer_and_a_body_has_a_description",
        f"{LIMITED}::test_no_answer_has_anything_of_another_project",
    ),
)
EXAMPLES = (PINNED, SOURCE, COLUMN, OPERATION, THING)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the files in git, of their bytecode, and of what setup fetched."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git clone")
    command = [git, "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    place = tmp_path / "copy"
    for name in filter(None, names.decode().split("\0")):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            # Bytecode names the time of its source.
            shutil.copy2(ROOT / name, place / name)
    for package in (*PACKAGES, "tests"):
        for compiled in (ROOT / package).rglob("__pycache__"):
            if (there := place / compiled.relative_to(ROOT)).parent.is_dir():
                shutil.copytree(compiled, there)
    # Setup fetches the pages' libraries, so they are not in git.
    vendor = Path("api", "web", "static", "vendor")
    (place / vendor).symlink_to(ROOT / vendor)
    return place


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_a_worked_example_applies_and_its_tests_pass(
    copy: Path, example: Example, postgres_url: str, valkey_url: str
):
    git = ["git", "apply", "--whitespace=nowarn", str(example.patch)]
    applied = subprocess.run(git, cwd=copy, capture_output=True, text=True, check=False)
    assert applied.returncode == 0, applied.stderr
    environment = {
        **{n: v for n, v in os.environ.items() if not n.startswith("PYTEST_")},
        "GOATHERD_TEST_DATABASE_URL": postgres_url,
        "GOATHERD_TEST_REDIS_URL": valkey_url,
    }
    tests = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]

    run = subprocess.run(
        [*tests, *example.tests],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert len(example.files) <= example.most_files


def test_the_table_of_the_recipe_names_the_files_of_the_example():
    text = (ROOT / "docs" / "CONTRIBUTING.md").read_text()
    table = text.partition("The worked example is")[2].partition("\n## ")[0]

    named = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)

    touched = {
        "infra/migrations" if "/migrations/" in name else name for name in PINNED.files
    }
    assert set(named) == touched

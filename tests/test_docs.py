"""The documents say what the code does, and their commands run."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from api.http.errors import markdown
from api.openapi import event_types
from domain.analytics.rules import RULES
from domain.scrape.capacity import table_rows
from infra.http_out.limiter import POLITE_SECONDS
from infra.settings import table
from tests.kit.house_map import PACKAGES, house_map
from tests.kit.paths import ROOT
from tests.kit.ports import free_port

DOCS = ROOT / "docs"
README = ROOT / "README.md"
TOUR = DOCS / "tour.md"
DECISIONS = sorted((DOCS / "adr").glob("[0-9]*.md"))
INDEX_OF_DECISIONS = DOCS / "adr" / "README.md"
CHANGE_LOG = ROOT / "CHANGELOG.md"
SECURITY = ROOT / "SECURITY.md"
PAGES = [README, CHANGE_LOG, SECURITY, *sorted(DOCS.rglob("*.md"))]

# The folders that decision 2 allows at the top.
TOP_LEVEL = {*PACKAGES, "tests", "docs", ".ci", ".github", ".devcontainer"}
SECTIONS = ["Context", "Decision", "Consequences", "Alternatives", "Enforced by"]
LONGEST_DECISION = 60
MOST_WORDS = 50
LONGEST_CHANGE = 240
LONGEST_README = 70


def _of_the_repository(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _without_code(page: Path) -> str:
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def _anchors(page: Path) -> set[str]:
    """Anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", _without_code(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}


def test_every_relative_link_leads_somewhere():
    broken: list[tuple[str, str]] = []
    for page in PAGES:
        for link in re.findall(r"\]\(([^)\s]+)\)", _without_code(page)):
            path, _, anchor = link.partition("#")
            if ":" in path:
                continue
            target = (page.parent / path) if path else page
            if not target.exists() or (anchor and anchor not in _anchors(target)):
                broken.append((_of_the_repository(page), link))

    assert not broken


def test_every_file_that_is_named_is_there():
    packages = "|".join((*PACKAGES, "tests", "docs"))
    name = re.compile(rf"`((?:{packages})/[\w./-]*\w)`")

    missing = {
        (_of_the_repository(page), path)
        for page in PAGES
        for path in name.findall(_without_code(page))
        if not (ROOT / path).exists()
    }

    assert not missing


def test_every_table_has_as_many_cells_in_each_row():
    uneven = {
        (_of_the_repository(page), rows)
        for page in PAGES
        for rows in re.findall(r"(?:^\|.*\|\n)+", _without_code(page), re.MULTILINE)
        if len({line.count("|") for line in rows.splitlines()}) != 1
    }

    assert not uneven


def test_a_decision_has_the_headings_of_the_template_and_fits_a_page(
    subtests: pytest.Subtests,
):
    assert DECISIONS
    for page in DECISIONS:
        with subtests.test(page.name):
            text = page.read_text()

            assert text.startswith(f"# {page.name[:4]} ")
            assert re.search(r"^\* Status: \w", text, re.MULTILINE)
            assert re.search(r"^\* Date: \d{4}-\d\d-\d\d$", text, re.MULTILINE)
            assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
            assert all(re.split(r"^## .+\n", text, flags=re.MULTILINE)[1:])
            assert len(text.splitlines()) <= LONGEST_DECISION


def test_decisions_are_numbered_without_a_gap():
    numbers = [int(page.name[:4]) for page in DECISIONS]

    assert numbers == list(range(len(numbers)))


def test_the_index_has_each_decision_once_with_its_title_and_state():
    row = re.compile(r"^\| (\d+) \| \[(.+)\]\(([^)]+\.md)\) \| (.+) \|$", re.MULTILINE)
    expected: list[tuple[str, str, str, str]] = []
    for page in DECISIONS[1:]:
        first, _, status, *_ = page.read_text().splitlines()
        title = re.sub(r"^# \d{4} (\(replaced by \d{4}\) )?", "", first)
        state = status.removeprefix("* Status: ")
        expected.append((str(int(page.name[:4])), title, page.name, state))

    rows = row.findall(INDEX_OF_DECISIONS.read_text())

    assert sorted(rows, key=lambda cells: int(cells[0])) == expected


def test_a_replaced_decision_names_its_successor_in_its_first_line():
    replaced: dict[str, str] = {}
    for page in DECISIONS[1:]:
        text = page.read_text()
        first = re.match(r"# \d{4} \(replaced by (\d{4})\) ", text)
        status = re.search(r"^\* Status: replaced by \[(\d+)\]", text, re.MULTILINE)
        by = first and first[1]
        assert by == (status and status[1].zfill(4)), page.name
        if by:
            replaced[page.name] = by
    assert replaced

    numbers = {page.name[:4]: page.read_text() for page in DECISIONS}
    for name, by in replaced.items():
        assert by > name[:4], name
        assert f"({name})" in numbers.get(by, ""), f"{by} does not link to {name}"


def test_a_link_names_the_decision_that_it_leads_to():
    named = re.compile(r"\[decision (\d+)\]\([^)]*?(\d{4})-[^)]*\.md\)")
    found = [
        (page.name, *link) for page in PAGES for link in named.findall(page.read_text())
    ]
    assert found
    assert [each for each in found if int(each[1]) != int(each[2])] == []


def test_the_top_level_is_the_decided_one():
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git clone")
    command = [git, "ls-files", "--cached", "--others", "--exclude-standard", "-z"]

    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout

    folders = {name.split("/")[0] for name in names.decode().split("\0") if "/" in name}
    assert folders <= TOP_LEVEL


def test_the_table_of_settings_is_the_printed_one():
    command = [sys.executable, "-m", "infra.settings"]
    printed = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    text = (DOCS / "operating.md").read_text()

    assert f"\n\n{printed}\n" in text
    assert len(re.findall(r"^\| `GOATHERD_", text, re.MULTILINE)) == len(table())


def test_the_table_of_creators_that_web_serves_is_the_computed_one():
    rows = "\n".join(table_rows(seconds_each=POLITE_SECONDS))

    assert f"|\n{rows}\n\n" in (DOCS / "sources.md").read_text()


def test_the_table_of_errors_is_the_printed_one():
    text = (DOCS / "errors.md").read_text()

    assert f"\n\n{markdown()}\n" in text


def test_the_page_of_analytics_names_the_version_of_its_rules():
    assert f"(`rules`, now {RULES};" in (DOCS / "analytics.md").read_text()


def test_the_types_of_events_are_the_printed_ones():
    text = (DOCS / "events.md").read_text()

    assert text.endswith(f"\n\n{event_types.markdown()}")


def test_the_map_of_the_house_is_the_printed_one():
    text = (DOCS / "house.md").read_text()

    assert f"\n\n{house_map()}\n" in text


def test_the_readme_names_every_package_from_the_top_down():
    sentence = f"Imports only point down: {', '.join(reversed(PACKAGES))}."

    assert sentence in README.read_text()


def test_the_vocabulary_is_short():
    """A name that needs a glossary is renamed instead."""
    words = (DOCS / "vocabulary.md").read_text().partition("\n## Events\n")[0]

    rows = re.findall(r"^\| (?!Word |---)", words, re.MULTILINE)

    assert 0 < len(rows) <= MOST_WORDS


def test_the_change_log_has_one_line_for_each_change():
    text = CHANGE_LOG.read_text()
    sections = re.findall(r"^### (.+)$", text, re.MULTILINE)
    versions = text.partition("\n## ")[2].splitlines()
    changes = [re.sub(r"\]\(.*?\)", "]", line) for line in versions]

    assert set(sections) <= {"Breaking", "New", "Fixed"}
    assert [line for line in versions if line.startswith((" ", "* "))] == []
    assert [line for line in changes if len(line) > LONGEST_CHANGE] == []


def test_the_sql_for_operators_runs(database_url: str):
    text = (DOCS / "operating.md").read_text()
    blocks = re.findall(r"^```sql\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    # Roles belong to the server, which other tests share.
    ours = [block for block in blocks if not block.startswith("CREATE ROLE")]

    with psycopg.connect(database_url, autocommit=True) as connection:
        for block in ours:
            connection.execute(block.encode())

    assert len(ours) >= 5


def test_the_readme_is_short_and_names_the_two_commands():
    text = README.read_text()

    assert len(text.splitlines()) <= LONGEST_README
    assert "\nmake up\nmake test\n" in text
    assert "\n```mermaid\n" in text


def test_the_tour_can_be_taken_at_any_port_and_in_any_data_directory(data_dir: Path):
    for program in ("curl", "python3"):
        if shutil.which(program) is None:
            pytest.skip(f"the tour needs {program}")
    port = free_port()
    fences = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    tour = "".join(fences.findall(TOUR.read_text()))
    folder = data_dir.parent
    # The tour is taken in the folder of a clone.
    (folder / "docs").symlink_to(DOCS)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "GOATHERD_PORT": str(port),
        "GOATHERD_DATA_DIR": str(data_dir),
    }

    with (folder / "up.log").open("wb") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "up", "--demo"],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert running.stdout is not None
        greeting = running.stdout.readline()
        assert greeting == f"Goatherd is ready at http://127.0.0.1:{port}\n"
        _pages, key = running.stdout.readline(), running.stdout.readline()
        assert key.endswith(f" (kept in {data_dir / 'api-key'})\n")
        taken = subprocess.run(
            ["/bin/sh", "-eu", "-c", tour],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        running.send_signal(signal.SIGTERM)
        running.communicate()

    assert (taken.returncode, taken.stderr) == (0, "")
    for shown in (
        '"status": "ready"',
        " 0 of them not yet under a root",
        "mount-goatlympus ",
        "HTTP/1.1 201",
        "the-quiet-herd   failed   handle_taken",
        'etag: W/"2-',
        "kid-and-kettle-bakery 2",
        "succeeded ok",
        " removed\n",
        " active\n",
        '"code": "version_conflict"',
        "Brought back, with new videos included at once, by key First key.\n",
        "Renamed from @kid-and-kettle to @kid-and-kettle-bakery by key First key.\n",
        "None 4\n",
        "['kid-and-kettle-bakery']\n",
        "creator_list building\n",
        "swapped at position ",
        # No answer has the handle of the erased creator.
        "\n0\n0\n0\n",
        '"currentVersion": 5',
    ):
        assert shown in taken.stdout
    # Early on a Monday nothing has been observed in the week that begins.
    rows = r"^(\d{4}-\d\d-\d\d)\t(\d*)\t(?:true|false)$"
    weeks = re.findall(rows, taken.stdout, re.MULTILINE)
    first, excluded, as_of = weeks[:9], weeks[9:14], weeks[14:]
    assert as_of == first[-5:]
    # The excluded video has views in one of these weeks, and takes none from any other.
    for (day, less), (same_day, more) in zip(excluded, as_of, strict=True):
        assert day == same_day
        assert int(less or 0) <= int(more or 0)
    assert excluded != as_of
    # Every answer during the rebuild was a success.
    assert re.findall(r"^ +\d+ (\d{3})$", taken.stdout, re.MULTILINE) == ["200"]

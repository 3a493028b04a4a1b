"""Walls: clients and people see the same, unless a commit says why it changes.

``python -m tests.walls`` writes the snapshots anew. Golden events have a test of their
own, ``tests/infra/eventstore/test_codec.py``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.kit.command_line import CommandLine
from tests.walls import answers, commands, documents, pages, sentences
from tests.walls.demo import Demo, demo
from tests.walls.snapshots import KNOWN, compare, snapshot

pytestmark = pytest.mark.timeout(900)

Check = Callable[[str, Mapping[str, Iterable[str]]], None]


@pytest.fixture(scope="module")
def furnished(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Demo]:
    with demo(postgres_url, tmp_path_factory.mktemp("demo")) as made:
        yield made


@pytest.fixture(scope="module")
def seen(furnished: Demo) -> Mapping[str, pages.Seen]:
    """The pages as the owner sees them."""
    return pages.seen_by(furnished.owner, furnished)


@pytest.fixture
def check(request: pytest.FixtureRequest) -> Check:
    """Compare parts with the snapshot of a name, or write it."""
    write = bool(request.config.getoption("--write-walls", default=False))
    return lambda name, parts: compare(name, snapshot(parts), write=write)


def test_the_openapi_document(check: Check):
    check("openapi", documents.openapi())


def test_the_catalogue_of_public_events(check: Check):
    check("public_events", documents.public_events())


def test_the_sentences_of_events(check: Check):
    check("sentences", sentences.golden_sentences())


def test_the_help_of_commands(
    check: Check, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "200")

    check("helps", commands.helps(command_line))


def test_every_command_is_run_or_says_why_not():
    _, there = commands.commands()
    run = {
        each
        for each in there
        if any(f"{line} ".startswith(f"{each} ") for line in commands.READING)
    }

    assert run | commands.HELP_ONLY.keys() == {*there}
    assert run & commands.HELP_ONLY.keys() == set()


def test_the_sentences_of_the_demo(check: Check, furnished: Demo):
    check("histories", sentences.demo_sentences(furnished))


def test_the_output_of_commands(
    check: Check,
    furnished: Demo,
    command_line: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
):
    monkeypatch.setenv("COLUMNS", "200")

    check("commands", commands.outputs(command_line, furnished, tmp_path))


def test_the_answers_about_the_past(check: Check, furnished: Demo):
    check("answers", answers.answers(furnished))


def test_the_pages(
    check: Check, seen: Mapping[str, pages.Seen], subtests: pytest.Subtests
):
    areas = pages.by_area(seen)
    for area, lines in areas.items():
        with subtests.test(area):
            check(f"pages/{area}", lines)
    known = {path.stem for path in (KNOWN / "pages").iterdir()}
    assert known == {*areas, "around"}


def test_what_is_around_pages_and_what_strangers_see(check: Check, furnished: Demo):
    check("pages/around", pages.around(furnished))


def test_what_a_viewer_sees_otherwise(
    check: Check, furnished: Demo, seen: Mapping[str, pages.Seen]
):
    viewed = pages.seen_by(furnished.viewer, furnished)

    check("viewer", pages.differences(seen, viewed))


def test_the_pages_of_shared_links(check: Check, furnished: Demo):
    check("shared", pages.shared(furnished))


def test_how_forms_differ_after_wrong_input(
    check: Check, furnished: Demo, seen: Mapping[str, pages.Seen]
):
    check("refusals", pages.refusals(furnished, seen))

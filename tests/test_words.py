"""The words of the project: sentences begin with a subject, and private words stay out.

Names that a stranger cannot know cost everybody who reads the code. Each private word
here once meant something in this project alone; the right side is its present name.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.house_map import PACKAGES
from tests.kit.paths import ROOT

# Parts of identifiers, as `snake_case` and `CamelCase` are read.
IN_NAMES = {
    "fact": "event",
    "facts": "events",
    "past": "history",
    "pasts": "histories",
    "asked": "params, query or request",
    "wanted": "query or requested",
    "told": "observed or reported",
    "teller": "formatter",
    "heard": "batch input",
    "herd": "owner state",
    "herds": "owner states",
    "keeper": "provisional owner, or lease renewer",
    "standing": "counting flags",
    "standings": "counting flags",
    "unowned": "unattributed",
    "beside": "shadow tables",
    "companion": "local worker",
    "companions": "local workers",
    "crew": "remote workers",
    "crews": "remote workers",
    "letters": "dead letters",
    "rung": "notified",
    "doorbell": "wake-up",
    "bell": "wake-up",
    "bells": "wake-ups",
    "pile": "sorted recording",
    "piles": "sorted recordings",
    "heap": "group",
    "sighting": "follower observation, or run content",
    "sightings": "follower observations",
    "alongside": "in_transaction",
    "beforehand": "before_append",
    "relayed": "adapt_hook",
    "leash": "reaper",
    "visit": "page context, or session",
    "visits": "page contexts, or sessions",
    "clash": "edit conflict",
    "spark": "sparkline",
    "sketch": "inline SVG",
    "admission": "request guard",
    "rehearse": "dry run",
    "magnitude": "follower bucket",
    "tally": "quota counter",
    "tallies": "quota counters",
}
# In a test these are plain English: somebody who visits, what is wanted and got.
PLAIN_IN_TESTS = {"beside", "exchange", "heard", "visit", "wanted"}
# And in the sentence that is a test's name, what happened in the past, or was asked.
PLAIN_IN_SENTENCES = {"asked", "past", "told"}
# Terms of the field that hold such a word.
TERMS = ("dead_letters", "DEAD_LETTERS", "DeadLetters")
# In documents, docstrings and comments only what can mean nothing else.
IN_PROSE = {
    "facts": "events",
    "herds": "owner states",
    "sighting": "observation",
    "sightings": "observations",
    "doorbell": "wake-up",
    "bells": "wake-ups",
    "teller": "formatter",
    "companions": "local workers",
    "crew": "remote workers",
    "unowned": "unattributed",
    "tally": "quota counter",
    "tallies": "quota counters",
    "beside": "in shadow tables, next to, or in addition to",
    "told": "reported, said, or observed",
}
# A sentence that begins with one of these has no subject that a reader knows yet.
BAD_BEGINNINGS = (
    "who whom whose whoever what whatever whether of those such".title().split()
)
# Any capital one counts, wherever it stands: in a docstring, a comment, a description,
# a message, SQL or a page. That is simpler than a parser for each, and misses less.
BAD_BEGINNING = re.compile(rf"\b(?:{'|'.join(BAD_BEGINNINGS)})\b")
# "A date is none" hides what is wrong: not valid, not there, or of another kind.
IS_NONE = re.compile(r"(?<![Tt]here )\b(?:is|are) none\b")
# The headings of docs/operating.md are questions. No other text may be one.
QUESTION = re.compile(r"^#+ .*\?$", re.MULTILINE)
KINDS = {
    "Python": {".py"},
    "SQL": {".sql"},
    "pages": {".html", ".css", ".js"},
    "documents and settings of tools": {".md", ".toml", ".yaml", ".yml", ""},
}
# Python's own tokenizer takes ten times as long.
TOKEN = re.compile(
    r'''
    (?P<prose> \# [^\n]* | [A-Za-z]{0,2} """ (?: \\. | [^\\] )*? """ )
    | [A-Za-z]{0,2} (?: " (?: \\. | [^"\\\n] )* " | ' (?: \\. | [^'\\\n] )* ' )
    | (?P<name> [A-Za-z_]\w* )
    ''',
    re.VERBOSE | re.DOTALL,
)
MODULES = sorted(
    file for name in (*PACKAGES, "tests") for file in (ROOT / name).rglob("*.py")
)
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "api" / "web" / "templates").rglob("*.html")),
]


def _of_the_repository(file: Path) -> str:
    return str(file.relative_to(ROOT))


@pytest.mark.parametrize("kind", KINDS)
def test_every_sentence_begins_with_its_subject(kind: str):
    found = [
        f"{_of_the_repository(file)}:{line}: {text}"
        for file in _texts()
        if file.suffix in KINDS[kind]
        for line, text in _bad_beginnings(file.read_text())
    ]

    assert not found, "\n".join(found)


def test_no_name_has_a_private_word():
    found = {
        (_of_the_repository(module), name, IN_NAMES[word])
        for module in MODULES
        if module != Path(__file__)
        for name in _names(module)
        for word in _words_of(name)
        if word in IN_NAMES
        and not (_is_test(module) and word in PLAIN_IN_TESTS)
        and not (name.startswith("test_") and word in PLAIN_IN_SENTENCES)
    }

    assert not found


def test_no_page_no_docstring_and_no_comment_has_a_private_word():
    texts = {page: page.read_text() for page in PAGES}
    texts |= {module: _prose(module) for module in MODULES if not _is_test(module)}

    found = {
        _of_the_repository(file): private
        for file, text in texts.items()
        if (private := _private_prose(text))
    }

    assert not found


def test_no_text_says_that_a_thing_is_none():
    texts = {page: page.read_text() for page in PAGES if page.suffix == ".md"}
    texts |= {module: _prose(module) for module in MODULES}

    found = {
        _of_the_repository(file): said
        for file, text in texts.items()
        if file != Path(__file__) and (said := IS_NONE.findall(text))
    }

    assert not found


def test_no_two_classes_share_a_name():
    places: defaultdict[str, list[str]] = defaultdict(list)
    for module in MODULES:
        if not _is_test(module):
            for name in _classes(module):
                places[name].append(_of_the_repository(module))

    several = {name: found for name, found in places.items() if len(found) > 1}

    assert not several


def _texts() -> list[Path]:
    """Every text of the repository that people write, sorted."""
    folders = [ROOT / name for name in (*PACKAGES, "tests", "docs", ".ci", ".github")]
    files = [*ROOT.iterdir(), *(file for f in folders for file in f.rglob("*"))]
    suffixes = set[str]().union(*KINDS.values())
    return sorted(
        file
        for file in files
        if file.is_file()
        if file.suffix in suffixes and file.name != "LICENSE"
        if not {"node_modules", "vendor"}.intersection(file.parts)
    )


def _bad_beginnings(text: str) -> Iterator[tuple[int, str]]:
    """Each line that has a sentence without a subject in front, with its number."""
    for number, line in enumerate(QUESTION.sub("", text).split("\n"), 1):
        if BAD_BEGINNING.search(line):
            yield number, line.strip()


def _is_test(module: Path) -> bool:
    return module.is_relative_to(ROOT / "tests")


def _names(module: Path) -> set[str]:
    return {token["name"] for token in TOKEN.finditer(module.read_text())} - {None}


def _private_prose(text: str) -> dict[str, str]:
    """Map each private word of a text to its plain one."""
    words = re.findall(r"(?<![\w-])[a-z]+(?![\w-])", text.lower())
    return {word: IN_PROSE[word] for word in words if word in IN_PROSE}


def _prose(module: Path) -> str:
    """The docstrings, the statements of SQL and the comments of a module."""
    tokens = TOKEN.finditer(module.read_text())
    return "\n".join(token["prose"] or "" for token in tokens)


def _words_of(name: str) -> list[str]:
    for term in TERMS:
        name = name.replace(term, "")
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]


def _classes(module: Path) -> set[str]:
    """Every class of a module, and every alias of a type at its top."""
    tree = ast.parse(module.read_text())
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and re.match(r"_?[A-Z][a-z]", target.id):
                names.add(target.id)
    return names

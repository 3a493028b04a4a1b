"""The field's words: private ones that were replaced do not come back.

Names that a stranger cannot know cost everybody who reads the code. Each word here
once meant something in this project alone; the right side is what it is called now.
"""

import ast
import io
import re
import tokenize
from collections import defaultdict
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
# Riddles: what a stranger reads twice, and what to say instead.
RIDDLES = {
    r"(take|takes|took|taken|taking) (it |them |events |what is new )?in\b": "apply",
    r"heard of": "last heartbeat, or reported",
    r"(a|one|first|last|each|every|second|two) looks?\b": "snapshot, or scrape",
    r"(became|become|becomes) of (it|them|him|a|the|each)\b": "the result of",
    r"asked (for|about|of)\b": "requested",
    r"(is|are|was|were) level\b": "caught up",
    r"(know|knows|knew) nothing of\b": "has no, or stays as it is",
    r"at rest\b": "stopped, or stored",
    r"as they come\b": "in their order",
    r"to be had\b": "available",
}

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


@pytest.mark.parametrize("package", (*PACKAGES, "tests"))
def test_no_name_has_a_private_word(package: str):
    found = {
        (_of_the_repository(module), name, IN_NAMES[word])
        for module in MODULES
        if module.is_relative_to(ROOT / package) and module != Path(__file__)
        for name in _names(module)
        for word in _words_of(name)
        if word in IN_NAMES
        and not (package == "tests" and word in PLAIN_IN_TESTS)
        and not (name.startswith("test_") and word in PLAIN_IN_SENTENCES)
    }

    assert not found


@pytest.mark.parametrize("page", PAGES, ids=_of_the_repository)
def test_no_page_has_a_private_word(page: Path):
    assert not _private_prose(page.read_text())


@pytest.mark.parametrize("package", PACKAGES)
def test_no_docstring_and_no_comment_has_a_private_word(package: str):
    found = {
        _of_the_repository(module): private
        for module in MODULES
        if module.is_relative_to(ROOT / package)
        if (private := _private_prose(_prose(module)))
    }

    assert not found


def test_no_two_classes_share_a_name():
    places: defaultdict[str, list[str]] = defaultdict(list)
    for module in MODULES:
        if not module.is_relative_to(ROOT / "tests"):
            for name in _classes(module):
                places[name].append(_of_the_repository(module))

    several = {name: found for name, found in places.items() if len(found) > 1}

    assert not several


def _names(module: Path) -> set[str]:
    source = io.StringIO(module.read_text())
    tokens = tokenize.generate_tokens(source.readline)
    return {token.string for token in tokens if token.type == tokenize.NAME}


def _private_prose(text: str) -> dict[str, str]:
    """Return the private words and riddles of a text, each with what to say instead."""
    text = re.sub(r"\s+", " ", text.lower())
    words = re.findall(r"(?<![\w-])[a-z]+(?![\w-])", text)
    private = {word: IN_PROSE[word] for word in words if word in IN_PROSE}
    for riddle, plain in RIDDLES.items():
        if found := re.search(rf"\b{riddle}", text):
            private[found[0]] = plain
    return private


def _prose(module: Path) -> str:
    """Return the docstrings and comments of a module."""
    text = module.read_text()
    docstrings = [
        ast.get_docstring(node, clean=False) or ""
        for node in ast.walk(ast.parse(text))
        if isinstance(
            node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        )
    ]
    comments = [
        token.string.removeprefix("#")
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    ]
    return "\n".join(docstrings + comments)


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

"""Pages speak as a manager does: no name of the API, and no word of those who build."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from api.http.errors import FieldProblem
from api.web.kit.plain_names import field_label, plain_names, plain_problem
from tests.kit.application import Tenant, data_of
from tests.kit.paths import ROOT
from tests.kit.visitor import Visitor

WEB = ROOT / "api" / "web"
# The pages of the operators are about read models and the log.
FOR_OPERATORS = re.compile(r"/(?:operations|system)/")
FORBIDDEN = {
    "denominator",
    "numerator",
    "streak",
    "streaks",
    "cell",
    "cells",
    "projection",
    "projections",
    "plan is unlimited",
    "don't count",
    "doesn't count",
    "do not count",
    "does not count",
    "ended well",
    "own dates",
    "reload the page",
    "reload it in a moment",
    "to the creators",
    "is not an iana",
}
# Programs read these words, which templates show as code.
CODE = re.compile(r"<(code|pre)\b.*?</\1>", re.DOTALL)
COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
EXPRESSION = re.compile(r"\{\{(.*?)\}\}|\{%(.*?)%\}", re.DOTALL)
LITERAL = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
SPOKEN = re.compile(r'\b(?:title|aria-label|placeholder|alt|data-why)="([^"]*)"')
APOSTROPHE = {0x2019: "'"}
TAG = re.compile(r"<[^>]*>")
SNAKE = re.compile(r"\b[a-z]+(?:_[a-z0-9]+)+\b")


def spoken(template: str) -> Iterator[str]:
    """The texts of a template that a person reads or is read."""
    text = CODE.sub(" ", COMMENT.sub(" ", template))
    for found in EXPRESSION.finditer(text):
        for literal in LITERAL.finditer(found[1] or found[2]):
            words = literal[1] or literal[2] or ""
            if " " in words.strip():
                yield TAG.sub(" ", words)
    plain = EXPRESSION.sub(" ", text)
    yield from SPOKEN.findall(plain)
    yield TAG.sub(" ", plain)


def messages(module: Path) -> Iterator[str]:
    """The texts of a module that are sentences, without docstrings."""
    tree = ast.parse(module.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    } | {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef) and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
            and " " in node.value.strip()
        ):
            yield node.value


@cache
def texts() -> list[tuple[str, str]]:
    """Every text of the pages, with the file that has it."""
    found: list[tuple[str, str]] = []
    for file in sorted((WEB / "templates").rglob("*.html")):
        found += [(str(file.relative_to(ROOT)), t) for t in spoken(file.read_text())]
    for file in sorted(WEB.rglob("*.py")):
        if "node_modules" not in file.parts and file.name != "plain_names.py":
            found += [(str(file.relative_to(ROOT)), text) for text in messages(file)]
    for file in sorted((WEB / "static" / "js").glob("*.js")):
        literals = re.findall(r'"([^"\n]* [^"\n]*)"|`([^`]* [^`]*)`', file.read_text())
        found += [(str(file.relative_to(ROOT)), a or b) for a, b in literals]
    return found


def test_the_words_of_those_who_build_are_on_no_page_of_a_manager():
    assert len(texts()) > 1_000
    pattern = re.compile(rf"\b(?:{'|'.join(sorted(FORBIDDEN))})\b", re.IGNORECASE)

    found = [
        f"{file}: {words[0]} in {' '.join(text.split())[:120]}"
        for file, text in texts()
        if not FOR_OPERATORS.search(file)
        for words in [pattern.search(text.translate(APOSTROPHE))]
        if words
    ]

    assert not found, "\n".join(found)


def test_no_page_names_a_field_as_the_api_does():
    found = [
        f"{file}: {name}"
        for file, text in texts()
        if file.endswith(".html")
        for name in SNAKE.findall(text)
    ]

    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("message", "words"),
    (
        (
            "ends_on must not be before starts_on.",
            "The last day must not be before the first day.",
        ),
        (
            "tracking_end_date must not be before tracking_start_date.",
            "The last day must not be before the first day.",
        ),
        (
            "'Berlin' is not an IANA time zone.",
            "Choose a time zone from the list, such as Europe/Berlin.",
        ),
        (
            "Sort must be one of created_at, tiktok_handle.",
            "Sort must be one of the choices of the page.",
        ),
        ("Granularity must be one of day, week.",) * 2,
        ("'big_goat_' is not a TikTok handle.",) * 2,
        ("time_zone must not be blank.", "The time zone must not be blank."),
    ),
)
def test_a_message_of_the_api_is_said_in_the_words_of_the_page(
    message: str, words: str
):
    assert plain_names(message) == words
    problem = plain_problem(FieldProblem("/x", message))
    assert problem == FieldProblem("/x", words.removesuffix("."))


def test_a_field_has_a_label_without_an_underscore():
    assert field_label("starts_on") == "First day"
    assert field_label("view_count") == "View count"


def test_a_wrong_time_zone_is_answered_with_what_to_do(visitor: Visitor, home: Tenant):
    page = visitor.see("/settings/organization")

    answer = visitor.submit(page, "/settings/organization", time_zone="Berlin")

    assert answer.status_code == 400
    assert "Choose a time zone from the list, such as Europe/Berlin." in answer.text
    assert "IANA" not in answer.text
    assert data_of(home.get("/organization"))["time_zone"] == "UTC"

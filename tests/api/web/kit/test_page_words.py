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
SQL = re.compile(r"\b(?:SELECT|FROM|INSERT|UPDATE|DELETE|WHERE|SET|AND) \S|^id, ")
# Messages of these packages reach pages; those about the log are for operators.
SPEAKING = ("domain", "api/http", "api/routes", "application/connect")
SPEAKING_TO_OPERATORS = re.compile(
    r"/integrity/|/projections?(?:_responses)?\.py|/error_codes\.py|/route_info\.py"
)
# The texts of the command line may name fields as the API does, but have no word of
# those who build it, except in the commands about read models.
OF_OPERATORS = re.compile(r"/cli/(?:projections/|commands\.py)")
# A damaged log and a header of HTTP.
NEVER_SHOWN = re.compile(r"history must begin with|^, error=")
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
    """The texts of a module that are sentences or parts of them, without docstrings.

    SQL and descriptions of the API are not among them.
    """
    tree = ast.parse(module.read_text())
    left_out = {
        id(part)
        for node in ast.walk(tree)
        for one in _no_messages(node)
        for part in ast.walk(one)
    }
    for node in ast.walk(tree):
        text = "" if id(node) in left_out else _text(node)
        if " " in text.strip() and not SQL.search(text):
            yield text


def _no_messages(node: ast.AST) -> list[ast.AST]:
    match node:
        case ast.JoinedStr():
            # Its parts; the whole of it is a text.
            return [each for each in node.values if isinstance(each, ast.Constant)]
        case ast.Module() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
            first = node.body[0] if node.body else None
            return [first] if isinstance(first, ast.Expr) else []
        case ast.keyword(arg="description" | "examples"):
            return [node.value]
        case _:
            return []


def _text(node: ast.AST) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr():
            return "".join(
                each.value
                if isinstance(each, ast.Constant) and isinstance(each.value, str)
                else "0"
                for each in node.values
            )
        case _:
            return ""


@cache
def texts() -> list[tuple[str, str]]:
    """Every text of the pages, with the file that has it."""
    found: list[tuple[str, str]] = []
    for file in sorted((WEB / "templates").rglob("*.html")):
        found += [(str(file.relative_to(ROOT)), t) for t in spoken(file.read_text())]
    for file in sorted(WEB.rglob("*.py")):
        if "node_modules" not in file.parts and file.name != "plain_names.py":
            found += [
                (str(file.relative_to(ROOT)), text)
                for message in messages(file)
                # A pattern of HTML is a small template.
                for text in (spoken(message) if TAG.search(message) else [message])
            ]
    for file in sorted((WEB / "static" / "js").glob("*.js")):
        literals = re.findall(r'"([^"\n]*)"|`([^`]*)`', file.read_text())
        found += [
            (str(file.relative_to(ROOT)), a or b) for a, b in literals if " " in a + b
        ]
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
        f"{file}: {name}" for file, text in texts() for name in SNAKE.findall(text)
    ]

    assert not found, "\n".join(found)


def messages_of(*folders: str) -> Iterator[tuple[str, str]]:
    """The messages of the modules in these folders, each with its file."""
    for folder in folders:
        for module in sorted((ROOT / folder).rglob("*.py")):
            file = str(module.relative_to(ROOT))
            if not SPEAKING_TO_OPERATORS.search(file):
                texts = (one for one in messages(module) if not NEVER_SHOWN.search(one))
                yield from ((file, text) for text in texts)


def test_messages_have_no_word_of_those_who_build():
    pattern = re.compile(
        rf"\b(?:{'|'.join(sorted(FORBIDDEN))}|per org)\b", re.IGNORECASE
    )
    spoken_by_all = [*messages_of(*SPEAKING, "api/cli")]
    assert len(spoken_by_all) > 1_000

    found = [
        f"{file}: {words[0]} in {' '.join(text.split())[:120]}"
        for file, text in spoken_by_all
        if not OF_OPERATORS.search(file)
        for words in [pattern.search(text.translate(APOSTROPHE))]
        if words
    ]

    assert not found, "\n".join(found)


def test_each_field_in_a_message_has_a_name_on_pages():
    found = {
        f"{file}: {name}"
        for file, text in messages_of(*SPEAKING)
        for name in SNAKE.findall(text)
        if plain_names(f"{name} is wrong.") == f"{name} is wrong.".replace("_", " ")
        or field_label(name) == name.replace("_", " ").capitalize()
    }

    assert not found, "\n".join(sorted(found))


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
            "'Berlin' is no time zone; choose one such as Europe/Berlin.",
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

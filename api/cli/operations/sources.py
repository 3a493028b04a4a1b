"""The text of the routes' modules: an operation is found there without loading any."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_ROUTES = Path(__file__).parents[2] / "routes"


def modules_with(operation_id: str) -> Iterator[Path]:
    """Yield the modules of routes whose text has the id."""
    id_ = f'"{operation_id}"'.encode()
    yield from (path for path, text in _texts().items() if id_ in text)


def summary_of(operation_id: str) -> str | None:
    """Return what an operation does in one sentence; None if no resource has it."""
    for path in modules_with(operation_id):
        for node in ast.walk(_parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
                _declares(decorator, operation_id) for decorator in node.decorator_list
            ):
                text = (ast.get_docstring(node) or "").partition("\n\n")[0]
                return " ".join(text.replace("`", "").split())
    return None


def _declares(decorator: ast.expr, operation_id: str) -> bool:
    return isinstance(decorator, ast.Call) and any(
        isinstance(argument, ast.Constant) and argument.value == operation_id
        for argument in (*decorator.args, *(each.value for each in decorator.keywords))
    )


@cache
def _texts() -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(_ROUTES.rglob("*.py"))}


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(_texts()[path])

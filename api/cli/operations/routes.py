"""The routes of one operation, found without loading those of the others."""

from importlib import import_module
from pathlib import Path

from litestar import Controller
from litestar.handlers import HTTPRouteHandler

from api.cli.operations.sources import modules_with
from api.controllers import controllers_in

_ROOT = Path(__file__).parents[3]


def routes_of(operation_id: str) -> list[type[Controller]]:
    """Return the routes that the operation's module declares; none if no module has it.

    Ids are looked for in the text of the modules, because loading all of them takes
    seconds.
    """
    for path in modules_with(operation_id):
        name = ".".join(path.relative_to(_ROOT).with_suffix("").parts)
        found = controllers_in(import_module(name))
        if any(operation_id in _ids(route) for route in found):
            return found
    return []


def _ids(controller: type[Controller]) -> set[str]:
    return {
        str(value.operation_id)
        for value in vars(controller).values()
        if isinstance(value, HTTPRouteHandler)
    }

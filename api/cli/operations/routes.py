"""The routes of one operation, found without loading those of the others."""

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

from litestar import Controller
from litestar.handlers import HTTPRouteHandler
from litestar.types import ControllerRouterHandler

from api.cli.operations.sources import modules_with

_ROOT = Path(__file__).parents[3]


def routes_of(operation_id: str) -> list[ControllerRouterHandler]:
    """Return the routes that the operation's module declares; none if no module has it.

    Ids are looked for in the text of the modules, because loading all of them takes
    seconds.
    """
    for path in modules_with(operation_id):
        name = ".".join(path.relative_to(_ROOT).with_suffix("").parts)
        found = _declared(import_module(name))
        if any(operation_id in _ids(route) for route in found):
            return found
    return []


def _declared(module: ModuleType) -> list[ControllerRouterHandler]:
    return [
        value
        for value in vars(module).values()
        if (isinstance(value, type) and issubclass(value, Controller))
        and sys.modules[value.__module__] is module
    ]


def _ids(controller: ControllerRouterHandler) -> set[str]:
    return {
        str(value.operation_id)
        for value in vars(controller).values()
        if isinstance(value, HTTPRouteHandler)
    }

"""Controllers, found in the modules of a package, and the entities they declare."""

from collections.abc import Iterable, Mapping
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType

from litestar import Controller
from msgspec import Struct

from api.http.route_info import RouteError


def controllers_in(module: ModuleType) -> list[type[Controller]]:
    """Return the controllers that a module declares itself, in its order."""
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Controller)
        and value.__module__ == module.__name__
    ]


def controllers_below(package: ModuleType) -> list[type[Controller]]:
    """Load all modules of a package, and return their controllers, sorted by module.

    A controller that others inherit from is their base alone, and left out.
    """
    modules = walk_packages(package.__path__, f"{package.__name__}.")
    names = sorted(module.name for module in modules)
    found = [one for name in names for one in controllers_in(import_module(name))]
    bases = {base for one in found for base in one.__mro__[1:]}
    return [one for one in found if one not in bases]


def entities_of(controllers: Iterable[type[Controller]]) -> dict[str, type[Struct]]:
    """Return the entities of all controllers, sorted by name.

    A controller may declare ``entities``: public structs by the name of the thing.

    Raises:
        RouteError: two controllers declare one name.
    """
    entities: dict[str, type[Struct]] = {}
    for controller in controllers:
        declared: Mapping[str, type[Struct]] = getattr(controller, "entities", {})
        for name in entities.keys() & declared:
            msg = f"{controller.__name__} declares {name}, as another controller does."
            raise RouteError(msg)
        entities |= declared
    return dict(sorted(entities.items()))

"""Which controllers are found, and what they declare."""

from importlib import import_module
from pathlib import Path
from typing import ClassVar

import pytest
from litestar import Controller
from msgspec import Struct

from api.controllers import controllers_below, entities_of
from api.http.route_info import RouteError

MODULES = {
    "__init__": "",
    "sheep": "from litestar import Controller\nclass SheepRoutes(Controller): ...",
    "goats/__init__": "",
    "goats/kids": "from herd.sheep import SheepRoutes\n"
    "from herd.wool import WoolRoutes as Wool\n"
    "class Young(SheepRoutes): ...\n"
    "class KidRoutes(Young): ...\n"
    "class AdultRoutes(Young): ...",
    "wool": "from litestar import Controller\nclass WoolRoutes(Controller): ...",
}


class Flock(Struct):
    """A flock."""


class FlockRoutes(Controller):
    entities: ClassVar = {"flock": Flock}


class OtherFlockRoutes(Controller):
    entities: ClassVar = {"flock": Flock, "a": Flock}


def test_controllers_of_all_modules_are_found_but_for_their_bases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name, text in MODULES.items():
        module = tmp_path / "herd" / f"{name}.py"
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)

    found = controllers_below(import_module("herd"))

    assert [one.__name__ for one in found] == ["KidRoutes", "AdultRoutes", "WoolRoutes"]


def test_entities_are_sorted_by_name():
    assert [*entities_of([OtherFlockRoutes])] == ["a", "flock"]


def test_two_controllers_cannot_declare_one_entity():
    with pytest.raises(RouteError, match="OtherFlockRoutes declares flock"):
        entities_of([FlockRoutes, OtherFlockRoutes])

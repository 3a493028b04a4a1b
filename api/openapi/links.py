"""Links between operations: a value in an answer is a parameter of another operation.

Links follow from names. A field of an answer with the name of a path parameter leads to
the operations of that path. The id of a resource does as well: it is the last parameter
of the path under which the resource is created or found.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import fields

from api.http.bodies.json_body import forms_of
from api.openapi.schemas import Schema
from api.operations import Operation


class Link(Struct, frozen=True, kw_only=True):
    """One link: from a place in an answer to the parameter of an operation."""

    target: Operation
    parameter: str
    place: str

    @property
    def name(self) -> str:
        """Return the name of the link among the document's components."""
        return f"{self.target.id}By{''.join(p.title() for p in self._words)}"

    @property
    def described(self) -> Schema:
        return {
            "operationId": self.target.id,
            "parameters": {self.parameter: f"$response.body#/{self.place}"},
        }

    @property
    def _words(self) -> list[str]:
        return [part for part in self.place.replace("_", "/").split("/") if part]


class Links:
    """All links of an application's operations."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._targets: dict[str, list[Operation]] = {}
        self._owners: dict[Any, str] = {}
        paths = {operation.path: operation for operation in operations}
        for operation in operations:
            if operation.files_sent:
                # A thing may have no file.
                continue
            names = [p.name for p in operation.parameters if p.place == "path"]
            if len(names) == 1 and names[0].endswith("_id"):
                self._targets.setdefault(names[0], []).append(operation)
        for operation in operations:
            name = _last_parameter(operation.path)
            if name is None and operation.method == "POST":
                under = (path for path in paths if path.startswith(operation.path))
                ends = (path.removeprefix(operation.path) for path in under)
                name = next((e[2:-1] for e in ends if _is_parameter(e)), None)
            if name in self._targets:
                for type_ in _structs(operation):
                    self._owners.setdefault(type_, name)

    def of(self, operation: Operation, status: int) -> list[Link]:
        data, _ = operation.answers[status]
        start = "data" if _item(data) is data else "data/0"
        found: dict[str, Link] = {}
        for type_ in forms_of(_item(data)):
            for field, parameter in self._parameters(type_):
                for target in self._targets[parameter]:
                    link = Link(
                        target=target, parameter=parameter, place=f"{start}/{field}"
                    )
                    if target.id != operation.id:
                        found.setdefault(target.id, link)
        return list(found.values())

    def components(self, operations: Sequence[Operation]) -> Mapping[str, Schema]:
        return {
            link.name: link.described
            for operation in operations
            for status in operation.answers
            for link in self.of(operation, status)
        }

    def _parameters(self, type_: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401
        """Yield the fields of an answer's type that are parameters elsewhere."""
        for field in _fields(type_):
            if field == "id" and (owner := self._owner(type_)) is not None:
                yield field, owner
            elif field in self._targets:
                yield field, field

    def _owner(self, type_: type[Struct]) -> str | None:
        # A type that extends the type of a resource is about the same resource.
        known = (self._owners[each] for each in type_.__mro__ if each in self._owners)
        return next(known, None)


def _item(data: Any) -> Any:  # noqa: ANN401 - any JSON type
    return data.__args__[0] if getattr(data, "__origin__", None) is list else data


def _structs(operation: Operation) -> list[Any]:
    answered = (
        form for data, _ in operation.answers.values() for form in forms_of(data)
    )
    return [type_ for type_ in answered if "id" in _fields(type_)]


def _fields(type_: Any) -> list[str]:  # noqa: ANN401 - any JSON type
    if not (isinstance(type_, type) and issubclass(type_, Struct)):
        return []
    return [field.encode_name for field in fields(type_)]


def _last_parameter(path: str) -> str | None:
    last = path[path.rindex("/") :]
    return last[2:-1] if _is_parameter(last) else None


def _is_parameter(part: str) -> bool:
    return part.startswith("/{") and part.endswith("}") and part.count("/") == 1

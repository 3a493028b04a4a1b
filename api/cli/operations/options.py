"""The options of a command, from the parameters and the body of its operation."""

import re
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import (
    Annotated,
    Any,
    Literal,
    TypeGuard,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec
from msgspec import Meta, Struct, UnsetType

from api.cli import UsageError
from api.cli.operations.names import KINDS, help_of, kind_named
from api.openapi.meanings import MeaningRow, meaning_at, row_of, row_of_parameter
from api.operations import Operation, plain

OptionPlace = Literal["path", "query", "header", "body"]

# The options of all such commands; a field with such a name has that of its thing, too.
RESERVED = frozenset(
    {"body", "data-dir", "idempotency-key", "ids", "json", "key", "org", "url"}
    | {"version"}
)
_NULL = re.compile(r"\bnull\b")
# The value of an option without a text that makes its field null.
NONE = "none"
_SCALARS = (bool, int, float)
_ABSENT = frozenset({types.NoneType, UnsetType})
_LISTS = (list, tuple, set, frozenset)


class _Kind(Struct, frozen=True, kw_only=True):
    """The type of an option, and whether its value is written as JSON, or as text."""

    type: Any
    is_json: bool = False
    may_be_text: bool = False
    may_be_null: bool = False


class Option(Struct, frozen=True, kw_only=True):
    """One option; ``keys`` lead to its field in the body, or are its name elsewhere.

    ``names`` is the kind of thing that may be given by its name, None for other
    options. A value of an option with ``each`` makes an entry of the list with that
    name, which is the body. An argument has no flag: the ids of a path, and what a
    command has by its own words. ``is_typed_in``: the option is a switch, and the value
    is asked for.
    """

    name: str
    place: OptionPlace
    keys: tuple[str, ...]
    kind: _Kind
    help: str
    is_required: bool
    names: str | None = None
    each: str = ""
    is_null: bool = False
    is_argument: bool = False
    is_typed_in: bool = False

    @property
    def flag(self) -> str:
        return f"--{self.name}"

    @property
    def parameter(self) -> str:
        """Return the name of the parameter of the function that has the option."""
        name = self.name.replace("-", "_")
        return name if self.place == "path" else f"{self.place}_{name}"

    def names_in(
        self, options: "Sequence[Option]", given: Mapping[str, object]
    ) -> str | None:
        """Return ``names``, or the kind that the field next to an id names."""
        *above, key = self.keys
        stem = key.removesuffix("id")
        if self.names is not None or stem == key:
            return self.names
        types = ((*above, f"{stem}type"), (*above, stem.rstrip("_")))
        kinds = (given.get(each.parameter) for each in options if each.keys in types)
        return next((str(kind) for kind in kinds if kind in KINDS), None)

    def as_text(self, value: object) -> str:
        """Return a value as addresses have it."""
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, tuple):
            return ",".join(map(str, cast("tuple[object, ...]", value)))
        return str(value)

    def is_none(self, value: object) -> bool:
        """Return whether a value makes null of the field."""
        if self.is_null:
            return True
        if self.place != "body" or not self.kind.may_be_null:
            return False
        if isinstance(value, tuple):
            return value in {("",), (NONE,)}
        return value == "" or (value == NONE and self.kind.type is not str)

    def as_json(self, value: object) -> object:
        """Return a value as bodies have it: null for one that ``is_none``.

        Raises:
            UsageError: a value that is written as JSON cannot be read.
        """
        if self.is_none(value):
            return None
        if not self.kind.is_json:
            return value
        try:
            return msgspec.json.decode(cast("str", value))
        except msgspec.DecodeError as error:
            if self.kind.may_be_text:
                return value
            raise UsageError(f"{self.flag} is no JSON: {error}.") from None


def options_of(
    operation: Operation, *, arguments: str = "", typed_in: str = "", each: str = ""
) -> list[Option]:
    """Return the options: arguments come first, then required ones.

    ``arguments`` are fields, of the body or the query, that have no flag. The values of
    ``typed_in`` are asked for. With ``each`` the last argument takes several values:
    each makes an entry of that list of the body, with the other options.
    """
    found = [
        Option(
            name=_dashed(parameter.name),
            place=cast("OptionPlace", parameter.place),
            keys=(parameter.name,),
            kind=_kind_of(parameter.type),
            help=_NULL.sub(
                "left out",
                plain(
                    (parameter.rules and parameter.rules.description)
                    or _meaning(row_of_parameter(parameter.name))
                ),
            ),
            is_required=parameter.required,
            is_argument=parameter.place == "path",
        )
        for parameter in operation.parameters
        if parameter.place != "header"
    ]
    of_body = (
        [] if operation.files_taken else list(_fields_of_body(operation, without=each))
    )
    options = _distinct([*found, *of_body], thing=_thing(operation.id))
    named = arguments.split()
    if each:
        options = (
            _as_each(option, each) if option.keys == (named[-1],) else option
            for option in options
        )
    own = {
        **dict.fromkeys(named, _as_argument),
        **dict.fromkeys(typed_in.split(), _as_typed_in),
    }
    return sorted(
        (own.get(o.keys[-1], _as_it_is)(o) for o in options),
        key=lambda o: (
            not o.is_argument,
            named.index(o.keys[-1]) if o.keys[-1] in named else -1,
            not o.is_required,
        ),
    )


def _as_it_is(option: Option) -> Option:
    return option


def _as_argument(option: Option) -> Option:
    name = _dashed(option.keys[-1])
    return msgspec.structs.replace(option, is_argument=True, name=name)


def _as_each(option: Option, list_name: str) -> Option:
    kind = msgspec.structs.replace(option.kind, type=tuple[option.kind.type, ...])
    return msgspec.structs.replace(option, each=list_name, kind=kind)


def _as_typed_in(option: Option) -> Option:
    return msgspec.structs.replace(
        option,
        is_typed_in=True,
        kind=msgspec.structs.replace(option.kind, type=bool),
        help=f"{option.help} It is typed in, or read from the standard input.",
    )


def body_of(options: Sequence[Option], given: Mapping[str, object]) -> object:
    """Return the body that options make; None without any.

    Raises:
        UsageError: a value that is written as JSON cannot be read.
    """
    body: dict[str, Any] = {}
    for option in options:
        value = given.get(option.parameter)
        is_given = value is True if option.is_null else option.parameter in given
        if option.place == "body" and is_given:
            *above, last = option.keys
            inner = body
            for key in above:
                inner = inner.setdefault(key, {})
            if option.is_null and last in inner:
                raise UsageError(f"{option.flag} is instead of options of its fields.")
            inner[last] = option.as_json(value)
    for option in options:
        if option.each and body:
            values = body.pop(option.keys[0])
            return {option.each: [{**body, option.keys[0]: each} for each in values]}
    return body or None


def flag_of(options: Sequence[Option], pointer: str) -> str:
    """Return how a command line names the field at a JSON Pointer."""
    keys = tuple(pointer.strip("/").split("/"))
    if any(option.each == keys[0] for option in options if option.each):
        keys = keys[2:] or keys
    for length in range(len(keys), 0, -1):
        for option in options:
            if option.keys == keys[:length]:
                return option.name.upper() if option.is_argument else option.flag
    return " ".join(keys).replace("_", " ").strip() or "The body"


def _fields_of_body(operation: Operation, *, without: str) -> Iterator[Option]:
    forms = [
        form
        for each in operation.body_forms
        for form in struct_types(each)
        if without not in form.__struct_fields__
    ]
    seen: set[tuple[str, ...]] = set()
    for form in forms:
        for option in _fields(form, above=()):
            if option.keys not in seen:
                seen.add(option.keys)
                yield (
                    option
                    if len(forms) == 1
                    else msgspec.structs.replace(option, is_required=False)
                )


def _fields(struct: type[Struct], *, above: tuple[str, ...]) -> Iterator[Option]:
    hints = get_type_hints(struct, include_extras=True)
    for field in msgspec.structs.fields(struct):
        hint, keys = hints[field.name], (*above, field.encode_name)
        inner = struct_types(hint)
        if len(inner) == 1 and not above and _is_plainly(hint, inner[0]):
            yield from _fields(inner[0], above=keys)
            if _kind_of(hint).may_be_null:
                yield _no(keys)
            continue
        is_tag_of = struct.__struct_config__.tag_field
        kind = _kind_of(hint)
        help_ = plain(_description(hint) or _meaning(row_of(struct, field.encode_name)))
        yield Option(
            name=_dashed(field.encode_name),
            place="body",
            keys=keys,
            kind=kind,
            # This is how an option makes null of its field.
            help=_NULL.sub("empty" if kind.type is str else NONE, help_),
            is_required=field.required and not above and field.name != is_tag_of,
        )


def _no(keys: tuple[str, ...]) -> Option:
    """Return the option that makes null of a field whose own fields are options."""
    return Option(
        name=f"no-{_dashed(keys[-1])}",
        place="body",
        keys=keys,
        kind=_Kind(type=bool),
        help=f"Without {keys[-1].replace('_', ' ')}.",
        is_required=False,
        is_null=True,
    )


def _distinct(options: Sequence[Option], *, thing: str) -> Iterator[Option]:
    """Give each option a name of its own, without the end of ids that have names."""
    taken = set(RESERVED)
    for option in options:
        names_kind = kind_named(option.keys[-1])
        plural = "s" if names_kind and option.keys[-1].endswith("s") else ""
        names = [
            f"{names_kind}{plural}" if names_kind else "",
            "" if _is_bare(option.keys) else option.name,
            f"{option.keys[-2]}-{option.name}" if len(option.keys) > 1 else "",
            f"{thing}-{option.name}",
            f"{option.place}-{option.name}",
        ]
        name = next(
            _dashed(each) for each in names if each and _dashed(each) not in taken
        )
        taken.add(name)
        help_ = (
            help_of(names_kind)
            if names_kind and option.place == "path"
            else option.help
        )
        yield msgspec.structs.replace(option, name=name, names=names_kind, help=help_)


def _is_bare(keys: tuple[str, ...]) -> bool:
    """Return whether a field says little without the name of what it is in."""
    return len(keys) > 1 and keys[-1] in {"type", "id"}


def _kind_of(hint: Any) -> _Kind:  # noqa: ANN401 - any type of a field
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _kind_of(arguments[0])
    if origin in {Union, types.UnionType}:
        present = [each for each in arguments if each not in _ABSENT]
        may_be_null = types.NoneType in arguments
        kinds = [_kind_of(each) for each in present]
        if len({repr(kind.type) for kind in kinds}) == 1 or _are_texts(kinds):
            kind = kinds[0] if len(kinds) == 1 else _Kind(type=str)
        else:
            some = any(_are_texts([kind]) for kind in kinds)
            kind = _Kind(type=str, is_json=True, may_be_text=some)
        return msgspec.structs.replace(kind, may_be_null=may_be_null)
    if origin is Literal:
        return _Kind(type=hint)
    if origin in _LISTS:
        of = _kind_of(arguments[0]) if arguments else _Kind(type=str)
        if of.is_json or get_origin(of.type) is tuple:
            return _Kind(type=str, is_json=True)
        return _Kind(type=tuple[of.type, ...])
    if hint in _SCALARS:
        return _Kind(type=hint)
    return _Kind(type=str, is_json=_is_struct(hint) or origin is dict or hint is dict)


def _are_texts(kinds: Sequence[_Kind]) -> bool:
    return all(
        (kind.type is str or get_origin(kind.type) is Literal) and not kind.is_json
        for kind in kinds
    )


def struct_types(hint: Any) -> list[type[Struct]]:  # noqa: ANN401 - any type of a field
    """Return the structs that a type is one of."""
    if _is_struct(hint):
        return [hint]
    if get_origin(hint) in {Annotated, Union, types.UnionType}:
        return [found for each in get_args(hint) for found in struct_types(each)]
    return []


def _is_plainly(hint: Any, struct: type[Struct]) -> bool:  # noqa: ANN401 - any type
    """Return whether a field is a struct, or nothing."""
    if get_origin(hint) is Annotated:
        return _is_plainly(get_args(hint)[0], struct)
    others = {*get_args(hint)} - _ABSENT
    return hint is struct or others == {struct}


def _is_struct(hint: Any) -> TypeGuard[type[Struct]]:  # noqa: ANN401 - any type
    return isinstance(hint, type) and issubclass(hint, Struct)


def _description(hint: Any) -> str:  # noqa: ANN401 - any type of a field
    if get_origin(hint) is Annotated:
        inner, *metas = get_args(hint)
        texts = (
            meta.description
            for meta in reversed(metas)
            if isinstance(meta, Meta) and meta.description
        )
        return next(texts, "") or _description(inner)
    if get_origin(hint) in {Union, types.UnionType}:
        texts = (_description(each) for each in get_args(hint))
        return next((text for text in texts if text), "")
    return ""


def _meaning(row: MeaningRow | None) -> str:
    return "" if row is None else meaning_at(row)


def _dashed(name: str) -> str:
    return name.replace("_", "-").lower()


def _thing(operation_id: str) -> str:
    """Return the thing of an operation: webhook for createWebhook."""
    _, *words = re.findall(r"[A-Z]?[a-z0-9]+", operation_id)
    return "-".join(words).lower()

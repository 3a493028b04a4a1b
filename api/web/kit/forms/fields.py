"""The fields of something that people change: read from forms, and worded on pages.

Forms, clashes of two edits and change logs take labels and formats from one ``Fields``.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Generic, Literal, Protocol, TypeVar, cast

import msgspec
from msgspec import Raw, Struct

from api.http.bodies.form_body import typed
from api.http.bodies.strict_json import check
from api.http.errors import ApiError, Code, field_error

FieldType = Literal["text", "long", "number", "day", "timestamp", "tags", "json"]

_NO_OBJECT = 'must be a JSON object, as {"agency": "Hill & Vale"}'


class EditedResource(Protocol):
    """A resource of the API that has a version."""

    @property
    def version(self) -> int: ...


T = TypeVar("T", bound=EditedResource)
F = TypeVar("F", bound=Struct)


class VersionedForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The version of the values that a form was made from."""

    version: str = ""

    @property
    def made_from(self) -> int:
        """Return the version as a number; no resource has the version 0."""
        return int(self.version) if self.version.isdecimal() else 0


class FormField(Struct, frozen=True, kw_only=True):
    """A field: its label, its type, and the text for None.

    ``form_label`` and ``form_nothing`` replace the label and the text in forms and
    clashes. ``choices`` are the words for the possible values. ``is_trimmed`` leaves
    out the space around a typed text; a text that ``is_required`` is never None.
    ``is_small`` marks fields of the record, such as its version.
    """

    label: str
    type: FieldType = "text"
    nothing: str = "not set"
    form_label: str = ""
    form_nothing: str = ""
    choices: Mapping[str, str] = {}
    is_trimmed: bool = False
    is_required: bool = False
    is_small: bool = False

    @property
    def name_in_form(self) -> str:
        return self.form_label or self.label

    def text_of(self, value: Any) -> str:  # noqa: ANN401 - whatever a field holds
        """Return a stored value as the text of a form."""
        if value is None:
            return ""
        if isinstance(value, Raw):
            written = msgspec.json.format(bytes(value), indent=2).decode()
            return "" if written == "{}" else written
        return ", ".join(value) if self.type == "tags" else str(value)

    def value_of(self, text: str) -> Any:  # noqa: ANN401 - whatever a field holds
        """Return the value of a typed text for the API, which refuses a wrong one.

        Raises:
            ApiError: ``invalid_body``, if the text is no JSON object.
        """
        match self.type:
            case "tags":
                return [tag.strip() for tag in text.split(",") if tag.strip()]
            case "json":
                return _json_object(text)
            case "number":
                digits = text.strip()
                is_number = digits.isascii() and digits.isdecimal()
                return int(digits) if is_number else digits or None
            case _:
                text = text.strip() if self.is_trimmed else text
                return text if self.is_required else text or None


class Fields(Struct, Generic[T], frozen=True):
    """The fields of a resource, by their names in the API."""

    resource: type[T]
    path: str
    by_name: Mapping[str, FormField]
    # The fields that an event changes; the keys of its data name them if none are here.
    changes: Mapping[str, frozenset[str]] = {}

    def __getitem__(self, name: str) -> FormField:
        return self.by_name[name]

    def values(self, stored: T) -> dict[str, Any]:
        found = {name: getattr(stored, name) for name in self.by_name}
        return {
            name: msgspec.json.decode(value) if isinstance(value, Raw) else value
            for name, value in found.items()
        }

    def texts(self, stored: T) -> dict[str, str]:
        """Return the stored values as the texts of a form."""
        return {
            name: field.text_of(getattr(stored, name))
            for name, field in self.by_name.items()
        }

    def read(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """Return the values of typed texts; other texts are left out.

        Raises:
            ApiError: ``invalid_body``, naming the field.
        """
        values: dict[str, Any] = {}
        for name in (name for name in texts if name in self.by_name):
            try:
                values[name] = self.by_name[name].value_of(texts[name])
            except ApiError as error:
                if not error.problems:
                    raise
                at, message = next(iter(error.problems.items()))
                message = f"{at}: {message}" if at else message
                raise field_error(Code.INVALID_BODY, f"/{name}", message) from None
        return values

    def form(self, title: str, names: Iterable[str], base: type[F]) -> type[F]:
        """Return the type of a form with these fields and those of ``base``."""
        own = [(name, _form_type(self.by_name[name])) for name in names]
        made = msgspec.defstruct(
            title,
            own,
            bases=(base,),
            frozen=True,
            kw_only=True,
            forbid_unknown_fields=True,
        )
        return cast("type[F]", made)


def _form_type(field: FormField) -> Any:  # noqa: ANN401 - no type has a name for types
    return str if field.choices else Annotated[str, typed(field.name_in_form)]


def _json_object(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        check(text.encode())
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.ValidationError:
        raise field_error(Code.INVALID_BODY, "", _NO_OBJECT) from None

"""The query of a page's address as a Struct: read from requests, written into links."""

from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from litestar.di import Provide
from litestar.params import QueryParameter
from msgspec import Struct
from msgspec.structs import fields, replace

Q = TypeVar("Q", bound=Struct)


class PageQuery(Struct, frozen=True, kw_only=True):
    """A field for each parameter; an empty one is left out of addresses."""

    def pairs(self, **changed: str) -> dict[str, str]:
        """Return the parameters that are not empty, with some changed."""
        names = dict(
            zip(self.__struct_encode_fields__, self.__struct_fields__, strict=True)
        )
        changes: dict[str, Any] = {
            names[name]: value for name, value in changed.items()
        }
        query = replace(self, **changes)
        return {
            parameter: value
            for parameter, name in names.items()
            if (value := getattr(query, name))
        }

    def address(self, **changed: str) -> str:
        """Return the query of the page's address, with some parameters changed."""
        return f"?{urlencode(self.pairs(**changed), safe=',:')}"

    def hidden_fields(self, *own: str) -> list[tuple[str, str]]:
        """Return the parameters that a form must send besides its own fields."""
        return [pair for pair in self.pairs().items() if pair[0] not in own]


def query_parameters(type_: type[Q]) -> Provide:
    """Return the dependency that reads a request's query into a Struct.

    Litestar reads the parameters from the signature, which is made from the fields.
    """
    parameters = [
        Parameter(
            field.name,
            Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=Annotated[field.type, QueryParameter(name=field.encode_name)],
        )
        for field in fields(type_)
    ]

    def read(**values: Any) -> Q:  # noqa: ANN401 - Litestar has validated them
        return type_(**values)

    described: Callable[..., Q] | Any = read
    described.__signature__ = Signature(parameters, return_annotation=type_)
    described.__annotations__ = {
        **{parameter.name: parameter.annotation for parameter in parameters},
        "return": type_,
    }
    return Provide(described, sync_to_thread=False)

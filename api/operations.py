"""The operations of an application, read from its routes as values."""

from collections.abc import Iterator, Sequence
from inspect import cleandoc
from typing import Any, cast

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.params import KwargDefinition
from litestar.routes import HTTPRoute
from litestar.types import Method
from litestar.typing import FieldDefinition
from msgspec import Struct

from api.http.bodies.json_body import forms_of
from api.http.errors import Code
from api.http.responses import Answer, CountedList, ListPage, PositionPage
from api.http.route_info import RouteInfo, fields_of
from domain.analytics.rules import RULES

_WRITES = {"POST", "PUT", "PATCH", "DELETE"}
_CONDITIONAL = {"PATCH", "DELETE"}
_BASIS = {"position": 4_211, "rules": RULES, "erasedSince": None}


class Parameter(Struct, frozen=True, kw_only=True):
    """One parameter; ``place`` is path, query or header, ``rules`` its constraints."""

    name: str
    place: str
    type: Any
    required: bool
    default: object = None
    rules: KwargDefinition | None = None


class Operation(Struct, frozen=True, kw_only=True):
    """One method of one path."""

    path: str
    method: str
    handler: HTTPRouteHandler
    route: RouteInfo
    parameters: list[Parameter]

    @property
    def id(self) -> str:
        given = self.handler.operation_id
        return given if isinstance(given, str) else self.handler.handler_name

    @property
    def summary(self) -> str:
        text = self.handler.summary or self._text.partition("\n\n")[0]
        return text.removesuffix(".")

    @property
    def description(self) -> str:
        text = self.handler.description or self._text.partition("\n\n")[2]
        scope = self.route.scope
        needs = f"Needs the scope `{scope}`." if scope else "Needs no key."
        if self.route.is_operator_only:
            needs += " Only for organizations that operate the installation."
        if self.route.is_for_own:
            needs += " A person needs `read` alone for what is their own."
        if self.route.needs_proof:
            what = "the rest" if self.route.is_for_own else "it"
            needs += f" A personal key can't do {what}: it needs a recent proof."
        if self.route.is_of_whole_organization:
            needs += " Not there for people who are limited to some projects."
        return f"{text}\n\n{needs}" if text else needs

    @property
    def body(self) -> FieldDefinition | None:
        return self.handler.parsed_fn_signature.parameters.get("data")

    @property
    def body_forms(self) -> list[Any]:
        return [] if self.body is None else forms_of(self.body.annotation)

    @property
    def files_taken(self) -> Sequence[str]:
        """Return the media types of the file that is the body, none without one."""
        return self.handler.opt.get("files_taken", ())

    @property
    def files_sent(self) -> Sequence[str]:
        """Return the media types of the file that is the answer, none without one."""
        return self.handler.opt.get("files_sent", ())

    @property
    def is_stream(self) -> bool:
        """Return whether the answer is a stream of messages, as server-sent events."""
        return "messages" in self.handler.opt

    @property
    def is_page(self) -> bool:
        return self._returned.is_subclass_of(ListPage)

    @property
    def meta(self) -> tuple[str, dict[str, Any]] | None:
        """Return the schema of the meta of a list and an example; None without meta."""
        if self.is_page:
            return "PageMeta", {"nextCursor": None, "limit": 50}
        if self.follows_positions:
            return "PositionMeta", {"nextAfter": 51_207, "limit": 100}
        counted = {"totalCount": 1, "limit": 50, "offset": 0}
        if self.has_basis and self.is_counted:
            return "CountedNumbersMeta", {**counted, **_BASIS}
        if self.has_basis:
            return "NumbersMeta", _BASIS
        if self.is_counted:
            return "CountedMeta", counted
        return None

    @property
    def has_basis(self) -> bool:
        """Return whether the answers name the basis of their numbers."""
        return bool(self.handler.opt.get("has_basis"))

    @property
    def fuller_meta(self) -> list[Any]:
        """Return the type of the meta that some pages of the list have instead."""
        return [self.handler.opt["meta"]] if "meta" in self.handler.opt else []

    @property
    def is_counted(self) -> bool:
        return self._returned.is_subclass_of(CountedList)

    @property
    def follows_positions(self) -> bool:
        return self._returned.is_subclass_of(PositionPage)

    @property
    def writes(self) -> bool:
        return self.method in _WRITES

    @property
    def is_conditional_write(self) -> bool:
        """Return whether the operation reads If-Match: changes, some POSTs."""
        looks = self.handler.opt.get("conditional", self.method in _CONDITIONAL)
        return self.route.scope is not None and looks

    @property
    def has_versions(self) -> bool:
        """Return whether it is a GET of one resource that may have an ETag."""
        is_single = self.handler.opt.get("versioned", "{" in self.path)
        may_have = self.method == "GET" and self.meta is None and not self.is_gone
        return may_have and is_single

    @property
    def is_gone(self) -> bool:
        """Return whether the operation was removed and only names its replacement."""
        return self.handler.opt.get("is_gone", False)

    @property
    def answers(self) -> dict[int, tuple[Any, str]]:
        """Return the type of the data and a description, by status."""
        handler = self.handler
        found: dict[int, tuple[Any, str]] = {}
        if self._returned.is_subclass_of(Answer):
            inner = self._returned.inner_types[0].annotation
            is_list = self.is_page or self.is_counted or self.follows_positions
            data = list[inner] if is_list else inner
            description = handler.response_description or f"{self.summary}."
            found[handler.status_code] = (data, description)
        elif self.is_stream:
            found[handler.status_code] = (handler.opt["messages"], f"{self.summary}.")
        for status, spec in (handler.responses or {}).items():
            data = cast(
                "Any",
                spec.data_container,  # pyright: ignore[reportUnknownMemberType]
            )
            found[status] = (data, spec.description)
        return found

    @property
    def errors(self) -> list[Code]:
        """Return the possible errors: the usual ones, and the declared ones."""
        codes: set[Code] = {Code.INTERNAL_ERROR, Code.INVALID_QUERY}
        codes.update(Code(code) for code in self.handler.opt.get("errors", ()))
        if self.is_gone:
            codes.add(Code.GONE)
        names = {parameter.name for parameter in self.parameters}
        places = {parameter.place for parameter in self.parameters}
        if self.route.scope is not None:
            codes |= {
                Code.INVALID_API_KEY,
                Code.INSUFFICIENT_SCOPE,
                Code.RATE_LIMIT_EXCEEDED,
                Code.INVALID_PARAMS,
                Code.UNAVAILABLE,
            }
            if self.route.is_operator_only:
                codes.add(Code.OPERATOR_ONLY)
            if self.route.needs_proof:
                codes.add(Code.RECENT_PROOF_REQUIRED)
            if self.method == "GET":
                codes.add(Code.PROJECTION_BEHIND)
            if self.method == "POST":
                codes |= {
                    Code.GONE,
                    Code.IDEMPOTENCY_CONFLICT,
                    Code.IDEMPOTENCY_IN_FLIGHT,
                    Code.IDEMPOTENCY_KEY_REUSED,
                }
        if "cursor" in names:
            codes.add(Code.INVALID_CURSOR)
        if "path" in places:
            codes |= {Code.NOT_FOUND, Code.INVALID_PARAMS}
        if self.route.is_of_whole_organization:
            codes.add(Code.NOT_FOUND)
        if self.is_conditional_write:
            codes.add(Code.VERSION_CONFLICT)
        if self.writes:
            codes |= {Code.BODY_TOO_LARGE, Code.REQUEST_TIMEOUT}
            if not self.files_taken:
                codes.add(Code.INVALID_BODY)
        if self.body is not None:
            codes |= {Code.BODY_TOO_DEEP, Code.UNSUPPORTED_MEDIA_TYPE}
        return [code for code in Code if code in codes]

    @property
    def _returned(self) -> FieldDefinition:
        return self.handler.parsed_fn_signature.return_type

    @property
    def _text(self) -> str:
        # A handler that runs in a thread is wrapped.
        function = getattr(self.handler.fn, "func", self.handler.fn)
        return prose(function.__doc__ or "")


def operations_of(app: Litestar) -> Iterator[Operation]:
    """Yield every documented operation, sorted by path."""
    routes = [route for route in app.routes if isinstance(route, HTTPRoute)]
    for route in sorted(routes, key=lambda route: route.path_format):
        for method, (handler, _) in sorted(route.route_handler_map.items()):
            if handler.resolve_include_in_schema():
                yield Operation(
                    path=route.path_format,
                    method=str(method),
                    handler=handler,
                    route=RouteInfo.of(handler),
                    parameters=list(_parameters(route, method)),
                )


def _parameters(route: HTTPRoute, method: Method) -> Iterator[Parameter]:
    handler, model = route.route_handler_map[method]
    fields = fields_of(handler)
    for name, definition in route.path_parameters.items():
        field = fields.get(name)
        yield Parameter(
            name=name,
            place="path",
            type=definition.type,
            required=True,
            rules=_rules(field),
        )
    expected = [*model.expected_query_params, *model.expected_header_params]
    # Litestar has the methods in a set; the document must not change from run to run.
    for definition in sorted(expected, key=lambda parameter: parameter.field_alias):
        field = fields[definition.field_name]
        yield Parameter(
            name=definition.field_alias,
            place=definition.param_type.value,
            type=field.annotation,
            required=definition.is_required,
            default=None if definition.is_required else definition.default,
            rules=_rules(field),
        )


def _rules(field: FieldDefinition | None) -> KwargDefinition | None:
    rules = None if field is None else field.kwarg_definition
    return rules if isinstance(rules, KwargDefinition) else None


def prose(docstring: str) -> str:
    """Return a docstring as Markdown, without the line breaks of our source."""
    paragraphs = cleandoc(docstring).replace("``", "`").split("\n\n")
    return "\n\n".join(" ".join(part.split()) for part in paragraphs)


def plain(docstring: str) -> str:
    """Return a docstring as plain text, without any mark-up."""
    return " ".join(docstring.replace("`", "").split())

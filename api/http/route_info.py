"""The declarations of each route, checked and collected before the first request."""

from typing import Any, Literal, Self, cast, get_args, get_origin

from litestar import Litestar
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.types import Method
from litestar.typing import FieldDefinition
from msgspec import Struct

from api.http.access.auth import SCOPES
from api.http.bodies.form_body import FormReader
from api.http.bodies.json_body import MAX_BODY_BYTES, BodyReader
from api.http.errors import Code
from api.http.query import QueryRules
from domain.events import Scope

_ROUTE_INFO = "events"
_BODY_METHODS = {"POST", "PUT", "PATCH", "DELETE"}


class RouteError(Exception):
    """A route lacks a required declaration.

    The app does not start.
    """


class RouteInfo(Struct, frozen=True, kw_only=True):
    """The declarations of an operation for the guard, the request class and OpenAPI.

    ``scope`` is None if no key is needed; ``is_operator_only`` is true for operations
    on the whole installation. ``is_of_whole_organization`` is true for operations that
    are not there for people who are limited to some projects. A page needs a session,
    other routes a key; ``form`` reads the form of a page. ``takes_file`` is true if the
    body is a file, which the handler gets as bytes, and ``refuses_body`` if the method
    could have a body and none is declared. ``most_bytes`` is the length of the longest
    body. ``allowed`` are the methods in the answer to OPTIONS. Litestar's own handler
    forgets methods that were added to the path after the first. ``needs_proof`` is true
    for dangerous acts, for which a person must have proved lately who they are.
    ``is_for_own`` lets people with the scope read act on what is their own, without a
    proof; the handler checks whether it is. ``sets_up_factor`` is true for pages on
    which somebody gets a required second factor.
    """

    scope: Scope | None = None
    is_page: bool = False
    is_operator_only: bool = False
    needs_proof: bool = False
    sets_up_factor: bool = False
    is_of_whole_organization: bool = False
    is_for_own: bool = False
    form: FormReader | None = None
    queries: QueryRules = QueryRules()
    body: BodyReader | None = None
    takes_file: bool = False
    most_bytes: int = MAX_BODY_BYTES
    refuses_body: bool = False
    has_text_in_path: bool = False
    allowed: str | None = None

    @classmethod
    def of(cls, handler: BaseRouteHandler) -> Self:
        """Return the RouteInfo that ``inspect_routes`` attached to a handler."""
        return cast("Self", handler.opt[_ROUTE_INFO])


def inspect_routes(app: Litestar) -> None:
    """Check every route and attach its RouteInfo to the handler.

    Raises:
        RouteError: a route declares no scope, or something that does not exist.
    """
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            _inspect(route)
        elif route.route_handler.opt.get("scope", "") is not None:
            msg = f"{route.path} is not plain HTTP: nobody checks keys for it."
            raise RouteError(msg)


def _inspect(route: HTTPRoute) -> None:
    for method, (handler, _) in route.route_handler_map.items():
        if method == "OPTIONS":
            allowed = ", ".join(sorted(route.route_handler_map))
            handler.opt[_ROUTE_INFO] = RouteInfo(allowed=allowed)
            continue
        _check(handler, place=f"{method} {route.path_format}")
        data = handler.parsed_fn_signature.parameters.get("data")
        form = handler.opt.get("form")
        takes_file = bool(handler.opt.get("files_taken"))
        handler.opt[_ROUTE_INFO] = RouteInfo(
            scope=handler.opt["scope"],
            is_page=handler.opt.get("page", False),
            is_operator_only=handler.opt.get("operator", False),
            needs_proof=handler.opt.get("recent_proof", False),
            sets_up_factor=handler.opt.get("sets_up_factor", False),
            is_of_whole_organization=handler.opt.get("whole_organization", False),
            is_for_own=handler.opt.get("own", False),
            form=None if form is None else FormReader(form),
            queries=_rules(route, method),
            body=None if data is None else BodyReader(data.annotation),
            takes_file=takes_file,
            most_bytes=handler.opt.get("most_bytes", MAX_BODY_BYTES),
            refuses_body=data is form is None
            and not takes_file
            and method in _BODY_METHODS,
            has_text_in_path=any(
                parameter.type is str for parameter in route.path_parameters.values()
            ),
        )


def _rules(route: HTTPRoute, method: Method) -> QueryRules:
    handler, model = route.route_handler_map[method]
    parameters = model.expected_query_params
    fields = fields_of(handler)
    names = {parameter.field_alias: parameter.field_name for parameter in parameters}

    def taking(type_: type) -> frozenset[str]:
        found = (alias for alias, name in names.items() if _takes(fields[name], type_))
        return frozenset(found)

    return QueryRules(
        names=frozenset(names),
        numbers=taking(int),
        texts=taking(str),
        required=frozenset(p.field_alias for p in parameters if p.is_required),
        choices={
            alias: choices
            for alias, name in names.items()
            if (choices := _choices(fields[name].annotation))
        },
        lists=frozenset(
            alias
            for alias, name in names.items()
            if get_origin(fields[name].annotation) is list
        ),
        for_people=handler.opt.get("for_people", False),
    )


def _check(handler: HTTPRouteHandler, *, place: str) -> None:
    if "scope" not in handler.opt:
        msg = f'{place} declares no scope: add opt={{"scope": ...}}.'
        raise RouteError(msg)
    scope = handler.opt["scope"]
    if scope is not None and scope not in SCOPES:
        msg = f"{place} declares the scope {scope!r}, which does not exist."
        raise RouteError(msg)
    is_page, has_form = handler.opt.get("page", False), "form" in handler.opt
    if is_page and has_form is handler.http_methods.isdisjoint(_BODY_METHODS):
        msg = f"{place} is a page: a form is declared where one is sent, only there."
        raise RouteError(msg)
    # If there are several such hooks, Litestar calls only the innermost.
    layers = cast("list[Any]", handler.ownership_layers)
    if any(layer.before_request for layer in layers if not isinstance(layer, Litestar)):
        msg = f"{place} has a before_request, which would replace the check of keys."
        raise RouteError(msg)
    known = set(Code)
    for code in handler.opt.get("errors", ()):
        if code not in known:
            msg = f"{place} declares the error {code!r}, which is not in the table."
            raise RouteError(msg)


def fields_of(handler: HTTPRouteHandler) -> dict[str, FieldDefinition]:
    """Return the parameters of a handler and of the dependencies that it uses.

    Dependencies of the whole application have parameters of the same name.
    """
    providers = handler.resolve_dependencies()

    def fields(own: dict[str, FieldDefinition]) -> dict[str, FieldDefinition]:
        found: dict[str, FieldDefinition] = {}
        for name in (name for name in own if name in providers):
            found |= fields(providers[name].parsed_fn_signature.parameters)
        return found | own

    return fields(handler.parsed_fn_signature.parameters)


def _choices(annotation: Any) -> tuple[str, ...]:  # noqa: ANN401 - any type
    """Return the values of the enumerations in a parameter's type."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(value for inner in get_args(annotation) for value in _choices(inner))


def _takes(field: FieldDefinition, type_: type) -> bool:
    types: list[Any] = [inner.annotation for inner in field.inner_types]
    return type_ in {field.annotation, *types}

"""The two kinds of page handlers: one shows a page, one takes a form."""

from litestar import get, post
from msgspec import Struct

from api.http.form_body import NoFields
from api.web.kit.page_query import PageQuery, query_parameters
from domain.events import Scope


def page_route(
    path: str = "/", *, scope: Scope = "read", query: type[PageQuery] | None = None
) -> get:
    """Decorate a handler that shows a page to users with the scope.

    ``query`` is the type of the address's query, which the handler gets as ``choices``.
    """
    dependencies = {} if query is None else {"choices": query_parameters(query)}
    return get(path, dependencies=dependencies, opt={"scope": scope, "page": True})


def form_route(
    path: str = "/", *, form: type[Struct] = NoFields, scope: Scope = "write"
) -> post:
    """Decorate a handler of a form, which it reads with ``page.form(form)``."""
    return post(path, opt={"scope": scope, "page": True, "form": form})

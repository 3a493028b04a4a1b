"""The two kinds of page handlers: one shows a page, the other processes a form."""

from collections.abc import Sequence

from litestar import get, post
from msgspec import Struct

from api.http.bodies.form_body import NoFields
from api.http.bodies.json_body import MAX_BODY_BYTES
from api.web.kit.page_query import PageQuery, query_parameters
from domain.events import Scope


def page_route(
    path: str | Sequence[str] = "/",
    *,
    scope: Scope = "read",
    operator: bool = False,
    query: type[PageQuery] | None = None,
    whole_organization: bool = False,
    sets_up_factor: bool = False,
) -> get:
    """Decorate a handler that shows a page to users with the scope.

    With ``operator`` the organization must also operate the installation. ``query`` is
    the type of the address's query, which the handler gets as ``choices``. With
    ``whole_organization`` the page is not there for people limited to some projects.
    Somebody without a required second factor sees only pages that declare
    ``sets_up_factor``.
    """
    dependencies = {} if query is None else {"choices": query_parameters(query)}
    opt = {
        "scope": scope,
        "operator": operator,
        "page": True,
        "whole_organization": whole_organization,
        "sets_up_factor": sets_up_factor,
    }
    return get(path, dependencies=dependencies, opt=opt)


def form_route(
    path: str = "/",
    *,
    form: type[Struct] = NoFields,
    scope: Scope = "write",
    operator: bool = False,
    whole_organization: bool = False,
    recent_proof: bool = False,
    sets_up_factor: bool = False,
    most_bytes: int = MAX_BODY_BYTES,
) -> post:
    """Decorate a handler of a form, which it reads with ``page.form(form)``.

    A dangerous form declares ``recent_proof``: a person whose last proof is older than
    ten minutes is asked for another one before the handler runs, and the form is kept.
    ``whole_organization`` is as in ``page_route``.
    """
    opt = {
        "scope": scope,
        "operator": operator,
        "whole_organization": whole_organization,
        "recent_proof": recent_proof,
        "sets_up_factor": sets_up_factor,
        "page": True,
        "form": form,
        "most_bytes": most_bytes,
    }
    return post(path, opt=opt)

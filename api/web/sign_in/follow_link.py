"""/sign-in/{link}: a link of the start signs in, or asks the first question."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from api.http.access.auth import Principal
from api.http.request import Request
from api.web.kit.page import PageContext
from api.web.kit.sign_in_form import FIRST_PAGE, sign_in_form
from api.web.kit.site import Site
from api.web.sign_in.first_start import FirstStartForm, answer, ask
from api.web.sign_in.page import SignIn, switched_off

_SPENT_LINK = (
    "This link has been used, or is more than a day old. Sign in with your key "
    "instead, or restart Goatherd for a new link."
)


class LinkRoutes(Controller):
    """Links that sign in once; looking at the first question does not use one up."""

    include_in_schema = False

    @get("/sign-in/{token:str}", opt={"scope": None})
    async def follow_link(
        self,
        request: Request,
        token: FromPath[str],
        sign_in: NamedDependency[SignIn],
        site: NamedDependency[Site],
    ) -> Response[Any]:
        """Exchange a link for a session, or show the question of the first start."""
        # A browser that loads links in advance must not use the link up.
        if b"prefetch" in (request.raw_header(b"sec-purpose") or b""):
            return Response(None, status_code=204)
        principal = await sign_in.peek_link(token)
        if principal is not None and await _is_first(sign_in, principal):
            request.context.principal = principal
            page = await PageContext.begin(request, site)
            return await ask(page, sign_in, action=f"/sign-in/{token}")
        if not site.ways.keys:
            return await switched_off(site, "key")
        digest = await sign_in.try_link(request, token)
        if digest is None:
            return sign_in_form(site, problem=_SPENT_LINK)
        return await sign_in.begin_session(request, digest, FIRST_PAGE)

    @post("/sign-in/{token:str}", opt={"scope": None, "form": FirstStartForm})
    async def answer_at_link(
        self,
        request: Request,
        token: FromPath[str],
        sign_in: NamedDependency[SignIn],
        site: NamedDependency[Site],
    ) -> Response[Any]:
        """Use a link up, and store the answers to the question of the first start."""
        if not site.ways.keys:
            return await _answer_without_key(request, token, sign_in, site)
        digest = await sign_in.try_link(request, token)
        if digest is None:
            return sign_in_form(site, problem=_SPENT_LINK)
        principal = await sign_in.principal_of(digest)
        request.context.principal = principal
        request.context.session = await sign_in.begin_key_session(request, digest)
        page = await PageContext.begin(request, site)
        return await answer(page, request.form_as(FirstStartForm), sign_in)


async def _is_first(sign_in: SignIn, principal: Principal) -> bool:
    """Tell whether a link leads to the question of the first start."""
    if not await sign_in.has_question(principal):
        return False
    if sign_in.ways.keys:
        return True
    return not await sign_in.accounts.has_owner(principal.organization_id)


async def _answer_without_key(
    request: Request, token: str, sign_in: SignIn, site: Site
) -> Response[Any]:
    """Store the answers where a key begins no session, and use the link up then."""
    form, principal = request.form_as(FirstStartForm), await sign_in.peek_link(token)
    if form.later or principal is None or not await _is_first(sign_in, principal):
        return await switched_off(site, "key")
    request.context.principal = principal
    page = await PageContext.begin(request, site)
    answered = await answer(page, form, sign_in, action=f"/sign-in/{token}")
    if not await sign_in.has_question(principal):
        await sign_in.try_link(request, token)
    return answered

"""/sign-in/{link}: a link of the start signs in, or asks the first question."""

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

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
    "This link has been used, or is more than a day old. Sign in here instead, or "
    "restart Goatherd for a new link."
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
        seen = await sign_in.peek_link(token)
        if seen is not None and await _is_first(sign_in, seen.principal):
            request.context.principal = seen.principal
            page = await PageContext.begin(request, site)
            may_wait = _is_on_this_machine(request)
            return await ask(page, sign_in, link=token, may_wait=may_wait)
        if not site.ways.keys:
            return await switched_off(site, "key")
        digest = await sign_in.try_link(request, token)
        if digest is None:
            return await _spent(site)
        return await sign_in.begin_session(request, digest, FIRST_PAGE)

    @post("/sign-in/{token:str}", opt={"scope": None, "form": FirstStartForm})
    async def answer_at_link(
        self,
        request: Request,
        token: FromPath[str],
        sign_in: NamedDependency[SignIn],
        site: NamedDependency[Site],
    ) -> Response[Any]:
        """Store the answers to the question of the first start.

        The owner uses the link up. "Later" signs in with its key and leaves it, so that
        it asks again.
        """
        given, seen = request.form_as(FirstStartForm), await sign_in.peek_link(token)
        if seen is not None and await sign_in.may_make_owner(seen.principal):
            may_wait = _is_on_this_machine(request)
            if given.later and not site.ways.keys:
                return await switched_off(site, "key")
            request.context.principal = seen.principal
            if given.later and may_wait:
                await sign_in.begin_key_session(request, seen.key_digest)
            page = await PageContext.begin(request, site)
            return await answer(page, given, sign_in, link=token, may_wait=may_wait)
        if not site.ways.keys:
            return await switched_off(site, "key")
        digest = await sign_in.try_link(request, token)
        if digest is None:
            return await _spent(site)
        request.context.principal = await sign_in.principal_of(digest)
        request.context.session = await sign_in.begin_key_session(request, digest)
        page = await PageContext.begin(request, site)
        if not await sign_in.has_question(page.principal):
            return page.go_to(FIRST_PAGE)
        return await answer(page, given, sign_in)


async def _is_first(sign_in: SignIn, principal: Principal) -> bool:
    """Tell whether a link leads to the question of the first start."""
    if await sign_in.may_make_owner(principal):
        return True
    return sign_in.ways.keys and await sign_in.has_question(principal)


def _is_on_this_machine(request: Request) -> bool:
    """Tell whether the browser runs on the machine of Goatherd, where a key is enough.

    Somebody who forges the header could make the account just as well.
    """
    host = (request.raw_header(b"host") or b"").decode("latin-1").lower()
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


async def _spent(site: Site) -> Response[Any]:
    """Return the form to sign in for somebody whose link is over."""
    await site.people.look_for_people()
    return sign_in_form(site, problem=_SPENT_LINK, of="provider")

"""/unsubscribe/{token}: a recipient of a report, or a creator, gets no more mails."""

import asyncio
from typing import Annotated, Any, Final

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct, field

from api.http.access.failed_logins import FailedLogins
from api.http.bodies.form_body import uploaded
from api.http.errors import ApiError, Code
from api.http.request import Request
from api.web.kit.page import PageResponse
from api.web.kit.site import Site
from application.channels.recipients import CreatorRecipient
from application.reports.recipients import Recipient, Recipients
from domain.email import name_in

_TOO_OFTEN: Final = "Too many requests for this page."
_A_MINUTE: Final = 30
# Everybody who has the address can end the mails, so no search engine may learn it.
_QUIET: Final = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}


class UnsubscribeForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The button of the page, or that of a mail program, which sends a field."""

    # Mail programs send it in parts or as a plain form (RFC 8058).
    one_click: Annotated[str, uploaded("One click")] = field(
        default="", name="List-Unsubscribe"
    )


class UnsubscribeLimits:
    """The requests that a process answers in a minute, with and without a link."""

    def __init__(self) -> None:
        self._unknown = FailedLogins(refusal=_TOO_OFTEN)
        self._known = FailedLogins(limit=_A_MINUTE, refusal=_TOO_OFTEN)

    def count(
        self, recipient: Recipient | CreatorRecipient | None, address: str, token: str
    ) -> None:
        """Count a request.

        Raises:
            ApiError: ``rate_limit_exceeded``.
        """
        if recipient is None:
            self._unknown.count(address)
        else:
            self._known.count(token)


class UnsubscribePages(Controller):
    """The page that a recipient opens from a mail; a mail program only posts to it."""

    path = "/unsubscribe/{token:str}"
    include_in_schema = False

    @get("/", opt={"scope": None})
    async def ask(
        self,
        request: Request,
        token: FromPath[str],
        site: NamedDependency[Site],
        recipients: NamedDependency[Recipients],
        unsubscribe_limits: NamedDependency[UnsubscribeLimits],
    ) -> PageResponse:
        """Ask whether to unsubscribe, since programs that check links open them."""
        return await _answered(
            request, site, recipients, unsubscribe_limits, token, is_question=True
        )

    @post("/", opt={"scope": None, "form": UnsubscribeForm})
    async def end(
        self,
        request: Request,
        token: FromPath[str],
        site: NamedDependency[Site],
        recipients: NamedDependency[Recipients],
        unsubscribe_limits: NamedDependency[UnsubscribeLimits],
    ) -> PageResponse:
        """Unsubscribe at once; a repeated request changes nothing."""
        return await _answered(
            request, site, recipients, unsubscribe_limits, token, is_question=False
        )


async def _answered(
    request: Request,
    site: Site,
    recipients: Recipients,
    limits: UnsubscribeLimits,
    token: str,
    *,
    is_question: bool,
) -> PageResponse:
    recipient = await asyncio.to_thread(recipients.found, token)
    client = request.scope["client"]
    try:
        limits.count(recipient, client[0] if client else "", token)
    except ApiError as error:
        if error.code is not Code.RATE_LIMIT_EXCEEDED:
            raise
        answer = _page(site, {"state": "busy"}, status=429)
        answer.headers.update(error.headers)
        return answer
    if recipient is None:
        return _page(site, {"state": "unknown"}, status=404)
    if recipient.is_subscribed and not is_question:
        await asyncio.to_thread(recipients.unsubscribe, recipient)
    is_open = is_question and recipient.is_subscribed
    state = "ask" if is_open else "done"
    return _page(site, {"state": state, **_about(recipient)})


def _about(recipient: Recipient | CreatorRecipient) -> dict[str, str]:
    """Return the name of the report and the address; a creator has no address here."""
    if isinstance(recipient, CreatorRecipient):
        return {"name": recipient.organization, "address": ""}
    return {"name": recipient.report.name, "address": _hinted(recipient.address)}


def _hinted(address: str) -> str:
    """Return an address that its owner recognizes and nobody else learns."""
    name = name_in(address)
    return f"{name[:1]}…{address.removeprefix(name)}"


def _page(site: Site, context: dict[str, Any], *, status: int = 200) -> PageResponse:
    return site.render(
        "reports/unsubscribe.html",
        {**context, "page": None, "flash": None},
        status=status,
        headers=_QUIET,
    )

"""/connect: the request to a creator, the way to TikTok, and the result."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect
from msgspec import Struct

from api.http.access.sessions import set_cookie
from api.http.request import Request
from api.web.connect.wording import NOT_SET_UP, REFUSED, SPENT, UNKNOWN_LINK, Notice
from api.web.kit.site import SECRET, Site
from application.connect.outcomes import (
    Connected,
    ConsentOutcome,
    NotConnected,
    OtherHandle,
    Waiting,
)
from application.connect.service import Connections, LinkParties
from domain.connection.consent import SCOPES, explained
from domain.connection.links import ConnectLink
from infra.http_out.outbound import OutboundBusyError

COOKIE = "goatherd_connect"
_COOKIE_SECONDS = 3_600
_SEE_OTHER = 303
_PURPOSE = "consent of another handle"
_NO_CONTENT = 204

# TikTok chooses the values that it sends; none of them is longer than this.
_LONGEST = 4_096
_Sent = Annotated[str | None, QueryParameter(max_length=_LONGEST)]
# The framework has a parameter called state.
_SentState = Annotated[str | None, QueryParameter(name="state", max_length=_LONGEST)]


class ConfirmForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The signed consent, and the answer whether its account is the creator's."""

    consent: str
    answer: str


class ConnectPages(Controller):
    """The pages behind a connect link."""

    path = "/connect"
    include_in_schema = False

    @get("/callback", opt={"scope": None})
    async def arrive(
        self,
        request: Request,
        site: NamedDependency[Site],
        connections: NamedDependency[Connections],
        code: _Sent = None,
        sent_state: _SentState = None,
        error: _Sent = None,
    ) -> Response[Any]:
        """Process the parameters that TikTok sends back."""
        consents = connections.consents
        if consents is None:
            return _notice(site, NOT_SET_UP)
        arrived = await asyncio.to_thread(
            lambda: consents.arrive(
                state=sent_state or "",
                browser=request.sent_cookies.get(COOKIE, ""),
                code=code or None,
                error=error,
            )
        )
        if isinstance(arrived, NotConnected):
            return await _answer(site, connections, arrived)
        try:
            # TikTok may be slow, and must not keep others from their pages.
            outcome = await connections.outbound.run(
                lambda: consents.take(arrived), of=arrived.link.id
            )
        except OutboundBusyError:
            outcome = NotConnected(why="crowded", link=arrived.link)
        return await _answer(site, connections, outcome)

    @post("/confirm", opt={"scope": None, "form": ConfirmForm})
    async def confirm(
        self,
        request: Request,
        site: NamedDependency[Site],
        connections: NamedDependency[Connections],
    ) -> Response[Any]:
        """Process the answer whether another account is the creator's."""
        form, consents = request.form_as(ConfirmForm), connections.consents
        signed = site.sessions.verified(_PURPOSE, form.consent)
        if consents is None or signed is None:
            return _notice(site, REFUSED["unknown"])
        outcome = await asyncio.to_thread(
            lambda: consents.confirm(
                UUID(bytes=signed), is_creator=form.answer == "yes"
            )
        )
        return await _answer(site, connections, outcome)

    @get("/{token:str}", opt={"scope": None})
    async def ask(
        self,
        token: FromPath[str],
        site: NamedDependency[Site],
        connections: NamedDependency[Connections],
    ) -> Response[Any]:
        """Show who asks, which data will be read, for how long, and how to end it."""
        link = await asyncio.to_thread(connections.link_at, token)
        refused = await _refusal(site, connections, link)
        if refused is not None or link is None:
            return refused or _notice(site, UNKNOWN_LINK)
        parties = await asyncio.to_thread(connections.parties_of, link)
        return _show(
            site,
            "connect/ask.html",
            {
                "parties": parties,
                "reads": SCOPES.values(),
                "token": token,
                "expires_at": link.expires_at,
            },
        )

    @get("/{token:str}/consent", opt={"scope": None})
    async def depart(
        self,
        request: Request,
        token: FromPath[str],
        site: NamedDependency[Site],
        connections: NamedDependency[Connections],
    ) -> Response[Any]:
        """Go to TikTok's consent page."""
        # A browser that loads links in advance has not decided anything.
        if b"prefetch" in (request.raw_header(b"sec-purpose") or b""):
            return Response(None, status_code=_NO_CONTENT)
        link = await asyncio.to_thread(connections.link_at, token)
        refused = await _refusal(site, connections, link)
        consents = connections.consents
        if refused is not None or link is None or consents is None:
            return refused or _notice(site, UNKNOWN_LINK)
        departure = await asyncio.to_thread(consents.depart, link)
        if departure is None:
            return _notice(site, REFUSED["too_often"])
        request.context.response_headers.append(
            set_cookie(
                COOKIE,
                departure.browser,
                seconds=_COOKIE_SECONDS,
                is_tls=request.is_tls,
            )
        )
        return Redirect(departure.url, status_code=_SEE_OTHER)


async def _refusal(
    site: Site, connections: Connections, link: ConnectLink | None
) -> Response[Any] | None:
    """Return the page that says why a link does not work, None if it does."""
    if link is None:
        return _notice(site, UNKNOWN_LINK)
    state = link.state(datetime.now(UTC))
    parties = await asyncio.to_thread(connections.parties_of, link)
    if state != "open":
        return _notice(site, SPENT[state], parties)
    if parties.creator is None or parties.creator.is_gone:
        return _notice(site, SPENT["revoked"], parties)
    if connections.consents is None:
        return _notice(site, NOT_SET_UP, parties)
    return None


async def _answer(
    site: Site, connections: Connections, outcome: ConsentOutcome
) -> Response[Any]:
    match outcome:
        case NotConnected(why=why, link=link):
            parties = token = None
            if link is not None:
                parties = await asyncio.to_thread(connections.parties_of, link)
                token = connections.seal.link_token(link.id)
            return _notice(site, REFUSED[why], parties, token=token)
        case OtherHandle():
            signed = site.sessions.signed(_PURPOSE, outcome.connection_id.bytes)
            context = {"outcome": outcome, "consent": signed}
            return _show(site, "connect/confirm.html", context)
        case Waiting():
            return _show(site, "connect/waiting.html", {"outcome": outcome})
        case Connected():
            return _show(
                site,
                "connect/done.html",
                {"outcome": outcome, "reads": explained(outcome.scopes)},
            )


def _notice(
    site: Site,
    notice: Notice,
    parties: LinkParties | None = None,
    *,
    token: str | None = None,
) -> Response[Any]:
    context = {"notice": notice, "parties": parties, "token": token}
    return _show(site, "connect/notice.html", context, status=notice.status)


def _show(
    site: Site, template: str, context: dict[str, Any], *, status: int = 200
) -> Response[Any]:
    # Addresses of these pages have secrets, which no other site may see.
    return site.render(
        template,
        {**context, "page": None, "flash": None},
        status=status,
        headers={
            **SECRET,
            "Referrer-Policy": "strict-origin",
            "X-Robots-Tag": "noindex",
        },
    )

"""A service's reply, and the reason of a refusal, by its status or its words."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Literal, assert_never
from urllib.parse import quote, quote_plus

from msgspec import Struct

from domain.scrape.verdicts import (
    Blocked,
    NotFound,
    Private,
    RateLimited,
    SchemaChanged,
    Transient,
    Unavailable,
)
from infra.http_out.refusals import Refusal, refusal_of_status, seconds_of
from infra.http_out.session import FetchedPage
from infra.logs import masked
from workers.sources.shapes.json_values import decode, within

RefusalKind = Literal[
    "missing",
    "private",
    "unavailable",
    "key",
    "account",
    "credits",
    "units",
    "too fast",
    "fails",
    "turned away",
    "address",
    "shape",
]

_LONGEST_WORDS = 200
_WORDS_IN = (("message",), ("detail",), ("error",), ("error", "message"), ("msg",))
_UNSEEN = re.compile(r"[\s\x00-\x1f\x7f]+")
# Messages of web frameworks for a path that they do not have.
_NO_SUCH_PATH = re.compile(r"(not found|cannot get .*|route .*)\.?", re.IGNORECASE)

# A service has few codes and says the rest in words; the first match counts.
_KINDS: tuple[tuple[str, RefusalKind], ...] = (
    ("credit", "credits"),
    ("api key", "key"),
    ("apikey", "key"),
    ("rate limit", "too fast"),
    ("too many requests", "too fast"),
    ("private", "private"),
    ("banned", "unavailable"),
    ("suspended", "unavailable"),
    ("restricted", "unavailable"),
    ("not found", "missing"),
    ("not be found", "missing"),
    ("no longer", "missing"),
    ("not exist", "missing"),
    ("n't exist", "missing"),
    ("n't find", "missing"),
    ("not find", "missing"),
    ("no user", "missing"),
)


class PaidService(Struct, frozen=True, kw_only=True):
    """A service's name in refusals, and the setting that has its key.

    ``secret`` is the key itself, which no refusal may quote. ``statuses`` has the
    meanings of the service's own statuses.
    """

    name: str
    key_setting: str
    secret: str
    statuses: Mapping[int, RefusalKind]

    def __repr__(self) -> str:
        return f"PaidService({self.name!r})"


class PaidReply(Struct, frozen=True, kw_only=True):
    """A service's answer; ``body`` is its JSON, None if it is no JSON."""

    status: int
    body: object
    is_empty: bool
    is_page: bool
    retry_after: str | None


def reply_of(page: FetchedPage) -> PaidReply:
    text = page.body.strip()
    return PaidReply(
        status=page.status,
        body=decode(text) if text else None,
        is_empty=not text,
        is_page=text.startswith(b"<"),
        retry_after=page.retry_after,
    )


def refusal_of(
    reply: PaidReply, service: PaidService, *, subject: str, now: datetime
) -> Refusal | None:
    """Return why the reply has no content, None if it may have some.

    ``subject`` names the requested thing, such as ``@some.body``.
    """
    words = _words_of(reply, service)
    kind = _kind_of(reply, service, words)
    if kind is None:
        return None
    detail = f"HTTP {reply.status}: {words}" if words else f"HTTP {reply.status}"
    return _refusal(kind, service, reply, subject=subject, detail=detail, now=now)


def refusal_in_words(
    reply: PaidReply, service: PaidService, *, subject: str, now: datetime
) -> Refusal:
    """Return the reason of a reply without the requested data, by its words alone."""
    words = _words_of(reply, service)
    kind = _kind_in(words) or "shape"
    detail = words or f"nothing of {subject}"
    return _refusal(kind, service, reply, subject=subject, detail=detail, now=now)


def _words_of(reply: PaidReply, service: PaidService) -> str:
    """Return the service's own message of an error, without the key; empty if none."""
    found = (within(reply.body, *path) for path in _WORDS_IN)
    said = next((text for text in found if isinstance(text, str)), "")
    for form in (str, quote_plus, partial(quote, safe="")):
        said = said.replace(form(service.secret), "[masked]")
    plain = _UNSEEN.sub(" ", said)
    return masked(plain).strip()[:_LONGEST_WORDS].rstrip(". ")


def _kind_of(reply: PaidReply, service: PaidService, words: str) -> RefusalKind | None:
    if reply.status in service.statuses and isinstance(reply.body, dict):
        return service.statuses[reply.status]
    match reply.status:
        case 402:
            return "credits"
        case 429:
            return "too fast"
        case 404 | 410:
            # A wrong base URL sends this status for every handle, so it counts only
            # with words.
            known = words and not _NO_SUCH_PATH.fullmatch(words)
            return (_kind_in(words) or "missing") if known else "address"
        case 401 | 403 if isinstance(reply.body, dict):
            return "key"
        case _:
            pass
    refusal = refusal_of_status(reply.status, source=service.name)
    if isinstance(refusal, Transient):
        return "fails"
    if isinstance(refusal, Blocked) or (refusal is None and reply.is_page):
        return "turned away"
    if refusal is not None:
        return "shape"
    if reply.is_empty:
        return "fails"
    return None if isinstance(reply.body, dict) else "shape"


def _kind_in(words: str) -> RefusalKind | None:
    plain = words.casefold()
    return next((kind for text, kind in _KINDS if text in plain), None)


def _refusal(
    kind: RefusalKind,
    service: PaidService,
    reply: PaidReply,
    *,
    subject: str,
    detail: str,
    now: datetime,
) -> Refusal:
    name = service.name
    match kind:
        case "missing":
            return NotFound(f"{name} finds no {subject} ({detail}).")
        case "private":
            return Private(f"{name} says that {subject} is private ({detail}).")
        case "unavailable":
            return Unavailable(f"{name} cannot show {subject} ({detail}).")
        case "key":
            return Blocked(
                f"{name} refuses the API key in {service.key_setting} ({detail})."
            )
        case "account":
            return Blocked(f"{name} does not serve your account there ({detail}).")
        case "credits":
            return Blocked(
                f"Your account at {name} is out of credits: buy more there ({detail})."
            )
        case "units":
            return RateLimited(
                _seconds_to_midnight(now),
                f"Your account at {name} has used its units of today ({detail}).",
            )
        case "too fast":
            return RateLimited(
                seconds_of(reply.retry_after, now=now),
                f"{name} got too many requests ({detail}).",
            )
        case "fails":
            return Transient(f"{name} failed ({detail}).")
        case "turned away":
            return Blocked(f"{name} turned this machine away ({detail}).")
        case "address":
            return SchemaChanged(
                f"{name} has no such address: its base URL may be wrong ({detail})."
            )
        case "shape":
            return SchemaChanged(f"{name} answered in no known way ({detail}).")
        case _:
            assert_never(kind)


def _seconds_to_midnight(now: datetime) -> float:
    """Return the seconds until 00:00 UTC."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight + timedelta(days=1) - now).total_seconds()

"""Logs: one line an event on stderr, without secrets and without personal data.

Lines that libraries write with the standard ``logging`` get the same form.
"""

import logging
import re
import sys
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Literal, TextIO, cast

import msgspec
import structlog
from structlog.contextvars import bound_contextvars, get_contextvars
from structlog.typing import EventDict, Processor, WrappedLogger

from infra.outage import watch_pool_log

_MASK = "[masked]"
_SECRET_NAMES = frozenset(
    {
        *("api_key", "authorization", "client_secret", "cookie", "csrf"),
        *("password", "secret", "set-cookie"),
        *("access_token", "refresh_token", "code_verifier"),
    }
)
# These libraries log every request with address and headers below "warning".
_TALKATIVE = ("httpcore", "httpx")
_SECRETS = [
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r"tga_[0-9a-f]{64}", _MASK),
        (
            r"""(authorization['"]?\s*[:=,]\s*(?:b?['"])?)(?:(?:bearer|basic)\s+)?[^\s'",)}]+""",
            rf"\1{_MASK}",
        ),
        (r"(bearer\s+)[\w.~+/=-]{16,}", rf"\1{_MASK}"),
        # Goatherd's cookies and links that sign in once, anywhere in the text.
        (r"(goatherd_(?:session|flash|connect)=)[\w-]+", rf"\1{_MASK}"),
        (r"(/(?:sign-in|connect|password|invitations)/)[\w-]{16,}", rf"\1{_MASK}"),
        # TikTok's tokens, and the codes for which TikTok issues them.
        (r"\b(?:act|rft)\.[\w.!*~%-]{8,}", _MASK),
        (r"([?&](?:code|state)=)[^\s&\"']{8,}", rf"\1{_MASK}"),
        # scheme://user:password@host and scheme://:password@host
        (r"(\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+@", rf"\1{_MASK}@"),
        (
            r"""((?:password|client_secret)['"]?\s*[:=]\s*['"]?)[^\s'"&,)}]+""",
            rf"\1{_MASK}",
        ),
        # Rows in the details of PostgreSQL's errors, which may have names of persons.
        (r"((?-i:DETAIL|CONTEXT)):(?s:.*?)(?=\n\n|\Z)", rf"\1: {_MASK}"),
    )
]


def configure_logs(
    *,
    level: Literal["debug", "info", "warning", "error"],
    form: Literal["console", "json"],
    stream: TextIO | None = None,
) -> None:
    """Send every log line of the process to ``stream``, or to stderr by default.

    ``level`` is the least important level that is logged.
    """
    least = logging.getLevelNamesMapping()[level.upper()]
    output = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                mask_secrets,
                _renderer(form, colors=output.isatty()),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(least)
    pools = logging.getLogger("psycopg.pool")
    # A repeated configuration does not add the filter again.
    pools.addFilter(watch_pool_log)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(least, logging.WARNING))


@contextmanager
def correlated(correlation_id: str) -> Generator[None]:
    """Add the id to every line that this thread or task logs inside the block."""
    with bound_contextvars(correlation_id=correlation_id):
        yield


def correlation_id() -> str | None:
    """Return the id of the enclosing ``correlated`` block, if any."""
    return get_contextvars().get("correlation_id")


def mask_secrets(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Replace keys, authorization headers and passwords in a log line."""
    return {name: _masked(value, name=name) for name, value in event.items()}


def masked(text: str) -> str:
    """Return the text without API keys, authorization headers and passwords."""
    for secret, replacement in _SECRETS:
        text = secret.sub(replacement, text)
    return text


def _masked(value: object, *, name: object = None) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(name, str) and name.lower() in _SECRET_NAMES:
        return _MASK
    if isinstance(value, Mapping):
        inside = cast("Mapping[object, object]", value)
        return {_masked(k): _masked(v, name=k) for k, v in inside.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item) for item in cast("Iterable[object]", value)]
    return masked(str(value))


def _renderer(form: Literal["console", "json"], *, colors: bool) -> Processor:
    if form == "json":
        return structlog.processors.JSONRenderer(serializer=_json)
    return structlog.dev.ConsoleRenderer(
        colors=colors, exception_formatter=structlog.dev.plain_traceback
    )


def _json(event: object, **_: object) -> str:
    return msgspec.json.encode(event).decode()

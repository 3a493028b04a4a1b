"""Health for load balancers and supervisors: alive, and ready to serve."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import psycopg
from litestar import get
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from api.http.errors import Code, NotReadyError
from api.http.responses import Answer
from infra.outage import OUTAGE

Check = Callable[[], Awaitable[str | None]]

_CHECK_SECONDS = 2.0
_log = logging.getLogger(__name__)


class Liveness(Struct, frozen=True):
    """The process answers."""

    status: str


class Readiness(Struct, frozen=True, kw_only=True):
    """The service is ready: every check passed.

    ``warnings`` has sentences for the operator about problems that do not make the
    service unready.
    """

    status: str
    checks: dict[str, str]
    warnings: dict[str, str]


def health_routes(
    checks: Sequence[tuple[str, Check]], warnings: Sequence[tuple[str, Check]] = ()
) -> list[HTTPRouteHandler]:
    """Return the routes; each check returns None or a sentence about a problem.

    A check that fails or takes longer than two seconds counts as a problem. It is
    logged when it appears, not at each request. ``warnings`` are checks as well, but
    a process with warnings is still ready.
    """
    logged: set[str] = set()

    @get(
        "/health/live",
        opt={"scope": None},
        operation_id="getLiveness",
        tags=["Operations"],
    )
    async def live() -> Answer[Liveness]:
        """Show that the process answers."""
        return Answer(Liveness("live"))

    @get(
        "/health/ready",
        opt={"scope": None, "errors": [Code.UNAVAILABLE]},
        operation_id="getReadiness",
        tags=["Operations"],
    )
    async def ready() -> Answer[Readiness]:
        """Show whether the service can answer requests; 503 with reasons if not."""
        reasons, warned = await asyncio.gather(_ask_all(checks), _ask_all(warnings))
        if reasons.keys() - logged:
            _log.warning("Not ready: %s", reasons)
        elif logged and not reasons:
            _log.info("Ready again")
        logged.clear()
        logged.update(reasons)
        if reasons:
            problems = "; ".join(f"{name}: {why}" for name, why in reasons.items())
            raise NotReadyError(
                Code.UNAVAILABLE,
                f"Not ready. {problems}",
                meta={"reasons": reasons, "warnings": warned},
            )
        passed = dict.fromkeys((name for name, _ in checks), "ok")
        return Answer(Readiness(status="ready", checks=passed, warnings=warned))

    return [live, ready]


async def _ask_all(checks: Sequence[tuple[str, Check]]) -> dict[str, str]:
    answers = await asyncio.gather(*(_ask(name, check) for name, check in checks))
    names = (name for name, _ in checks)
    return {
        name: reason
        for name, reason in zip(names, answers, strict=True)
        if reason is not None
    }


async def _ask(name: str, check: Check) -> str | None:
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            return await check()
    except TimeoutError:
        return f"did not answer within {_CHECK_SECONDS:.0f} s"
    except psycopg.OperationalError as error:
        if not OUTAGE.explains(error):
            _log.warning("The health check %s failed: %r", name, error)
        return "PostgreSQL cannot be reached or did not answer"
    except Exception:  # noqa: BLE001 - whatever it is, the service is not ready
        _log.exception("The health check %s failed", name)
        return "could not be checked; the log says why"

"""Writing: from a request to a command, and from what happened to the answer.

Every write goes through ``Writer.perform``, which keeps the promise of the
Idempotency-Key: the answer is stored in the append's own transaction.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from psycopg import Cursor
from psycopg.rows import TupleRow

from api.http.error_responses import answer_failure
from api.http.errors import CODES, ApiError, Code, field_error, known_error
from api.http.request import Request
from api.http.responses import Answer, StoredAnswer
from domain.organization.plans import Limits, UnknownPlanError
from infra import idempotency
from infra.database import run_read
from infra.eventstore.append import Context
from infra.eventstore.store import BusyError, Store
from infra.ids import new_id

CODES[BusyError] = Code.UNAVAILABLE
CODES[UnknownPlanError] = Code.UNAVAILABLE
CODES[idempotency.LeaseLostError] = Code.UNAVAILABLE

# In quotes, as the standard in the making has it, or bare, as everybody sends it.
_KEY = re.compile(rb'"([\x20\x21\x23-\x7e]{1,255})"\Z|([\x20-\x7e]{1,255})\Z')
_TYPE = "Content-Type"
_HEAD = "SELECT coalesce(max(notification_id), 0) FROM goatherd_events"
_KEPT_BELOW = 500
_NEVER_KEPT = frozenset({Code.RATE_LIMIT_EXCEEDED})


class CommandResult(Protocol):
    """What a handler returns; ``position`` is None where nothing was appended."""

    @property
    def position(self) -> int | None: ...


Result = TypeVar("Result", bound=CommandResult)
T = TypeVar("T")
Alongside = Callable[[Cursor[TupleRow], Result], None]


class Rows:
    """Where an answer finds rows: the append's transaction, or a fresh connection."""

    def __init__(self, store: Store, cursor: Cursor[TupleRow] | None = None) -> None:
        self._store = store
        self._cursor = cursor

    def ask(self, question: Callable[[Cursor[TupleRow]], T]) -> T:
        """Return what ``question`` finds with a cursor."""
        if self._cursor is not None:
            return question(self._cursor)
        return run_read(
            self._store.pool,
            lambda connection: question(connection.cursor(binary=True)),
        )

    def head(self) -> int:
        """Return where the log stands."""
        row = self.ask(lambda cursor: cursor.execute(_HEAD).fetchone())
        return row[0] if row else 0


class CommandWriter:
    """Carries out commands for requests and answers them."""

    def __init__(
        self,
        store: Store,
        *,
        plans: Mapping[str, Limits],
        max_queue_age_seconds: int,
        secret: str,
    ) -> None:
        self.store = store
        self.plans = plans
        self.max_queue_age_seconds = max_queue_age_seconds
        self.secret = secret

    def perform(
        self,
        request: Request,
        execute: Callable[[Alongside[Result] | None], Result],
        respond: Callable[[Rows, Result], Answer[Any]],
        *,
        unseal: Callable[[bytes], bytes] = bytes,
    ) -> Answer[Any]:
        """Carry the command out and answer, or repeat what was answered before.

        ``present`` makes the answer of what happened; with an Idempotency-Key it runs
        inside the append's transaction. ``reveal`` turns a stored body into the one to
        send, where it holds what may not be stored.
        """
        ask = _idempotency_request(request)
        if ask is None:
            done = execute(None)
            answer = _with_position(respond, Rows(self.store), done)
            return answer if unseal is bytes else _unsealed(answer, unseal)
        claimed = idempotency.acquire(self.store.pool, ask)
        match claimed:
            case idempotency.KeyUnavailable():
                raise _unanswerable(claimed)
            case idempotency.StoredResponse():
                return _repeated(claimed, unseal)
            case idempotency.IdempotencyLease():
                return self._first(request, claimed, execute, respond, unseal)

    def context(self, request: Request) -> Context:
        """Return who asks, for the events that come of it."""
        return Context(
            actor=f"key:{request.principal.key_id}",
            command_id=new_id(),
            correlation_id=request.context.correlation_id,
        )

    def expected_versions(self, request: Request) -> frozenset[int] | None:
        """Return the versions that If-Match names; None where any will do.

        Raises:
            ApiError: ``invalid_params``, if the header is malformed.
        """
        condition = request.if_match
        if condition is None or condition.is_any:
            return None
        return condition.versions

    def require_no_version(self, request: Request) -> None:
        """Refuse an If-Match that names a version, where there are no versions.

        Raises:
            ApiError: ``version_conflict``, or ``invalid_params`` if it is malformed.
        """
        if self.expected_versions(request) is not None:
            message = "This has no version: send If-Match with *, or not at all."
            raise ApiError(Code.VERSION_CONFLICT, message)

    def _first(
        self,
        request: Request,
        claimed: idempotency.IdempotencyLease,
        execute: Callable[[Alongside[Result] | None], Result],
        respond: Callable[[Rows, Result], Answer[Any]],
        unseal: Callable[[bytes], bytes],
    ) -> Answer[Any]:
        answers: list[Answer[Any]] = []

        def answer_within(cursor: Cursor[TupleRow], done: Result) -> None:
            answer = _with_position(respond, Rows(self.store, cursor), done)
            _keep(cursor, claimed, answer)
            answers.append(answer)

        try:
            done = execute(answer_within)
            if done.position is None:
                # Nothing was appended, so the answer is all there is to store.
                self._in_transaction(lambda cursor: answer_within(cursor, done))
            return _unsealed(answers[-1], unseal)
        except Exception as error:
            known = known_error(error)
            if (
                known is None
                or known.status >= _KEPT_BELOW
                or known.code in _NEVER_KEPT
            ):
                idempotency.release(self.store.pool, claimed)
                raise
            refusal = answer_failure(request, known)
            self._in_transaction(lambda cursor: _keep(cursor, claimed, refusal))
            raise

    def _in_transaction(self, write: Callable[[Cursor[TupleRow]], None]) -> None:
        with self.store.pool.connection() as connection, connection.transaction():
            write(connection.cursor())


def _with_position(
    respond: Callable[[Rows, Result], Answer[Any]], rows: Rows, done: Result
) -> Answer[Any]:
    answer = respond(rows, done)
    if done.position is None:
        # Whoever asked for what is so already may want to read it, too.
        answer.headers["Goatherd-Position"] = str(rows.head())
    return answer


def _keep(
    cursor: Cursor[TupleRow], claimed: idempotency.IdempotencyLease, answer: Answer[Any]
) -> None:
    idempotency.store_response(
        cursor,
        claimed,
        status=answer.status_code or 200,
        headers={**answer.headers, _TYPE: answer.sent_media_type.decode()},
        body=answer.encoded_body(),
    )


def _repeated(
    given: idempotency.StoredResponse, unseal: Callable[[bytes], bytes]
) -> StoredAnswer:
    headers = {**given.headers, "Idempotent-Replayed": "true"}
    media_type = headers.pop(_TYPE)
    answer = StoredAnswer(unseal(given.body), status=given.status, headers=headers)
    answer.sent_media_type = media_type.encode()
    return answer


def _unsealed(answer: Answer[Any], unseal: Callable[[bytes], bytes]) -> Answer[Any]:
    return StoredAnswer(
        unseal(answer.encoded_body()),
        status=answer.status_code or 200,
        headers=dict(answer.headers),
    )


def _idempotency_request(request: Request) -> idempotency.IdempotentRequest | None:
    header = request.raw_header(b"idempotency-key")
    if header is None or request.method != "POST":
        return None
    match = _KEY.match(header.strip(b" \t"))
    if match is None or match[0] == b'""':
        raise field_error(
            Code.INVALID_PARAMS,
            "/Idempotency-Key",
            "must be 1 to 255 printable ASCII characters",
        )
    principal = request.principal
    said = b"\n".join(
        (
            request.scope["raw_path"],
            request.scope["query_string"],
            request.body_that_was_read,
        )
    )
    return idempotency.IdempotentRequest(
        organization_id=principal.organization_id,
        key_id=principal.key_id,
        idempotency_key=(match[1] or match[2]).decode("ascii"),
        route=f"{request.method} {request.scope['path']}",
        fingerprint=hashlib.sha256(said).digest(),
    )


def _unanswerable(found: idempotency.KeyUnavailable) -> ApiError:
    match found.reason:
        case "other_route":
            return ApiError(
                Code.IDEMPOTENCY_CONFLICT,
                f"This Idempotency-Key was used for {found.route}.",
            )
        case "other_body":
            return ApiError(Code.IDEMPOTENCY_KEY_REUSED)
        case "in_flight":
            return ApiError(Code.IDEMPOTENCY_IN_FLIGHT, headers={"Retry-After": "1"})

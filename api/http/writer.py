"""Writes: from a request to a command, and from its result to the answer.

Every POST that writes uses ``Writer.perform``, which makes the Idempotency-Key work:
the answer is stored in the append's own transaction.
"""

import asyncio
import hashlib
import hmac
import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from api.http.error_responses import answer_failure
from api.http.errors import CODES, ApiError, Code, field_error, known_error
from api.http.request import Request
from api.http.responses import Answer, StoredAnswer
from domain.decisions import Handler
from domain.errors import NotFoundError
from domain.organization.plans import Limits, UnknownPlanError
from infra import idempotency
from infra.database import run_read
from infra.eventstore.append import Context
from infra.eventstore.execute import (
    Executed,
    InTransaction,
    execute,
    is_visible,
)
from infra.eventstore.store import BusyError, Store
from infra.idempotency import IdempotentRequest

CODES[BusyError] = Code.UNAVAILABLE
CODES[UnknownPlanError] = Code.UNAVAILABLE
CODES[idempotency.LeaseLostError] = Code.UNAVAILABLE

# The key is in quotes, as the draft of the standard says, or bare, as most clients send
# it.
_KEY = re.compile(rb'"([\x20\x21\x23-\x7e]{1,255})"\Z|([\x20-\x7e]{1,255})\Z')
_TYPE = "Content-Type"
_STORED_BELOW = 500
_NEVER_STORED = frozenset({Code.RATE_LIMIT_EXCEEDED})


T = TypeVar("T")
Run = Callable[[InTransaction[T] | None], Executed[T]]


class Rows:
    """Reads rows for an answer, in the append's transaction or on a new connection."""

    def __init__(self, store: Store, cursor: Cursor[TupleRow] | None = None) -> None:
        self._store = store
        self._cursor = cursor

    def ask(self, question: Callable[[Cursor[TupleRow]], T]) -> T:
        """Return the result of ``question``, called with a cursor."""
        if self._cursor is not None:
            return question(self._cursor)
        return run_read(
            self._store.pool,
            lambda connection: question(connection.cursor(binary=True)),
        )


class CommandWriter:
    """Executes commands for requests and answers them."""

    def __init__(
        self,
        store: Store,
        *,
        plans: Mapping[str, Limits],
        max_queue_age_seconds: int,
        secret: str,
    ) -> None:
        self.store = store
        self._leases = idempotency.HeldLeases(store.pool)
        self.plans = plans
        self.max_queue_age_seconds = max_queue_age_seconds
        self.secret = secret

    def perform(
        self,
        request: Request,
        handler: Callable[[], Handler[T]],
        respond: Callable[[Rows, Executed[T]], Answer[Any]],
        *,
        check: Callable[[], None] | None = None,
        in_transaction: InTransaction[T] | None = None,
        unseal: Callable[[bytes], bytes] = bytes,
    ) -> Answer[Any]:
        """Execute a command as ``execute`` does, and answer as ``answer`` does."""
        return self.answer(
            request,
            lambda hook: execute(
                self.store,
                handler,
                context=self.context(request),
                check=check,
                in_transaction=hook,
            ),
            respond,
            in_transaction=in_transaction,
            unseal=unseal,
        )

    def answer(
        self,
        request: Request,
        run: Run[T],
        respond: Callable[[Rows, Executed[T]], Answer[Any]],
        *,
        in_transaction: InTransaction[T] | None = None,
        unseal: Callable[[bytes], bytes] = bytes,
    ) -> Answer[Any]:
        """Run a command and answer, or repeat the stored answer.

        ``respond`` makes the answer from the result. With an Idempotency-Key it runs
        inside the append's transaction, as ``in_transaction`` always does. If an answer
        has a secret that may not be stored, ``unseal`` adds it to the stored body.
        """
        key = _idempotency_request(request, self.secret)
        if key is None:
            done = run(in_transaction)
            answer = _with_position(request, respond, Rows(self.store), done)
            return answer if unseal is bytes else _unsealed(answer, unseal)
        acquired = idempotency.acquire(self.store.pool, key)
        match acquired:
            case idempotency.KeyUnavailable():
                raise _unanswerable(acquired)
            case idempotency.StoredResponse():
                return _repeated(acquired, unseal)
            case idempotency.IdempotencyLease():
                with self._leases.renewing(acquired):
                    answer = self._first(
                        request, acquired, run, respond, in_transaction
                    )
                return _unsealed(answer, unseal)

    async def answer_reading(
        self, request: Request, read: Callable[[], Coroutine[Any, Any, Answer[Any]]]
    ) -> Answer[Any]:
        """Answer a POST that stores nothing else, or repeat the stored answer.

        ``read`` runs once the key is known to be new, so that an erasure meanwhile
        keeps the answer from being stored. Without a key it needs no thread.
        """
        if request.raw_header(b"idempotency-key") is None:
            return await read()
        loop = asyncio.get_running_loop()

        def run(_: object) -> Executed[Answer[Any]]:
            answer = asyncio.run_coroutine_threadsafe(read(), loop).result()
            return Executed(answer, events=[], loaded={})

        return await asyncio.to_thread(
            self.answer, request, run, lambda _, done: done.result
        )

    def context(self, request: Request) -> Context:
        """Return the context in which the events of this request are recorded."""
        return Context(
            actor=request.principal.actor,
            command_id=request.command_id,
            correlation_id=request.context.correlation_id,
            organization_id=request.principal.organization_id,
            project_ids=request.principal.project_ids,
        )

    def require_visible(self, request: Request, stream: UUID, kind: str) -> None:
        """Refuse the stream of what the person of the request may not see.

        Commands by ``perform`` do that by themselves.

        Raises:
            NotFoundError: nothing of the ``kind`` is there for the person.
        """
        if not is_visible(self.store, stream, request.principal.project_ids):
            raise NotFoundError(kind)

    def expected_versions(self, request: Request) -> frozenset[int] | None:
        """Return the versions that If-Match names; None if any version is allowed.

        Raises:
            ApiError: ``invalid_params``, if the header is malformed.
        """
        condition = request.if_match
        if condition is None or condition.is_any:
            return None
        return condition.versions

    def require_no_version(self, request: Request) -> None:
        """Refuse an If-Match that names a version of a resource without versions.

        Raises:
            ApiError: ``version_conflict``, or ``invalid_params`` if the header is
                malformed.
        """
        if self.expected_versions(request) is not None:
            message = (
                "This resource has no version: send If-Match with *, or leave it out."
            )
            raise ApiError(Code.VERSION_CONFLICT, message)

    def _first(
        self,
        request: Request,
        lease: idempotency.IdempotencyLease,
        run: Run[T],
        respond: Callable[[Rows, Executed[T]], Answer[Any]],
        in_transaction: InTransaction[T] | None,
    ) -> Answer[Any]:
        """Answer the first request with a key, and store the answer."""
        answers: list[Answer[Any]] = []

        def store_answer(cursor: Cursor[TupleRow], done: Executed[T]) -> None:
            if in_transaction is not None:
                in_transaction(cursor, done)
            rows = Rows(self.store, cursor)
            answers.append(_with_position(request, respond, rows, done))
            _store(cursor, lease, answers[-1])

        try:
            done = run(store_answer)
            if not done.events:
                answers = [_with_position(request, respond, Rows(self.store), done)]
                self._store_unless_erased(lease, answers[-1])
            return answers[-1]
        except Exception as error:
            known = known_error(error)
            if (
                known is None
                or known.status >= _STORED_BELOW
                or known.code in _NEVER_STORED
            ):
                idempotency.release(self.store.pool, lease)
                raise
            refusal = answer_failure(request, known)
            self._store_unless_erased(lease, refusal)
            raise

    def _store_unless_erased(
        self, lease: idempotency.IdempotencyLease, answer: Answer[Any]
    ) -> None:
        """Store an answer without an append, unless its person was erased meanwhile."""
        with self.store.pool.connection() as connection, connection.transaction():
            cursor = connection.cursor()
            if idempotency.is_nobody_erased_since(cursor, lease):
                return _store(cursor, lease, answer)
        return idempotency.release(self.store.pool, lease)


def _with_position(
    request: Request,
    respond: Callable[[Rows, Executed[T]], Answer[Any]],
    rows: Rows,
    done: Executed[T],
) -> Answer[Any]:
    answer = respond(rows, done)
    if "Goatherd-Position" not in answer.headers:
        # The end of the log would show how much other organizations do.
        position = done.position or done.known_position(request.organization_id)
        answer.headers["Goatherd-Position"] = str(position)
    return answer


def _store(
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
    if (media_type := headers.pop(_TYPE, None)) is None:
        raise ApiError(Code.GONE, "The person of this answer was erased.")
    answer = StoredAnswer(unseal(given.body), status=given.status, headers=headers)
    answer.sent_media_type = media_type.encode()
    return answer


def _unsealed(answer: Answer[Any], unseal: Callable[[bytes], bytes]) -> Answer[Any]:
    return StoredAnswer(
        unseal(answer.encoded_body()),
        status=answer.status_code or 200,
        headers=dict(answer.headers),
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


def _idempotency_request(request: Request, secret: str) -> IdempotentRequest | None:
    """Return the Idempotency-Key and fingerprint of a POST; None without a key.

    Raises:
        ApiError: the key is malformed.
    """
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
    return IdempotentRequest(
        organization_id=principal.organization_id,
        key_id=principal.key_id,
        idempotency_key=stored_key(match[1] or match[2], secret),
        plain_key=f"sha256:{hashlib.sha256(match[1] or match[2]).hexdigest()}",
        route=f"{request.method} {request.scope['path']}",
        # Requests name people. The hash is keyed, because anybody could try handles on
        # a plain one.
        fingerprint=hmac.digest(secret.encode(), said, "sha256"),
        plain_fingerprint=hashlib.sha256(said).digest(),
    )


def stored_key(text: bytes, secret: str) -> str:
    """Return the stored form of an Idempotency-Key, whose text may name a person."""
    return hmac.digest(secret.encode(), b"Idempotency-Key\n" + text, "sha256").hex()

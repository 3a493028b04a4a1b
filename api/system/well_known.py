"""/.well-known: the key that signs roots, and the roots of the log, for everybody."""

import asyncio
from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from msgspec import Struct
from psycopg import Connection
from psycopg.rows import TupleRow

from api.http.access.failed_logins import FailedLogins
from api.http.errors import Code
from api.http.query import invalid_query
from api.http.request import Request
from api.http.responses import Answer
from api.http.writer import CommandWriter
from application.integrity.log import newest_recorded
from application.integrity.roots_log import RootsLog, keys_of
from application.integrity.signing import InstallationSigner
from application.webhooks.signatures import public_key_text
from domain.errors import NotFoundError
from domain.integrity.proofs import ConsistencyProof
from domain.integrity.roots import PublicRoot
from domain.integrity.signing_keys import SigningKey
from infra.database import run_read
from infra.keys.webhook_secrets import webhook_public_key

_MOST_IN_A_MINUTE = 60
_NEWEST_SECONDS = 300
# A proof between two named roots never changes.
_FIXED_SECONDS = 86_400


class PublicKey(Struct, frozen=True, kw_only=True):
    """The public Ed25519 key of an installation, in hex.

    ``keys`` are all keys that ever signed its roots, each with its time; ``key`` is the
    newest.
    """

    algorithm: str = "Ed25519"
    key: str
    keys: list[SigningKey]


class WebhookKey(Struct, frozen=True, kw_only=True):
    """The public key that verifies signatures `v1a` of an organization's webhooks.

    ``public_key`` is in the form of Standard Webhooks: `whpk_` and base64.
    """

    organization_id: UUID
    algorithm: str = "ed25519"
    public_key: str


def well_known_routes() -> list[HTTPRouteHandler]:
    """Return the routes; their answers do not show how much happens here."""

    @get(
        "/.well-known/goatherd-key.json",
        opt={"scope": None},
        operation_id="getSigningKey",
        tags=["Operations"],
    )
    async def key(
        writer: NamedDependency[CommandWriter],
        signer: NamedDependency[InstallationSigner],
    ) -> Answer[PublicKey]:
        """Show the public half of the key that signs this installation's roots."""

        def read(connection: Connection[TupleRow]) -> PublicKey:
            keys = keys_of(connection, opened.key)
            return PublicKey(key=keys[-1].key, keys=keys)

        opened = await asyncio.to_thread(signer.open)
        public = await asyncio.to_thread(run_read, writer.store.pool, read)
        return Answer(public, headers=_cached(seconds=3_600))

    @get(
        "/.well-known/goatherd-root.json",
        opt={"scope": None, "errors": [Code.NOT_FOUND]},
        operation_id="getNewestRoot",
        tags=["Operations"],
    )
    async def root(
        writer: NamedDependency[CommandWriter],
    ) -> Answer[PublicRoot]:
        """Show the newest signed root of the log, without the details for operators.

        Keep it: `goatherd verify --against` compares the log with it, and
        `/.well-known/goatherd-consistency.json` proves for ever that later roots
        continue it.
        """
        newest = await asyncio.to_thread(run_read, writer.store.pool, newest_recorded)
        if newest is None:
            raise NotFoundError("root")
        return Answer(PublicRoot.of(newest), headers=_cached(seconds=_NEWEST_SECONDS))

    roots_log = RootsLog()
    # A proof takes some milliseconds, and anybody may request it.
    requests = FailedLogins(
        limit=_MOST_IN_A_MINUTE, refusal="Too many proofs were requested."
    )

    @get(
        "/.well-known/goatherd-consistency.json",
        opt={"scope": None, "errors": [Code.NOT_FOUND, Code.RATE_LIMIT_EXCEEDED]},
        operation_id="getConsistency",
        tags=["Operations"],
    )
    async def consistency(
        request: Request,
        writer: NamedDependency[CommandWriter],
        from_: Annotated[
            int | None,
            QueryParameter(
                name="from",
                ge=0,
                description="The `size` of the kept root: the number of roots before "
                "it.",
            ),
        ] = None,
        to: Annotated[
            int | None,
            QueryParameter(
                ge=0,
                description="The `size` of the later root; by default the newest.",
            ),
        ] = None,
        root: Annotated[
            str | None,
            QueryParameter(
                max_length=64,
                description="The hash of the kept root, in place of `from`.",
            ),
        ] = None,
    ) -> Answer[ConsistencyProof]:
        """Show the proof that a root was not replaced since somebody kept it.

        The proof has a newer root and the hashes from it to the kept root, by RFC 9162:
        `docs/verify.py FILE --root ROOT` checks it. A root of an older release has no
        `size`; name its hash as `root`.
        """
        client = request.scope["client"]
        requests.count(client[0] if client else "")

        def proof(connection: Connection[TupleRow]) -> ConsistencyProof:
            known = roots_log.known(connection)
            newest = _number("to", to, most=known.newest())
            if root is not None:
                index = known.number_of(root)
            elif from_ is not None:
                index = _number("from", from_, most=newest)
            else:
                raise invalid_query("from", "is required, or root is")
            if index > newest:
                raise invalid_query("to", "is older than the root")
            return roots_log.proof(connection, index=index, newest=newest)

        made = await asyncio.to_thread(run_read, writer.store.pool, proof)
        seconds = _NEWEST_SECONDS if to is None else _FIXED_SECONDS
        return Answer(made, headers=_cached(seconds=seconds))

    @get(
        "/.well-known/webhook-keys/{file_name:str}",
        opt={"scope": None},
        operation_id="getWebhookKey",
        tags=["Webhooks"],
    )
    async def webhook_key(
        file_name: FromPath[str],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[WebhookKey]:
        """Show the public key of an organization that signs its webhooks with `v1a`."""
        organization_id = _id_in(file_name)
        public_key = await asyncio.to_thread(
            run_read,
            writer.store.pool,
            lambda connection: webhook_public_key(connection.cursor(), organization_id),
        )
        if public_key is None:
            raise NotFoundError("key")
        text = public_key_text(public_key)
        answer = WebhookKey(organization_id=organization_id, public_key=text)
        return Answer(answer, headers=_cached(seconds=_NEWEST_SECONDS))

    return [key, root, consistency, webhook_key]


def _id_in(file_name: str) -> UUID:
    """Return the id in the name of a key's file.

    Raises:
        NotFoundError: it has another name.
    """
    stem, dot, ending = file_name.rpartition(".")
    try:
        if dot and ending == "json":
            return UUID(stem)
    except ValueError:
        pass
    raise NotFoundError("key")


def _number(name: str, given: int | None, *, most: int) -> int:
    """Return the number of a root that the request names, by default the newest."""
    if given is not None and given > most:
        raise invalid_query(name, f"must be int <= {most}")
    return most if given is None else given


def _cached(*, seconds: int) -> dict[str, str]:
    return {"Cache-Control": f"public, max-age={seconds}"}

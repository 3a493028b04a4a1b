"""A small application with every convention in it and nothing of Goatherd's own."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import psycopg
import psycopg_pool
from litestar import Litestar, delete, get, patch, post, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler
from msgspec import UNSET, Meta, Struct, UnsetType
from prometheus_client import CollectorRegistry

from api.app import AppConfig, Lifespan, create_app
from api.http.access.auth import Authenticator, Principal
from api.http.access.failed_logins import FailedLogins
from api.http.access.rate_limit import RequestLimiter
from api.http.bodies.json_body import OneOf
from api.http.errors import ApiError, Code
from api.http.request import Request
from api.http.responses import Answer, CountedList, ListPage, PositionPage
from api.system.health import Check
from domain import errors
from domain.events import Scope
from domain.organization.plans import Limits
from infra.database import AsyncPool, own_pool

NOTE_ID = UUID("0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a40")
ORGANIZATION_ID = UUID("0192f0c1-0000-7000-8000-000000000001")
THEN = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
# Nobody connects: only limited keys need the database.
NO_DATABASE = "postgresql://nobody@127.0.0.1:1/none"

Text = Annotated[
    str, Meta(min_length=1, max_length=20, description="Words.", examples=["milk"])
]


class Note(Struct, frozen=True, kw_only=True):
    """Something to remember."""

    id: UUID
    text: Text
    count: int | None = None
    created_at: datetime
    version: int


class NewNote(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One note to keep."""

    text: Text
    color: Literal["red", "blue"] = "red"
    count: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    metadata: dict[str, Any] = {}


class NewNotes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Several notes to keep."""

    notes: Annotated[list[NewNote], Meta(min_length=1, max_length=50)]


class NoteChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The changed fields of a note."""

    text: Text | UnsetType = UNSET
    count: Annotated[int, Meta(ge=0)] | UnsetType | None = UNSET


class Kept(Struct, frozen=True):
    """The value that arrived in a handler, and its type."""

    form: str
    texts: list[str]


NOTE = Note(id=NOTE_ID, text="milk", created_at=THEN, version=7)


@get("/notes", opt={"scope": "read"}, tags=["Schema"])
async def list_notes(
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
    cursor: FromQuery[str | None] = None,
    search: FromQuery[str | None] = None,
    of: FromQuery[UUID | None] = None,
) -> ListPage[Note]:
    """List the notes."""
    assert cursor is None or of is None
    return ListPage(
        [NOTE] if search in {None, "milk"} else [], limit=limit, next_cursor="x"
    )


@get("/notes/found", opt={"scope": "read"}, tags=["Schema"])
async def find_note(text: FromQuery[str]) -> Answer[Kept]:
    """Find a note by its text, which must be given."""
    return Answer(Kept("found", [text]))


@get("/notes/ranked", opt={"scope": "read"}, tags=["Schema"])
async def rank_notes() -> CountedList[Note]:
    """Rank the notes."""
    return CountedList([NOTE], total_count=3, limit=1, offset=2)


@get("/notes/counted", opt={"scope": "read", "has_basis": True}, tags=["Schema"])
async def count_notes() -> Answer[Note]:
    """Count the notes, and return the basis of the number."""
    return Answer(NOTE)


@get("/notes/summed", opt={"scope": "read", "has_basis": True}, tags=["Schema"])
async def sum_up_notes() -> CountedList[Note]:
    """Sum up the notes, and return the basis of the numbers."""
    return CountedList([NOTE], total_count=3, limit=1, offset=2)


@get("/notes/since", opt={"scope": "read"}, tags=["Schema"])
async def notes_since() -> PositionPage[Note]:
    """List the notes after a position."""
    return PositionPage([NOTE], limit=1, next_after=7)


@get("/notes/{note_id:uuid}", opt={"scope": "read"}, tags=["Schema"])
async def get_note(note_id: FromPath[UUID]) -> Answer[Note]:
    """Read a note."""
    if note_id != NOTE_ID:
        raise errors.NotFoundError("note")
    return Answer(NOTE, version=NOTE.version)


@post(
    "/notes",
    opt={"scope": "write", "errors": [Code.HANDLE_TAKEN]},
    responses={200: ResponseSpec(Kept, description="It was there already.")},
    tags=["Schema"],
)
async def add_notes(data: OneOf[NewNote | NewNotes]) -> Answer[Note | Kept]:
    """Add one note, or several.

    Each is kept as it came.
    """
    notes = data.notes if isinstance(data, NewNotes) else [data]
    kept = Kept(type(data).__name__, [note.text for note in notes])
    return Answer(kept, headers={"Goatherd-Position": "41"})


@patch("/notes/{note_id:uuid}", opt={"scope": "write"}, tags=["Schema"])
async def change_note(
    request: Request, note_id: FromPath[UUID], data: JSONBody[NoteChange]
) -> Answer[Note]:
    """Change a note."""
    assert (note_id, type(data)) == (NOTE_ID, NoteChange)
    if request.if_match is not None:
        request.if_match.require(NOTE.version)
    return Answer(NOTE, version=8, headers={"Goatherd-Position": "42"})


@put("/notes/{note_id:uuid}/tags", opt={"scope": "write"}, tags=["Schema"])
async def tag_note(
    note_id: FromPath[UUID], data: JSONBody[NoteChange | None] = None
) -> Answer[bool]:
    """Tag a note, by default with nothing."""
    assert note_id == NOTE_ID
    return Answer(data is None)


@delete(
    "/notes/{note_id:uuid}", opt={"scope": "write"}, status_code=200, tags=["Schema"]
)
async def remove_note(note_id: FromPath[UUID]) -> Answer[Note]:
    """Remove a note."""
    assert note_id == NOTE_ID
    return Answer(NOTE, version=9)


@put("/names/{name:str}", opt={"scope": "admin"}, tags=["Administration"])
async def put_name(request: Request, name: FromPath[str]) -> Answer[str]:
    """Keep a name."""
    return Answer(f"{request.principal.key_id}: {name}")


@get("/echo", opt={"scope": None}, tags=["Operations"])
async def echo(request: Request) -> Answer[list[str]]:
    """Return the context of the request."""
    return Answer([request.request_id, str(request.context.correlation_id)])


FAILURES: dict[str, Callable[[], Exception]] = {
    "unforeseen": lambda: RuntimeError("the password is hunter2"),
    "library": lambda: psycopg.OperationalError("no route to 10.1.2.3"),
    "pool": lambda: psycopg_pool.PoolTimeout("no connection to 10.1.2.3"),
    "limit": lambda: errors.LimitReachedError("max_notes", current=5, maximum=5),
    "window": errors.InvalidWindowError,
    "stale": lambda: errors.StaleVersionError(8),
    "taken": lambda: errors.HandleTakenError("ada"),
    "gone": lambda: ApiError(Code.GONE, "Use GET /api/v1/analytics instead."),
}


@get("/fail/{kind:str}", opt={"scope": None}, sync_to_thread=True, tags=["Operations"])
def fail(kind: FromPath[str]) -> Answer[None]:
    """Fail."""
    error = FAILURES[kind]()
    raise error


@get("/old/{name:str}", opt={"scope": None, "is_gone": True}, tags=["Schema"])
async def get_old(name: FromPath[str]) -> Answer[None]:
    """Gone: use GET /notes."""
    raise ApiError(Code.GONE, f"Use GET /api/v1/notes instead of {name}.")


ROUTES: list[ControllerRouterHandler] = [
    list_notes,
    find_note,
    rank_notes,
    count_notes,
    sum_up_notes,
    notes_since,
    get_note,
    add_notes,
    change_note,
    tag_note,
    remove_note,
    put_name,
    echo,
    fail,
    get_old,
]


class Keyring:
    """The keys that work, and how often each was looked up."""

    def __init__(self) -> None:
        self._principals: dict[bytes, Principal] = {}
        self.lookups = 0

    def add(
        self,
        number: int,
        *scopes: Scope,
        limits: Limits | None = None,
        organization_id: UUID = ORGANIZATION_ID,
    ) -> dict[str, str]:
        """Let a key in and return the header it is sent in."""
        key = f"tga_{number:064x}"
        self._principals[_digest(key)] = Principal(
            key_id=UUID(int=number),
            organization_id=organization_id,
            scopes=frozenset(scopes),
            plan="tiny",
            limits=limits or Limits(),
        )
        return {"Authorization": f"Bearer {key}"}

    def revoke(self, header: dict[str, str]) -> None:
        del self._principals[_digest(header["Authorization"].removeprefix("Bearer "))]

    async def find(self, digest: bytes) -> Principal | None:
        self.lookups += 1
        return self._principals.get(digest)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def tiny_app(
    keyring: Keyring,
    *,
    routes: Sequence[ControllerRouterHandler] = ROUTES,
    pages: Sequence[ControllerRouterHandler] = (),
    pool: AsyncPool | None = None,
    attempts: FailedLogins | None = None,
    clock: Callable[[], float] = lambda: 0.0,
    checks: Sequence[tuple[str, Check]] = (),
    warnings: Sequence[tuple[str, Check]] = (),
    cors_origins: Sequence[str] = (),
    lifespan: Sequence[Lifespan] = (),
) -> Litestar:
    """Return the application; by default time stands still for the cache of keys."""
    return create_app(
        AppConfig(
            routes=routes,
            pages=pages,
            authenticator=Authenticator(keyring.find, clock=clock),
            limiter=RequestLimiter(pool or own_pool(NO_DATABASE, size=1)),
            attempts=attempts or FailedLogins(clock=clock),
            checks=checks,
            warnings=warnings,
            entities={"note": Note},
            registry=CollectorRegistry(),
            version="0.1.0",
            cors_origins=cors_origins,
            lifespan=lifespan,
        )
    )


def served() -> Litestar:
    """Return the application for a server of its own; key 1 may do everything."""
    keyring = Keyring()
    keyring.add(1, "read", "write", "admin")
    return tiny_app(keyring)
